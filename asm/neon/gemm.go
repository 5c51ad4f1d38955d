package main

import "fmt"

// products writes the micro-kernels of matrix products, which simd.Tiles
// describes, for parts of a tile: 6 or 4 rows by 16 or up to 8 columns, 12, 8 or 4 rows by
// up to 4, one row by 16, and 12 rows that are neighbours in A by 8, by up to 4 or by 1.
func products(f *file) {
	for _, p := range []part{{6, 16, 8, 0}, {4, 16, 8, 4}, {1, 16, 16, 1}, {6, 8, 8, 6}, {4, 8, 16, 4}, {12, 4, 16, 1}, {8, 4, 16, 2}, {4, 4, 16, 4}} {
		(&product{file: f, part: p, vecs: p.cols / 4}).tiles()
	}
	for _, p := range []part{{12, 8, 8, 0}, {12, 4, 32, 0}, {12, 1, 8, 0}} {
		(&product{file: f, part: p, vecs: (p.cols + 3) / 4, beside: true, turned: p.cols == 1}).tiles()
	}
	peak(f)
}

// A part is a size, with the terms in a turn of its widest loop and how many rows of A
// have room there at a time.
type part struct{ rows, cols, wide, group int }

// A product writes one micro-kernel. Its accumulators are V0…; the registers
// behind them hold elements of A and rows of B.
type product struct {
	*file
	part
	vecs   int  // registers of a row
	beside bool // rows are neighbours in A
	turned bool // and there is one column: registers hold four rows of it
	labels int  // that unique has made
}

// Byte offsets of the fields of simd.Tiles; a test in simd keeps them.
const (
	fieldA, fieldB, fieldC, fieldBias, fieldRes, fieldZero = 0, 24, 48, 72, 96, 120
	fieldAOff, fieldBOff, fieldCOff, fieldROff             = 144, 168, 192, 216

	fieldN, fieldSegs, fieldK, fieldKA, fieldKB = 240, 264, 272, 280, 288

	fieldAcc, fieldPacked = 352, 353

	fieldAStep, fieldRStep, fieldCInc, fieldBInc = 296, 312, 328, 344 // behind the first three CStep, AInc and RInc
)

// Registers: R0 the *Tiles, R1…R6 the rows; R23 is free, and R24 where rows are at most 6.
const (
	ka, kb, bPtr, terms      = "R7", "R8", "R9", "R10"
	segs, aTab, bTab, tiles  = "R11", "R12", "R13", "R14"
	aBase, cBase, cTab, aRow = "R15", "R16", "R17", "R19" // aRow: the tile's row offsets
	rBase, rTab, zero, bBase = "R20", "R21", "R22", "R25"
	bRest                    = "R26" // what of a row of B one load does not reach
	exact                    = "R26" // of fewer than 16 columns: the last terms, whose rows of B are read to their end only
	rest                     = "R10" // and how many columns the last register has, 0 for all, where no terms are counted

	unroll = 4 // terms in a turn of the main loop
)

// rowPtrs are the pointers to rows of A, of which those from savedPtrs on hold, but in
// the loops over terms, what a tile needs before and after.
var rowPtrs = []string{"R1", "R2", "R3", "R4", "R5", "R6", "R24", tiles, cBase, cTab, rBase, rTab}

const savedPtrs = 7

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

// some reports whether a kernel is for fewer columns too than its own.
func (p *product) some() bool { return p.vecs < 4 && !p.turned && !(p.beside && p.vecs == 2) }

// saved returns the registers that are kept in the frame while they hold pointers.
func (p *product) saved() []string {
	if p.beside || p.rows <= savedPtrs {
		return nil
	}
	return rowPtrs[savedPtrs:p.rows]
}

// unique returns a label that no other part of the function has.
func (p *product) unique(name string) string {
	p.labels++
	return fmt.Sprintf("%s%d", name, p.labels)
}

func (p *product) tiles() {
	name := fmt.Sprintf("tiles%dx%d%sNEON", p.rows, p.cols, map[bool]string{true: "Beside"}[p.beside])
	frame := (8*len(p.saved()) + 15) &^ 15
	p.raw("\n// func %s(t *Tiles, row, col, rest int)\nTEXT ·%s(SB), NOSPLIT, $%d-32\n", name, name, frame)
	p.op("MOVD t+0(FP), R0")
	for _, f := range []struct {
		reg string
		off int
	}{{ka, fieldKA}, {kb, fieldKB}, {tiles, fieldN}, {aBase, fieldA}, {cBase, fieldC}, {cTab, fieldCOff},
		{aRow, fieldAOff}, {rBase, fieldRes}, {rTab, fieldROff}, {zero, fieldZero}, {bBase, fieldB}} {
		p.op("MOVD %d(R0), %s", f.off, f.reg)
	}
	p.op("MOVD row+8(FP), R23")
	for _, r := range []string{aRow, cTab, rTab} {
		p.op("ADD R23<<2, %s", r)
	}
	p.op("MOVD col+16(FP), R23")
	for _, r := range []string{bBase, cBase, rBase} {
		p.op("ADD R23<<2, %s", r)
	}
	p.op("LSL $2, %s, %s", ka, ka)
	p.op("LSL $2, %s, %s", kb, kb)
	if p.some() {
		p.exactTerms()
	}
	p.label("tile")
	p.initial()
	for i, r := range p.saved() {
		p.op("MOVD %s, saved-%d(SP)", r, frame-8*i)
	}
	if p.beside {
		p.neighbours()
	} else {
		p.segments()
	}
	p.label("finish")
	for i, r := range p.saved() {
		p.op("MOVD saved-%d(SP), %s", frame-8*i, r)
	}
	p.epilogue()
	p.nextTile()
	p.op("RET")
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
	p.op("MOVD %d(R0), %s", fieldK, terms)
	if p.some() {
		p.op("SUB %s, %s", exact, terms)
	}
}

// segments adds the terms of every segment: per k one row of B and one element
// of every row of A, which comes from Zero where its offset is negative.
func (p *product) segments() {
	ptrs := rowPtrs[:p.rows]
	p.segment(func() {
		p.op("CBZ %s, inside", zero)
		p.offsets(aTab, 0, p.rows, ptrs)
		for _, r := range ptrs {
			p.op("CMP $0, %s", r)
			p.op("ADD %s<<2, %s, %s", r, aBase, r)
			p.op("CSEL LT, %s, %s, %s", zero, r, r)
		}
		p.op("B pointed")
		p.label("inside")
		p.pointers(aBase, aTab, 0, p.rows, ptrs)
		p.label("pointed")
	})
	if p.full() {
		p.op("ADD $32, %s, %s", bPtr, bRest)
	}
	p.widest()
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
	p.op("ADD $%d, %s", unroll, terms)
	p.singly(func() {
		for i := range p.rows {
			a := p.fromB() + p.vecs + i%4
			p.op("VLD1R.P (%s)(%s), [V%d.S4]", rowPtrs[i], ka, a)
			for v := range p.vecs {
				p.op("VFMLA V%d.S4, V%d.S4, V%d.S4", p.fromB()+v, a, p.accum(i, v))
			}
		}
	})
}

// full reports whether accumulators leave two registers for B, so that its rows come in
// halves.
func (p *product) full() bool { return p.rows*p.vecs == 24 && !p.beside }

// singly adds the last terms one by one, by add, and ends the loop over segments.
func (p *product) singly(add func()) {
	if p.some() {
		p.op("ADD %s, %s", exact, terms)
	}
	p.op("CBZ %s, next", terms)
	p.label("term")
	if p.some() {
		p.op("CMP %s, %s", exact, terms)
		p.op("BLE ending")
	}
	p.rowB(p.fromB())
	if p.some() {
		p.label("read")
	}
	add()
	p.op("SUBS $1, %s", terms)
	p.op("BNE term")
	p.label("next")
	p.op("SUBS $1, %s", segs)
	p.op("BNE segment")
	if p.some() {
		p.op("B finish")
		p.label("ending")
		p.op("MOVD rest+24(FP), R23")
		p.moveSome("VLD1", bPtr, "R23", "R23", p.fromB())
		p.op("ADD %s, %s", kb, bPtr)
		p.op("B read")
	}
}

// rowB loads the next row of B into registers from v on.
func (p *product) rowB(v int) {
	if p.turned {
		p.op("VLD1R.P (%s)(%s), [V%d.S4]", bPtr, kb, v)
		return
	}
	p.op("VLD1.P (%s)(%s), %s", bPtr, kb, list(v, p.vecs))
}

// along writes a turn of the main loop for rows of A whose elements follow each
// other: a load for the elements of all its terms.
func (p *product) along() {
	for i := range p.rows {
		p.op("FMOVQ.P 16(%s), F%d", rowPtrs[i], p.fromA(i))
	}
	if p.full() {
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

// nextTile advances the tables and bases, by two neighbours of the fields at a time, and
// ends the loop over tiles.
func (p *product) nextTile() {
	for _, s := range []struct {
		off   int
		first string
		then  string
	}{{fieldAStep, aRow, cTab}, {fieldRStep, rTab, aBase}, {fieldCInc, cBase, rBase}} {
		p.op("LDP %d(R0), (R23, R24)", s.off)
		p.op("ADD R23<<2, %s", s.first)
		p.op("ADD R24<<2, %s", s.then)
	}
	p.op("MOVD %d(R0), R23", fieldBInc)
	p.op("ADD R23<<2, %s", bBase)
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
