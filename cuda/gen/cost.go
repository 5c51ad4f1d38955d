package gen

// A Cost is what the 16 terms of a tile cost a block, as docs/cuda.md counts: the
// instructions of one of its warps, the warps, and the wavefronts of shared memory of
// all of them. The instructions are those of cuda/ptx/loops.txt to a few percent.
type Cost struct{ Instructions, Warps, Wavefronts int }

// Cycles is how long a processor takes for a tile of each of so many blocks: what it
// can start on its four schedulers, of which a few warps keep only as many busy, or
// what shared memory serves.
func (c Cost) Cycles(blocks int) int {
	return max(blocks*c.Instructions*c.Warps/max(1, min(4, blocks*c.Warps)), blocks*c.Wavefronts)
}

// costOf counts a tile of bm×bn outputs by threads of tm×tn, which read four terms of
// A, or with turned four rows of A in one term, at a time, and other instructions.
func costOf(bm, bn, tm, tn, other int) Cost {
	threads := bm / tm * (bn / tn)
	copies := (bm + bn) * tileK / 4 / threads
	quarter := tm*tileK/4 + tileK*((tn+3)/4) // reads of 16 bytes, or of 8
	words := tm*tileK + tileK*tn
	c := Cost{Instructions: tm*tn*tileK + quarter + copies + other, Warps: threads / 32}
	c.Wavefronts = c.Warps * (words + 4*copies)
	return c
}

// Cost is that of a tile.
func (g SGEMM) Cost() Cost {
	other := 55
	switch {
	case g.Any:
		other = 280
	case g.Conv:
		other = 88
	}
	return costOf(g.BM, g.BN, g.TM, g.TN, other)
}

// Cost is that of a tile.
func (g Wgrad) Cost() Cost {
	other := 25
	switch {
	case g.Any:
		other = 150
	case g.Conv:
		other = 60
	}
	return costOf(g.BM, g.BN, g.TM, g.TN, other)
}
