package gen

// A NoiseFamily is a family of variates of package simd: whole blocks of
// Philox4x32-10, of which thread i makes number first+i, Per float32 or, if Wide,
// float64. pY has room for whole blocks. Grid: ⌈blocks/256⌉, 256 threads.
// Parameters: pY, blocks, first; k0, k1 the key (a seed's low and high half); c1,
// c2, c3 the upper words of the counter; then Extra, which are those of
// simd.NoiseParams and simd.Noise64Params by name, pairs with 0 and 1 behind: near
// is K, rest K1, klo KLo.
type NoiseFamily struct {
	Name  string
	Per   int
	Wide  bool
	Extra []Param
	make  func(b *builder, w [4]string, v map[string]string) []string
}

var noiseParams = []Param{{"u64", "pY"}, {"u32", "blocks"}, {"u32", "first"},
	{"u32", "k0"}, {"u32", "k1"}, {"u32", "c1"}, {"u32", "c2"}, {"u32", "c3"}}

// Noises are the families, by the NoiseOp and Noise64Op that they are the kernels
// of: normal is simd.NoiseNormal, root_high NoiseRootHigh, student64
// Noise64StudentT and so on.
var Noises = []NoiseFamily{
	{"words", 4, false, nil, func(b *builder, w [4]string, _ map[string]string) []string {
		return each(w, func(w string) string { return b.def('f', "mov.b32 %s", w) })
	}},
	{"uniform", 4, false, nil, func(b *builder, w [4]string, _ map[string]string) []string {
		return each(w, func(w string) string {
			return b.fma(b.toFloat(b.def('r', "shr.u32 %s, 1", w)), lit(0x1p-31), lit(0x1p-32))
		})
	}},
	{"exponential", 4, false, nil, func(b *builder, w [4]string, _ map[string]string) []string {
		return each(w, func(w string) string { return b.mul(b.negLog2(w), lit(0x1.62e430p-1)) })
	}},
	{"normal", 4, false, floats("scale"), func(b *builder, w [4]string, v map[string]string) []string {
		x0, x1 := b.normal(w[0], w[1], v["scale"])
		x2, x3 := b.normal(w[2], w[3], v["scale"])
		return []string{x0, x1, x2, x3}
	}},
	symmetricFamily("symmetric_low", false), symmetricFamily("symmetric_high", true),
	{"skewed", 2, false, floats("alpha", "alphalo", "eps", "near0", "near1", "rest0", "rest1", "klo0", "klo1", "least", "expo", "expolo", "bias", "biasn", "shift", "zero"),
		pairs((*builder).skewed)},
	positiveFamily("positive_low", "value", false), positiveFamily("positive_high", "value", true),
	positiveFamily("root_low", "root", false), positiveFamily("root_high", "root", true),
	positiveFamily("log_low", "log", false), positiveFamily("log_high", "log", true),
	tableFamily("table_8", 8), tableFamily("table_10", 10),
	wideFamily("uniform64", nil, func(b *builder, w0, w1 string, _ map[string]string) []string {
		return []string{b.unit64(w0), b.unit64(w1)}
	}),
	wideFamily("exponential64", nil, func(b *builder, w0, w1 string, _ map[string]string) []string {
		return []string{b.mul64(b.negLog264(w0), lit64(ln2f64)), b.mul64(b.negLog264(w1), lit64(ln2f64))}
	}),
	wideFamily("normal64", nil, func(b *builder, w0, w1 string, _ map[string]string) []string {
		x, y := b.normals64(w0, w1)
		return []string{x, y}
	}),
	symmetricFamily64("symmetric64_low", false), symmetricFamily64("symmetric64_high", true),
	skewedFamily64("skewed64_s0", true), skewedFamily64("skewed64_s1", false),
	roundedFamily("skewed_s0"),
	wideFamily("student64", []string{"expohi", "expo", "expolo", "bias", "nu"}, func(b *builder, w0, w1 string, v map[string]string) []string {
		return []string{b.student64(w0, w1, v)}
	}),
}

func floats(names ...string) []Param { return params("f32", names) }

func params(kind string, names []string) (p []Param) {
	for _, n := range names {
		p = append(p, Param{kind, n})
	}
	return p
}

// wideFamily is one of float64, with one or two variates to a block.
func wideFamily(name string, extra []string, make func(b *builder, w0, w1 string, v map[string]string) []string) NoiseFamily {
	per := 1
	if extra == nil {
		per = 2
	}
	return NoiseFamily{name, per, true, params("f64", extra), func(b *builder, w [4]string, v map[string]string) []string {
		w0, w1 := b.wide(w)
		return make(b, w0, w1, v)
	}}
}

func symmetricFamily64(name string, high bool) NoiseFamily {
	return wideFamily(name, []string{"a", "k", "expohi", "expo", "expolo", "bias"}, func(b *builder, w0, w1 string, v map[string]string) []string {
		return []string{b.symmetric64(w0, w1, v, high)}
	})
}

var skewedParams64 = []string{"expohi", "expo", "expolo", "bias", "eps", "halfeps", "invsin", "bp", "bm", "kp", "km", "invalpha", "inveps", "lo", "hi"}

// roundedFamily is simd.Noise64SkewedS0 in float32, at most the largest: what
// stable.Key.Skewed makes in S0 for |1−α| ≤ ½.
func roundedFamily(name string) NoiseFamily {
	n := skewedFamily64(name, true)
	make := n.make
	n.Wide, n.make = false, func(b *builder, w [4]string, v map[string]string) []string {
		const most = 0x1.fffffep127
		x := b.def('g', "max.f64 %s, %s", b.def('g', "min.f64 %s, %s", make(b, w, v)[0], lit64(most)), lit64(-most))
		return []string{b.narrow(x)}
	}
	return n
}

func skewedFamily64(name string, s0 bool) NoiseFamily {
	return wideFamily(name, skewedParams64, func(b *builder, w0, w1 string, v map[string]string) []string {
		return []string{b.skewed64(w0, w1, v, s0)}
	})
}

func each(w [4]string, f func(w string) string) []string {
	return []string{f(w[0]), f(w[1]), f(w[2]), f(w[3])}
}

// pairs makes two variates of two words each.
func pairs(f func(b *builder, wu, we string, v map[string]string) string) func(b *builder, w [4]string, v map[string]string) []string {
	return func(b *builder, w [4]string, v map[string]string) []string {
		return []string{f(b, w[0], w[1], v), f(b, w[2], w[3], v)}
	}
}

// symmetricFamily is for α > 1 if high. half is K, α/2, and rest K1.
func symmetricFamily(name string, high bool) NoiseFamily {
	return NoiseFamily{name, 2, false, floats("alpha", "half", "rest", "eps", "least", "expo", "expolo", "bias"),
		pairs(func(b *builder, wu, we string, v map[string]string) string { return b.symmetric(wu, we, v, high) })}
}

// positiveFamily is for an index ≥ ½ if high.
func positiveFamily(name, form string, high bool) NoiseFamily {
	return NoiseFamily{name, 2, false, floats("a", "expo", "expolo", "bias"),
		pairs(func(b *builder, wu, we string, v map[string]string) string {
			return b.positive(wu, we, v, form, high)
		})}
}

// TableStride is the number of float32 from row to row of a table of so many terms,
// a multiple of four: pTable holds [2][rows][TableStride].
func TableStride(terms int) int { return (terms + 3) / 4 * 4 }

// tableFamily is simd.NoiseTable, with the fields of simd.OctaveLayout; rows are
// those of a side.
func tableFamily(name string, terms int) NoiseFamily {
	extra := append([]Param{{"u64", "pTable"}, {"u32", "rows"}, {"u32", "split"}, {"u32", "shift"}}, floats("a0", "a1", "b0", "b1")...)
	return NoiseFamily{name, 4, false, extra, func(b *builder, w [4]string, v map[string]string) []string {
		return each(w, func(w string) string { return b.tabular(w, v, terms) })
	}}
}

// tabular is simd.noiseTabular.
func (b *builder) tabular(w string, v map[string]string, terms int) string {
	upper := b.test("setp.ge.u32 %s, %s", w, v["split"])
	k := b.def('r', "selp.b32 %s, %s, %s", b.def('r', "not.b32 %s", w), w, upper)
	side := func(name string) string {
		return b.def('f', "selp.f32 %s, %s, %s", v[name+"1"], v[name+"0"], upper)
	}
	t := b.fma(b.def('f', "cvt.rn.f32.u32 %s", k), side("a"), side("b"))
	t = b.def('f', "max.f32 %s, %s", t, lit(0x1.000002p-33))
	n := b.def('r', "sub.u32 0x3F000000, %s", b.def('r', "mov.b32 %s", t))
	mask := b.def('r', "sub.u32 %s, 1", b.def('r', "shl.b32 1, %s", v["shift"]))
	d := b.def('r', "or.b32 %s, 0x3F800000", b.def('r', "and.b32 %s, %s", n, mask))
	at := b.sub(b.def('f', "mov.b32 %s", d), lit(1))
	at = b.def('f', "selp.f32 %s, %s, %s", lit(0x1p-25), at, b.test("setp.eq.u32 %s, 0", n))
	row := b.def('r', "shr.u32 %s, %s", n, v["shift"])
	row = b.def('r', "add.u32 %s, %s", row, b.def('r', "selp.b32 %s, 0, %s", v["rows"], upper))
	from := b.def('d', "add.u64 %s, %s", v["pTable"], b.def('d', "mul.wide.u32 %s, %d", row, 4*TableStride(terms)))
	c := b.regs('f', terms)
	for i := 0; i < terms; i += 4 {
		some := c[i:min(i+4, terms)]
		b.emit("ld.global%s %s, [%s+%d];", vector(len(some)), list(some), from, 4*i)
	}
	x := c[terms-1]
	for i := terms - 2; i >= 0; i-- {
		x = b.fma(x, at, c[i])
	}
	return x
}

// Text returns the module of the family.
func (n NoiseFamily) Text() string { return module70(false, n.entry(false)) }

// Given returns a module that takes the words of its blocks from memory, in the
// place of first, the key and the counter: for tests.
func (n NoiseFamily) Given() string { return module70(false, n.entry(true)) }

func (n NoiseFamily) entry(given bool) string {
	b := newBuilder()
	params := append([]Param{}, noiseParams...)
	if given {
		params = append(params[:2], Param{"u64", "pWords"})
	}
	params = append(params, n.Extra...)
	v := b.load(params)
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, v["blocks"]))
	var w [4]string
	if given {
		copy(w[:], b.regs('r', 4))
		b.emit("ld.global.v4.u32 %s, [%s];", list(w[:]), b.def('d', "add.u64 %s, %s", v["pWords"], b.def('d', "mul.wide.u32 %s, 16", i)))
	} else {
		w = b.philox([4]string{b.def('r', "add.u32 %s, %s", i, v["first"]), v["c1"], v["c2"], v["c3"]}, [2]string{v["k0"], v["k1"]})
	}
	x := n.make(b, w, v)
	size, kind := 4, "f32"
	if n.Wide {
		size, kind = 8, "f64"
	}
	if len(x) > 1 {
		kind = map[int]string{2: "v2.", 4: "v4."}[len(x)] + kind
	}
	at := b.def('d', "add.u64 %s, %s", v["pY"], b.def('d', "mul.wide.u32 %s, %d", i, size*len(x)))
	b.emit("st.global.%s [%s], %s;", kind, at, group(x))
	b.emit("ret;")
	return b.entry(n.Name, params, 256, 0)
}
