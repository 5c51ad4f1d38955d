package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// philox holds what the cipher needs across steps: no vector register.
type philox struct {
	p     reg.Register // *Philox
	block reg.GPVirtual
	odd   reg.OpmaskVirtual // odd 32-bit lanes, wide only
	lanes int               // counters in a vector
	n     int               // vectors of counters in a step
	first []operand.Mem     // their distances from block
	list  reg.Register      // or, if not nil, where the distances lie
}

// start prepares the cipher; n vectors of counters make one step. They follow
// block, or are block more than those in the list.
func (g *gen) start(p, block, list reg.Register, n int) *philox {
	x := &philox{p: p, block: g.GP64(), lanes: 4, n: n, list: list}
	g.MOVL(block, x.block.As32())
	if g.wide {
		x.lanes = 8
		x.odd = g.K()
		t := g.GP32()
		g.MOVL(operand.U32(0xAAAA), t)
		g.KMOVW(t, x.odd)
	}
	for j := range n {
		if list != nil {
			x.first = append(x.first, operand.Mem{Base: list, Disp: 8 * x.lanes * j})
			continue
		}
		words := make([]uint64, x.lanes)
		for i := range words {
			words[i] = uint64(j*x.lanes + i)
		}
		x.first = append(x.first, g.rows(words...))
	}
	return x
}

// advance goes to the next counters.
func (g *gen) advance(x *philox) {
	if x.list != nil {
		g.ADDQ(operand.I32(int32(8*x.n*x.lanes)), x.list)
	} else {
		g.ADDQ(operand.I32(int32(x.n*x.lanes)), x.block)
	}
}

// key emits plain or the broadcasting form with merged constant i.
func (g *gen) key(x *philox, i int, emit func(k operand.Op)) {
	m := operand.Mem{Base: x.p, Disp: 8 * i}
	if g.wide {
		emit(m)
		return
	}
	k := g.YMM()
	g.VPBROADCASTQ(m, k)
	emit(k)
}

// xor2 sets x ^= k and xor3 sets x ^= y ^ k, k being merged constant i.
func (g *gen) xor2(x *philox, i int, v vecs) {
	g.key(x, i, func(k operand.Op) {
		for j := range v {
			if g.wide {
				g.VPXORQ_BCST(k, v[j], v[j])
			} else {
				g.VPXOR(k, v[j], v[j])
			}
		}
	})
}

func (g *gen) xor3(x *philox, i int, v, y vecs) {
	if g.wide {
		g.key(x, i, func(k operand.Op) {
			for j := range v {
				g.VPTERNLOGQ_BCST(operand.U8(0x96), k, y[j], v[j])
			}
		})
		return
	}
	for j := range v {
		g.VPXOR(y[j], v[j], v[j])
	}
	g.xor2(x, i, v)
}

// times returns m·v and its high half.
func (g *gen) times(m reg.VecVirtual, v vecs) (lo, hi vecs) {
	lo, hi = g.vecs(len(v)), g.vecs(len(v))
	for j := range v {
		g.VPMULUDQ(m, v[j], lo[j])
	}
	for j := range v {
		g.VPSRLQ(operand.U8(32), lo[j], hi[j])
	}
	return lo, hi
}

// blocks runs the cipher on the current counters plus add. It returns, for each
// vector of counters, the 64-bit numbers W0 and W1 of its blocks.
func (g *gen) blocks(x *philox, add int) (w0, w1 vecs) {
	c := g.vecs(x.n)
	base, m0, m1 := g.vec(), g.vec(), g.vec()
	from := x.block
	if add != 0 {
		from = g.GP64()
		g.LEAQ(operand.Mem{Base: x.block, Disp: add}, from)
	}
	if g.wide {
		g.VPBROADCASTQ(from, base)
	} else {
		t := g.XMM()
		g.VMOVQ(from, t)
		g.VPBROADCASTQ(t, base)
	}
	for j := range c {
		g.VPADDQ(x.first[j], base, c[j])
	}
	g.loadTo(g.u(0xD2511F53), m0)
	g.loadTo(g.u(0xCD9E8D57), m1)
	x3, x2 := g.times(m0, c) // round 1
	g.xor2(x, 0, x2)
	x1, x0 := g.times(m1, x2) // round 2
	g.xor2(x, 1, x0)
	x2 = x3
	g.xor2(x, 2, x2)
	p0, h0 := g.times(m0, x0) // round 3
	p1, h1 := g.times(m1, x2)
	g.xor3(x, 3, h1, x1)
	g.xor2(x, 4, h0)
	x0, x1, x2, x3 = h1, p1, h0, p0
	for i := 5; i < 19; i += 2 {
		p0, h0 = g.times(m0, x0)
		p1, h1 = g.times(m1, x2)
		g.xor3(x, i, h1, x1)
		g.xor3(x, i+1, h0, x3)
		x0, x1, x2, x3 = h1, p1, h0, p0
	}
	g.pair(x, x1, x0)
	g.pair(x, x3, x2)
	return x1, x3
}

// pair puts the low words of b into the high words of a.
func (g *gen) pair(x *philox, a, b vecs) {
	for j := range a {
		if g.wide {
			g.VPSHUFD(operand.U8(0xA0), b[j], x.odd, a[j])
		} else {
			g.VPSHUFD(operand.U8(0xA0), b[j], b[j])
			g.VPBLENDD(operand.U8(0xAA), b[j], a[j], a[j])
		}
	}
}
