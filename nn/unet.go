package nn

import (
	"fmt"

	"heavytail/tensor"
)

// unet is the U-Net of the DLPM code, which comes from improved-diffusion:
// two conditioned convolutions per residual block, attention at chosen
// sizes, every encoder output concatenated to a decoder input.
type unet struct {
	cfg    *UNetConfig
	time   [2]*linear
	label  *Param
	input  []block
	middle block
	output []block
	norm   *norm
	last   *conv
}

// A block is the list of layers between two points of the skip stack; absent
// parts are nil.
type block struct {
	first, down *conv
	res         []*resBlock
	att         []*attBlock // att[i] follows res[i]; nil: none
	up          *conv
}

// resBlock: h = conv(SiLU(GN(x))); h = GN(h)·(1+scale)+shift;
// out = skip(x) + conv(dropout(SiLU(h))).
type resBlock struct {
	norm1, norm2 *norm
	conv1, conv2 *conv
	emb          *linear
	skip         *conv // nil: identity
}

// attBlock: out = x + proj(attention(qkv(GN(x)))).
type attBlock struct {
	norm      *norm
	qkv, proj *conv
	heads     int
}

func (p *Params) resBlock(name string, in, emb, out int) *resBlock {
	r := &resBlock{
		norm1: p.norm(name+".in_layers.0", in),
		conv1: p.conv(name+".in_layers.2", in, out, 3, uniform, tensor.ConvOpt{}),
		emb:   p.linear(name+".emb_layers.1", emb, 2*out),
		norm2: p.norm(name+".out_layers.0", out),
		conv2: p.conv(name+".out_layers.3", out, out, 3, zeros, tensor.ConvOpt{}),
	}
	if in != out {
		r.skip = p.conv(name+".skip_connection", in, out, 1, uniform, tensor.ConvOpt{})
	}
	return r
}

func (p *Params) attBlock(name string, c, heads int) *attBlock {
	return &attBlock{
		norm: p.norm(name+".norm", c), qkv: p.point(name+".qkv", c, 3*c, uniform),
		proj: p.point(name+".proj_out", c, c, zeros), heads: heads,
	}
}

// newUNet registers the parameters in PyTorch's order.
func newUNet(cfg *UNetConfig, p *Params) *unet {
	m, levels := cfg.ModelChannels, len(cfg.ChannelMult)
	emb := 4 * m
	u := &unet{cfg: cfg}
	u.time = [2]*linear{p.linear("time_embed.0", m, emb), p.linear("time_embed.2", emb, emb)}
	if cfg.NumClasses > 0 {
		u.label = p.add("label_emb.weight", table, normal, emb, cfg.NumClasses, emb)
	}
	in := cfg.InChannels + cfg.CondChannels
	if cfg.Magnitude {
		in++
	}
	u.input = []block{{first: p.conv("input_blocks.0.0", in, m, 3, uniform, tensor.ConvOpt{})}}
	skips, c, ds := []int{m}, m, 1
	residual := func(name string, in, out int) block {
		b := block{res: []*resBlock{p.resBlock(name+".0", in, emb, out)}, att: []*attBlock{nil}}
		if cfg.attends(ds) {
			b.att[0] = p.attBlock(name+".1", out, cfg.NumHeads)
		}
		return b
	}
	for i, mult := range cfg.ChannelMult {
		for range cfg.NumResBlocks {
			u.input = append(u.input, residual(fmt.Sprintf("input_blocks.%d", len(u.input)), c, mult*m))
			c = mult * m
			skips = append(skips, c)
		}
		if i < levels-1 {
			name := fmt.Sprintf("input_blocks.%d.0.op", len(u.input))
			u.input = append(u.input, block{down: p.conv(name, c, c, 3, uniform, tensor.ConvOpt{Stride: 2})})
			skips = append(skips, c)
			ds *= 2
		}
	}
	u.middle.res = []*resBlock{p.resBlock("middle_block.0", c, emb, c), nil}
	u.middle.att = []*attBlock{p.attBlock("middle_block.1", c, cfg.NumHeads), nil}
	u.middle.res[1] = p.resBlock("middle_block.2", c, emb, c)
	for i := levels - 1; i >= 0; i-- {
		for j := range cfg.NumResBlocks + 1 {
			name := fmt.Sprintf("output_blocks.%d", len(u.output))
			b := residual(name, c+skips[len(skips)-1], cfg.ChannelMult[i]*m)
			skips = skips[:len(skips)-1]
			c = cfg.ChannelMult[i] * m
			if i > 0 && j == cfg.NumResBlocks {
				k := 1
				if b.att[0] != nil {
					k = 2
				}
				b.up = p.conv(fmt.Sprintf("%s.%d.conv", name, k), c, c, 3, uniform, tensor.ConvOpt{Up: true})
				ds /= 2
			}
			u.output = append(u.output, b)
		}
	}
	u.norm = p.norm("out.0", c)
	u.last = p.conv("out.2", c, cfg.OutChannels, 3, zeros, tensor.ConvOpt{})
	return u
}

// record records the network for images of h×w pixels.
func (u *unet) record(g *graph, h, w int) error {
	if err := fits(len(u.cfg.ChannelMult), h, w); err != nil {
		return err
	}
	x := g.image(h, w, u.cfg.InChannels, u.cfg.CondChannels, u.cfg.Magnitude)
	e := g.timestep(u.cfg.ModelChannels, u.cfg.TimeScale)
	e = g.linear(g.silu(g.linear(e, u.time[0])), u.time[1])
	if u.label != nil {
		e = g.embed(e, u.label)
	}
	e = g.silu(e)
	var skips []*value
	for i := range u.input {
		x = u.block(g, &u.input[i], x, e)
		skips = append(skips, x)
	}
	x = u.block(g, &u.middle, x, e)
	for i := range u.output {
		x = g.concat(x, skips[len(skips)-1])
		skips = skips[:len(skips)-1]
		x = u.block(g, &u.output[i], x, e)
	}
	g.out = g.conv(g.groupNorm(x, u.norm, nil, true), u.last, nil, nil)
	if u.cfg.Magnitude {
		g.out = g.rescale(g.out)
	}
	return nil
}

func (u *unet) block(g *graph, b *block, x, e *value) *value {
	if b.first != nil {
		return g.conv(x, b.first, nil, nil)
	}
	if b.down != nil {
		return g.conv(x, b.down, nil, nil)
	}
	for i, r := range b.res {
		x = u.residual(g, r, x, e)
		if a := b.att[i]; a != nil {
			y := g.attention(g.conv(g.groupNorm(x, a.norm, nil, false), a.qkv, nil, nil), a.heads)
			x = g.conv(y, a.proj, x, nil)
		}
	}
	if b.up != nil {
		x = g.conv(x, b.up, nil, nil)
	}
	return x
}

func (u *unet) residual(g *graph, r *resBlock, x, e *value) *value {
	h := g.conv(g.groupNorm(x, r.norm1, nil, true), r.conv1, nil, nil)
	h = g.groupNorm(h, r.norm2, g.linear(e, r.emb), true)
	if g.train && !g.input && u.cfg.Dropout > 0 {
		h = g.dropout(h, u.cfg.Dropout)
	}
	if r.skip == nil {
		return g.conv(h, r.conv2, x, nil)
	}
	s := g.conv(x, r.skip, nil, nil)
	return g.conv(h, r.conv2, s, s)
}
