package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"

	"heavytail/internal/cli"
	"heavytail/nn"
	"heavytail/recipe"
)

// A setting is a flag that changes a recipe.
type setting struct {
	name  string
	when  phase
	value flag.Value
	set   func(r *recipe.Recipe) error
	// holds reports whether a finished recipe has the value already, for
	// settings that a recipe does not hold as they are; nil: set then changes
	// nothing.
	holds func(r recipe.Recipe) bool
}

// phase says whether a setting is needed to read the data, or may depend on
// what they are.
type phase int

const (
	early phase = iota
	late
)

// apply changes rec by the settings on the command line that belong to when.
func apply(rec *recipe.Recipe, all []*setting, given map[string]bool, when phase) error {
	for _, s := range all {
		if s.when == when && given[s.name] {
			if err := s.set(rec); err != nil {
				return cli.Usage("-%s: %w", s.name, err)
			}
		}
	}
	return nil
}

// scalar is a flag.Value of a type that strconv or a switch can parse.
type scalar[T any] struct {
	v     T
	text  string
	parse func(string) (T, error)
}

func (s *scalar[T]) String() string { return s.text }

func (s *scalar[T]) Set(text string) (err error) {
	s.text = text
	s.v, err = s.parse(text)
	return err
}

// boolean is a scalar that may stand alone: -flip.
type boolean struct{ scalar[bool] }

func (b *boolean) IsBoolFlag() bool { return true }

func parseInt(s string) (int, error) { return number(strconv.Atoi(s)) }
func parseUint(s string) (uint64, error) {
	v, err := strconv.ParseUint(s, 10, 64)
	return number(v, err)
}
func parseFloat(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && v-v != 0 {
		err = strconv.ErrRange
	}
	return number(v, err)
}
func parseBool(s string) (bool, error) {
	v, err := strconv.ParseBool(s)
	if err != nil {
		err = fmt.Errorf("want true or false")
	}
	return v, err
}
func parseText(s string) (string, error) { return s, nil }

// number gives strconv's errors the form that the others have.
func number[T any](v T, err error) (T, error) {
	if err != nil {
		return v, fmt.Errorf("want a number in range")
	}
	return v, nil
}

// list parses values separated by commas; "none" is the empty list.
func list[T any](parse func(string) (T, error)) func(string) ([]T, error) {
	return func(text string) ([]T, error) {
		if text == "none" {
			return nil, nil
		}
		var out []T
		for _, part := range strings.Split(text, ",") {
			v, err := parse(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
}

// A catalogue collects settings as they are defined.
type catalogue struct {
	fs   *flag.FlagSet
	when phase
	all  []*setting
}

func (c *catalogue) add(name, help string, v flag.Value, set func(*recipe.Recipe) error) {
	c.fs.Var(v, name, help)
	c.all = append(c.all, &setting{name: name, when: c.when, value: v, set: set})
}

// held gives the setting added last its holds.
func (c *catalogue) held(f func(recipe.Recipe) bool) { c.all[len(c.all)-1].holds = f }

// define makes a flag that sets field to its parsed value.
func define[T any](c *catalogue, name, help string, parse func(string) (T, error), field func(*recipe.Recipe) *T) {
	v := &scalar[T]{parse: parse, text: defaultOf(field)}
	c.add(name, help, v, func(r *recipe.Recipe) error {
		*field(r) = v.v
		return nil
	})
}

func toggle(c *catalogue, name, help string, field func(*recipe.Recipe) *bool) {
	v := &boolean{scalar[bool]{parse: parseBool, text: defaultOf(field)}}
	c.add(name, help, v, func(r *recipe.Recipe) error {
		*field(r) = v.v
		return nil
	})
}

// unet makes a flag that sets a field of the U-Net or the SongUNet, an error
// for the MLP.
func unet[T any](c *catalogue, name, help string, parse func(string) (T, error), field func(*nn.UNetConfig) *T, song func(*nn.SongConfig) *T) {
	v := &scalar[T]{parse: parse, text: defaultOf(func(r *recipe.Recipe) *T {
		if r.Network.UNet == nil {
			return nil
		}
		return field(r.Network.UNet)
	})}
	c.add(name, help, v, func(r *recipe.Recipe) error {
		switch {
		case r.Network.UNet != nil:
			*field(r.Network.UNet) = v.v
		case r.Network.Song != nil:
			*song(r.Network.Song) = v.v
		case r.Network.UNet2D != nil:
			return fmt.Errorf("the network of a diffusers model is as it is; leave it out")
		default:
			return fmt.Errorf("the network for points has no such setting; leave it out")
		}
		return nil
	})
}

// recipeFlags defines every flag that changes a recipe. Their default is the
// preset's value.
func recipeFlags(fs *flag.FlagSet) []*setting {
	type R = recipe.Recipe
	c := &catalogue{fs: fs}
	dataFlags(c)
	processFlag(c)
	define(c, "seed", "`seed` of the start weights, the order and the noise", parseUint, func(r *R) *uint64 { return &r.Train.Seed })
	c.when = late
	standardizeFlag(c)
	transformFlag(c)
	toggle(c, "flip", "mirror half of the images", func(r *R) *bool { return &r.Data.Flip })

	processFlags(c)

	define(c, "steps", "training steps", parseInt, func(r *R) *int { return &r.Train.Steps })
	define(c, "batch", "samples per step", parseInt, func(r *R) *int { return &r.Train.Batch })
	define(c, "micro", "samples at a time: less memory, the same result (0: those that fit the caches; the whole batch with -outer or -inner)", parseInt, func(r *R) *int { return &r.Train.Micro })
	define(c, "lr", "highest learning `rate`", parseFloat, func(r *R) *float64 { return &r.Train.Rate.LR })
	scheduleFlag(c)
	define(c, "warmup", "`steps` over which the learning rate rises", parseInt, func(r *R) *int { return &r.Train.Rate.Warmup })
	define(c, "lr-every", "schedule step: `steps` between two reductions", parseInt, func(r *R) *int { return &r.Train.Rate.Every })
	define(c, "lr-gamma", "schedule step: factor of a reduction", parseFloat, func(r *R) *float64 { return &r.Train.Rate.Gamma })
	define(c, "beta1", "AdamW: decay of the mean of gradients", parseFloat, func(r *R) *float64 { return &r.Train.Beta1 })
	define(c, "beta2", "AdamW: decay of the mean of their squares", parseFloat, func(r *R) *float64 { return &r.Train.Beta2 })
	define(c, "eps", "AdamW: added to the root", parseFloat, func(r *R) *float64 { return &r.Train.Eps })
	define(c, "weight-decay", "AdamW: weight decay", parseFloat, func(r *R) *float64 { return &r.Train.WeightDecay })
	define(c, "clip", "bound of the gradient's norm (0: none)", parseFloat, func(r *R) *float64 { return &r.Train.Clip })
	emaFlag(c)
	define(c, "ema-warmup", "`c` of the averages' warm-up: step n, from 0, has the rate min(rate, (1+n)/(c+n)) (0: none, the papers')", parseFloat, func(r *R) *float64 { return &r.Train.EMAWarmup })
	define(c, "label-drop", "share of samples trained without their class", parseFloat, func(r *R) *float64 { return &r.Train.LabelDrop })

	define(c, "loss", "`root`, huber, weighted (a square that learns the mean for every alpha), squared or p", parseText, func(r *R) *string { return (*string)(&r.Train.Loss.Kind) })
	define(c, "p", "loss p: the exponent", parseFloat, func(r *R) *float64 { return &r.Train.Loss.P })
	toggle(c, "median", "median over the outer copies instead of their mean", func(r *R) *bool { return &r.Train.Loss.Median })
	define(c, "outer", "copies of each sample with a heavy-tailed factor of their own", parseInt, func(r *R) *int { return &r.Train.Loss.Outer })
	define(c, "inner", "copies of each of those that share the factor", parseInt, func(r *R) *int { return &r.Train.Loss.Inner })

	unet(c, "width", "U-Net: `channels` of the first level", parseInt, func(u *nn.UNetConfig) *int { return &u.ModelChannels },
		func(s *nn.SongConfig) *int { return &s.ModelChannels })
	unet(c, "mult", "U-Net: factors of the levels' channels, a `list` such as 1,2,2", list(parseInt), func(u *nn.UNetConfig) *[]int { return &u.ChannelMult },
		func(s *nn.SongConfig) *[]int { return &s.ChannelMult })
	unet(c, "blocks", "U-Net: residual blocks per level", parseInt, func(u *nn.UNetConfig) *int { return &u.NumResBlocks },
		func(s *nn.SongConfig) *int { return &s.NumBlocks })
	unet(c, "attention", "U-Net: attention at these downsampling factors (SongUNet: sizes in pixels), a `list` or none", list(parseInt), func(u *nn.UNetConfig) *[]int { return &u.AttentionDS },
		func(s *nn.SongConfig) *[]int { return &s.AttentionRes })
	unet(c, "heads", "U-Net: attention heads", parseInt, func(u *nn.UNetConfig) *int { return &u.NumHeads },
		func(s *nn.SongConfig) *int { return &s.NumHeads })
	unet(c, "dropout", "U-Net: dropout in the residual blocks", parseFloat, func(u *nn.UNetConfig) *float64 { return &u.Dropout },
		func(s *nn.SongConfig) *float64 { return &s.Dropout })
	fixedFlag(c)
	return c.all
}
