package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// many writes winoMany: products of so many tiles of F(4×4) with transformed taps, point
// after point, which differ from those of package gemm in what lies between two points: the
// rows of both operands are as far apart everywhere, so that nothing is looked up, and what
// the next point reads and this one writes is fetched meanwhile.
type many struct {
	*build.Context
	tiles, vecs int
	size        reg.Spec
}

// Registers: pixels of the first tile, this point's and the next one's, distances of
// tiles; taps, sums, what is fetched beside, terms and points that are left.
var (
	manyV, manyNext                = reg.RAX, reg.RBX
	manyTile                       = [6]reg.GPPhysical{reg.RCX, reg.RDX, reg.RSI, reg.RDI, reg.R8, reg.R9} // 1, 3, 5, 7, 9, 11
	manyU, manyM, manySoon         = reg.R10, reg.R11, reg.R13
	manyLeft, manyPoints, manyStep = reg.R12, reg.R15, reg.R14
)

const (
	manyTerms = 16   // a turn: a cache line of every tile's pixels
	cacheLine = 64   // bytes
	manyAhead = 8192 // bytes of taps that are fetched before they are used
)

func (m *many) reg(i int) reg.VecPhysical {
	return reg.Vector.Lookup(reg.Index(i), m.size).(reg.VecPhysical)
}

// bytes is the size of a vector.
func (m *many) bytes() int { return int(m.size.Size()) }

// pixel returns where the tile's pixels are, disp bytes behind base.
func (m *many) pixel(base reg.GPPhysical, tile, disp int) operand.Mem {
	at := operand.Mem{Base: base, Disp: disp}
	scale := 1
	for tile > 0 && tile%2 == 0 && scale < 8 {
		tile, scale = tile/2, 2*scale
	}
	if tile > 0 {
		at.Index, at.Scale = manyTile[tile/2], uint8(scale)
	}
	return at
}

func (m *many) write() {
	name := fmt.Sprintf("winoMany%dx%dAVX512", m.tiles, m.vecs*m.bytes()/4)
	m.Function(name)
	m.Attributes(attr.NOSPLIT)
	m.SignatureExpr("func(sums, v *float32, pitch int, u *float32, uStep, points, k, acc int, next *float32, lines int)")
	m.Doc(fmt.Sprintf("%s is WinoMany.Run for %d tiles and %d columns, k a multiple of %d.", name, m.tiles, m.vecs*m.bytes()/4, manyTerms))
	pitch, k, pad, end := m.setUp()
	m.Load(m.Param("points"), manyPoints)
	m.Label("point")
	m.start()
	m.Comment("No more of next beyond its end")
	m.XORQ(manyStep, manyStep)
	m.CMPQ(manySoon, end)
	m.JCC(operand.LabelRef("fetched"))
	m.MOVQ(operand.I32(cacheLine), manyStep)
	m.Label("fetched")
	m.MOVQ(k, manyLeft)
	m.SUBQ(operand.I8(manyTerms), manyLeft)
	m.JEQ(operand.LabelRef("last"))
	m.Label("terms")
	for i := range manyTerms {
		m.term(i)
	}
	m.nextTurn()
	m.SUBQ(operand.I8(manyTerms), manyLeft)
	m.JNE(operand.LabelRef("terms"))
	m.Label("last")
	for i := range manyTerms - lastTerms {
		m.term(i)
	}
	m.lastTerms()
	m.nextTurn()
	m.ADDQ(pad, manyU)
	m.ADDQ(operand.I32(128), manyM)
	m.MOVQ(k, manyLeft)
	m.SHLQ(operand.U8(2), manyLeft)
	m.SUBQ(manyLeft, manyNext)
	m.MOVQ(manyNext, manyV)
	m.ADDQ(pitch, manyNext)
	m.DECQ(manyPoints)
	m.JNE(operand.LabelRef("point"))
	m.VZEROUPPER()
	m.RET()
}

// nextTurn moves behind a turn's terms.
func (m *many) nextTurn() {
	for _, r := range []reg.GPPhysical{manyV, manyNext} {
		m.ADDQ(operand.I8(4*manyTerms), r)
	}
	m.ADDQ(operand.I32(128*manyTerms), manyU)
}

// setUp loads the registers and fills the frame: with the distance of points and their
// terms, what lies behind the taps of a point and the end of what is fetched beside.
func (m *many) setUp() (pitch, k, pad, end operand.Mem) {
	load := func(name string, r reg.GPPhysical) { m.Load(m.Param(name), r) }
	load("sums", manyM)
	load("v", manyV)
	load("u", manyU)
	load("next", manySoon)
	pitch, k, pad, end = m.AllocLocal(8), m.AllocLocal(8), m.AllocLocal(8), m.AllocLocal(8)
	load("lines", manyStep)
	m.SHLQ(operand.U8(6), manyStep)
	m.ADDQ(manySoon, manyStep)
	m.MOVQ(manyStep, end)
	load("pitch", manyNext)
	m.SHLQ(operand.U8(2), manyNext)
	m.MOVQ(manyNext, pitch)
	m.IMUL3Q(operand.I32(fewPoints), manyNext, manyTile[0])
	for i := 1; i < len(manyTile); i++ {
		m.LEAQ(operand.Mem{Base: manyTile[i-1], Index: manyTile[0], Scale: 2}, manyTile[i])
	}
	m.Comment("From the end of a point's pixels and taps to the next one's")
	load("k", manyLeft)
	m.MOVQ(manyLeft, k)
	load("uStep", manyPoints)
	m.SHLQ(operand.U8(5), manyLeft)
	m.SUBQ(manyLeft, manyPoints)
	m.SHLQ(operand.U8(2), manyPoints)
	m.MOVQ(manyPoints, pad)
	m.ADDQ(manyV, manyNext)
	return pitch, k, pad, end
}

// eachSum calls do for every sum of the point and where it lies.
func (m *many) eachSum(do func(sum reg.VecPhysical, at operand.Mem)) {
	for i := range m.tiles {
		for v := range m.vecs {
			do(m.reg(m.vecs*i+v), m.sumAt(i, v))
		}
	}
}

func (m *many) sumAt(tile, v int) operand.Mem {
	return operand.Mem{Base: manyM, Disp: fewPoints*128*tile + m.bytes()*v}
}

// start begins the sums of a point.
func (m *many) start() {
	acc, err := m.Param("acc").Resolve()
	if err != nil {
		panic(err)
	}
	m.CMPQ(acc.Addr, operand.I8(0))
	m.JEQ(operand.LabelRef("empty"))
	m.eachSum(func(sum reg.VecPhysical, at operand.Mem) { m.VMOVUPS(at, sum) })
	m.JMP(operand.LabelRef("started"))
	m.Label("empty")
	m.eachSum(func(sum reg.VecPhysical, _ operand.Mem) { m.VPXORD(sum, sum, sum) })
	m.Label("started")
}

// term adds term i of a turn.
func (m *many) term(i int) {
	row := 128 * i
	for v := range m.vecs {
		m.PREFETCHT0(operand.Mem{Base: manyU, Disp: row + manyAhead + 64*v})
	}
	if i < m.tiles {
		m.PREFETCHT0(m.pixel(manyNext, i, 0))
		for v := range m.vecs {
			m.PREFETCHT0(operand.Mem{Base: manyM, Disp: fewPoints*128*i + 64*v})
		}
	}
	if i%4 == 3 {
		m.PREFETCHT1(operand.Mem{Base: manySoon})
		m.ADDQ(manyStep, manySoon)
	}
	m.products(i, 0, m.tiles)
}

// lastTerms and lastTiles are how many terms end the sums of how many tiles at a time,
// which are stored: a register that was just computed is stored beside multiply-adds, one
// that waited for its turn takes the place of one on a Zen 4.
const lastTerms, lastTiles = 4, 2

func (m *many) lastTerms() {
	for tile := 0; tile < m.tiles; tile += lastTiles {
		for i := manyTerms - lastTerms; i < manyTerms; i++ {
			m.products(i, tile, tile+lastTiles)
		}
		for t := tile; t < tile+lastTiles; t++ {
			for v := range m.vecs {
				m.VMOVUPS(m.reg(m.vecs*t+v), m.sumAt(t, v))
			}
		}
	}
	for v := range m.vecs {
		for i := manyTerms - lastTerms; i < manyTerms; i++ {
			m.PREFETCHT0(operand.Mem{Base: manyU, Disp: 128*i + manyAhead + 64*v})
		}
	}
	m.PREFETCHT1(operand.Mem{Base: manySoon})
	m.ADDQ(manyStep, manySoon)
}

// products adds term i of a turn to the sums of tiles lo to hi.
func (m *many) products(i, lo, hi int) {
	spare := m.tiles * m.vecs
	for v := range m.vecs {
		m.VMOVUPS(operand.Mem{Base: manyU, Disp: 128*i + m.bytes()*v}, m.reg(spare+v))
	}
	free := min(32-spare-m.vecs, 6)
	for t := lo; t < hi; t++ {
		x := m.reg(spare + m.vecs + t%free)
		m.VBROADCASTSS(m.pixel(manyV, t, 4*i), x)
		for v := range m.vecs {
			m.VFMADD231PS(m.reg(spare+v), x, m.reg(m.vecs*t+v))
		}
	}
}
