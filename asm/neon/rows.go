package main

import "heavytail/asm/internal/formula"

// A rowPair is the mean and reciprocal deviation of the current row.
type rowPair struct {
	at         gp
	mean, rstd vec
}

// load reads the pair of the next row.
func (r *rowPair) load(m *machine) {
	r.mean, r.rstd = m.spreadNext(r.at), m.spreadNext(r.at)
}

// spreadNext loads a float32 into all lanes and moves p behind it.
func (m *machine) spreadNext(p gp) vec {
	v := m.vec()
	m.ins("VLD1R.P 4(%s), [%s]", p, v)
	return v
}

// hat returns (v − mean)·rstd.
func (r *rowPair) hat(m *machine, v value) value {
	h := m.sub(v, all(r.mean, len(v)))
	m.scaleBy(h, all(r.rstd, len(v)))
	return h
}

func (m *machine) rowSums() {
	m.begin("rowSums", "s, q []float32, x *float32, pitch, c int, k []float32", "",
		"s_i, q_i = sums of d = x - k_i and of d*d (fused) over row i of c columns in 16 lanes.")
	s, q, k, n, c := m.base("s"), m.base("q"), m.base("k"), m.length("k"), m.arg("c")
	w := walker{m.arg("x"), m.bytes("pitch")}
	m.times(n, func() {
		shift, s1, s2, px := m.spreadNext(k), m.zero(4), m.zero(4), m.copyOf(w.at)
		m.lanes(m.copyOf(c), 4, func(x span) {
			d := m.sub(m.next(px, x), all(shift, x.n))
			m.clean(d, x)
			m.addTo(x.of(s1), d)
			m.fma(x.of(s2), d, d)
		})
		m.forward(w)
		m.ins("FMOVS.P %s, 4(%s)", m.fold(s1).f(), s)
		m.ins("FMOVS.P %s, 4(%s)", m.fold(s2).f(), q)
	})
	m.end()
}

func (m *machine) rowApply(act bool) {
	m.begin("rowApply"+silu(act), "y, x *float32, yPitch, xPitch, n int, gamma, beta []float32, stats *float32", "",
		"y = fma((x - mean)*rstd, gamma_c, beta_c)"+map[bool]string{true: ", then silu1"}[act]+"; n >= 1 rows.")
	y, x, n := m.walk("y"), m.walk("x"), m.arg("n")
	gamma, beta, c, row := m.base("gamma"), m.base("beta"), m.length("gamma"), rowPair{at: m.arg("stats")}
	f, wide := func(v value) value { return v }, 4
	if act {
		f, wide = m.hoisted(formula.Act.SiLU), 2
	}
	m.times(n, func() {
		row.load(m)
		py, px, pg, pb := m.copyOf(y.at), m.copyOf(x.at), m.copyOf(gamma), m.copyOf(beta)
		m.loop(m.copyOf(c), wide, func(s span) {
			h := row.hat(m, m.next(px, s))
			v := m.next(pb, s)
			m.fma(v, h, m.next(pg, s))
			m.put(f(v), py, s)
		})
		m.forward(y, x)
	})
	m.end()
}

func (m *machine) rowGrad() {
	m.begin("rowGrad", "dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, gamma, beta []float32, stats *float32", "",
		"dv = dy*siluGrad1(fma((x - mean)*rstd, gamma_c, beta_c)), n >= 1 rows.")
	dv, dy, x, n := m.walk("dv"), m.walk("dy"), m.walk("x"), m.arg("n")
	gamma, beta, c, row := m.base("gamma"), m.base("beta"), m.length("gamma"), rowPair{at: m.arg("stats")}
	grad := m.hoisted(formula.Act.SiLUGrad)
	m.times(n, func() {
		row.load(m)
		pv, py, px, pg, pb := m.copyOf(dv.at), m.copyOf(dy.at), m.copyOf(x.at), m.copyOf(gamma), m.copyOf(beta)
		m.loop(m.copyOf(c), 1, func(s span) {
			h := row.hat(m, m.next(px, s))
			v := m.next(pb, s)
			m.fma(v, h, m.next(pg, s))
			g := grad(v)
			m.scaleBy(g, m.next(py, s))
			m.put(g, pv, s)
		})
		m.forward(dv, dy, x)
	})
	m.end()
}

func (m *machine) rowGradSums() {
	m.begin("rowGradSums", "s1, s2 []float32, dv, x *float32, dvPitch, xPitch int, gamma []float32, stats *float32", "",
		"s1_i, s2_i = sums of g = dv*gamma_c and of g*xh (fused) over row i in 16 lanes, xh = (x - mean)*rstd.")
	s1, s2, n := m.base("s1"), m.base("s2"), m.length("s1")
	dv, x, gamma, c, row := m.walk("dv"), m.walk("x"), m.base("gamma"), m.length("gamma"), rowPair{at: m.arg("stats")}
	m.times(n, func() {
		row.load(m)
		a1, a2, pv, px, pg := m.zero(4), m.zero(4), m.copyOf(dv.at), m.copyOf(x.at), m.copyOf(gamma)
		m.lanes(m.copyOf(c), 4, func(s span) {
			h := row.hat(m, m.next(px, s))
			m.clean(h, s) // dv and gamma are zero past the end, xh need not be finite
			g := m.mul(m.next(pv, s), m.next(pg, s))
			m.addTo(s.of(a1), g)
			m.fma(s.of(a2), h, g)
		})
		m.forward(dv, x)
		m.ins("FMOVS.P %s, 4(%s)", m.fold(a1).f(), s1)
		m.ins("FMOVS.P %s, 4(%s)", m.fold(a2).f(), s2)
	})
	m.end()
}

func (m *machine) rowGradInput(acc bool) {
	name, set := "rowGradInput", "="
	if acc {
		name, set = "rowGradInputAcc", "+="
	}
	m.begin(name, "dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, gamma []float32, coef *float32", "",
		"dx "+set+" fma(dv*gamma_c, p, fma(x, q, r)), n >= 1 rows; p, q, r of row i at coef[3i].")
	dx, dv, px, n := m.walk("dx"), m.walk("dv"), m.walk("x"), m.arg("n")
	gamma, c, coef := m.base("gamma"), m.length("gamma"), m.arg("coef")
	m.times(n, func() {
		p, q, r := m.spreadNext(coef), m.spreadNext(coef), m.spreadNext(coef)
		to, from, px1, pg := m.copyOf(dx.at), m.copyOf(dv.at), m.copyOf(px.at), m.copyOf(gamma)
		m.loop(m.copyOf(c), 4, func(x span) {
			k := m.copies(r, x.n)
			m.fma(k, m.next(px1, x), all(q, x.n))
			m.fma(k, m.mul(m.next(from, x), m.next(pg, x)), all(p, x.n))
			m.sum(k, to, x, acc)
		})
		m.forward(dx, dv, px)
	})
	m.end()
}

func (m *machine) colGrad() {
	m.begin("colGrad", "dgamma, dbeta []float32, dv, x *float32, dvPitch, xPitch, n int, stats *float32", "",
		"For n >= 1 rows i: dbeta_c += dv; dgamma_c = fma(dv, (x - mean)*rstd, dgamma_c).")
	pg, pb, c, n := m.base("dgamma"), m.base("dbeta"), m.length("dbeta"), m.arg("n")
	dv, px, stats := m.walk("dv"), m.walk("x"), m.arg("stats")
	m.loop(c, 4, func(x span) {
		dg, db := m.peek(pg, x), m.peek(pb, x)
		wv, wx, row := m.column(dv, x), m.column(px, x), rowPair{at: m.copyOf(stats)}
		m.times(m.copyOf(n), func() {
			row.load(m)
			g := m.peek(wv.at, x)
			m.addTo(db, g)
			m.fma(dg, row.hat(m, m.peek(wx.at, x)), g)
			m.forward(wv, wx)
		})
		m.put(dg, pg, x)
		m.put(db, pb, x)
	})
	m.end()
}
