package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// songPrefix returns what comes before the names of a SongUNet's tensors:
// "model." if its preconditioner was saved, "" if the network was; ok is false
// for other networks.
func (c *Checkpoint) songPrefix() (prefix string, ok bool) {
	for _, p := range []string{"model.", ""} {
		if c.has(p + "map_layer0.weight") {
			return p, true
		}
	}
	return "", false
}

// inferSong finds the configuration of a SongUNet from names and shapes. What
// they do not show is taken as published: one head, √½, no dropout.
func (c *Checkpoint) inferSong(prefix string) (Config, error) {
	s := &SongConfig{NumHeads: 1, Embedding: "positional", Encoder: "standard", Filter: []int{1, 1}, SkipScale: math.Sqrt(0.5), TimeScale: 1}
	for name := range c.entries {
		var r, q int
		rest, ok := strings.CutPrefix(name, prefix+"enc.")
		if n, _ := fmt.Sscanf(rest, "%dx%d_", &r, &q); ok && n == 2 && strings.HasSuffix(rest, "_conv.weight") {
			s.ImageSize = r
		}
		if ok && strings.HasSuffix(rest, ".resample_filter") && c.dim(name, 3) == 4 {
			s.Filter = []int{1, 3, 3, 1}
		}
	}
	at := func(part string, level int, name string) string {
		return fmt.Sprintf("%s%s.%[3]dx%[3]d_%s", prefix, part, s.ImageSize>>level, name)
	}
	first := at("enc", 0, "conv.weight")
	s.ModelChannels, s.InChannels = c.dim(first, 0), c.dim(first, 1)
	s.OutChannels = c.dim(at("dec", 0, "aux_conv.weight"), 0)
	if s.ModelChannels == 0 || s.OutChannels == 0 {
		return Config{}, fmt.Errorf("a SongUNet without enc.*_conv.weight and dec.*_aux_conv.weight of one image size")
	}
	if s.InChannels > s.OutChannels { // the input holds conditioning images
		s.InChannels, s.CondChannels = s.OutChannels, s.InChannels-s.OutChannels
	}
	s.NoiseMult = c.dim(prefix+"map_layer0.weight", 1) / s.ModelChannels
	s.EmbMult = c.dim(prefix+"map_layer0.weight", 0) / s.ModelChannels
	s.NumClasses, s.AugmentDim = c.dim(prefix+"map_label.weight", 1), c.dim(prefix+"map_augment.weight", 1)
	if c.has(prefix + "map_noise.freqs") {
		s.Embedding = "fourier"
	}
	for i := 0; i < 10 && c.has(at("enc", i, "block0.conv1.weight")); i++ {
		out := c.dim(at("enc", i, "block0.conv1.weight"), 0)
		s.ChannelMult = append(s.ChannelMult, out/s.ModelChannels)
		s.AdaptiveScale = c.dim(at("enc", i, "block0.affine.weight"), 0) == 2*out
		if c.has(at("enc", i, "block0.qkv.weight")) && !slices.Contains(s.AttentionRes, s.ImageSize>>i) {
			s.AttentionRes = append(s.AttentionRes, s.ImageSize>>i)
		}
		if c.has(at("enc", i, "aux_residual.weight")) {
			s.Encoder = "residual"
		}
	}
	for c.has(at("enc", 0, fmt.Sprintf("block%d.conv1.weight", s.NumBlocks))) {
		s.NumBlocks++
	}
	if c.edm != nil {
		c.edm.tell(s)
	}
	return Config{Song: s}, nil
}
