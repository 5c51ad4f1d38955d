package main

// widest writes the loop of most terms in a turn, for rows of A whose elements follow
// each other: one load brings 8 or 16 of a row's. Where the registers hold them of all
// rows, a row of B is loaded when it is needed; else all rows of B stay, and those of A
// come in groups.
func (p *product) widest() {
	p.op("CMP $4, %s", ka)
	p.op("BNE narrow")
	p.op("SUBS $%d, %s", p.wide, terms)
	p.op("BLT less")
	p.label("wide")
	each := p.wide / 4 // registers of a row of A
	a := 32 - p.group*each
	rooms := (a - p.fromB()) / p.vecs // rows of B at a time
	roomB := func(k int) int { return p.fromB() + k%rooms*p.vecs }
	whole := p.group == p.rows
	if !whole {
		for k := range p.wide {
			p.rowB(roomB(k))
		}
	}
	for first := 0; first < p.rows; first += p.group {
		for i := range p.group {
			if each == 2 {
				p.op("FLDPQ.P 32(R%d), (F%d, F%d)", first+i+1, a+2*i, a+2*i+1)
			} else {
				p.op("VLD1.P 64(R%d), %s", first+i+1, list(a+4*i, 4))
			}
		}
		for k := range p.wide {
			if whole {
				p.rowB(roomB(k))
			}
			for i := range p.group {
				for v := range p.vecs {
					p.op("%s", fmlaLane(p.accum(first+i, v), roomB(k)+v, a+i*each+k/4, k%4))
				}
			}
		}
	}
	p.op("SUBS $%d, %s", p.wide, terms)
	p.op("BGE wide")
	p.label("less")
	p.op("ADD $%d, %s", p.wide, terms)
	p.label("narrow")
}

// neighbours adds the terms of every segment where rows are neighbours in A: per k one
// load for the elements of all rows, and one row of B.
func (p *product) neighbours() {
	p.segment(func() {
		p.op("MOVW (%s), R23", aTab)
		p.op("ADD R23<<2, %s, R1", aBase)
	})
	p.op("MOVD %d(R0), %s", fieldK, terms)
	p.op("SUBS $%d, %s", unroll, terms)
	p.op("BLT few")
	p.label("across")
	for range unroll {
		p.neighbour()
	}
	p.op("SUBS $%d, %s", unroll, terms)
	p.op("BGE across")
	p.label("few")
	p.op("ADDS $%d, %s", unroll, terms)
	p.op("BEQ next")
	p.label("term")
	p.neighbour()
	p.op("SUBS $1, %s", terms)
	p.op("BNE term")
	p.label("next")
	p.op("SUBS $1, %s", segs)
	p.op("BNE segment")
}

// neighbour adds one term. Of one column, registers hold four rows, not four columns.
func (p *product) neighbour() {
	a := p.fromB() + p.vecs
	p.op("VLD1.P (R1)(%s), %s", ka, list(a, p.rows/4))
	p.rowB(p.fromB())
	if p.turned {
		for i := range p.accums() {
			p.op("VFMLA V%d.S4, V%d.S4, V%d.S4", p.fromB(), a+i, i)
		}
		return
	}
	for i := range p.rows {
		for v := range p.vecs {
			p.op("%s", fmlaLane(p.accum(i, v), p.fromB()+v, a+i/4, i%4))
		}
	}
}

// addTurned adds registers that step apart from fromB on to those of four rows each.
func (p *product) addTurned(step int) {
	for i := range p.accums() {
		p.op("%s", word("FADD", i, i, p.fromB()+step*i))
	}
}
