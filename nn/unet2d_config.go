package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// UNet2DConfig describes the network that the diffusers library calls UNet2DModel; the
// fields have the names and the meaning of its config.json.
type UNet2DConfig struct {
	ImageSize      int      `json:"image_size,omitempty"` // sample_size: height and width of the training images
	InChannels     int      `json:"in_channels"`
	OutChannels    int      `json:"out_channels"`
	Center         bool     `json:"center_input_sample,omitempty"` // the layers see 2x − 1
	Embedding      string   `json:"time_embedding_type"`           // positional, fourier (of ln t; the output is divided by t) or learned
	EmbDim         int      `json:"time_embedding_dim"`
	Times          int      `json:"num_train_timesteps,omitempty"` // learned: rows of the table, t = 0, 1, …
	FreqShift      int      `json:"freq_shift,omitempty"`          // positional: 0 or 1
	CosFirst       bool     `json:"flip_sin_to_cos,omitempty"`     // positional
	Channels       []int    `json:"block_out_channels"`
	Down           []string `json:"down_block_types"` // DownBlock2D or AttnDownBlock2D, one for every level
	Up             []string `json:"up_block_types"`   // UpBlock2D or AttnUpBlock2D, the lowest level first
	Mid            string   `json:"mid_block_type,omitempty"`
	MidAttention   bool     `json:"add_attention,omitempty"`
	MidScale       float64  `json:"mid_block_scale_factor"`         // what divides the residual sums of the middle
	MidGroups      int      `json:"attn_norm_num_groups,omitempty"` // of its attention; 0: Groups, or no normalisation with scale_shift
	Layers         int      `json:"layers_per_block"`               // per level of the encoder; the decoder has one more
	DownPadding    int      `json:"downsample_padding"`             // 1, or 0: a row below and a column on the right
	DownType       string   `json:"downsample_type"`                // of AttnDownBlock2D: conv or resnet
	UpType         string   `json:"upsample_type"`                  // of AttnUpBlock2D: conv or resnet
	Dropout        float64  `json:"dropout,omitempty"`
	HeadDim        int      `json:"attention_head_dim,omitempty"` // 0: one head of all channels
	Groups         int      `json:"norm_num_groups"`
	Eps            float64  `json:"norm_eps"`
	TimeShift      string   `json:"resnet_time_scale_shift"` // default: the embedding shifts; scale_shift: it scales and shifts
	ClassEmbedding string   `json:"class_embed_type,omitempty"`
	NumClasses     int      `json:"num_class_embeds,omitempty"` // 0: unconditional
}

func (c *UNet2DConfig) clone() *UNet2DConfig {
	d := *c
	d.Channels, d.Down, d.Up = slices.Clone(c.Channels), slices.Clone(c.Down), slices.Clone(c.Up)
	return &d
}

// choice returns an error unless v is one of the values.
func choice(name, v string, of ...string) error {
	if !slices.Contains(of, v) {
		return fmt.Errorf("%s is %.60q, which is not supported; want %s", name, v, strings.Join(of, " or "))
	}
	return nil
}

func (c *UNet2DConfig) validate() error {
	n := len(c.Channels)
	err := first(within("sample_size", c.ImageSize, 0, maxWidth), within("in_channels", c.InChannels, 1, maxWidth), within("out_channels", c.OutChannels, 1, maxWidth),
		within("number of block_out_channels", n, 1, 10), within("layers_per_block", c.Layers, 1, 64),
		choice("time_embedding_type", c.Embedding, "positional", "fourier", "learned"), within("freq_shift", c.FreqShift, 0, 1),
		within("downsample_padding", c.DownPadding, 0, 1), choice("downsample_type", c.DownType, "conv", "resnet"), choice("upsample_type", c.UpType, "conv", "resnet"),
		choice("resnet_time_scale_shift", c.TimeShift, "default", "scale_shift"), choice("mid_block_type", c.Mid, "UNetMidBlock2D", ""),
		within("attention_head_dim", c.HeadDim, 0, maxWidth), within("norm_num_groups", c.Groups, 1, maxWidth), within("attn_norm_num_groups", c.MidGroups, 0, maxWidth),
		within("num_class_embeds", c.NumClasses, 0, 1<<20))
	switch {
	case err != nil:
		return err
	case len(c.Down) != n || len(c.Up) != n:
		return fmt.Errorf("%d down_block_types and %d up_block_types for %d block_out_channels; want one of each per level", len(c.Down), len(c.Up), n)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("dropout is %v; want 0 ≤ p < 1", c.Dropout)
	case !(c.Eps >= 1e-12 && c.Eps <= 1):
		return fmt.Errorf("norm_eps is %v; want 1e-12 to 1", c.Eps)
	case !(c.MidScale >= 1e-6 && c.MidScale <= 1e6):
		return fmt.Errorf("mid_block_scale_factor is %v; want a positive number, 1 is usual", c.MidScale)
	}
	for i, channels := range c.Channels {
		if err := first(within(fmt.Sprintf("block_out_channels[%d]", i), channels, 2, maxWidth), choice(fmt.Sprintf("down_block_types[%d]", i), c.Down[i], "DownBlock2D", "AttnDownBlock2D"),
			choice(fmt.Sprintf("up_block_types[%d]", i), c.Up[i], "UpBlock2D", "AttnUpBlock2D")); err != nil {
			return err
		}
	}
	if err := first(within("time_embedding_dim", c.EmbDim, 1, 1<<16), c.checkTime(), c.checkClasses()); err != nil {
		return err
	}
	if c.ImageSize > 0 {
		if err := fits(n, c.ImageSize, c.ImageSize); err != nil {
			return err
		}
	}
	return c.checkChannels()
}

// checkTime checks what the embedding of the time needs.
func (c *UNet2DConfig) checkTime() error {
	switch wide := c.Channels[0]; {
	case c.Embedding == "learned":
		return within("num_train_timesteps", c.Times, 1, 1<<20)
	case c.Times != 0:
		return fmt.Errorf("num_train_timesteps %d with time_embedding_type %s; it belongs to learned: leave it out", c.Times, c.Embedding)
	case c.Embedding == "fourier" && (c.CosFirst || c.FreqShift != 0):
		return fmt.Errorf("flip_sin_to_cos or freq_shift with time_embedding_type fourier, which has neither: leave them out")
	case c.Embedding == "positional" && (wide%2 != 0 || wide/2 <= c.FreqShift):
		return fmt.Errorf("block_out_channels[0] is %d; want an even number (half sines, half cosines) above %d", wide, 2*c.FreqShift)
	}
	return nil
}

// checkClasses checks how the network takes classes.
func (c *UNet2DConfig) checkClasses() error {
	if err := choice("class_embed_type", c.ClassEmbedding, "", "timestep"); err != nil {
		return fmt.Errorf("%w (others take vectors, which samples here do not have)", err)
	}
	switch {
	case c.ClassEmbedding == "":
	case c.NumClasses == 0:
		return fmt.Errorf("class_embed_type %s without num_class_embeds, so that it is not known how many classes there are: give it", c.ClassEmbedding)
	case c.Embedding == "fourier":
		return fmt.Errorf("class_embed_type timestep with time_embedding_type fourier is not supported: class 0 has no logarithm")
	case c.Embedding == "learned": // one table of two uses, whose gradients would depend on how a batch is split
		return fmt.Errorf("class_embed_type timestep with time_embedding_type learned is not supported")
	}
	return nil
}

// checkChannels checks that groups and heads divide the channels of every layer.
func (c *UNet2DConfig) checkChannels() error {
	p := &Params{}
	u := newUNet2D(c, p)
	for _, n := range p.norms {
		if n.w.n%n.groups != 0 {
			return fmt.Errorf("%s has %d channels, which %d groups do not divide (norm_num_groups, attn_norm_num_groups)", n.w.Name, n.w.n, n.groups)
		}
	}
	for _, a := range u.attentions() {
		if channels := a.proj.w.Shape[0]; a.heads == 0 || channels%a.heads != 0 || c.HeadDim > 0 && channels%c.HeadDim != 0 {
			return fmt.Errorf("attention_head_dim is %d, which does not divide the %d channels of %s", c.HeadDim, channels, a.proj.w.Name)
		}
		if d := a.proj.w.Shape[0] / a.heads; d > maxHead {
			return fmt.Errorf("heads of %d channels (attention_head_dim) in %s; attention here takes at most %d", d, a.proj.w.Name, maxHead)
		}
	}
	return nil
}

// factor returns what a residual sum that is divided by f is multiplied by.
func factor(f float64) float64 {
	if f == 1 || math.IsInf(f, 0) {
		return 1
	}
	return 1 / f
}
