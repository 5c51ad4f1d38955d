package nn

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/tensor"
)

// record records the network for images of h×w pixels.
func (u *unet2d) record(g *graph, h, w int) error {
	if err := fits(len(u.cfg.Channels), h, w); err != nil {
		return err
	}
	x := g.image(h, w, u.cfg.InChannels, 0, false)
	if u.cfg.Center {
		x = g.host(centred, centredBack, (*exporter).centred, x.shape...)
	}
	e := u.embedding(g)
	x = g.conv(x, u.first, nil, nil)
	skips := []*value{x}
	for i := range u.down {
		l := &u.down[i]
		for k := range l.res {
			x = u.layer(g, l, k, x, e)
			skips = append(skips, x)
		}
		if l.conv != nil || l.end != nil {
			x = u.resized(g, l, x, e)
			skips = append(skips, x)
		}
	}
	switch {
	case u.mid == nil:
		x = g.copied(x) // which is concatenated to itself
	default:
		for k := range u.mid.res {
			x = u.layer(g, u.mid, k, x, e)
		}
	}
	for i := range u.up {
		l := &u.up[i]
		for k := range l.res {
			x = g.concat(x, skips[len(skips)-1])
			skips = skips[:len(skips)-1]
			x = u.layer(g, l, k, x, e)
		}
		x = u.resized(g, l, x, e)
	}
	g.out = g.conv(g.groupNorm(x, u.norm, nil, true), u.last, nil, nil)
	if u.freqs != nil {
		g.out = g.rows("division by the time", g.out, func(r *run, f []float32) {
			for i, t := range r.t {
				f[i] = 1 / t
			}
		}, (*exporter).overTime)
	}
	return nil
}

// layer records residual block k of l and the attention that follows it.
func (u *unet2d) layer(g *graph, l *level2D, k int, x, e *value) *value {
	x = u.residual(g, l.res[k], x, e)
	if k >= len(l.att) {
		return x
	}
	a := l.att[k]
	y := x
	if a.norm != nil {
		y = g.groupNorm(x, a.norm, nil, false)
	}
	y = g.attention(g.conv(y, a.qkv, nil, nil), a.heads)
	return g.times(g.conv(y, a.proj, x, nil), a.f)
}

// resized records the resampling at the end of l, if there is one.
func (u *unet2d) resized(g *graph, l *level2D, x, e *value) *value {
	switch {
	case l.conv != nil:
		return g.conv(x, l.conv, nil, nil)
	case l.end != nil:
		return u.residual(g, l.end, x, e)
	}
	return x
}

func (u *unet2d) residual(g *graph, r *res2D, x, e *value) *value {
	h := g.groupNorm(x, r.norm1, nil, true)
	switch {
	case r.down: // the mean of 2×2 pixels
		half := tensor.ResampleOpt{Taps: []float32{0.5, 0.5}, Stride: 2}
		h, x = g.resample(h, half), g.resample(x, half)
	case r.up: // h by conv1
		x = g.resample(x, tensor.ResampleOpt{Taps: []float32{1, 1}, Up: true})
	}
	h = g.conv(h, r.conv1, nil, nil)
	if u.cfg.TimeShift == "scale_shift" {
		h = g.groupNorm(h, r.norm2, g.linear(e, r.emb), true)
	} else {
		h = g.groupNorm(g.addChannels(h, g.linear(e, r.emb)), r.norm2, nil, true)
	}
	if g.train && !g.input && u.cfg.Dropout > 0 {
		h = g.dropout(h, u.cfg.Dropout)
	}
	if r.skip == nil {
		return g.times(g.conv(h, r.conv2, x, nil), r.f)
	}
	s := g.conv(x, r.skip, nil, nil)
	return g.times(g.conv(h, r.conv2, s, s), r.f)
}

// embedding records what the blocks are conditioned on.
func (u *unet2d) embedding(g *graph) *value {
	cfg := u.cfg
	c := cfg.Channels[0]
	opt := tensor.TimeOpt{Scale: 1, SinFirst: !cfg.CosFirst, Shift: cfg.FreqShift}
	var e *value
	switch cfg.Embedding {
	case "fourier":
		e = g.fromTime(u.waves, func(e *exporter, y *value) { e.logWaves(y, u.freqs.Data) }, 2*c)
	case "learned":
		e = g.timeRow(u.table)
	default:
		e = g.timesteps(c, opt)
	}
	e = g.linear(g.silu(g.linear(e, u.time[0])), u.time[1])
	switch {
	case u.label != nil:
		e = g.embed(e, u.label)
	case u.class[0] != nil:
		k := g.classWaves(c, opt)
		k = g.linear(g.silu(g.linear(k, u.class[0])), u.class[1])
		e = g.sum(e, g.rows("no class", k, hasClass, (*exporter).hasClass))
	}
	return g.silu(e)
}

// waves sets y to the sines, then the cosines, of 2π·W·ln t, the angle in float64.
func (u *unet2d) waves(y []float32, t float32) {
	log := dmath.Log(float64(t))
	for j, w := range u.freqs.Data {
		a := float64(2 * math.Pi * float64(w) * log)
		y[j], y[len(u.freqs.Data)+j] = float32(dmath.Sin(a)), float32(dmath.Cos(a))
	}
}

// centred sets y to 2x − 1.
func centred(y, x []float32, _ float32) {
	for i, v := range x {
		y[i] = float32(2*v) - 1
	}
}

func centredBack(x, dy []float32, _ float32) {
	for i, v := range dy {
		x[i] = 2 * v
	}
}

// label returns the class of sample i; negative: none.
func (r *run) label(i int) int {
	if r.labels == nil {
		return -1
	}
	return r.labels[i]
}

// hasClass sets f to 1 for samples with a class and to 0 for the others.
func hasClass(r *run, f []float32) {
	for i := range f {
		f[i] = 0
		if r.label(i) >= 0 {
			f[i] = 1
		}
	}
}
