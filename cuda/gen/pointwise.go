package gen

import (
	"fmt"
	"math"
)

// A Pointwise kernel computes element by element on tensors of rows and columns
// at any pitch: y[i,j] = f(x0[i,j], x1[i,j], …). A thread has Width columns next
// to each other, 1 or 4; 4 needs columns and pitches that are multiples of 4 and
// addresses of 16, also of what Extra has rows of. Grid: ⌈rows·cols/Width/256⌉.
// Parameters: pY, pitchY; pX0, pitchX0, …; count = rows·cols/Width, cols/Width, and
// those of the function.
type Pointwise struct {
	Name   string
	Inputs int
	Extra  []Param
	f      func(b *builder, at *place, x []string) string
}

// A place is where the elements of a thread are: registers of the row, of the
// first column divided by the width, and the parameters; element says which.
type place struct {
	row, group string
	element    int
	v          map[string]string
	width      int
	memo       map[string]string // what the elements of a thread share
	row4       []string          // the columns of another matrix's row
}

// once returns what make writes for the first element of a thread.
func (p *place) once(name string, make func() string) string {
	if p.memo[name] == "" {
		p.memo[name] = make()
	}
	return p.memo[name]
}

// sample is the number of the sample that the row belongs to; per is rows of one.
func (p *place) sample(b *builder) string {
	return p.once("sample", func() string { return b.def('r', "div.u32 %s, %s", p.row, p.v["per"]) })
}

// word is the 32-bit word number i behind a pointer.
func (p *place) word(b *builder, kind byte, pointer, i string) string {
	return b.def(kind, "ld.global.%s [%s]", map[byte]string{'f': "f32", 'r': "u32"}[kind],
		b.def('d', "add.u64 %s, %s", p.v[pointer], b.def('d', "mul.wide.u32 %s, 4", i)))
}

// Pointwises are the kernels of tensor.Device that work element by element.
var Pointwises = []Pointwise{
	{"fill", 0, []Param{{"f32", "s"}}, func(b *builder, p *place, _ []string) string { return p.v["s"] }},
	{"copy", 1, nil, func(_ *builder, _ *place, x []string) string { return x[0] }},
	{"add", 2, nil, func(b *builder, _ *place, x []string) string { return b.add(x[0], x[1]) }},
	{"scale", 1, []Param{{"f32", "s"}}, func(b *builder, p *place, x []string) string { return b.mul(x[0], p.v["s"]) }},
	{"lerp", 2, []Param{{"f32", "mu"}, {"f32", "rest"}}, func(b *builder, p *place, x []string) string {
		return b.fma(p.v["mu"], x[0], b.mul(p.v["rest"], x[1]))
	}},
	{"silu", 1, nil, func(b *builder, _ *place, x []string) string { return b.silu(x[0]) }},
	{"silu_backward", 2, nil, func(b *builder, _ *place, x []string) string { return b.mul(x[0], b.siluGrad(x[1])) }},
	{"scale_samples", 1, []Param{{"u64", "factors"}, {"u32", "per"}}, func(b *builder, p *place, x []string) string {
		return b.mul(x[0], p.once("s", func() string { return p.word(b, 'f', "factors", p.sample(b)) }))
	}},
	{"add_channels", 1, []Param{{"u64", "channels"}, {"u32", "pitchC"}, {"u32", "per"}}, func(b *builder, p *place, x []string) string {
		return b.add(x[0], p.beside(b, "channels", func() string { return p.sample(b) }, "pitchC"))
	}},
	{"embedding", 1, []Param{{"u64", "table"}, {"u32", "cols"}, {"u64", "ids"}}, embedding},
	{"loss_squared_backward", 2, lossParams, func(b *builder, p *place, x []string) string {
		return b.mul(b.sub(x[0], x[1]), p.weight(b))
	}},
	{"loss_huber_backward", 2, lossParams, func(b *builder, p *place, x []string) string {
		return b.mul(b.atMost(b.atLeast(b.sub(x[0], x[1]), lit(-1)), lit(1)), p.weight(b))
	}},
	{"loss_pnorm_backward", 2, []Param{{"u64", "weights"}, {"u32", "per"}, {"f64", "less"}}, lossPNorm},
	// stable.Noise that is not isotropic, of normals and of the roots of positive
	// variates: limits of √A and of the noise; largest numbers where there is none.
	// No noise is 0
	{"noise_product", 2, []Param{{"f32", "root"}, {"f32", "limit"}}, func(b *builder, p *place, x []string) string {
		r := b.atMost(b.atLeast(b.mul(x[1], lit(math.Sqrt2)), lit(0)), p.v["root"])
		return b.lifted(b.atMost(b.atLeast(b.mul(x[0], r), b.neg(p.v["limit"])), p.v["limit"]))
	}},
	{"dropout", 1, []Param{{"u64", "keys"}, {"u32", "per"}, {"u32", "cols"}, {"u32", "seed0"}, {"u32", "seed1"}, {"u32", "limit"}, {"f32", "s"}}, dropout},
}

// The gradient of a loss is weights[i] times the derivative at pred − target, of
// sample i. On the host, with w the weight of the sample and n its elements:
// float32(2·(w/n)) for squares, float32(w/n) for Huber, and for |r|^p, in float64,
// (w/n)·p, less being p−1.
var lossParams = []Param{{"u64", "weights"}, {"u32", "per"}}

// weight is that of the thread's sample.
func (p *place) weight(b *builder) string {
	return p.once("weight", func() string { return p.word(b, 'f', "weights", p.sample(b)) })
}

// lossPNorm is p·|r|^(p−1) with the sign of r, 0 at r = 0.
func lossPNorm(b *builder, p *place, x []string) string {
	w := p.once("weight", func() string {
		return b.def('g', "ld.global.f64 [%s]", b.def('d', "add.u64 %s, %s", p.v["weights"], b.def('d', "mul.wide.u32 %s, 8", p.sample(b))))
	})
	r := b.sub(x[0], x[1])
	g := b.mul64(w, b.powLoss(b.widen(b.def('f', "abs.f32 %s", r)), p.v["less"]))
	g = b.where64(b.test("setp.lt.f32 %s, 0f00000000", r), b.neg64(g), g)
	return b.def('f', "selp.f32 0f00000000, %s, %s", b.narrow(g), b.test("setp.eq.f32 %s, 0f00000000", r))
}

// inRow is the address of the thread's first column in a row of a matrix.
func (p *place) inRow(b *builder, base, row, pitch string) string {
	col := b.def('r', "mul.lo.u32 %s, %d", p.group, p.width)
	e := b.def('d', "mad.wide.u32 %s, %s, %s", row, p.v[pitch], b.def('d', "cvt.u64.u32 %s", col))
	return b.def('d', "add.u64 %s, %s", p.v[base], b.def('d', "shl.b64 %s, 2", e))
}

// beside is the thread's element in a row of another matrix, of which all its columns
// are read at once: of four requests for one each, a sector would serve a quarter.
func (p *place) beside(b *builder, base string, row func() string, pitch string) string {
	if p.row4 == nil {
		p.row4 = b.regs('f', p.width)
		b.emit("ld.global%s %s, [%s];", vector(p.width), group(p.row4), p.inRow(b, base, row(), pitch))
	}
	return p.row4[p.element]
}

// embedding adds row id of the table; a negative id adds nothing, not even 0.
func embedding(b *builder, p *place, x []string) string {
	id := p.once("id", func() string { return p.word(b, 'r', "ids", p.row) })
	known := p.once("known", func() string { return b.test("setp.ge.s32 %s, 0", id) })
	sum := b.add(x[0], p.beside(b, "table", func() string { return b.def('r', "max.s32 %s, 0", id) }, "cols"))
	return b.def('f', "selp.f32 %s, %s, %s", sum, x[0], known)
}

// dropout draws word j mod 4 of Philox at the counter (j/4, key) for element j of
// the sample.
func dropout(b *builder, p *place, x []string) string {
	n := p.sample(b)
	j := p.once("j", func() string { // 64 bits: row of the sample · columns + column
		r := b.def('r', "sub.u32 %s, %s", p.row, b.def('r', "mul.lo.u32 %s, %s", n, p.v["per"]))
		col := b.def('r', "mul.lo.u32 %s, %d", p.group, p.width)
		return b.def('d', "mad.wide.u32 %s, %s, %s", r, p.v["cols"], b.def('d', "cvt.u64.u32 %s", col))
	})
	at := b.def('d', "add.u64 %s, %d", j, p.element)
	block := b.def('d', "shr.u64 %s, 2", at)
	lo, hi := b.def('r', "cvt.u32.u64 %s", block), b.def('r', "cvt.u32.u64 %s", b.def('d', "shr.u64 %s, 32", block))
	n2 := p.once("2n", func() string { return b.def('r', "shl.b32 %s, 1", n) })
	key0 := p.once("key0", func() string { return p.word(b, 'r', "keys", n2) })
	key1 := p.once("key1", func() string { return p.word(b, 'r', "keys", b.def('r', "add.u32 %s, 1", n2)) })
	w := b.philox([4]string{lo, hi, key0, key1}, [2]string{p.v["seed0"], p.v["seed1"]})
	which := b.def('r', "and.b32 %s, 3", b.def('r', "cvt.u32.u64 %s", at))
	word := w[3]
	for i := 2; i >= 0; i-- {
		word = b.def('r', "selp.b32 %s, %s, %s", w[i], word, b.test("setp.eq.u32 %s, %d", which, i))
	}
	drop := b.test("setp.lt.u32 %s, %s", word, p.v["limit"])
	return b.def('f', "selp.f32 0f00000000, %s, %s", b.mul(x[0], p.v["s"]), drop)
}

// EntryName is the entry of that width.
func (p Pointwise) EntryName(width int) string { return fmt.Sprintf("%s_%d", p.Name, width) }

// Text returns the module with the entries of widths 1 and 4.
func (p Pointwise) Text() string { return module70(false, p.text(1), p.text(4)) }

func (p Pointwise) text(width int) string {
	b := newBuilder()
	params := []Param{{"u64", "pY"}, {"u32", "pitchY"}}
	for i := range p.Inputs {
		params = append(params, Param{"u64", fmt.Sprintf("pX%d", i)}, Param{"u32", fmt.Sprintf("pitchX%d", i)})
	}
	params = append(append(params, Param{"u32", "count"}, Param{"u32", "groups"}), p.Extra...)
	v := b.load(params)
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, v["count"]))
	at := &place{v: v, width: width, memo: map[string]string{}}
	at.row = b.def('r', "div.u32 %s, %s", i, v["groups"])
	at.group = b.def('r', "sub.u32 %s, %s", i, b.def('r', "mul.lo.u32 %s, %s", at.row, v["groups"]))
	address := func(base, pitch string) string {
		e := b.def('d', "mul.wide.u32 %s, %s", at.row, v[pitch])
		e = b.def('d', "add.u64 %s, %s", v[base], b.def('d', "shl.b64 %s, 2", e))
		return b.def('d', "add.u64 %s, %s", e, b.def('d', "mul.wide.u32 %s, %d", at.group, 4*width))
	}
	in := make([][]string, p.Inputs)
	for k := range in {
		in[k] = b.regs('f', width)
		a := address(fmt.Sprintf("pX%d", k), fmt.Sprintf("pitchX%d", k))
		b.emit("ld.global%s %s, [%s];", vector(width), group(in[k]), a)
	}
	out := make([]string, width)
	for e := range out {
		x := make([]string, p.Inputs)
		for k := range x {
			x[k] = in[k][e]
		}
		at.element = e
		out[e] = p.f(b, at, x)
	}
	b.emit("st.global%s [%s], %s;", vector(width), address("pY", "pitchY"), group(out))
	b.emit("ret;")
	return b.entry(p.EntryName(width), params, 256, 0)
}

// thread is the number of the thread in a grid of one dimension of 256 threads.
func (b *builder) thread() string {
	return b.def('r', "mad.lo.u32 %s, 256, %s", b.def('r', "mov.u32 %%ctaid.x"), b.def('r', "mov.u32 %%tid.x"))
}

// vector and group are the type and the operand of an access of n floats.
func vector(n int) string {
	if n == 1 {
		return ".f32"
	}
	return fmt.Sprintf(".v%d.f32", n)
}

func group(regs []string) string {
	if len(regs) == 1 {
		return regs[0]
	}
	return list(regs)
}
