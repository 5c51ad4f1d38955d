package main

// widest writes the loop of most terms in a turn, for rows of A whose elements follow
// each other.
func (p *product) widest() {
	p.op("CMP $4, %s", ka)
	p.op("BNE narrow")
	p.op("SUBS $%d, %s", p.wide, terms)
	p.op("BLT less")
	p.label("wide")
	if p.full() {
		for range p.wide / unroll {
			p.along()
		}
	} else {
		p.groups()
	}
	p.op("SUBS $%d, %s", p.wide, terms)
	p.op("BGE wide")
	p.label("less")
	p.op("ADD $%d, %s", p.wide, terms)
	p.label("narrow")
}

// groups writes a turn in which one load brings 8 or 16 elements of a row of A. Where
// the registers hold them of all rows, a row of B is loaded when it is needed; else all
// rows of B stay, and those of A come in groups.
func (p *product) groups() {
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
				p.op("FLDPQ.P 32(%s), (F%d, F%d)", rowPtrs[first+i], a+2*i, a+2*i+1)
			} else {
				p.op("VLD1.P 64(%s), %s", rowPtrs[first+i], list(a+4*i, 4))
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
}

// neighbours adds the terms of every segment where rows are neighbours in A: per k one
// load for the elements of all rows, and one row of B.
func (p *product) neighbours() {
	p.segment(func() {
		p.op("MOVW (%s), R23", aTab)
		p.op("ADD R23<<2, %s, R1", aBase)
	})
	for _, turn := range []struct {
		loop, less string
		terms      int
	}{{"across", "less", p.wide}, {"main", "few", unroll}} {
		p.op("SUBS $%d, %s", turn.terms, terms)
		p.op("BLT %s", turn.less)
		p.label(turn.loop)
		for range turn.terms {
			p.rowB(p.fromB())
			p.neighbour()
		}
		p.op("SUBS $%d, %s", turn.terms, terms)
		p.op("BGE %s", turn.loop)
		p.label(turn.less)
		p.op("ADD $%d, %s", turn.terms, terms)
	}
	p.singly(p.neighbour)
}

// neighbour adds one term, whose row of B is loaded. Of one column, registers hold four
// rows, not four columns.
func (p *product) neighbour() {
	a := p.fromB() + p.vecs
	p.op("VLD1.P (R1)(%s), %s", ka, list(a, p.rows/4))
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
