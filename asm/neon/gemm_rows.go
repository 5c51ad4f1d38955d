package main

// exactTerms sets exact: the three last terms where registers reach beyond the columns
// and there need not be more of them in B, which has at least three numbers behind a row
// that three others follow.
func (p *product) exactTerms() {
	p.op("MOVD $0, %s", exact)
	p.op("MOVD rest+24(FP), %s", rest)
	p.op("CBZ %s, tile", rest)
	p.op("MOVBU %d(R0), R23", fieldPacked)
	p.op("CBNZ R23, tile")
	p.op("MOVD $3, %s", exact)
}

// widths calls write for whole rows and, where there are others, for those.
func (p *product) widths(write func(move func(name, ptr string, v int))) {
	whole := func(name, ptr string, v int) {
		if name == "VST1" {
			p.op("VST1 %s, (%s)", list(v, p.vecs), ptr)
		} else {
			p.op("VLD1 (%s), %s", ptr, list(v, p.vecs))
		}
	}
	if !p.some() {
		write(whole)
		return
	}
	part, done := p.unique("part"), p.unique("done")
	p.op("CBNZ %s, %s", rest, part)
	write(whole)
	p.op("B %s", done)
	p.label(part)
	write(func(name, ptr string, v int) { p.moveSome(name, ptr, rest, "R24", v) })
	p.label(done)
}

// moveSome loads or stores a row whose last register has 1 to 3 columns; free may be
// the register of their number.
func (p *product) moveSome(name, ptr, cols, free string, v int) {
	move := func(op string, at, v int) {
		if name == "VST1" {
			p.op("%s F%d, %d(%s)", op, v, at, ptr)
		} else {
			p.op("%s %d(%s), F%d", op, at, ptr, v)
		}
	}
	at, last := 16*(p.vecs-1), v+p.vecs-1
	if p.vecs == 2 {
		move("FMOVQ", 0, v)
	}
	one, moved := p.unique("one"), p.unique("moved")
	p.op("TBZ $1, %s, %s", cols, one)
	move("FMOVD", at, last)
	p.op("TBZ $0, %s, %s", cols, moved)
	p.op("ADD $%d, %s, %s", at+8, ptr, free)
	if name == "VST1" {
		p.op("VST1 V%d.S[2], (%s)", last, free)
	} else {
		p.op("VLD1 (%s), V%d.S[2]", free, last)
	}
	p.op("B %s", moved)
	p.label(one)
	move("FMOVS", at, last)
	p.label(moved)
}

// pointed calls f with every row and a pointer to base + 4·table[i], six of them set at
// a time.
func (p *product) pointed(base, table string, f func(i int, ptr string)) {
	const most = 6 // R1…R6
	for first := 0; first < p.rows; first += most {
		last := min(first+most, p.rows)
		p.pointers(base, table, first, last, rowPtrs)
		for i := first; i < last; i++ {
			f(i, rowPtrs[i-first])
		}
	}
}

// pointers sets ptrs to base + 4·table[i], first ≤ i < last.
func (p *product) pointers(base, table string, first, last int, ptrs []string) {
	p.offsets(table, first, last, ptrs)
	for _, r := range ptrs[:last-first] {
		p.op("ADD %s<<2, %s, %s", r, base, r)
	}
}

// offsets sets ptrs to table[i], two at a time.
func (p *product) offsets(table string, first, last int, ptrs []string) {
	for i := first; i < last; i += 2 {
		if i+1 == last {
			p.op("MOVW %d(%s), %s", 4*i, table, ptrs[i-first])
			break
		}
		p.op("LDPSW %d(%s), (%s, %s)", 4*i, table, ptrs[i-first], ptrs[i-first+1])
	}
}

// initial sets the accumulators to C or to zero.
func (p *product) initial() {
	p.op("MOVBU %d(R0), R23", fieldAcc)
	p.op("CBZ R23, empty")
	p.comment("Continue the sums in C")
	if p.some() {
		p.op("MOVD rest+24(FP), %s", rest)
	}
	p.widths(func(move func(name, ptr string, v int)) {
		p.pointed(cBase, cTab, func(i int, ptr string) {
			if p.turned {
				p.op("VLD1 (%s), V%d.S[%d]", ptr, i/4, i%4)
				return
			}
			move("VLD1", ptr, p.accum(i, 0))
		})
	})
	p.op("B started")
	p.label("empty")
	for i := range p.accums() {
		p.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	p.label("started")
}

// epilogue adds bias and residual and stores, all loads before the stores.
func (p *product) epilogue() {
	add := func(row int) {
		for v := range p.vecs {
			p.op("%s", word("FADD", p.accum(row, v), p.accum(row, v), p.fromB()+v))
		}
	}
	if p.some() {
		p.op("MOVD rest+24(FP), %s", rest)
	}
	p.op("MOVD %d(R0), R23", fieldBias)
	p.op("CBZ R23, unbiased")
	p.op("MOVD col+16(FP), R24")
	p.op("ADD R24<<2, R23")
	if p.turned {
		p.op("VLD1R (R23), [V%d.S4]", p.fromB())
		p.addTurned(0)
	} else {
		p.widths(func(move func(name, ptr string, v int)) { move("VLD1", "R23", p.fromB()) })
		for i := range p.rows {
			add(i)
		}
	}
	p.label("unbiased")
	p.op("MOVD %d(R0), R23", fieldRes)
	p.op("CBZ R23, alone")
	p.widths(func(move func(name, ptr string, v int)) {
		p.pointed(rBase, rTab, func(i int, ptr string) {
			if p.turned {
				p.op("VLD1 (%s), V%d.S[%d]", ptr, p.fromB()+i/4, i%4)
				return
			}
			move("VLD1", ptr, p.fromB())
			add(i)
		})
	})
	if p.turned {
		p.addTurned(1)
	}
	p.label("alone")
	p.widths(func(move func(name, ptr string, v int)) {
		p.pointed(cBase, cTab, func(i int, ptr string) {
			if p.turned {
				p.op("VST1 V%d.S[%d], (%s)", i/4, i%4, ptr)
				return
			}
			move("VST1", ptr, p.accum(i, 0))
		})
	})
}
