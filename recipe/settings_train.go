package recipe

import (
	"fmt"
	"reflect"

	"heavytail/internal/parse"
	"heavytail/nn"
)

// trainSettings are those of the optimiser and the loss.
func trainSettings() []Setting {
	type R = Recipe
	return []Setting{
		field("steps", "training steps", parse.Int, func(r *R) *int { return &r.Train.Steps }),
		field("batch", "samples per step", parse.Int, func(r *R) *int { return &r.Train.Batch }),
		field("micro", "samples at a time: less memory, the same result (0: those that fit the caches; the whole batch with -outer or -inner)", parse.Int, func(r *R) *int { return &r.Train.Micro }),
		field("lr", "highest learning `rate`", parse.Float, func(r *R) *float64 { return &r.Train.Rate.LR }),
		scheduleSetting(),
		field("warmup", "`steps` over which the learning rate rises", parse.Int, func(r *R) *int { return &r.Train.Rate.Warmup }),
		field("lr-every", "schedule step: `steps` between two reductions", parse.Int, func(r *R) *int { return &r.Train.Rate.Every }),
		field("lr-gamma", "schedule step: factor of a reduction", parse.Float, func(r *R) *float64 { return &r.Train.Rate.Gamma }),
		field("beta1", "AdamW: decay of the mean of gradients", parse.Float, func(r *R) *float64 { return &r.Train.Beta1 }),
		field("beta2", "AdamW: decay of the mean of their squares", parse.Float, func(r *R) *float64 { return &r.Train.Beta2 }),
		field("eps", "AdamW: added to the root", parse.Float, func(r *R) *float64 { return &r.Train.Eps }),
		field("weight-decay", "AdamW: weight decay", parse.Float, func(r *R) *float64 { return &r.Train.WeightDecay }),
		field("clip", "bound of the gradient's norm (0: none)", parse.Float, func(r *R) *float64 { return &r.Train.Clip }),
		own("ema", "rates of averaged weights, a `list`, or none; samples use the last", defaultOf(func(r *R) *[]float64 { return &r.Train.EMA }), parse.List(parse.Float), func(r *R, rates []float64) error {
			if r.Train.EMA = rates; len(rates) == 0 {
				r.Train.EMAWarmup = 0 // there is none to warm up
			}
			return nil
		}, nil),
		field("ema-warmup", "`c` of the averages' warm-up: step n, from 0, has the rate min(rate, (1+n)/(c+n)) (0: none, the papers')", parse.Float, func(r *R) *float64 { return &r.Train.EMAWarmup }),
		field("label-drop", "share of samples trained without their class", parse.Float, func(r *R) *float64 { return &r.Train.LabelDrop }),

		field("loss", "`root`, huber, weighted (a square that learns the mean for every alpha), squared or p", parse.Text, func(r *R) *string { return (*string)(&r.Train.Loss.Kind) }),
		field("p", "loss p: the exponent", parse.Float, func(r *R) *float64 { return &r.Train.Loss.P }),
		field("median", "median over the outer copies instead of their mean", parse.Bool, func(r *R) *bool { return &r.Train.Loss.Median }),
		field("outer", "copies of each sample with a heavy-tailed factor of their own", parse.Int, func(r *R) *int { return &r.Train.Loss.Outer }),
		field("inner", "copies of each of those that share the factor", parse.Int, func(r *R) *int { return &r.Train.Loss.Inner }),
		own("spread", "points of dlpm, edm, tedm: a second output for the variance, for sample -method dlpm-posterior, tedm-ancestral and tedm-sde", "false", parse.Bool, func(r *Recipe, spread bool) error {
			if r.Network.MLP == nil {
				return fmt.Errorf("networks for images have no second output; leave it out")
			}
			r.Network.MLP.Spread = spread
			return nil
		}, func(r Recipe, spread bool) bool { return r.Spread() == spread }),
	}
}

// scheduleSetting is the kind of the learning rate's schedule. What belongs to the
// preset's schedule and not to the new one goes with it.
func scheduleSetting() Setting {
	return own("schedule", "learning rate: constant, `step` (with -lr-every and -lr-gamma), linear or cosine", defaultOf(func(r *Recipe) *string { return (*string)(&r.Train.Rate.Kind) }), parse.Text,
		func(r *Recipe, text string) error {
			s := &r.Train.Rate
			if kind := nn.ScheduleKind(text); kind != s.Kind {
				*s = nn.Schedule{Kind: kind, LR: s.LR, Warmup: s.Warmup}
			}
			return nil
		}, nil)
}

// networkSettings are those of the U-Net and the SongUNet.
func networkSettings() []Setting {
	return []Setting{
		unet("width", "U-Net: `channels` of the first level", parse.Int, func(u *nn.UNetConfig) *int { return &u.ModelChannels },
			func(s *nn.SongConfig) *int { return &s.ModelChannels }),
		unet("mult", "U-Net: factors of the levels' channels, a `list` such as 1,2,2", parse.List(parse.Int), func(u *nn.UNetConfig) *[]int { return &u.ChannelMult },
			func(s *nn.SongConfig) *[]int { return &s.ChannelMult }),
		unet("blocks", "U-Net: residual blocks per level", parse.Int, func(u *nn.UNetConfig) *int { return &u.NumResBlocks },
			func(s *nn.SongConfig) *int { return &s.NumBlocks }),
		unet("attention", "U-Net: attention at these downsampling factors (SongUNet: sizes in pixels), a `list` or none", parse.List(parse.Int), func(u *nn.UNetConfig) *[]int { return &u.AttentionDS },
			func(s *nn.SongConfig) *[]int { return &s.AttentionRes }),
		unet("heads", "U-Net: attention heads", parse.Int, func(u *nn.UNetConfig) *int { return &u.NumHeads },
			func(s *nn.SongConfig) *int { return &s.NumHeads }),
		unet("dropout", "U-Net: dropout in the residual blocks", parse.Float, func(u *nn.UNetConfig) *float64 { return &u.Dropout },
			func(s *nn.SongConfig) *float64 { return &s.Dropout }),
		own("fixed", "a published network with its known faults repaired", "false", parse.Bool, func(r *Recipe, fixed bool) error {
			switch {
			case !fixed:
			case isFixed(*r):
				return fmt.Errorf("preset %s has no known fault; leave it out", r.Preset)
			default:
				r.Network = r.Network.Fixed()
			}
			return nil
		}, func(r Recipe, fixed bool) bool { return !fixed || isFixed(r) }),
	}
}

func isFixed(r Recipe) bool { return reflect.DeepEqual(r.Network.Fixed(), r.Network) }

// unet is a field of the U-Net or the SongUNet, an error for other networks.
func unet[T any](name, help string, parse func(string) (T, error), of func(*nn.UNetConfig) *T, song func(*nn.SongConfig) *T) Setting {
	return setting(name, help, parse, func(r *Recipe) *T {
		switch {
		case r.Network.UNet != nil:
			return of(r.Network.UNet)
		case r.Network.Song != nil:
			return song(r.Network.Song)
		}
		return nil
	}, func(r *Recipe) error {
		if r.Network.UNet2D != nil {
			return fmt.Errorf("the network of a diffusers model is as it is; leave it out")
		}
		return fmt.Errorf("the network for points has no such setting; leave it out")
	})
}
