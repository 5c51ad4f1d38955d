package gen

// AttentionAny is the module of attention for heads of any size, any number of
// tokens and any pitch, forward and backward, in steps: three products for all
// samples and heads at once, and the softmax and its gradient of rows. A step is
// for queries q0 … q0+m−1, so that scores [N·heads,m,width], width ≥ T, need not
// be there for all queries. With q, k and v the parts of qkv, dq, dk and dv of
// dqkv, d the size of a head and scale = float32(1/√d):
//
//	attention_nt(S, q, k)       S = q·(k·scale)ᵀ: M = m, N = T, K = d, factorB = scale
//	softmax(S)                  rows N·heads·m, cols T, pitch width
//	attention_nn(y, S, v)       y = S·v: M = m, N = d, K = T
//
// and for the gradients, after the first two steps,
//
//	attention_nt(D, dy, v)      M = m, N = T, K = d
//	softmax_backward(D, S)      D = S∘(D − Σ S∘D)
//	attention_nn(dq, D, k)      M = m, N = d, K = T, factorB = scale
//	attention_tn(dk, D, q)      dk += Dᵀ·q: M = T, N = d, K = m; acc where q0 > 0, factorC = scale for the last queries
//	attention_tn(dv, S, dy)     dv += Sᵀ·dy, likewise
//
// Factors that are not named are 1.
func AttentionAny() string {
	return module70(false, attentionProduct("attention_nt", false, true), attentionProduct("attention_nn", false, false),
		attentionProduct("attention_tn", true, false), softmaxRows(), softmaxBackwardRows())
}

const (
	anyTile  = 64 // rows and columns of a block
	anyDepth = 16 // terms that are staged at a time
	anyPitch = anyTile * 4
	anyKeys  = 8 // places of a chunk by the term
)

// An anyProduct is C = A·B·factorC of one sample and head, A [M,K] or if ta its
// transpose in memory, B [K,N] or if tb its transpose; pitches lda, ldb, ldc. The
// elements of B are multiplied by factorB (and rounded) first. Each output is a
// chain over K, which starts from C if acc is not 0. Sample n and head h begin at
// n·sample… + h·head… elements. Grid: (⌈N/64⌉, ⌈M/64⌉, N·heads), 256 threads: a
// thread has four rows and four columns.
type anyProduct struct {
	*builder
	v              map[string]string
	ta, tb         bool
	a, b, c        string // addresses of the sample and head
	row0, col0     string
	tid, tx, ty    string
	shared         string
	loadA, loadB   []string // addresses of what the thread stages, at k = 0
	storeA, storeB []string
	kA, kB         []string // the terms of those
}

func attentionProduct(name string, ta, tb bool) string {
	params := []Param{{"u64", "pC"}, {"u64", "pA"}, {"u64", "pB"}, {"u32", "M"}, {"u32", "N"}, {"u32", "K"},
		{"u32", "ldc"}, {"u32", "lda"}, {"u32", "ldb"}, {"u32", "sampleC"}, {"u32", "headC"}, {"u32", "sampleA"}, {"u32", "headA"},
		{"u32", "sampleB"}, {"u32", "headB"}, {"u32", "heads"}, {"f32", "factorB"}, {"f32", "factorC"}, {"u32", "acc"}}
	b := newBuilder()
	p := &anyProduct{builder: b, v: b.load(params), ta: ta, tb: tb}
	b.emit(".shared .align 128 .b8 tiles[%d];", 2*anyDepth*anyPitch)
	p.shared = b.def('r', "mov.u32 tiles")
	p.tid = b.def('r', "mov.u32 %%tid.x")
	p.tx, p.ty = b.def('r', "and.b32 %s, 15", p.tid), b.def('r', "shr.u32 %s, 4", p.tid)
	p.col0 = b.def('r', "shl.b32 %s, 6", b.def('r', "mov.u32 %%ctaid.x"))
	p.row0 = b.def('r', "shl.b32 %s, 6", b.def('r', "mov.u32 %%ctaid.y"))
	z := b.def('r', "mov.u32 %%ctaid.z")
	n, h := b.def('r', "div.u32 %s, %s", z, p.v["heads"]), b.def('r', "rem.u32 %s, %s", z, p.v["heads"])
	start := func(which string) string {
		e := b.def('d', "mul.wide.u32 %s, %s", n, p.v["sample"+which])
		e = b.def('d', "add.u64 %s, %s", e, b.def('d', "mul.wide.u32 %s, %s", h, p.v["head"+which]))
		return b.def('d', "add.u64 %s, %s", p.v["p"+which], b.def('d', "shl.b64 %s, 2", e))
	}
	p.a, p.b, p.c = start("A"), start("B"), start("C")
	p.staging()
	acc := p.sums()
	p.loop(acc)
	p.store(acc)
	b.emit("ret;")
	return b.entry(name, params, 256, 2)
}

// staging: a thread stages four elements of A and of B. Along k, where that is how
// they lie in memory, a warp has eight terms of four lines; else 64 threads have a term.
// Chunk c of four lines of term k lies at c ^ (k mod 8), so that neither the stores nor
// the reads conflict.
func (p *anyProduct) staging() {
	lastK := p.def('r', "sub.u32 %s, 1", p.v["K"])
	lane, warp := p.def('r', "and.b32 %s, 31", p.tid), p.def('r', "shr.u32 %s, 5", p.tid)
	for i := range 4 {
		place := func(alongK bool, from, count string) (k, line, slot string) {
			if alongK {
				k = p.def('r', "add.u32 %s, %d", p.def('r', "and.b32 %s, 7", lane), 8*(i&1))
				line = p.def('r', "mad.lo.u32 %s, 4, %s", warp, p.def('r', "shr.u32 %s, 3", lane))
				line = p.def('r', "add.u32 %s, %d", line, 32*(i>>1))
			} else {
				k = p.def('r', "add.u32 %s, %d", p.def('r', "shr.u32 %s, 6", p.tid), 4*i)
				line = p.def('r', "and.b32 %s, 63", p.tid)
			}
			slot = p.def('r', "shl.b32 %s, 4", p.def('r', "xor.b32 %s, %s", p.def('r', "shr.u32 %s, 2", line), p.def('r', "and.b32 %s, %d", k, anyKeys-1)))
			slot = p.def('r', "mad.lo.u32 %s, 4, %s", p.def('r', "and.b32 %s, 3", line), slot)
			slot = p.def('r', "mad.lo.u32 %s, %d, %s", k, anyPitch, p.def('r', "add.u32 %s, %s", slot, p.shared))
			line = p.def('r', "min.u32 %s, %s", p.def('r', "add.u32 %s, %s", from, line), p.def('r', "sub.u32 %s, 1", p.v[count]))
			return k, line, slot
		}
		k, line, slot := place(!p.ta, p.row0, "M")
		p.kA, p.loadA, p.storeA = append(p.kA, k), append(p.loadA, line), append(p.storeA, slot)
		k, line, slot = place(p.tb, p.col0, "N")
		p.kB, p.loadB, p.storeB = append(p.kB, k), append(p.loadB, line), append(p.storeB, slot)
	}
	p.v["lastK"] = lastK
}

// fetch loads the elements of the terms from k0 on; past the last they are the
// last again.
func (p *anyProduct) fetch(k0 string, a, b []string) {
	for i := range 4 {
		one := func(to, base, k, line, pitch string, alongK bool) {
			k = p.def('r', "min.u32 %s, %s", p.def('r', "add.u32 %s, %s", k0, k), p.v["lastK"])
			if !alongK {
				k, line = line, k
			}
			p.emit("ld.global.f32 %s, [%s];", to, p.item(p.at(base, line, pitch), k))
		}
		one(a[i], p.a, p.kA[i], p.loadA[i], p.v["lda"], !p.ta)
		one(b[i], p.b, p.kB[i], p.loadB[i], p.v["ldb"], p.tb)
	}
}

// sums are the thread's 16 chains: zero, or what C holds.
func (p *anyProduct) sums() (acc [4][4]string) {
	begin, more := p.test("setp.ne.u32 %s, 0", p.v["acc"]), p.label("ZERO")
	for i := range 4 {
		for j := range 4 {
			acc[i][j] = p.zero()
		}
	}
	p.emit("@!%s bra %s;", begin, more)
	p.outputs(func(i, j int, at, in string) { p.emit("@%s ld.global.f32 %s, [%s];", in, acc[i][j], at) })
	p.mark(more)
	return acc
}

// outputs runs body on the thread's elements of C: their addresses, and predicates
// of being one.
func (p *anyProduct) outputs(body func(i, j int, at, in string)) {
	for i := range 4 {
		row := p.def('r', "add.u32 %s, %s", p.row0, p.def('r', "mad.lo.u32 %s, 4, %d", p.ty, i))
		inRow := p.test("setp.lt.u32 %s, %s", row, p.v["M"])
		at := p.at(p.c, row, p.v["ldc"])
		for j := range 4 {
			col := p.def('r', "add.u32 %s, %s", p.col0, p.def('r', "mad.lo.u32 %s, 4, %d", p.tx, j))
			body(i, j, p.item(at, col), p.test("setp.lt.and.u32 %s, %s, %s", col, p.v["N"], inRow))
		}
	}
}

func (p *anyProduct) loop(acc [4][4]string) {
	a, b := p.regs('f', 4), p.regs('f', 4)
	k0, next := p.def('r', "mov.u32 0"), p.reg('r')
	var aAt, bAt [anyKeys]string
	for key := range anyKeys {
		aAt[key] = p.def('r', "mad.lo.u32 %s, 16, %s", p.def('r', "xor.b32 %s, %d", p.ty, key), p.shared)
		bAt[key] = p.def('r', "mad.lo.u32 %s, 16, %s", p.def('r', "xor.b32 %s, %d", p.tx, key), p.shared)
	}
	tile, tail, end := p.label("TILE"), p.label("TAIL"), p.label("PRODUCT")
	p.fetch(k0, a, b)
	p.mark(tile)
	p.emit("bar.sync 0;")
	for i := range 4 {
		p.emit("st.shared.f32 [%s], %s;", p.storeA[i], a[i])
		p.emit("st.shared.f32 [%s+%d], %s;", p.storeB[i], anyDepth*anyPitch, p.mul(b[i], p.v["factorB"]))
	}
	p.emit("bar.sync 0;")
	p.emit("add.u32 %s, %s, %d;", next, k0, anyDepth)
	p.jump(tail, "setp.gt.u32 %s, %s", next, p.v["K"])
	p.fetch(next, a, b)
	for k := range anyDepth {
		p.term(acc, aAt[k%anyKeys], bAt[k%anyKeys], k*anyPitch)
	}
	p.emit("mov.u32 %s, %s;", k0, next)
	p.jump(tile, "setp.lt.u32 %s, %s", k0, p.v["K"])
	p.emit("bra %s;", end)
	p.mark(tail) // K mod 16 terms
	k, one := p.def('r', "mov.u32 0"), p.label("TERM")
	p.mark(one)
	line := p.def('r', "mad.lo.u32 %s, %d, %s", k, anyPitch, p.shared)
	key := p.def('r', "and.b32 %s, %d", k, anyKeys-1)
	at := func(t string) string {
		return p.def('r', "mad.lo.u32 %s, 16, %s", p.def('r', "xor.b32 %s, %s", t, key), line)
	}
	p.term(acc, at(p.ty), at(p.tx), 0)
	p.emit("add.u32 %s, %s, 1;", k, k)
	p.emit("add.u32 %s, %s, 1;", k0, k0)
	p.jump(one, "setp.lt.u32 %s, %s", k0, p.v["K"])
	p.mark(end)
}

// term adds one term to all chains.
func (p *anyProduct) term(acc [4][4]string, aAt, bAt string, offset int) {
	x, y := p.regs('f', 4), p.regs('f', 4)
	p.emit("ld.shared.v4.f32 %s, [%s+%d];", list(x), aAt, offset)
	p.emit("ld.shared.v4.f32 %s, [%s+%d];", list(y), bAt, anyDepth*anyPitch+offset)
	for i := range 4 {
		for j := range 4 {
			p.addProduct(acc[i][j], x[i], y[j])
		}
	}
}

func (p *anyProduct) store(acc [4][4]string) {
	p.outputs(func(i, j int, at, in string) {
		p.emit("@%s st.global.f32 [%s], %s;", in, at, p.mul(acc[i][j], p.v["factorC"]))
	})
}

// softmaxRows is simd.SoftmaxRow of rows of cols at pitch. Grid: ⌈rows/8⌉, 128
// threads.
func softmaxRows() string {
	params := []Param{{"u64", "pX"}, {"u32", "rows"}, {"u32", "cols"}, {"u32", "pitch"}}
	k := newRows(params, "rows")
	x0, cols := k.at(k.v["pX"], k.row, k.v["pitch"]), k.v["cols"]
	top := k.def('f', "mov.f32 0fFF800000")
	larger := func(x string) {
		k.emit("selp.f32 %s, %s, %s, %s;", top, x, top, k.test("setp.gt.f32 %s, %s", x, top))
	}
	k.lanes(cols, k.from(x0), func(_ string, x []string) { larger(x[0]) })
	k.foldLanes(top, larger)
	sum := k.zero()
	k.lanes(cols, k.from(x0), func(i string, x []string) {
		e := k.exp1(k.sub(x[0], top))
		k.emit("@%s st.global.f32 [%s], %s;", k.in, k.item(x0, i), e)
		k.plus(sum, e)
	})
	inv := k.div(lit(1), k.fold16(sum))
	k.lanes(cols, k.from(x0), func(i string, x []string) {
		k.emit("@%s st.global.f32 [%s], %s;", k.in, k.item(x0, i), k.mul(x[0], inv))
	})
	k.emit("ret;")
	return k.entry("softmax", params, 128, 0)
}

// softmaxBackwardRows is simd.SoftmaxBackwardRow: pDP = p∘(dp − Σ p∘dp). Grid:
// ⌈rows/8⌉, 128 threads.
func softmaxBackwardRows() string {
	params := []Param{{"u64", "pDP"}, {"u64", "pP"}, {"u32", "rows"}, {"u32", "cols"}, {"u32", "pitch"}}
	k := newRows(params, "rows")
	p0, dp0 := k.at(k.v["pP"], k.row, k.v["pitch"]), k.at(k.v["pDP"], k.row, k.v["pitch"])
	sum := k.zero()
	k.lanes(k.v["cols"], k.from(p0, dp0), func(_ string, x []string) { k.addProduct(sum, x[0], x[1]) })
	sum = k.fold16(sum)
	k.lanes(k.v["cols"], k.from(p0, dp0), func(i string, x []string) {
		k.emit("@%s st.global.f32 [%s], %s;", k.in, k.item(dp0, i), k.mul(x[0], k.sub(x[1], sum)))
	})
	k.emit("ret;")
	return k.entry("softmax_backward", params, 128, 0)
}
