package simd

// runTilesGeneric is the definition of Tiles.Run.
func runTilesGeneric(t *Tiles) {
	for n := range t.N {
		for i := range t.Rows {
			c := t.COff[n*t.CStep+i]
			if i > 0 && c == t.COff[n*t.CStep+i-1] {
				continue // a repeated row
			}
			tileRowGeneric(t, n, i, t.C[n*t.CInc+int(c):][:t.Cols])
		}
	}
}

// tileRowGeneric computes row i of tile n into out.
func tileRowGeneric(t *Tiles, n, i int, out []float32) {
	var sum [TileCols]float32
	acc := sum[:t.Cols]
	if t.Acc {
		copy(acc, out)
	}
	for s := range t.Segs {
		a := t.Zero
		if off := t.AOff[n*t.AStep+s*TileRows+i]; off >= 0 {
			a = t.A[n*t.AInc+int(off):]
		}
		b := t.B[n*t.BInc+int(t.BOff[s]):]
		for k := range t.K {
			v := a[k*t.KA]
			row := b[k*t.KB:][:len(acc)]
			for j := range acc {
				acc[j] = FMA(v, row[j], acc[j])
			}
		}
	}
	if t.Bias != nil {
		for j := range acc {
			acc[j] += t.Bias[j]
		}
	}
	if t.Res != nil {
		res := t.Res[n*t.RInc+int(t.ROff[n*t.RStep+i]):][:len(acc)]
		for j := range acc {
			acc[j] += res[j]
		}
	}
	copy(out, acc)
}

// peakGeneric executes n·16 independent multiply-adds of one float32.
func peakGeneric(n int) (lanes int) {
	var acc [16]float32
	for range n {
		for i := range acc {
			acc[i] = FMA(0.5, 0.5, acc[i])
		}
	}
	if acc[0] < 0 { // never: it only keeps the loop
		return 0
	}
	return 1
}
