package cuda

import (
	"math"
	"slices"

	"heavytail/cuda/gen"
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// A heads is attention at work: the matrices of all samples and heads.
type heads struct {
	*Device
	n, t, h, d int // samples, tokens, heads, channels of a head
	scale      float32
}

// A part is a matrix of every sample and head: where the first one is, the pitch,
// and how many elements samples and heads are apart.
type part struct {
	at                  uint64
	pitch, sample, head int
}

// of is the channels from which·d on of every head of x, from token i on: of 3·d
// channels of a head of qkv, or of d of y.
func (a *heads) of(x *tensor.Tensor, which, i int) part {
	return part{at(x) + 4*uint64(which*a.d+i*x.Pitch()), x.Pitch(), a.t * x.Pitch(), x.Cols() / a.h}
}

// scoreBytes is about how much memory the scores of some queries take at a time.
const scoreBytes = 64 << 20

// start is attention over qkv [N,T,3C]; what it works on is empty if not ok.
func (d *Device) heads(qkv *tensor.Tensor, h int) (a heads, ok bool) {
	a = heads{d, qkv.Dim(0), qkv.Dim(1), h, qkv.Cols() / 3 / h, 0}
	a.scale = float32(1 / math.Sqrt(float64(a.d)))
	return a, qkv.Len() > 0
}

// queries is how many queries have their scores in memory at a time: any number
// gives the same bits.
func (a *heads) queries() int { return min(a.t, max(64, scoreBytes/4/(a.n*a.h*a.t)/64*64)) }

// scores takes memory for m queries of every sample and head.
func (a *heads) scores(m int) part {
	return part{a.room(a.n * a.h * m * a.t), a.t, a.h * m * a.t, m * a.t}
}

// of m queries of the last step, which may be fewer.
func (p part) queries(h, m int) part {
	p.head = m * p.pitch
	p.sample = h * p.head
	return p
}

// product sets c = x·y·factorC, M×N over K, the elements of y multiplied by factorB
// first; with acc the chains go on from c.
func (a *heads) product(entry string, c, x, y part, m, n, k int, factorB, factorC float32, acc bool) {
	a.launch("attention", entry, grid(up(n, 64), up(m, 64), a.n*a.h), 0, ptr(c.at), ptr(x.at), ptr(y.at), num(m), num(n), num(k),
		num(c.pitch), num(x.pitch), num(y.pitch), num(c.sample), num(c.head), num(x.sample), num(x.head), num(y.sample), num(y.head),
		num(a.h), f32(factorB), f32(factorC), flag(acc))
}

// softmax sets s to the probabilities of m queries from q0 on.
func (a *heads) softmax(s part, qkv *tensor.Tensor, q0, m int) {
	a.product("attention_nt", s, a.of(qkv, 0, q0), a.of(qkv, 1, 0), m, a.t, a.d, a.scale, 1, false)
	a.launch("attention", "softmax", grid(up(a.n*a.h*m, rowsPerBlock), 1, 1), 0, ptr(s.at), num(a.n*a.h*m), num(a.t), num(s.pitch))
}

// Attention sets y = softmax(q·(k/√d)ᵀ)·v per head as kernels.CPU.Attention defines
// it. It panics on shapes that do not fit.
func (d *Device) Attention(y, qkv *tensor.Tensor, h int) {
	shapes.Attention("Attention", y, qkv, h)
	defer d.begin("Attention", y, qkv).end()
	y.Touch()
	a, ok := d.heads(qkv, h)
	if !ok || a.flash(y, qkv) || a.attentionTiles(y, qkv) {
		return
	}
	step := a.queries()
	all := a.scores(step)
	for q0 := 0; q0 < a.t; q0 += step {
		m := min(step, a.t-q0)
		s := all.queries(h, m)
		a.softmax(s, qkv, q0, m)
		a.product("attention_nn", a.of(y, 0, q0), s, a.of(qkv, 2, 0), m, a.d, a.t, 1, 1, false)
	}
}

// tileEntries are the kernels that hold all scores of some queries in shared memory,
// by the channels of a head.
var tileEntries = func() map[int]string {
	m := map[int]string{}
	for _, d := range gen.AttentionHeads {
		m[d] = gen.AttentionName(d)
	}
	return m
}()

// attentionTiles does it in one kernel if there is one for such heads and so many
// tokens.
func (a *heads) attentionTiles(y, qkv *tensor.Tensor) bool {
	if !slices.Contains(gen.AttentionHeads, a.d) || gen.AttentionShared(a.d, a.t) > a.info.Shared || !of(y).fours() || !of(qkv).fours() {
		return false
	}
	entry := tileEntries[a.d]
	a.launch(entry, entry, grid(up(a.t, 32), a.n*a.h, 1), gen.AttentionShared(a.d, a.t), ptr(at(y)), ptr(at(qkv)), num(a.t), num(a.h),
		num(qkv.Pitch()), num(y.Pitch()), f32(a.scale), num(gen.AttentionWidth(a.t)))
	return true
}

// AttentionBackward sets dqkv from dy as kernels.CPU.AttentionBackward defines it,
// recomputing the probabilities. It panics on shapes that do not fit.
func (d *Device) AttentionBackward(dqkv, dy, qkv *tensor.Tensor, h int) {
	shapes.AttentionBackward(dqkv, dy, qkv, h)
	defer d.begin("AttentionBackward", dqkv, dy, qkv).end()
	dqkv.Touch()
	a, ok := d.heads(qkv, h)
	if !ok || a.flashBack(dqkv, dy, qkv) {
		return
	}
	step := a.queries()
	allS, allD := a.scores(step), a.scores(step)
	for q0 := 0; q0 < a.t; q0 += step {
		m := min(step, a.t-q0)
		s, ds := allS.queries(h, m), allD.queries(h, m)
		last := float32(1) // factor of dk
		if q0+m == a.t {
			last = a.scale
		}
		a.softmax(s, qkv, q0, m)
		a.product("attention_nt", ds, a.of(dy, 0, q0), a.of(qkv, 2, 0), m, a.t, a.d, 1, 1, false)
		a.launch("attention", "softmax_backward", grid(up(a.n*h*m, rowsPerBlock), 1, 1), 0, ptr(ds.at), ptr(s.at), num(a.n*h*m), num(a.t), num(s.pitch))
		a.product("attention_nn", a.of(dqkv, 0, q0), ds, a.of(qkv, 1, 0), m, a.d, a.t, a.scale, 1, false)
		a.product("attention_tn", a.of(dqkv, 1, 0), ds, a.of(qkv, 0, q0), a.t, a.d, m, 1, last, q0 > 0)
		a.product("attention_tn", a.of(dqkv, 2, 0), s, a.of(dy, 0, q0), a.t, a.d, m, 1, 1, q0 > 0)
	}
}
