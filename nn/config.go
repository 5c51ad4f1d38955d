package nn

import (
	"fmt"
	"slices"
	"strings"
)

// A Config describes one network; exactly one field is set. Its JSON is part
// of a checkpoint.
type Config struct {
	UNet   *UNetConfig   `json:"unet,omitempty"`   // images: the U-Net of the DLPM code
	Song   *SongConfig   `json:"song,omitempty"`   // images: the U-Net of the EDM and t-EDM code
	UNet2D *UNet2DConfig `json:"unet2d,omitempty"` // images: the U-Net of diffusers
	MLP    *MLPConfig    `json:"mlp,omitempty"`    // points
}

// UNetConfig describes the U-Net of the DLPM and improved-diffusion code.
type UNetConfig struct {
	InChannels    int     `json:"in_channels"`                     // of the noisy images
	OutChannels   int     `json:"out_channels"`                    // of the estimate
	CondChannels  int     `json:"cond_channels,omitempty"`         // of conditioning images, see Extra
	ModelChannels int     `json:"model_channels"`                  // M; the embedding has 4M values
	ChannelMult   []int   `json:"channel_mult"`                    // channels of level i are M·ChannelMult[i]
	NumResBlocks  int     `json:"num_res_blocks"`                  // per level of the encoder; the decoder has one more
	AttentionDS   []int   `json:"attention_ds,omitempty"`          // attention at these downsampling factors (published form)
	AttentionRes  []int   `json:"attention_resolutions,omitempty"` // and at these sizes in pixels, of an image of ImageSize
	NumHeads      int     `json:"num_heads"`
	Dropout       float64 `json:"dropout,omitempty"`
	NumClasses    int     `json:"num_classes,omitempty"` // 0: unconditional
	TimeScale     float64 `json:"time_scale"`            // t is multiplied by it before the embedding: 1 as published, 1000 fixed
	ImageSize     int     `json:"image_size,omitempty"`  // height and width of the training images
	Magnitude     bool    `json:"magnitude,omitempty"`   // the output grows with x (see magnitude.go): one more input channel
}

// MLPConfig describes the network for points of a few dimensions.
type MLPConfig struct {
	Dim       int     `json:"dim"`        // values of a point
	Units     int     `json:"units"`      // width of the hidden layers
	Blocks    int     `json:"blocks"`     // hidden blocks
	TimeEmb   int     `json:"time_emb"`   // values of the embedding of the time
	TimeScale float64 `json:"time_scale"` // 0: a learnt line in t as published; otherwise sines and cosines of TimeScale·t
	// Magnitude passes |x| through (see mlp.go). Without it, as published, the
	// LayerNorm after the first layer bounds the output for every x.
	Magnitude  bool    `json:"magnitude,omitempty"`
	TailRadius float64 `json:"tail_radius,omitempty"` // Magnitude: beyond this |x| the output may grow with x
	// Conditions is how many values beside x the network is conditioned on, see Extra.
	Conditions int `json:"conditions,omitempty"`
	// Spread gives the network a second output of Dim values after the first, such as
	// the logarithms of the variances that diffusion.Loss.SpreadLoss learns.
	Spread bool `json:"spread,omitempty"`
	// Hidden makes it the plain network of plain.go with layers of these
	// widths; then Dim and Spread are the only other fields.
	Hidden []int `json:"hidden,omitempty"`
}

// presets holds the published networks and this project's small one.
var presets = map[string]Config{
	"tiny": {UNet: &UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 32, ChannelMult: []int{1, 2},
		NumResBlocks: 1, AttentionDS: []int{2}, NumHeads: 4, TimeScale: 1, ImageSize: 8}},
	"mnist": {UNet: &UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 32, ChannelMult: []int{1, 2, 2, 2},
		NumResBlocks: 2, AttentionDS: []int{2, 4}, NumHeads: 4, TimeScale: 1, ImageSize: 32}},
	"cifar10": {UNet: &UNetConfig{InChannels: 3, OutChannels: 3, ModelChannels: 128, ChannelMult: []int{1, 2, 2, 2},
		NumResBlocks: 2, AttentionDS: []int{4, 8, 16}, NumHeads: 4, TimeScale: 1, ImageSize: 32}},
	"cifar10_lt": {UNet: &UNetConfig{InChannels: 3, OutChannels: 3, ModelChannels: 128, ChannelMult: []int{1, 2, 2, 2},
		NumResBlocks: 2, AttentionDS: []int{16}, NumHeads: 4, TimeScale: 1, ImageSize: 32}},
	"fashion": {UNet: &UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 32, ChannelMult: []int{1, 2, 3},
		NumResBlocks: 1, AttentionDS: []int{2, 4}, NumHeads: 4, NumClasses: 10, TimeScale: 1000, ImageSize: 28, Magnitude: true}},
	"cifar10-ddpmpp": {Song: songPreset(false, 32, 3, 128, []int{2, 2, 2}, 4).published(0.13)},
	"cifar10-ncsnpp": {Song: songPreset(true, 32, 3, 128, []int{2, 2, 2}, 4).published(0.13)},
	"fashion-song":   {Song: songPreset(false, 28, 1, 32, []int{1, 2, 2}, 1).small()},
	"2d":             {MLP: &MLPConfig{Dim: 2, Units: 64, Blocks: 4, TimeEmb: 32}},
}

// Presets lists the names that Preset knows, sorted.
func Presets() []string {
	var out []string
	for name := range presets {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Preset returns a network by name: the published tiny, mnist, cifar10,
// cifar10_lt and 2d; cifar10-ddpmpp and cifar10-ncsnpp of the EDM paper; and
// fashion and fashion-song, class-conditional networks for 28×28 grey images.
// It returns an error that lists the names if there is none.
func Preset(name string) (Config, error) {
	c, ok := presets[name]
	if !ok {
		return Config{}, fmt.Errorf("no network named %q; there are %s", name, strings.Join(Presets(), ", "))
	}
	return c.Clone(), nil
}

// Clone returns a copy that shares no memory with c.
func (c Config) Clone() Config {
	if c.UNet != nil {
		u := *c.UNet
		u.ChannelMult = slices.Clone(u.ChannelMult)
		u.AttentionDS = slices.Clone(u.AttentionDS)
		u.AttentionRes = slices.Clone(u.AttentionRes)
		c.UNet = &u
	}
	if c.Song != nil {
		c.Song = c.Song.clone()
	}
	if c.UNet2D != nil {
		c.UNet2D = c.UNet2D.clone()
	}
	if c.MLP != nil {
		m := *c.MLP
		m.Hidden = slices.Clone(m.Hidden)
		c.MLP = &m
	}
	return c
}

// Fixed returns c with the known faults of the published networks put right:
// time times 1000 before the embedding; attention by resolution, where the
// published list of downsampling factors names one that is never reached and
// so must have meant pixels; the magnitude of x passed through the network.
func (c Config) Fixed() Config {
	c = c.Clone()
	if u := c.UNet; u != nil {
		u.TimeScale = 1000
		u.Magnitude = true
		if u.ImageSize > 0 && len(u.AttentionDS) > 0 && slices.Max(u.AttentionDS) > 1<<(len(u.ChannelMult)-1) {
			u.AttentionRes, u.AttentionDS = u.AttentionDS, nil
		}
	}
	if m := c.MLP; m != nil && m.Hidden == nil {
		m.TimeScale = 1000
		m.Magnitude = true
		m.TailRadius = 4
	}
	return c
}

// image returns what networks for images have in common; ok is false for
// points.
func (c Config) image() (size, channels, classes int, ok bool) {
	switch {
	case c.UNet != nil:
		return c.UNet.ImageSize, c.UNet.InChannels, c.UNet.NumClasses, true
	case c.Song != nil:
		return c.Song.ImageSize, c.Song.InChannels, c.Song.NumClasses, true
	case c.UNet2D != nil:
		return c.UNet2D.ImageSize, c.UNet2D.InChannels, c.UNet2D.NumClasses, true
	}
	return 0, 0, 0, false
}

// magnitude reports whether the output is proportional to Magnitudes.
func (c Config) magnitude() bool {
	return c.UNet != nil && c.UNet.Magnitude || c.Song != nil && c.Song.Magnitude
}

// Validate returns an error that names the first impossible value.
func (c Config) Validate() error {
	given := 0
	for _, is := range []bool{c.UNet != nil, c.Song != nil, c.UNet2D != nil, c.MLP != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return fmt.Errorf("network: exactly one of unet, song, unet2d and mlp must be given")
	case c.UNet != nil:
		if err := c.UNet.validate(); err != nil {
			return fmt.Errorf("unet: %w", err)
		}
	case c.Song != nil:
		if err := c.Song.validate(); err != nil {
			return fmt.Errorf("song: %w", err)
		}
	case c.UNet2D != nil:
		if err := c.UNet2D.validate(); err != nil {
			return fmt.Errorf("unet2d: %w", err)
		}
	default:
		if err := c.MLP.validate(); err != nil {
			return fmt.Errorf("mlp: %w", err)
		}
	}
	return nil
}

// maxWidth bounds every count in a Config, so that a damaged file cannot ask
// for memory without end.
const maxWidth = 1 << 14

func within(name string, v, lo, hi int) error {
	if v < lo || v > hi {
		return fmt.Errorf("%s is %d; want %d to %d", name, v, lo, hi)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *UNetConfig) validate() error {
	err := first(within("in_channels", u.InChannels, 1, maxWidth), within("out_channels", u.OutChannels, 1, maxWidth),
		within("cond_channels", u.CondChannels, 0, maxWidth),
		within("model_channels", u.ModelChannels, 2, maxWidth), within("number of levels", len(u.ChannelMult), 1, 10),
		within("num_res_blocks", u.NumResBlocks, 1, 64), within("num_heads", u.NumHeads, 1, maxWidth),
		within("num_classes", u.NumClasses, 0, 1<<20), within("image_size", u.ImageSize, 0, maxWidth))
	if err != nil {
		return err
	}
	if u.ModelChannels%2 != 0 {
		return fmt.Errorf("model_channels is %d; want an even number (half cosines, half sines)", u.ModelChannels)
	}
	if !(u.Dropout >= 0 && u.Dropout < 1) {
		return fmt.Errorf("dropout is %v; want 0 ≤ p < 1", u.Dropout)
	}
	if !(u.TimeScale > 0 && u.TimeScale <= 1e6) {
		return fmt.Errorf("time_scale is %v; want 1 (published) or 1000 (fixed)", u.TimeScale)
	}
	if len(u.AttentionRes) > 0 && u.ImageSize == 0 {
		return fmt.Errorf("attention_resolutions need image_size")
	}
	for i, m := range u.ChannelMult {
		if err := within(fmt.Sprintf("channel_mult[%d]", i), m, 1, 256); err != nil {
			return err
		}
	}
	if u.ImageSize > 0 {
		if err := fits(len(u.ChannelMult), u.ImageSize, u.ImageSize); err != nil {
			return err
		}
	}
	return u.checkChannels()
}

// fits reports whether an image of h×w pixels comes back to its size after
// the halvings and doublings between so many levels.
func fits(levels, h, w int) error {
	if h == 0 && w == 0 {
		return fmt.Errorf("the configuration has no image_size: give height and width")
	}
	if h < 1 || w < 1 || h > maxWidth || w > maxWidth {
		return fmt.Errorf("image of %d×%d pixels: want 1 to %d", h, w, maxWidth)
	}
	f := 1 << (levels - 1)
	if h%f != 0 || w%f != 0 {
		up := func(n int) int { return (n + f - 1) / f * f }
		return fmt.Errorf("image of %d×%d pixels: %d levels need multiples of %d, for instance %d×%d, or fewer levels",
			h, w, levels, f, up(h), up(w))
	}
	return nil
}

// attends reports whether the level with downsampling factor ds has attention.
func (u *UNetConfig) attends(ds int) bool {
	if slices.Contains(u.AttentionDS, ds) {
		return true
	}
	return u.ImageSize > 0 && u.ImageSize%ds == 0 && slices.Contains(u.AttentionRes, u.ImageSize/ds)
}

// groups returns the number of normalisation groups for c channels.
func groups(c int) int { return min(32, c) }

// checkChannels walks the channel counts as the network does and checks that
// groups and heads divide them.
func (u *UNetConfig) checkChannels() error {
	check := func(c int, attention bool) error {
		if c%groups(c) != 0 {
			return fmt.Errorf("a layer has %d channels; counts above 32 must be multiples of 32 (the groups of the normalisation)", c)
		}
		if attention && c%u.NumHeads != 0 {
			return fmt.Errorf("num_heads %d does not divide the %d channels of an attention layer", u.NumHeads, c)
		}
		return nil
	}
	c := u.ModelChannels
	skips := []int{c}
	for i, m := range u.ChannelMult {
		for range u.NumResBlocks {
			if err := first(check(c, false), check(m*u.ModelChannels, u.attends(1<<i))); err != nil {
				return err
			}
			c = m * u.ModelChannels
			skips = append(skips, c)
		}
		if i < len(u.ChannelMult)-1 {
			skips = append(skips, c)
		}
	}
	if err := check(c, true); err != nil {
		return err
	}
	for i := len(u.ChannelMult) - 1; i >= 0; i-- {
		for range u.NumResBlocks + 1 {
			cat := c + skips[len(skips)-1]
			skips = skips[:len(skips)-1]
			c = u.ChannelMult[i] * u.ModelChannels
			if err := first(check(cat, false), check(c, u.attends(1<<i))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *MLPConfig) validate() error {
	if m.Hidden != nil {
		return m.validatePlain()
	}
	err := first(within("dim", m.Dim, 1, 4096), within("units", m.Units, 1, maxWidth),
		within("blocks", m.Blocks, 0, 1024), within("time_emb", m.TimeEmb, 1, maxWidth), within("conditions", m.Conditions, 0, 4096))
	if err != nil {
		return err
	}
	if !(m.TimeScale >= 0 && m.TimeScale <= 1e6) {
		return fmt.Errorf("time_scale is %v; want 0 (published) or 1000 (fixed)", m.TimeScale)
	}
	if m.TimeScale > 0 && m.TimeEmb%2 != 0 {
		return fmt.Errorf("time_emb is %d; want an even number (half cosines, half sines)", m.TimeEmb)
	}
	if m.Magnitude && !(m.TailRadius > 0 && m.TailRadius <= 1e6) {
		return fmt.Errorf("tail_radius is %v; want the radius beyond which no data lies, for instance 4", m.TailRadius)
	}
	return nil
}
