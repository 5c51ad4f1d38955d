package simd

import (
	"fmt"

	"heavytail/internal/isa"
)

// WinoMany is the products of N tiles of form m and up to 32 columns with transformed taps
// U, as WinoWeights writes them where its n is 32·K. For tile n, point p < Points, which M,
// V and U begin with, P points of a tile and column j < Cols
//
//	acc = M[(n·P+p)·32 + j] if Acc, else 0
//	for k in 0…K−1: acc = fma(V[(n·P+p)·Pitch + k], U[p·UStep + 32·k + j], acc)
//	M[(n·P+p)·32 + j] = acc
//
// What other columns of M become, up to 32, is undefined. Next is fetched into the
// second-level cache, as much of it as Fetched says; it may be nil. Off is room for tables,
// 2·TileRows of them.
type WinoMany struct {
	M, V, U, Next                    []float32
	Off                              []int32
	N, Points, Pitch, UStep, K, Cols int
	Acc                              bool
}

// Run computes the products. It panics if the sizes do not fit.
func (t *WinoMany) Run(m Wino) {
	m.mustTransform("WinoMany")
	p := m.Points()
	last := (t.N-1)*p + t.Points - 1
	if t.N < 1 || t.Points < 1 || t.Points > p || len(t.Off) < 2*TileRows || t.K < 1 || t.Cols < 1 || t.Cols > TileCols || t.Pitch < t.K || t.UStep < t.K*TileCols ||
		len(t.M) < (last+1)*TileCols || len(t.V) < last*t.Pitch+t.K || len(t.U) < (t.Points-1)*t.UStep+t.K*TileCols {
		panic(fmt.Sprintf("simd: WinoMany: %d points of %d tiles of %d channels, %d columns, pitch %d, points of taps %d apart: M of %d, V of %d, U of %d",
			t.Points, t.N, t.K, t.Cols, t.Pitch, t.UStep, len(t.M), len(t.V), len(t.U)))
	}
	for rest := *t; rest.N > 0; {
		part := rest
		part.N = rest.First()
		winoMany(&part, m)
		if rest.N -= part.N; rest.N > 0 {
			rest.M, rest.V = rest.M[part.N*p*TileCols:], rest.V[part.N*p*t.Pitch:]
			rest.Next = rest.Next[min(part.fetched(), len(rest.Next)):]
		}
	}
}

// Fetched returns how many float32 of a long Next a Run fetches at the current level.
func (t *WinoMany) Fetched() (n int) {
	for part := *t; part.N > 0; {
		left := part.N
		part.N = part.First()
		n += part.fetched()
		part.N = left - part.N
	}
	return n
}

// First returns how many of the tiles a Run computes first: with AVX2 all that its groups
// hold, else 12, or half of 13 to 16, where 1 to 4 would be left alone.
func (t *WinoMany) First() int {
	if whole := t.grouped(); whole > 0 {
		return whole
	}
	switch {
	case t.N <= TileRows:
		return t.N
	case t.N <= TileRows+4:
		return 8
	}
	return TileRows
}

// fetched is Fetched of what is computed at once: a line with every four terms.
func (t *WinoMany) fetched() int {
	lines := t.Points * (t.K / 4)
	if t.grouped() == t.N {
		sixes, fours := t.groups()
		lines *= (sixes + fours) * ((t.Cols + 15) / 16)
	}
	return 16 * lines
}

// groups returns how many groups of 6 and of 4 tiles, as many as AVX2 has registers for
// their sums by 16 columns, the tiles are; up to three are left.
func (t *WinoMany) groups() (sixes, fours int) {
	sixes, fours = t.N/6, t.N%6/4
	if t.N%6 == 2 && sixes > 0 {
		sixes, fours = sixes-1, 2
	}
	return sixes, fours
}

// grouped returns how many tiles AVX2 computes in groups.
func (t *WinoMany) grouped() int {
	if isa.Cur() != isa.AVX2 {
		return 0
	}
	sixes, fours := t.groups()
	return 6*sixes + 4*fours
}

// tiles computes the products by Tiles, the last tile again where there are fewer.
func (t *WinoMany) tiles(m Wino) {
	p := m.Points()
	r := Tiles{
		A: t.V, B: t.U, C: t.M, Next: t.Next, AOff: t.Off[:TileRows], BOff: t.Off[:1], COff: t.Off[TileRows:], // the first tile's offset is 0
		N: t.Points, Rows: (t.N + 3) &^ 3, Cols: t.Cols, Segs: 1, K: t.K, KA: 1, KB: TileCols, Packed: true,
		AInc: t.Pitch, BInc: t.UStep, CInc: TileCols, Acc: t.Acc,
	}
	for i := range r.Rows {
		at := min(i, t.N-1) * p
		r.AOff[i], r.COff[i] = int32(at*t.Pitch), int32(at*TileCols)
	}
	r.Run()
}

// winoManyGeneric is the definition of WinoMany.Run.
func winoManyGeneric(t *WinoMany, m Wino) {
	p := m.Points()
	for i := range t.N * t.Points {
		at, point := i/t.Points*p+i%t.Points, i%t.Points
		to, v, u := t.M[at*TileCols:][:t.Cols], t.V[at*t.Pitch:][:t.K], t.U[point*t.UStep:]
		if !t.Acc {
			clear(to)
		}
		for k, x := range v {
			for j, y := range u[k*TileCols:][:t.Cols] {
				to[j] = FMA(x, y, to[j])
			}
		}
	}
}
