package simd

import (
	"fmt"
	"testing"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// Tiles of whole rows of A, which lie one after the other up to a page that cannot be
// read, have the same bits where they fetch ahead.
func TestFarTiles(t *testing.T) {
	const n, rows, cols = 3, TileRows, TileCols
	for _, k := range []int{3, 16, 21} {
		for _, res := range []bool{false, true} {
			r := numtest.NewRand(uint64(k))
			x := Tiles{
				A: numtest.Guarded(t, n*rows*k, false), B: numtest.Guarded(t, k*cols, false), C: numtest.Guarded(t, n*rows*cols, false),
				BOff: []int32{0}, N: n, Rows: rows, Cols: cols, Segs: 1, K: k, KA: 1, KB: cols, AInc: rows * k, CInc: rows * cols,
				Packed: true,
			}
			for i := range int32(rows) {
				x.AOff, x.COff = append(x.AOff, i*int32(k)), append(x.COff, i*cols)
			}
			if res {
				x.Res, x.ROff, x.RInc = numtest.Guarded(t, len(x.C), false), x.COff, x.CInc
				r.Fill(x.Res, 1)
			}
			r.Fill(x.A, 1)
			r.Fill(x.B, 1)
			restore := isa.Force(isa.Generic)
			x.Run()
			restore()
			want := append([]float32(nil), x.C...)
			numtest.EachLevel(t, func(t *testing.T) {
				x.Far = true
				x.Run()
				numtest.SameBits(t, want, x.C, fmt.Sprintf("%d terms", k))
				if x.Next != nil || x.Soon {
					t.Fatal("the caller's fields changed")
				}
			})
		}
	}
}
