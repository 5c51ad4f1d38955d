package nn

import (
	"fmt"
	"math"
	"strings"

	"heavytail/tensor"
)

// song is the U-Net of the EDM code (SongUNet): residual blocks whose sums are
// multiplied by SkipScale, resampling inside the blocks by a short filter, and,
// in the NCSN++ form, a second path that brings the input to every level of
// the encoder. Names, order and layouts are those of the EDM code; the prefix
// "model." is that of its preconditioner.
type song struct {
	cfg     *SongConfig
	freqs   *Buffer // Fourier embedding; nil: positional
	label   *linear // nil: unconditional
	augment *linear // nil: none
	layer   [2]*linear
	encoder []songLayer
	decoder []songLayer
	norm    *norm
	last    *conv
}

// A songLayer is one entry of the encoder or decoder: the first convolution, a
// convolution of the auxiliary path, or a block.
type songLayer struct {
	first, aux *conv
	block      *songBlock
	cat        bool // takes the skip of the encoder's layer as more channels
}

// songBlock: h = conv0(SiLU(GN0(x))), resampled; h = conv1(dropout(SiLU(GN1(h + affine(e)))));
// y = s·(h + skip(x)); with attention y = s·(y + proj(attention(qkv(GN2(y))))).
type songBlock struct {
	norm0, norm1, norm2 *norm
	conv0, conv1, skip  *conv // skip nil: identity
	affine              *linear
	qkv, proj           *conv // nil: no attention
	down, up            bool
}

// songEps is the ε of the normalisations.
const songEps = 1e-6

func (p *Params) songNorm(name string, c int) *norm {
	n := p.norm(name, c)
	n.groups, n.eps = max(1, min(32, c/4)), songEps
	p.norms = append(p.norms, n)
	return n
}

func (p *Params) songLinear(name string, in, out int) *linear {
	l := &linear{w: p.add(name+".weight", matrix, xavier, in+out, out, in), b: p.add(name+".bias", vector, zeros, 1, out)}
	l.w.gain = 1
	return l
}

// songConv registers a k×k convolution whose start values are multiplied by
// gain. resampled ones also hold the filter.
func (p *Params) songConv(name string, in, out, k int, gain float64, opt tensor.ConvOpt) *conv {
	c := &conv{w: p.add(name+".weight", kernel, xavier, (in+out)*k*k, out, in, k, k), b: p.add(name+".bias", vector, zeros, 1, out), opt: opt}
	c.w.up = opt.Up
	c.w.gain = gain
	return c
}

const nearZero = 1e-5 // gain of the last layers of blocks and network

// songBlock registers a block of c channels in and out channels out.
func (s *song) block(p *Params, name string, in, out int, down, up, attention bool) *songBlock {
	b := &songBlock{down: down, up: up}
	opt := tensor.ConvOpt{Up: up && len(s.cfg.Filter) == 2} // doubling by [1,1] repeats pixels
	b.norm0 = p.songNorm(name+".norm0", in)
	b.conv0 = p.songConv(name+".conv0", in, out, 3, 1, opt)
	affine := out
	if s.cfg.AdaptiveScale {
		affine *= 2
	}
	b.affine = p.songLinear(name+".affine", s.cfg.ModelChannels*s.cfg.EmbMult, affine)
	b.norm1 = p.songNorm(name+".norm1", out)
	b.conv1 = p.songConv(name+".conv1", out, out, 3, nearZero, tensor.ConvOpt{})
	if in != out || down || up {
		b.skip = p.songConv(name+".skip", in, out, 1, 1, opt)
	}
	if down || up {
		s.filter(p, name+".conv0")
		s.filter(p, name+".skip")
	}
	if attention {
		b.norm2 = p.songNorm(name+".norm2", out)
		b.qkv = p.songConv(name+".qkv", out, 3*out, 1, math.Sqrt(0.2), tensor.ConvOpt{})
		b.qkv.w.heads, b.qkv.b.heads = s.cfg.NumHeads, s.cfg.NumHeads
		b.proj = p.songConv(name+".proj", out, out, 1, nearZero, tensor.ConvOpt{})
	}
	return b
}

// filter registers the buffer that PyTorch holds for a resampling layer.
func (s *song) filter(p *Params, name string) {
	f := s.cfg.taps(1)
	b := &Buffer{Name: name + ".resample_filter", Shape: []int{1, 1, len(f), len(f)}, fixed: true}
	for _, u := range f {
		for _, v := range f {
			b.Data = append(b.Data, u*v)
		}
	}
	p.Buffers = append(p.Buffers, b)
}

// newSong registers the parameters in PyTorch's order.
func newSong(cfg *SongConfig, p *Params) *song {
	s := &song{cfg: cfg}
	emb := cfg.ModelChannels * cfg.EmbMult
	if cfg.Embedding == "fourier" {
		s.freqs = &Buffer{Name: "model.map_noise.freqs", Shape: []int{cfg.noise() / 2}, Data: make([]float32, cfg.noise()/2)}
		p.Buffers = append(p.Buffers, s.freqs)
	}
	if cfg.NumClasses > 0 {
		s.label = p.songLinear("model.map_label", cfg.NumClasses, cfg.noise())
	}
	if cfg.AugmentDim > 0 {
		w := p.add("model.map_augment.weight", matrix, xavier, cfg.AugmentDim+cfg.noise(), cfg.noise(), cfg.AugmentDim)
		w.gain = 1
		s.augment = &linear{w: w}
	}
	s.layer = [2]*linear{p.songLinear("model.map_layer0", cfg.noise(), emb), p.songLinear("model.map_layer1", emb, emb)}
	c, skips := s.newEncoder(p)
	s.newDecoder(p, c, skips)
	for _, q := range p.List {
		q.Aliases = []string{strings.TrimPrefix(q.Name, "model.")}
	}
	return s
}

// newEncoder returns the channels of the last level and of every skip.
func (s *song) newEncoder(p *Params) (c int, skips []int) {
	cfg := s.cfg
	c = cfg.ModelChannels
	aux := cfg.InChannels + cfg.CondChannels
	if cfg.Magnitude {
		aux++
	}
	for i, mult := range cfg.ChannelMult {
		name := fmt.Sprintf("model.enc.%[1]dx%[1]d_", cfg.ImageSize>>i)
		if i == 0 {
			s.encoder = append(s.encoder, songLayer{first: p.songConv(name+"conv", aux, c, 3, 1, tensor.ConvOpt{})})
		} else {
			s.encoder = append(s.encoder, songLayer{block: s.block(p, name+"down", c, c, true, false, false)})
		}
		skips = append(skips, c)
		if i > 0 && cfg.Encoder == "residual" {
			s.encoder = append(s.encoder, songLayer{aux: p.songConv(name+"aux_residual", aux, c, 3, 1, tensor.ConvOpt{})})
			s.filter(p, name+"aux_residual")
			aux = c
		}
		for k := range cfg.NumBlocks {
			out := mult * cfg.ModelChannels
			s.encoder = append(s.encoder, songLayer{block: s.block(p, fmt.Sprint(name, "block", k), c, out, false, false, cfg.attends(i))})
			c = out
			skips = append(skips, c)
		}
	}
	return c, skips
}

func (s *song) newDecoder(p *Params, c int, skips []int) {
	cfg := s.cfg
	for i := len(cfg.ChannelMult) - 1; i >= 0; i-- {
		name := fmt.Sprintf("model.dec.%[1]dx%[1]d_", cfg.ImageSize>>i)
		if i == len(cfg.ChannelMult)-1 {
			s.decoder = append(s.decoder, songLayer{block: s.block(p, name+"in0", c, c, false, false, true)},
				songLayer{block: s.block(p, name+"in1", c, c, false, false, false)})
		} else {
			s.decoder = append(s.decoder, songLayer{block: s.block(p, name+"up", c, c, false, true, false)})
		}
		for k := range cfg.NumBlocks + 1 {
			in, out := c+skips[len(skips)-1], cfg.ChannelMult[i]*cfg.ModelChannels
			skips = skips[:len(skips)-1]
			b := s.block(p, fmt.Sprint(name, "block", k), in, out, false, false, k == cfg.NumBlocks && cfg.attends(i))
			s.decoder = append(s.decoder, songLayer{block: b, cat: true})
			c = out
		}
		if i == 0 {
			s.norm = p.songNorm(name+"aux_norm", c)
			s.last = p.songConv(name+"aux_conv", c, cfg.OutChannels, 3, nearZero, tensor.ConvOpt{})
		}
	}
}

// record records the network for images of h×w pixels.
func (s *song) record(g *graph, h, w int) error {
	cfg := s.cfg
	if err := fits(len(cfg.ChannelMult), h, w); err != nil {
		return err
	}
	x := g.image(h, w, cfg.InChannels, cfg.CondChannels, cfg.Magnitude)
	e := s.embedding(g)
	aux := x
	var skips []*value
	for _, l := range s.encoder {
		switch {
		case l.first != nil:
			x = g.conv(x, l.first, nil, nil)
		case l.aux != nil:
			aux = s.auxiliary(g, aux, l.aux)
			x = g.times(g.sum(x, aux), math.Sqrt(0.5))
			aux, skips = x, skips[:len(skips)-1]
		default:
			x = s.recordBlock(g, l.block, x, e)
		}
		skips = append(skips, x)
	}
	for _, l := range s.decoder {
		if l.cat {
			x = g.concat(x, skips[len(skips)-1])
			skips = skips[:len(skips)-1]
		}
		x = s.recordBlock(g, l.block, x, e)
	}
	g.out = g.conv(g.groupNorm(x, s.norm, nil, true), s.last, nil, nil)
	if cfg.Magnitude {
		g.out = g.rescale(g.out)
	}
	return nil
}

// embedding records what the blocks are conditioned on.
func (s *song) embedding(g *graph) *value {
	e := g.fromTime(s.waves, func(e *exporter, y *value) { e.songWaves(y, s) }, s.cfg.noise())
	if s.label != nil {
		e = g.sum(g.linear(g.oneHot(s.cfg.NumClasses), s.label), e)
	}
	if s.augment != nil {
		e = g.sum(g.linear(g.augment(s.cfg.AugmentDim), s.augment), e)
	}
	for _, l := range s.layer {
		e = g.silu(g.linear(e, l))
	}
	return e
}

// down records the halving of the size.
func (s *song) down(g *graph, x *value) *value {
	return g.resample(x, tensor.ResampleOpt{Taps: s.cfg.taps(1), Stride: 2, Pad: (len(s.cfg.Filter) - 1) / 2})
}

// up records the doubling of the size, if the convolution does not do it.
func (s *song) up(g *graph, x *value) *value {
	if len(s.cfg.Filter) == 2 {
		return x
	}
	return g.resample(x, tensor.ResampleOpt{Taps: s.cfg.taps(2), Up: true, Pad: (len(s.cfg.Filter) - 1) / 2})
}

// auxiliary records a convolution and a halving of the size whose filter also
// sees what the convolution gives beyond the image.
func (s *song) auxiliary(g *graph, x *value, c *conv) *value {
	if pad := (len(s.cfg.Filter) - 1) / 2; pad > 0 {
		x = g.resample(x, tensor.ResampleOpt{Taps: []float32{1}, Pad: pad})
	}
	return g.resample(g.conv(x, c, nil, nil), tensor.ResampleOpt{Taps: s.cfg.taps(1), Stride: 2})
}

func (s *song) recordBlock(g *graph, b *songBlock, x, e *value) *value {
	h, r := g.groupNorm(x, b.norm0, nil, true), x
	switch {
	case b.down:
		h, r = s.down(g, h), s.down(g, x)
	case b.up:
		h, r = s.up(g, h), s.up(g, x)
	}
	h = g.conv(h, b.conv0, nil, nil)
	if s.cfg.AdaptiveScale {
		h = g.groupNorm(h, b.norm1, g.linear(e, b.affine), true)
	} else {
		h = g.groupNorm(g.addChannels(h, g.linear(e, b.affine)), b.norm1, nil, true)
	}
	if g.train && !g.input && s.cfg.Dropout > 0 {
		h = g.dropout(h, s.cfg.Dropout)
	}
	var over *value
	if b.skip != nil {
		r = g.conv(r, b.skip, nil, nil)
		over = r
	}
	y := g.times(g.conv(h, b.conv1, r, over), s.cfg.SkipScale)
	if b.qkv == nil {
		return y
	}
	a := g.attention(g.conv(g.groupNorm(y, b.norm2, nil, false), b.qkv, nil, nil), s.cfg.NumHeads)
	return g.times(g.conv(a, b.proj, y, nil), s.cfg.SkipScale)
}
