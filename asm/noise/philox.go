package main

import (
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// philox holds what the cipher needs across steps: vectors only where there are
// enough registers.
type philox struct {
	p      reg.Register      // *Philox
	odd    reg.OpmaskVirtual // odd 32-bit lanes, wide only
	m0, m1 reg.VecVirtual    // the multipliers
}

// cipherGroup is the number of blocks in a group of the kernel of the cipher.
const cipherGroup = 32

// words adds philoxWords<level>, the only place of the cipher: it sets dst to the
// words of groups times 32 blocks, those of the counters block, block+1, … or, if
// at is not nil, of block+at[i]. The list at has every eight numbers in the order
// 0 4 1 5 2 6 3 7.
func (g *gen) words() {
	g.Func("philoxWords", "func(dst *uint32, groups int, m *[19]uint64, block uint32, at *uint64)")
	dst, groups := g.Int("dst"), g.Int("groups")
	x := &philox{p: g.Int("m")}
	block, at := g.GP64(), g.Int("at")
	g.Context.Load(g.Context.Param("block"), block.As32())
	lanes, ways := g.level(8, 4), g.level(4, 2)
	if g.Wide {
		x.odd = g.K()
		t := g.GP32()
		g.MOVL(operand.U32(0xAAAA), t)
		g.KMOVW(t, x.odd)
		g.multipliers(x)
	}
	step := ways * lanes
	g.SHLQ(operand.U8(bits.TrailingZeros(uint(cipherGroup/step))), groups)
	count, next := g.GP64(), g.GP64() // what a step adds to block and to at
	g.XORQ(count, count)
	g.MOVQ(operand.U32(8*step), next)
	g.TESTQ(at, at)
	g.JNZ(operand.LabelRef("listed"))
	g.LEAQ(g.Words(listed(step)...), at)
	g.XCHGQ(count, next)
	g.SHRQ(operand.U8(3), count)
	g.Label("listed")
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef("done"))
	g.Label("loop")
	even, odd := g.blocks(x, g.counters(block, at, ways))
	for i, v := range g.wholeBlocks(even, odd) {
		g.VMOVUPS(v, operand.Mem{Base: dst, Disp: g.Size() * i})
	}
	g.ADDQ(operand.I32(int32(16*step)), dst)
	g.ADDQ(count, block)
	g.ADDQ(next, at)
	g.DECQ(groups)
	g.JNZ(operand.LabelRef("loop"))
	g.Label("done")
	g.Ret()
}

// listed returns 0, 1, …, n−1 in the order of listed blocks. It is such that
// wholeBlocks leaves them in ascending order.
func listed(n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i&^7|i<<1&6|i>>2&1] = uint64(i)
	}
	return out
}

// counters returns block plus the numbers at at.
func (g *gen) counters(block, at reg.Register, ways int) vecs {
	c, base := g.News(ways), g.Vec()
	if g.Wide {
		g.VPBROADCASTQ(block, base)
	} else {
		t := g.XMM()
		g.VMOVQ(block, t)
		g.VPBROADCASTQ(t, base)
	}
	for j := range c {
		g.VPADDQ(operand.Mem{Base: at, Disp: g.Size() * j}, base, c[j])
	}
	return c
}

// wholeBlocks returns the words w0 w1 w2 w3 of the blocks in their order; a are
// w0 and w2 in the low and the high halves of 64-bit lanes, b are w1 and w3.
func (g *gen) wholeBlocks(a, b vecs) vecs {
	var low, high, out vecs
	for j := range a {
		lo, hi := g.Vec(), g.Vec()
		g.VPUNPCKLDQ(b[j], a[j], lo)
		g.VPUNPCKHDQ(b[j], a[j], hi)
		low, high = append(low, lo), append(high, hi)
	}
	n := 1 // vectors of eight blocks
	if !g.Wide {
		n = 2
	}
	for j := 0; j < len(a); j += n {
		out = append(append(out, low[j:j+n]...), high[j:j+n]...)
	}
	return out
}

// key emits plain or the broadcasting form with merged constant i.
func (g *gen) key(x *philox, i int, emit func(k operand.Op)) {
	m := operand.Mem{Base: x.p, Disp: 8 * i}
	if g.Wide {
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
			if g.Wide {
				g.VPXORQ_BCST(k, v[j], v[j])
			} else {
				g.VPXOR(k, v[j], v[j])
			}
		}
	})
}

func (g *gen) xor3(x *philox, i int, v, y vecs) {
	if g.Wide {
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
	lo, hi = g.News(len(v)), g.News(len(v))
	for j := range v {
		g.VPMULUDQ(m, v[j], lo[j])
	}
	for j := range v {
		g.VPSRLQ(operand.U8(32), lo[j], hi[j])
	}
	return lo, hi
}

func (g *gen) multipliers(x *philox) {
	x.m0, x.m1 = g.Vec(), g.Vec()
	g.VPBROADCASTQ(g.Scalar(0xD2511F53, 8), x.m0)
	g.VPBROADCASTQ(g.Scalar(0xCD9E8D57, 8), x.m1)
}

// blocks runs the cipher on the counters c. It returns, for each vector of them,
// the words 0 and 2 of its blocks in the low and the high halves of the lanes,
// and the words 1 and 3.
func (g *gen) blocks(x *philox, c vecs) (even, odd vecs) {
	if !g.Wide {
		g.multipliers(x)
	}
	m0, m1 := x.m0, x.m1
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
	g.pair(x, x0, x2)
	g.pair(x, x1, x3)
	return x0, x1
}

// pair puts the low words of b into the high words of a.
func (g *gen) pair(x *philox, a, b vecs) {
	for j := range a {
		if g.Wide {
			g.VPSHUFD(operand.U8(0xA0), b[j], x.odd, a[j])
		} else {
			g.VPSHUFD(operand.U8(0xA0), b[j], b[j])
			g.VPBLENDD(operand.U8(0xAA), b[j], a[j], a[j])
		}
	}
}
