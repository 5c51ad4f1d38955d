package main

import "fmt"

// products writes the micro-kernels of matrix products, which simd.Tiles
// describes, for parts of a tile: 6 or 4 rows by 16, 8, 4, 3, 2 or 1 columns, one row by
// 16, and 12 rows that are neighbours in A by 8, 4 or 1.
func products(f *file) {
	for _, p := range []part{
		{6, 16, 0, 0}, {4, 16, 0, 0}, {1, 16, 16, 1}, {6, 8, 8, 6}, {4, 8, 16, 4},
		{6, 4, 16, 2}, {4, 4, 16, 4}, {6, 3, 16, 2}, {4, 3, 16, 4}, {6, 2, 16, 2}, {4, 2, 16, 4}, {6, 1, 16, 2}, {4, 1, 16, 4},
	} {
		(&product{file: f, part: p, vecs: (p.cols + 3) / 4}).tiles()
	}
	for _, cols := range []int{8, 4, 1} {
		(&product{file: f, part: part{rows: 12, cols: cols}, vecs: (cols + 3) / 4, beside: true, turned: cols == 1}).tiles()
	}
	peak(f)
}

// A part is a size, with the terms in a turn of its widest loop, 0 where the loop of
// four is as good, and how many rows of A have room there at a time.
type part struct{ rows, cols, wide, group int }

// A product writes one micro-kernel. Its accumulators are V0…; the registers
// behind them hold elements of A and rows of B.
type product struct {
	*file
	part
	vecs   int  // registers of a row
	beside bool // rows are neighbours in A
	turned bool // and there is one column: registers hold four rows of it
}

// Byte offsets of the fields of simd.Tiles; a test in simd keeps them.
const (
	fieldA, fieldB, fieldC, fieldBias, fieldRes, fieldZero = 0, 24, 48, 72, 96, 120
	fieldAOff, fieldBOff, fieldCOff, fieldROff             = 144, 168, 192, 216

	fieldN, fieldSegs, fieldK, fieldKA, fieldKB = 240, 264, 272, 280, 288
	fieldAStep, fieldCStep, fieldRStep          = 296, 304, 312
	fieldAInc, fieldCInc, fieldRInc, fieldBInc  = 320, 328, 336, 344
	fieldAcc                                    = 352
)

// Registers: R0 the *Tiles, R1…R6 the rows; R23 and R24 are free.
const (
	ka, kb, bPtr, terms      = "R7", "R8", "R9", "R10"
	segs, aTab, bTab, tiles  = "R11", "R12", "R13", "R14"
	aBase, cBase, cTab, aRow = "R15", "R16", "R17", "R19" // aRow: the tile's row offsets
	rBase, rTab, zero, bBase = "R20", "R21", "R22", "R25"
	bRest                    = "R26" // what of a row of B one load does not reach

	unroll = 4 // terms in a turn of the main loop
)

// accum is the register of row i, vector v; fromA holds elements of row i of A;
// fromB is free for rows of B, bias and residual.
func (p *product) accum(i, v int) int { return i*p.vecs + v }
func (p *product) fromA(i int) int    { return 32 - p.rows + i }
func (p *product) fromB() int         { return p.accums() }

// accums returns how many accumulators there are.
func (p *product) accums() int {
	if p.turned {
		return p.rows / 4
	}
	return p.rows * p.vecs
}

// both reports whether rows that are neighbours have a loop beside that of rows whose
// elements are.
func (p *product) both() bool { return p.vecs == 4 && p.rows > 1 }

// list names n consecutive vector registers.
func list(first, n int) string {
	s := fmt.Sprintf("[V%d.S4", first)
	for i := 1; i < n; i++ {
		s += fmt.Sprintf(", V%d.S4", first+i)
	}
	return s + "]"
}

func (p *product) tiles() {
	name := fmt.Sprintf("tiles%dx%d%sNEON", p.rows, p.cols, map[bool]string{true: "Beside"}[p.beside])
	p.raw("\n// func %s(t *Tiles)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	p.op("MOVD t+0(FP), R0")
	for _, f := range []struct {
		reg string
		off int
	}{{ka, fieldKA}, {kb, fieldKB}, {tiles, fieldN}, {aBase, fieldA}, {cBase, fieldC}, {cTab, fieldCOff},
		{aRow, fieldAOff}, {rBase, fieldRes}, {rTab, fieldROff}, {zero, fieldZero}, {bBase, fieldB}} {
		p.op("MOVD %d(R0), %s", f.off, f.reg)
	}
	p.op("LSL $2, %s, %s", ka, ka)
	p.op("LSL $2, %s, %s", kb, kb)
	p.label("tile")
	p.initial()
	if p.beside {
		p.neighbours()
	} else {
		p.segments()
	}
	p.label("finish")
	p.epilogue()
	p.nextTile()
	p.op("RET")
}

// pointed calls f with every row and a pointer to base + 4·table[i], six of them set at
// a time.
func (p *product) pointed(base, table string, f func(i int, ptr string)) {
	const most = 6 // R1…R6
	for first := 0; first < p.rows; first += most {
		last := min(first+most, p.rows)
		for i := first; i < last; i++ {
			p.op("MOVW %d(%s), R23", 4*i, table)
			p.op("ADD R23<<2, %s, R%d", base, i-first+1)
		}
		for i := first; i < last; i++ {
			f(i, fmt.Sprintf("R%d", i-first+1))
		}
	}
}

// load loads the columns of one row at the pointer into registers from v on.
func (p *product) load(ptr string, v int) {
	switch p.cols {
	case 1:
		p.op("FMOVS (%s), F%d", ptr, v)
	case 2:
		p.op("FMOVD (%s), F%d", ptr, v)
	case 3:
		p.op("FMOVD (%s), F%d", ptr, v)
		p.op("ADD $8, %s, R24", ptr)
		p.op("VLD1 (R24), V%d.S[2]", v)
	default:
		p.op("VLD1 (%s), %s", ptr, list(v, p.vecs))
	}
}

// store is the reverse of load.
func (p *product) store(v int, ptr string) {
	switch p.cols {
	case 1:
		p.op("FMOVS F%d, (%s)", v, ptr)
	case 2:
		p.op("FMOVD F%d, (%s)", v, ptr)
	case 3:
		p.op("FMOVD F%d, (%s)", v, ptr)
		p.op("ADD $8, %s, R24", ptr)
		p.op("VST1 V%d.S[2], (R24)", v)
	default:
		p.op("VST1 %s, (%s)", list(v, p.vecs), ptr)
	}
}

// initial sets the accumulators to C or to zero.
func (p *product) initial() {
	p.op("MOVBU %d(R0), R23", fieldAcc)
	p.op("CBZ R23, empty")
	p.comment("Continue the sums in C")
	p.pointed(cBase, cTab, func(i int, ptr string) {
		if p.turned {
			p.op("VLD1 (%s), V%d.S[%d]", ptr, i/4, i%4)
			return
		}
		p.load(ptr, p.accum(i, 0))
	})
	p.op("B started")
	p.label("empty")
	for i := range p.accums() {
		p.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	p.label("started")
}

// segment begins the loop over segments, whose rows of A are where point sets pointers.
func (p *product) segment(point func()) {
	p.op("MOVD %d(R0), %s", fieldSegs, segs)
	p.op("CBZ %s, finish", segs)
	p.op("MOVD %d(R0), %s", fieldBOff, bTab)
	p.op("MOVD %s, %s", aRow, aTab)
	p.label("segment")
	point()
	p.op("ADD $48, %s", aTab)
	p.op("MOVW.P 4(%s), R23", bTab)
	p.op("ADD R23<<2, %s, %s", bBase, bPtr)
}

// segments adds the terms of every segment: per k one row of B and one element
// of every row of A, which comes from Zero where its offset is negative.
func (p *product) segments() {
	p.segment(func() {
		for i := range p.rows {
			p.op("MOVW %d(%s), R23", 4*i, aTab)
			p.op("ADD R23<<2, %s, R24", aBase)
			p.op("CMP $0, R23")
			p.op("CSEL LT, %s, R24, R%d", zero, i+1)
		}
	})
	p.op("ADD $%d, %s, %s", map[bool]int{true: 8, false: 32}[p.cols == 3], bPtr, bRest)
	p.op("MOVD %d(R0), %s", fieldK, terms)
	if p.wide > 0 {
		p.widest()
	}
	p.op("SUBS $%d, %s", unroll, terms)
	p.op("BLT few")
	p.op("CMP $4, %s", ka)
	if p.both() {
		p.op("BNE apart")
	} else {
		p.op("BNE few")
	}
	p.label("main")
	p.along()
	p.op("SUBS $%d, %s", unroll, terms)
	p.op("BGE main")
	if p.both() {
		p.op("B few")
		p.label("apart")
		p.across()
	}
	p.label("few")
	p.op("ADDS $%d, %s", unroll, terms)
	p.op("BEQ next")
	p.label("term")
	p.rowB(p.fromB())
	for i := range p.rows {
		a := p.fromB() + p.vecs + i%4
		p.op("VLD1R.P (R%d)(%s), [V%d.S4]", i+1, ka, a)
		for v := range p.vecs {
			p.op("VFMLA V%d.S4, V%d.S4, V%d.S4", p.fromB()+v, a, p.accum(i, v))
		}
	}
	p.op("SUBS $1, %s", terms)
	p.op("BNE term")
	p.label("next")
	p.op("SUBS $1, %s", segs)
	p.op("BNE segment")
}

// rowB loads the next row of B into registers from v on.
func (p *product) rowB(v int) {
	switch p.cols {
	case 1:
		p.op("VLD1R.P (%s)(%s), [V%d.S4]", bPtr, kb, v)
	case 2, 3:
		p.op("VLD1.P (%s)(%s), [V%d.S2]", bPtr, kb, v)
		if p.cols == 3 {
			p.op("VLD1.P (%s)(%s), V%d.S[2]", bRest, kb, v)
		}
	default:
		p.op("VLD1.P (%s)(%s), %s", bPtr, kb, list(v, p.vecs))
	}
}

// along writes a turn of the main loop for rows of A whose elements follow each
// other: a load for the elements of all its terms. 6×16 accumulators leave two
// registers for B, so there its rows come in halves.
func (p *product) along() {
	for i := range p.rows {
		p.op("FMOVQ.P 16(R%d), F%d", i+1, p.fromA(i))
	}
	if p.rows*p.vecs == 24 {
		for k := range unroll {
			for half, ptr := range []string{bPtr, bRest} {
				p.op("VLD1.P (%s)(%s), %s", ptr, kb, list(p.fromB(), 2))
				for i := range p.rows {
					for v := range 2 {
						p.op("%s", fmlaLane(p.accum(i, 2*half+v), p.fromB()+v, p.fromA(i), k))
					}
				}
			}
		}
		return
	}
	rooms := (p.fromA(0) - p.fromB()) / p.vecs // rows of B at a time
	for k := range unroll {
		b := p.fromB() + k%rooms*p.vecs
		p.rowB(b)
		for i := range p.rows {
			for v := range p.vecs {
				p.op("%s", fmlaLane(p.accum(i, v), b+v, p.fromA(i), k))
			}
		}
	}
}

// across writes the loop for rows that are neighbours in A, the products with
// A transposed: a load for the elements of four rows.
func (p *product) across() {
	for i := 1; i < p.rows; i++ {
		p.op("SUB R1, R%d, R23", i+1)
		p.op("CMP $%d, R23", 4*i)
		p.op("BNE few")
	}
	p.label("across")
	for range unroll {
		p.rowB(p.fromB())
		a := p.fromB() + p.vecs
		p.op("VLD1.P (R1)(%s), [V%d.S4]", ka, a)
		if p.rows == 6 {
			p.op("VLD1.P (R5)(%s), [V%d.S2]", ka, a+1)
		}
		for i := range p.rows {
			for v := range p.vecs {
				p.op("%s", fmlaLane(p.accum(i, v), p.fromB()+v, a+i/4, i%4))
			}
		}
	}
	p.op("SUBS $%d, %s", unroll, terms)
	p.op("BGE across")
	for i := 1; i < p.rows; i++ {
		p.op("ADD $%d, R1, R%d", 4*i, i+1)
	}
}

// epilogue adds bias and residual and stores, all loads before the stores.
func (p *product) epilogue() {
	add := func(row int) {
		for v := range p.vecs {
			p.op("%s", word("FADD", p.accum(row, v), p.accum(row, v), p.fromB()+v))
		}
	}
	p.op("MOVD %d(R0), R23", fieldBias)
	p.op("CBZ R23, unbiased")
	if p.turned {
		p.op("VLD1R (R23), [V%d.S4]", p.fromB())
		p.addTurned(0)
	} else {
		p.load("R23", p.fromB())
		for i := range p.rows {
			add(i)
		}
	}
	p.label("unbiased")
	p.op("MOVD %d(R0), R23", fieldRes)
	p.op("CBZ R23, alone")
	p.pointed(rBase, rTab, func(i int, ptr string) {
		if p.turned {
			p.op("VLD1 (%s), V%d.S[%d]", ptr, p.fromB()+i/4, i%4)
			return
		}
		p.load(ptr, p.fromB())
		add(i)
	})
	if p.turned {
		p.addTurned(1)
	}
	p.label("alone")
	p.pointed(cBase, cTab, func(i int, ptr string) {
		if p.turned {
			p.op("VST1 V%d.S[%d], (%s)", i/4, i%4, ptr)
			return
		}
		p.store(p.accum(i, 0), ptr)
	})
}

// nextTile advances the tables and bases and ends the loop over tiles.
func (p *product) nextTile() {
	for _, s := range []struct {
		off int
		reg string
	}{{fieldAInc, aBase}, {fieldAStep, aRow}, {fieldBInc, bBase}, {fieldCInc, cBase}, {fieldCStep, cTab}, {fieldRInc, rBase}, {fieldRStep, rTab}} {
		p.op("MOVD %d(R0), R23", s.off)
		p.op("ADD R23<<2, %s", s.reg)
	}
	p.op("SUBS $1, %s", tiles)
	p.op("BNE tile")
}

// peak writes a loop of n × 16 independent multiply-adds.
func peak(f *file) {
	f.raw("\n// func peakNEON(n int)\nTEXT ·peakNEON(SB), NOSPLIT, $0-8\n")
	f.op("MOVD n+0(FP), R0")
	for i := range 16 {
		f.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	f.label("loop")
	for i := range 16 {
		f.op("VFMLA V%d.S4, V%d.S4, V%d.S4", i, i, i)
	}
	f.op("SUBS $1, R0")
	f.op("BNE loop")
	f.op("RET")
}
