package nn

import (
	"fmt"
	"math"
	"slices"
)

// SongConfig describes the U-Net of the EDM code, which it calls SongUNet: the
// DDPM++ and NCSN++ networks of Song et al. (2021).
type SongConfig struct {
	ImageSize     int     `json:"image_size"` // height and width of the training images; the parameters are named by it
	InChannels    int     `json:"in_channels"`
	OutChannels   int     `json:"out_channels"`
	CondChannels  int     `json:"cond_channels,omitempty"` // of conditioning images, see Extra
	NumClasses    int     `json:"num_classes,omitempty"`   // 0: unconditional
	AugmentDim    int     `json:"augment_dim,omitempty"`   // values that describe how an image was altered, see Extra
	ModelChannels int     `json:"model_channels"`          // M
	ChannelMult   []int   `json:"channel_mult"`            // channels of level i are M·ChannelMult[i]
	EmbMult       int     `json:"channel_mult_emb"`        // the embedding has M·EmbMult values; published: 4
	NumBlocks     int     `json:"num_blocks"`              // per level of the encoder; the decoder has one more
	AttentionRes  []int   `json:"attn_resolutions,omitempty"`
	NumHeads      int     `json:"num_heads"` // published: 1
	Dropout       float64 `json:"dropout,omitempty"`
	Embedding     string  `json:"embedding_type"`           // of the time: positional (DDPM++) or fourier (NCSN++)
	NoiseMult     int     `json:"channel_mult_noise"`       // it has M·NoiseMult values: 1 (DDPM++) or 2 (NCSN++)
	Encoder       string  `json:"encoder_type"`             // standard (DDPM++) or residual (NCSN++)
	Filter        []int   `json:"resample_filter"`          // [1,1] (DDPM++) or [1,3,3,1] (NCSN++)
	SkipScale     float64 `json:"skip_scale"`               // factor of every residual sum; published: √½
	AdaptiveScale bool    `json:"adaptive_scale,omitempty"` // the embedding scales and shifts after the normalisation instead of shifting before it
	TimeScale     float64 `json:"time_scale"`               // t is multiplied by it before the embedding: 1 for c_noise = ln σ/4
	Magnitude     bool    `json:"magnitude,omitempty"`      // the output grows with x (see magnitude.go): one more input channel
}

// song returns the published network of one form for images of that size.
func songPreset(ncsnpp bool, size, channels, width int, mult []int, blocks int) *SongConfig {
	c := &SongConfig{ImageSize: size, InChannels: channels, OutChannels: channels, ModelChannels: width, ChannelMult: mult,
		EmbMult: 4, NumBlocks: blocks, AttentionRes: []int{16}, NumHeads: 1, Embedding: "positional", NoiseMult: 1,
		Encoder: "standard", Filter: []int{1, 1}, SkipScale: math.Sqrt(0.5), TimeScale: 1}
	if ncsnpp {
		c.Embedding, c.NoiseMult, c.Encoder, c.Filter = "fourier", 2, "residual", []int{1, 3, 3, 1}
	}
	return c
}

// published adds what only training uses: dropout and the augmentation's input.
func (c *SongConfig) published(dropout float64) *SongConfig {
	c.Dropout, c.AugmentDim = dropout, 9
	return c
}

// small returns the network for 28×28 grey images in ten classes that trains
// on a CPU.
func (c *SongConfig) small() *SongConfig {
	c.AttentionRes, c.NumClasses = []int{14}, 10
	return c
}

func (c *SongConfig) clone() *SongConfig {
	d := *c
	d.ChannelMult, d.AttentionRes, d.Filter = slices.Clone(c.ChannelMult), slices.Clone(c.AttentionRes), slices.Clone(c.Filter)
	return &d
}

func (c *SongConfig) validate() error {
	err := first(within("image_size", c.ImageSize, 1, maxWidth), within("in_channels", c.InChannels, 1, maxWidth),
		within("out_channels", c.OutChannels, 1, maxWidth), within("cond_channels", c.CondChannels, 0, maxWidth),
		within("num_classes", c.NumClasses, 0, maxWidth), within("augment_dim", c.AugmentDim, 0, maxWidth),
		within("model_channels", c.ModelChannels, 4, maxWidth), within("number of levels", len(c.ChannelMult), 1, 10),
		within("channel_mult_emb", c.EmbMult, 1, 256), within("num_blocks", c.NumBlocks, 1, 64),
		within("num_heads", c.NumHeads, 1, maxWidth), within("channel_mult_noise", c.NoiseMult, 1, 256))
	switch {
	case err != nil:
		return err
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("dropout is %v; want 0 ≤ p < 1", c.Dropout)
	case c.Embedding != "positional" && c.Embedding != "fourier":
		return fmt.Errorf("embedding_type is %q; want positional or fourier", c.Embedding)
	case c.Encoder != "standard" && c.Encoder != "residual":
		return fmt.Errorf("encoder_type is %q; want standard or residual", c.Encoder)
	case !slices.Equal(c.Filter, []int{1, 1}) && !slices.Equal(c.Filter, []int{1, 3, 3, 1}):
		return fmt.Errorf("resample_filter is %v; want [1 1] or [1 3 3 1]", c.Filter)
	case !(c.SkipScale > 0 && c.SkipScale <= 1):
		return fmt.Errorf("skip_scale is %v; want √½ = 0.7071067811865476 (published) or 1", c.SkipScale)
	case !(c.TimeScale > 0 && c.TimeScale <= 1e6):
		return fmt.Errorf("time_scale is %v; want 1 for the noise level of EDM, 1000 for times up to 1", c.TimeScale)
	case c.noise()%2 != 0:
		return fmt.Errorf("model_channels·channel_mult_noise is %d; want an even number (half sines, half cosines)", c.noise())
	}
	for i, m := range c.ChannelMult {
		if err := within(fmt.Sprintf("channel_mult[%d]", i), m, 1, 256); err != nil {
			return err
		}
	}
	if err := fits(len(c.ChannelMult), c.ImageSize, c.ImageSize); err != nil {
		return err
	}
	return c.checkChannels()
}

// checkChannels checks that groups and heads divide the channels of every
// layer.
func (c *SongConfig) checkChannels() error {
	p := &Params{}
	newSong(c, p)
	for _, n := range p.norms {
		if n.w.n%n.groups != 0 {
			return fmt.Errorf("%s has %d channels, which %d groups do not divide; take multiples of 4 below 128 and of 32 above",
				n.w.Name, n.w.n, n.groups)
		}
	}
	for i := range c.ChannelMult {
		if w := c.ModelChannels * c.ChannelMult[i]; (c.attends(i) || i == len(c.ChannelMult)-1) && w%c.NumHeads != 0 {
			return fmt.Errorf("num_heads %d does not divide the %d channels of an attention layer", c.NumHeads, w)
		}
	}
	return nil
}

// noise returns the width of the embedding of the time.
func (c *SongConfig) noise() int { return c.ModelChannels * c.NoiseMult }

// attends reports whether level i has attention.
func (c *SongConfig) attends(i int) bool { return slices.Contains(c.AttentionRes, c.ImageSize>>i) }

// taps returns Filter normalised to the sum s.
func (c *SongConfig) taps(s float32) []float32 {
	sum := 0
	for _, f := range c.Filter {
		sum += f
	}
	out := make([]float32, len(c.Filter))
	for i, f := range c.Filter {
		out[i] = s * float32(f) / float32(sum)
	}
	return out
}
