package gen

// sumBlock is the number of elements that simd.Sum adds in float32.
const sumBlock = 4096

// Loss is the module of the sums over elements, in blocks of 4096 that half a
// warp adds in lanes, and of what joins the blocks in float64:
//
//	loss_squared, loss_huber, loss_pnorm  float32 sums of blocks of a sample
//	sumsq                                 the same of the squares of a dense tensor
//	sum_blocks                            their sum in float64, over a count
//
// Grid of the first four: ⌈total/8⌉, 128 threads, with blocks = ⌈n/4096⌉ of a
// sample of n elements (rows·cols) and total = samples·blocks; pOut [total]. p is
// the exponent of loss_pnorm. Grid of sum_blocks: samples, 256 threads; pOut
// [samples] float64; per is the number of blocks whose sum is formed first: 1 for
// losses, 16 for SumSq.
func Loss() string {
	return module70(false, lossSums("loss_squared"), lossSums("loss_huber"), lossSums("loss_pnorm"), sumSq(), sumBlocks())
}

func lossSums(name string) string {
	params := []Param{{"u64", "pOut"}, {"u64", "pPred"}, {"u32", "pitchP"}, {"u64", "pTarget"}, {"u32", "pitchT"},
		{"u32", "n"}, {"u32", "rows"}, {"u32", "cols"}, {"u32", "blocks"}, {"u32", "total"}}
	if name == "loss_pnorm" {
		params = append(params, Param{"f64", "p"})
	}
	k := newRows(params, "total")
	sample := k.def('r', "div.u32 %s, %s", k.row, k.v["blocks"])
	row0 := k.def('r', "mul.lo.u32 %s, %s", sample, k.v["rows"])
	residual := func(j string) []string {
		r := k.def('r', "div.u32 %s, %s", j, k.v["cols"])
		c := k.def('r', "sub.u32 %s, %s", j, k.def('r', "mul.lo.u32 %s, %s", r, k.v["cols"]))
		row := k.def('r', "add.u32 %s, %s", row0, r)
		x := k.load32(k.item(k.at(k.v["pPred"], row, k.v["pitchP"]), c))
		return []string{k.sub(x, k.load32(k.item(k.at(k.v["pTarget"], row, k.v["pitchT"]), c)))}
	}
	k.blockSum(k.def('r', "rem.u32 %s, %s", k.row, k.v["blocks"]), residual, func(sum, r string) {
		switch name {
		case "loss_squared":
			k.addProduct(sum, r, r)
		case "loss_huber":
			k.plus(sum, k.huber(r))
		default:
			k.plus(sum, k.narrow(k.powLoss(k.widen(k.def('f', "abs.f32 %s", r)), k.v["p"])))
		}
	})
	return k.entry(name, params, 128, 0)
}

func sumSq() string {
	params := []Param{{"u64", "pOut"}, {"u64", "pX"}, {"u32", "n"}, {"u32", "total"}}
	k := newRows(params, "total")
	k.blockSum(k.row, func(j string) []string { return []string{k.load32(k.item(k.v["pX"], j))} },
		func(sum, x string) { k.addProduct(sum, x, x) })
	return k.entry("sumsq", params, 128, 0)
}

// blockSum adds the elements of a block of n in lanes and stores the sum.
func (k *rowKernel) blockSum(block string, load func(j string) []string, term func(sum, x string)) {
	from := k.def('r', "mul.lo.u32 %s, %d", block, sumBlock)
	end := k.def('r', "min.u32 %s, %s", k.v["n"], k.def('r', "add.u32 %s, %d", from, sumBlock))
	sum := k.zero()
	k.walk(k.def('r', "add.u32 %s, %s", from, k.lane), end, 16, load, func(_ string, x []string) { term(sum, x[0]) })
	sum = k.fold16(sum)
	k.emit("@%s st.global.f32 [%s], %s;", k.first(), k.item(k.v["pOut"], k.row), sum)
	k.emit("ret;")
}

// huber is simd.Huber.
func (b *builder) huber(r string) string {
	a := b.def('f', "abs.f32 %s", r)
	m := b.atMost(a, lit(1))
	return b.mul(m, b.sub(a, b.mul(m, lit(0.5))))
}

// sumBlocks: a thread adds per blocks, thread 0 what the others found, ascending.
func sumBlocks() string {
	params := []Param{{"u64", "pOut"}, {"u64", "pPart"}, {"u32", "blocks"}, {"u32", "per"}, {"f64", "count"}}
	b := newBuilder()
	v := b.load(params)
	b.emit(".shared .align 16 .b8 sums[2048];")
	tid, row := b.def('r', "mov.u32 %%tid.x"), b.def('r', "mov.u32 %%ctaid.x")
	part := b.at(v["pPart"], row, v["blocks"])
	base := b.def('r', "mov.u32 sums")
	mine := b.def('r', "mad.lo.u32 %s, 8, %s", tid, base)
	total := b.zero64()
	chunk := b.def('r', "mov.u32 0") // of thread 0
	round, own, owned, skip, add := b.label("ROUND"), b.label("OWN"), b.label("OWNED"), b.label("SKIP"), b.label("ADD")
	b.mark(round)
	i := b.def('r', "mul.lo.u32 %s, %s", b.def('r', "add.u32 %s, %s", chunk, tid), v["per"])
	end := b.def('r', "min.u32 %s, %s", v["blocks"], b.def('r', "add.u32 %s, %s", i, v["per"]))
	sum := b.zero64()
	b.mark(own)
	b.jump(owned, "setp.ge.u32 %s, %s", i, end)
	b.plus64(sum, b.widen(b.load32(b.item(part, i))))
	b.emit("add.u32 %s, %s, 1;", i, i)
	b.emit("bra %s;", own)
	b.mark(owned)
	b.emit("st.shared.f64 [%s], %s;", mine, sum)
	b.emit("bar.sync 0;")
	b.jump(skip, "setp.ne.u32 %s, 0", tid)
	left := b.def('r', "min.u32 %s, 256", b.chunks(chunk, v))
	j, at := b.def('r', "mov.u32 0"), b.def('r', "mov.u32 %s", base)
	b.mark(add)
	b.plus64(total, b.def('g', "ld.shared.f64 [%s]", at))
	b.emit("add.u32 %s, %s, 8;", at, at)
	b.emit("add.u32 %s, %s, 1;", j, j)
	b.jump(add, "setp.lt.u32 %s, %s", j, left)
	b.mark(skip)
	b.emit("bar.sync 0;")
	b.emit("add.u32 %s, %s, 256;", chunk, chunk)
	b.jump(round, "setp.lt.u32 %s, %s", b.def('r', "mul.lo.u32 %s, %s", chunk, v["per"]), v["blocks"])
	out := b.def('d', "add.u64 %s, %s", v["pOut"], b.def('d', "mul.wide.u32 %s, 8", row))
	first := b.test("setp.eq.u32 %s, 0", tid)
	b.emit("@%s st.global.f64 [%s], %s;", first, out, b.div64(total, v["count"]))
	b.emit("ret;")
	return b.entry("sum_blocks", params, 256, 0)
}

// chunks is the number of chunks of per blocks from chunk on.
func (b *builder) chunks(chunk string, v map[string]string) string {
	left := b.def('r', "sub.u32 %s, %s", v["blocks"], b.def('r', "mul.lo.u32 %s, %s", chunk, v["per"]))
	return b.def('r', "div.u32 %s, %s", b.def('r', "sub.u32 %s, 1", b.def('r', "add.u32 %s, %s", left, v["per"])), v["per"])
}
