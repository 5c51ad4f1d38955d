package nn

import (
	"fmt"
	"slices"
)

// infer finds the configuration of a file that holds weights only. What
// shapes do not show is taken as published: four heads, no scaling of the
// time, no dropout. The image size stays open.
func (c *Checkpoint) infer() (Config, error) {
	if c.entries["input_blocks.0.0.weight"].shape != nil {
		return c.inferUNet()
	}
	if c.entries["linear_in.weight"].shape != nil || c.entries["inblock.0.weight"].shape != nil {
		return c.inferMLP()
	}
	if prefix, ok := c.songPrefix(); ok {
		return c.inferSong(prefix)
	}
	if c.has("conv_in.weight") && c.has("time_embedding.linear_1.weight") {
		return Config{}, fmt.Errorf("the weights of a network of diffusers, which do not say what it is: give the folder, or a zip of it, with its config.json and scheduler_config.json")
	}
	return Config{}, fmt.Errorf("the tensors are not those of a network known here (%d tensors, none of input_blocks.0.0.weight, linear_in.weight and model.map_layer0.weight)", len(c.entries))
}

// dim returns dimension i of a tensor, 0 if there is none.
func (c *Checkpoint) dim(name string, i int) int {
	if s := c.entries[name].shape; i < len(s) {
		return s[i]
	}
	return 0
}

func (c *Checkpoint) has(name string) bool { _, ok := c.entries[name]; return ok }

func (c *Checkpoint) inferUNet() (Config, error) {
	u := &UNetConfig{
		InChannels: c.dim("input_blocks.0.0.weight", 1), OutChannels: c.dim("out.2.weight", 0),
		ModelChannels: c.dim("input_blocks.0.0.weight", 0), NumClasses: c.dim("label_emb.weight", 0),
		NumHeads: 4, TimeScale: 1,
	}
	switch {
	case u.InChannels == u.OutChannels+1: // the channel of ln s
		u.InChannels, u.Magnitude = u.OutChannels, true
	case u.InChannels > u.OutChannels: // conditioning images
		u.InChannels, u.CondChannels = u.OutChannels, u.InChannels-u.OutChannels
	}
	if u.ModelChannels == 0 {
		return Config{}, fmt.Errorf("input_blocks.0.0.weight has shape %v", c.entries["input_blocks.0.0.weight"].shape)
	}
	ds, blocks := 1, 0
	var mult int
	for i := 1; ; i++ {
		name := fmt.Sprintf("input_blocks.%d.", i)
		if c.has(name + "0.op.weight") {
			u.ChannelMult = append(u.ChannelMult, mult)
			ds, blocks = 2*ds, 0
			continue
		}
		if !c.has(name + "0.in_layers.2.weight") {
			break
		}
		mult = c.dim(name+"0.in_layers.2.weight", 0) / u.ModelChannels
		blocks++
		if c.has(name+"1.norm.weight") && !slices.Contains(u.AttentionDS, ds) {
			u.AttentionDS = append(u.AttentionDS, ds)
		}
	}
	u.ChannelMult = append(u.ChannelMult, mult)
	u.NumResBlocks = blocks
	return Config{UNet: u}, nil
}

func (c *Checkpoint) inferMLP() (Config, error) {
	m := &MLPConfig{
		Dim: c.dim("outblocks_mean.1.weight", 0), Units: c.dim("outblocks_mean.1.weight", 1),
		TimeEmb: c.dim("time_mlp.2.weight", 0),
	}
	for c.has(fmt.Sprintf("midblocks.%d.mlp_1.1.weight", m.Blocks)) {
		m.Blocks++
	}
	m.Conditions = c.dim("given_mlp.0.weight", 1)
	if !c.has("time_emb.weight") && !c.has("time_mlp.0.weight") {
		m.TimeScale = 1000
	}
	if c.has("tail.weight") {
		m.Magnitude, m.TailRadius = true, 4
	}
	return Config{MLP: m}, nil
}
