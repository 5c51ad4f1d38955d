package nn

import (
	"fmt"

	"heavytail/tensor"
)

// unet2d is the U-Net of the diffusers library, UNet2DModel: residual blocks that the
// embedding of the time shifts, or scales and shifts, attention at chosen levels, every
// output of the encoder concatenated to an input of the decoder. Names and layouts are
// those of its files, with the rows of to_q, to_k and to_v in one tensor to_qkv, as
// diffusers itself fuses them.
type unet2d struct {
	cfg   *UNet2DConfig
	freqs *Buffer    // fourier
	table *Param     // learned
	time  [2]*linear // of the embedding
	label *Param     // a row per class; nil: none, or class
	class [2]*linear // of the class's number, embedded as a time is
	first *conv
	down  []level2D
	mid   *level2D // nil: none
	up    []level2D
	norm  *norm
	last  *conv
}

// A level2D is one block of the encoder, the middle or the decoder.
type level2D struct {
	res  []*res2D
	att  []*att2D // att[i], if there is one, follows res[i]; nil: none
	conv *conv    // resampling at the end; nil: none, or block
	end  *res2D   // a residual block that resamples; nil: none
}

// res2D: h = conv1(SiLU(GN1(x))), resampled before; h = conv2(dropout(SiLU(GN2(h + emb(e)))));
// y = (skip(x) + h)·f. With scale_shift GN2(h)·(1 + s) + b instead of GN2(h + emb(e)).
type res2D struct {
	norm1, norm2 *norm
	conv1, conv2 *conv
	emb          *linear
	skip         *conv // nil: identity
	down, up     bool
	f            float64
}

// att2D: y = (x + proj(attention(qkv(GN(x)))))·f.
type att2D struct {
	norm      *norm // nil: none
	qkv, proj *conv
	heads     int
	f         float64
}

// maxHead is the largest head of attention.
const maxHead = tensor.MaxHead

// dense registers a product of every pixel whose weight files hold as [out,in].
func (p *Params) dense(name string, in, out int) *conv {
	return &conv{w: p.add(name+".weight", pixel, uniform, in, out, in), b: p.add(name+".bias", vector, uniform, in, out)}
}

func (u *unet2d) newNorm(p *Params, name string, c, groups int) *norm {
	n := p.norm(name, c)
	n.groups, n.eps = groups, float32(u.cfg.Eps)
	p.norms = append(p.norms, n)
	return n
}

func (u *unet2d) newRes(p *Params, name string, in, out int, f float64, down, up bool) *res2D {
	emb := out
	if u.cfg.TimeShift == "scale_shift" {
		emb *= 2
	}
	r := &res2D{norm1: u.newNorm(p, name+".norm1", in, u.cfg.Groups), f: f, down: down, up: up}
	r.conv1 = p.conv(name+".conv1", in, out, 3, uniform, tensor.ConvOpt{Up: up})
	r.emb = p.linear(name+".time_emb_proj", u.cfg.EmbDim, emb)
	r.norm2 = u.newNorm(p, name+".norm2", out, u.cfg.Groups)
	r.conv2 = p.conv(name+".conv2", out, out, 3, uniform, tensor.ConvOpt{})
	if in != out {
		r.skip = p.conv(name+".conv_shortcut", in, out, 1, uniform, tensor.ConvOpt{})
	}
	return r
}

// newAtt registers attention of c channels, without a normalisation if groups is 0.
func (u *unet2d) newAtt(p *Params, name string, c, groups int, f float64) *att2D {
	a := &att2D{heads: 1, f: f}
	if d := u.cfg.HeadDim; d > 0 {
		a.heads = c / d
	}
	if groups > 0 {
		a.norm = u.newNorm(p, name+".group_norm", c, groups)
	}
	a.qkv = p.dense(name+".to_qkv", c, 3*c)
	for _, q := range []*Param{a.qkv.w, a.qkv.b} {
		q.heads, q.thirds = a.heads, true
	}
	a.proj = p.dense(name+".to_out.0", c, c)
	return a
}

// newUNet2D registers the parameters.
func newUNet2D(cfg *UNet2DConfig, p *Params) *unet2d {
	u := &unet2d{cfg: cfg}
	c := cfg.Channels[0]
	u.first = p.conv("conv_in", cfg.InChannels, c, 3, uniform, tensor.ConvOpt{})
	wide := c
	switch cfg.Embedding {
	case "fourier":
		u.freqs = &Buffer{Name: timeProj, Shape: []int{c}, Data: make([]float32, c)}
		p.Buffers = append(p.Buffers, u.freqs)
		wide *= 2
	case "learned":
		u.table = p.add(timeProj, table, normal, c, cfg.Times, c)
	}
	pair := func(name string) [2]*linear {
		return [2]*linear{p.linear(name+".linear_1", wide, cfg.EmbDim), p.linear(name+".linear_2", cfg.EmbDim, cfg.EmbDim)}
	}
	u.time = pair("time_embedding")
	switch {
	case cfg.ClassEmbedding == "timestep":
		u.class = pair("class_embedding")
	case cfg.NumClasses > 0:
		u.label = p.add("class_embedding.weight", table, normal, cfg.EmbDim, cfg.NumClasses, cfg.EmbDim)
	}
	skips := u.newDown(p)
	c = cfg.Channels[len(cfg.Channels)-1]
	if cfg.Mid != "" {
		u.newMid(p, c)
	}
	u.newUp(p, c, skips)
	u.norm = u.newNorm(p, "conv_norm_out", cfg.Channels[0], cfg.Groups)
	u.last = p.conv("conv_out", cfg.Channels[0], cfg.OutChannels, 3, uniform, tensor.ConvOpt{})
	return u
}

// timeProj is what files call the frequencies, or the table, of the times.
const timeProj = "time_proj.weight"

// newDown registers the encoder and returns the channels of every skip.
func (u *unet2d) newDown(p *Params) (skips []int) {
	cfg := u.cfg
	c := cfg.Channels[0]
	skips = []int{c}
	for i, out := range cfg.Channels {
		name := fmt.Sprintf("down_blocks.%d", i)
		var l level2D
		attends := cfg.Down[i] == "AttnDownBlock2D"
		for k := range cfg.Layers {
			l.res = append(l.res, u.newRes(p, fmt.Sprint(name, ".resnets.", k), c, out, 1, false, false))
			if attends {
				l.att = append(l.att, u.newAtt(p, fmt.Sprint(name, ".attentions.", k), out, cfg.Groups, 1))
			}
			c = out
			skips = append(skips, c)
		}
		if i < len(cfg.Channels)-1 {
			if attends && cfg.DownType == "resnet" {
				l.end = u.newRes(p, name+".downsamplers.0", c, c, 1, true, false)
			} else {
				l.conv = p.conv(name+".downsamplers.0.conv", c, c, 3, uniform, tensor.ConvOpt{Stride: 2, After: cfg.DownPadding == 0})
			}
			skips = append(skips, c)
		}
		u.down = append(u.down, l)
	}
	return skips
}

func (u *unet2d) newMid(p *Params, c int) {
	cfg := u.cfg
	f := factor(cfg.MidScale)
	u.mid = &level2D{res: []*res2D{u.newRes(p, "mid_block.resnets.0", c, c, f, false, false)}}
	if cfg.MidAttention {
		groups := cfg.MidGroups
		if groups == 0 && cfg.TimeShift == "default" {
			groups = cfg.Groups
		}
		u.mid.att = []*att2D{u.newAtt(p, "mid_block.attentions.0", c, groups, f)}
	}
	u.mid.res = append(u.mid.res, u.newRes(p, "mid_block.resnets.1", c, c, f, false, false))
}

func (u *unet2d) newUp(p *Params, c int, skips []int) {
	cfg := u.cfg
	n := len(cfg.Channels)
	for j := range n {
		out := cfg.Channels[n-1-j]
		name := fmt.Sprintf("up_blocks.%d", j)
		var l level2D
		attends := cfg.Up[j] == "AttnUpBlock2D"
		for k := range cfg.Layers + 1 {
			in := c + skips[len(skips)-1]
			skips = skips[:len(skips)-1]
			l.res = append(l.res, u.newRes(p, fmt.Sprint(name, ".resnets.", k), in, out, 1, false, false))
			if attends {
				l.att = append(l.att, u.newAtt(p, fmt.Sprint(name, ".attentions.", k), out, cfg.Groups, 1))
			}
			c = out
		}
		switch {
		case j == n-1:
		case attends && cfg.UpType == "resnet":
			l.end = u.newRes(p, name+".upsamplers.0", c, c, 1, false, true)
		default:
			l.conv = p.conv(name+".upsamplers.0.conv", c, c, 3, uniform, tensor.ConvOpt{Up: true})
		}
		u.up = append(u.up, l)
	}
}

// attentions lists all layers of attention.
func (u *unet2d) attentions() (all []*att2D) {
	for _, l := range append(u.down[:len(u.down):len(u.down)], u.up...) {
		all = append(all, l.att...)
	}
	if u.mid != nil {
		all = append(all, u.mid.att...)
	}
	return all
}
