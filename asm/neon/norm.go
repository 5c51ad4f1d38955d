package main

import "heavytail/asm/internal/formula"

// norms writes the kernels of group and layer normalisation. Pixels (or rows)
// lie pitch float32 apart; channels are contiguous.
func norms(f *file) {
	kernels(f, "norm", func(m *machine) {
		m.chanSums()
		for _, act := range []bool{false, true} {
			m.normApply(act)
			m.gradSums(act)
		}
		for _, acc := range []bool{false, true} {
			m.gradInput(acc)
			m.rowGradInput(acc)
		}
		m.gradInputSiLU()
		for _, act := range []bool{false, true} {
			m.rowApply(act)
		}
		m.rowSums()
		m.rowGrad()
		m.rowGradSums()
		m.colGrad()
	})
}

func silu(act bool) string {
	if act {
		return "SiLU"
	}
	return ""
}

// A walker goes from pixel to pixel.
type walker struct{ at, pitch gp }

// walk returns a walker over the pixels of the parameters name and namePitch.
func (m *machine) walk(name string) walker {
	return walker{m.arg(name), m.bytes(name + "Pitch")}
}

// forward moves walkers to the next pixel.
func (m *machine) forward(ws ...walker) {
	for _, w := range ws {
		m.ins("ADD %s, %s, %s", w.pitch, w.at, w.at)
	}
}

// column returns a walker that begins at w's channels of the span, and moves w
// to the next ones.
func (m *machine) column(w walker, x span) walker {
	c := walker{m.copyOf(w.at), w.pitch}
	if !x.tail() {
		m.ins("ADD $%d, %s, %s", 16*x.n, w.at, w.at)
	}
	return c
}

func (m *machine) chanSums() {
	m.begin("chanSums", "s, q []float32, x *float32, pitch, n int, shift []float32", "",
		"s_c, q_c = sums over n >= 1 pixels of d = x - shift_c and of d*d (fused).")
	s, q, shift, c, n := m.base("s"), m.base("q"), m.base("shift"), m.length("shift"), m.arg("n")
	w := walker{m.arg("x"), m.bytes("pitch")}
	m.loop(c, 4, func(x span) {
		k, s1, s2, px := m.next(shift, x), m.zero(x.n), m.zero(x.n), m.column(w, x)
		m.times(m.copyOf(n), func() {
			d := m.sub(m.peek(px.at, x), k)
			m.forward(px)
			m.addTo(s1, d)
			m.fma(s2, d, d)
		})
		m.put(s1, s, x)
		m.put(s2, q, x)
	})
	m.end()
}

func (m *machine) normApply(act bool) {
	m.begin("normApply"+silu(act), "y, x *float32, yPitch, xPitch, n int, a, b []float32", "",
		"y = fma(x, a_c, b_c), n >= 1 pixels"+map[bool]string{true: ", then silu1."}[act])
	y, x := m.walk("y"), m.walk("x")
	a, b, c, n := m.base("a"), m.base("b"), m.length("a"), m.arg("n")
	f, wide := func(v value) value { return v }, 4
	if act {
		f, wide = m.hoisted(formula.Act.SiLU), 2
	}
	m.times(n, func() {
		py, px, pa, pb := m.copyOf(y.at), m.copyOf(x.at), m.copyOf(a), m.copyOf(b)
		m.loop(m.copyOf(c), wide, func(s span) {
			v := m.next(pb, s)
			m.fma(v, m.next(px, s), m.next(pa, s))
			m.put(f(v), py, s)
		})
		m.forward(y, x)
	})
	m.end()
}

func (m *machine) gradSums(act bool) {
	if act {
		m.begin("gradSumsSiLU", "s1, s2 []float32, dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, a, b, mean, rstd *float32", "",
			"As gradSumsNEON of dv = dy*siluGrad1(fma(x, a_c, b_c)), stored unless dv is nil.")
	} else {
		m.begin("gradSums", "s1, s2 []float32, dy, x *float32, dyPitch, xPitch, n int, mean, rstd *float32", "",
			"s1_c, s2_c = sums over n >= 1 pixels of dy and of dy*xh (fused), xh = (x - mean_c)*rstd_c.")
	}
	s1, s2, c, n := m.base("s1"), m.base("s2"), m.length("s1"), m.arg("n")
	dy, px, mean, rstd := m.walk("dy"), m.walk("x"), m.arg("mean"), m.arg("rstd")
	var grad func(value) value
	var dv walker
	var a, b gp
	wide := 4
	if act {
		grad, dv, a, b, wide = m.hoisted(formula.Act.SiLUGrad), m.walk("dv"), m.arg("a"), m.arg("b"), 1
	}
	m.loop(c, wide, func(x span) {
		mu, r, t1, t2 := m.next(mean, x), m.next(rstd, x), m.zero(x.n), m.zero(x.n)
		wy, wx := m.column(dy, x), m.column(px, x)
		var wv walker
		var va, vb value
		if act {
			wv = walker{m.copyOf(dv.at), dv.pitch}
			m.afterUnlessNil(dv.at, x)
			va, vb = m.next(a, x), m.next(b, x)
		}
		m.times(m.copyOf(n), func() {
			v, g := m.peek(wx.at, x), m.peek(wy.at, x)
			if act {
				s := m.copy(vb)
				m.fma(s, v, va)
				m.scaleBy(g, grad(s))
				none := m.newLabel("unstored")
				m.branch(none, "CBZ %s,", wv.at)
				m.set(g, wv.at, x)
				m.forward(wv)
				m.mark(none)
			}
			m.forward(wy, wx)
			m.addTo(t1, g)
			h := m.sub(v, mu)
			m.scaleBy(h, r)
			m.fma(t2, g, h)
		})
		m.put(t1, s1, x)
		m.put(t2, s2, x)
	})
	m.end()
}

// afterUnlessNil moves p behind the span's elements, unless it is nil.
func (m *machine) afterUnlessNil(p gp, x span) {
	if x.tail() {
		return
	}
	none := m.newLabel("nil")
	m.branch(none, "CBZ %s,", p)
	m.ins("ADD $%d, %s, %s", 16*x.n, p, p)
	m.mark(none)
}

func (m *machine) gradInput(acc bool) {
	name, set := "gradInput", "="
	if acc {
		name, set = "gradInputAcc", "+="
	}
	m.begin(name, "dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, p, q, r []float32", "",
		"dx "+set+" fma(dv, p_c, fma(x, q_c, r_c)), n >= 1 pixels.")
	dx, dv, px := m.walk("dx"), m.walk("dv"), m.walk("x")
	p, q, r, c, n := m.base("p"), m.base("q"), m.base("r"), m.length("p"), m.arg("n")
	m.times(n, func() {
		to, from, px1 := m.copyOf(dx.at), m.copyOf(dv.at), m.copyOf(px.at)
		p1, q1, r1 := m.copyOf(p), m.copyOf(q), m.copyOf(r)
		m.loop(m.copyOf(c), 4, func(x span) {
			k := m.next(r1, x)
			m.fma(k, m.next(px1, x), m.next(q1, x))
			m.fma(k, m.next(from, x), m.next(p1, x))
			m.sum(k, to, x, acc)
		})
		m.forward(dx, dv, px)
	})
	m.end()
}

// sum stores k at p, or what is there plus k if acc, and moves p on.
func (m *machine) sum(k value, p gp, x span, acc bool) {
	if acc {
		m.addTo(k, m.peek(p, x))
	}
	m.put(k, p, x)
}

func (m *machine) gradInputSiLU() {
	m.begin("gradInputSiLU", "dx, dy, x *float32, dxPitch, dyPitch, xPitch, n int, a, b, p, q, r []float32", "",
		"dx += fma(dv, p_c, fma(x, q_c, r_c)), dv = dy*siluGrad1(fma(x, a_c, b_c)), n >= 1 pixels.")
	dx, dy, px := m.walk("dx"), m.walk("dy"), m.walk("x")
	c, n := m.length("p"), m.arg("n")
	grad := m.hoisted(formula.Act.SiLUGrad)
	m.times(n, func() {
		to, from, px1 := m.copyOf(dx.at), m.copyOf(dy.at), m.copyOf(px.at)
		a, b, p, q, r := m.base("a"), m.base("b"), m.base("p"), m.base("q"), m.base("r")
		m.loop(m.copyOf(c), 1, func(x span) {
			v, g := m.next(px1, x), m.next(b, x)
			m.fma(g, v, m.next(a, x))
			g = grad(g)
			m.scaleBy(g, m.next(from, x))
			k := m.next(r, x)
			m.fma(k, v, m.next(q, x))
			m.fma(k, g, m.next(p, x))
			m.sum(k, to, x, true)
		})
		m.forward(dx, dy, px)
	})
	m.end()
}
