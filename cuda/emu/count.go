package emu

import "math"

// Stats are what a launch did, in warp instructions.
type Stats struct {
	Issued map[string]int64 // by opcode
	Total  int64
	Warps  int // of a block

	// Requests to shared memory; the wavefronts that they took; those that as
	// many distinct bytes need at 128 to a wavefront; and, by line of the text,
	// what was above that for bank conflicts.
	SharedRequests, SharedWavefronts, SharedIdeal int64
	Conflicts                                     map[int]int64

	// Requests to global memory; the 32-byte sectors that they touched; and the
	// bytes that lanes asked for, those of several lanes once.
	GlobalRequests, GlobalSectors, GlobalBytes int64
}

func newStats() *Stats { return &Stats{Issued: map[string]int64{}, Conflicts: map[int]int64{}} }

// countShared counts one request of n bytes a lane. It is served in phases of
// as many lanes as fill 128 bytes; a phase takes as many wavefronts as the most
// distinct words that one of the 32 banks must give.
func (w *warp) countShared(addr []uint64, n int) {
	st := w.cta.stats
	st.SharedRequests++
	per := 128 / max(n, 4)
	waves, distinct := 0, 0
	all := w.cta.stamp + 1 // words of this request, and after it of each of its phases
	w.cta.stamp = all
	for lo := 0; lo < len(addr); lo += per {
		var banks [32]int
		w.cta.stamp++
		most := 0
		for _, a := range addr[lo:min(len(addr), lo+per)] {
			a &= math.MaxUint32
			for word := a / 4; word <= (a+uint64(n)-1)/4 && word < uint64(len(w.cta.seen)); word++ {
				seen := &w.cta.seen[word]
				if *seen < all {
					distinct++
				}
				if *seen != w.cta.stamp {
					*seen = w.cta.stamp
					banks[word%32]++
					most = max(most, banks[word%32])
				}
			}
		}
		waves += most
	}
	st.SharedWavefronts += int64(waves)
	st.SharedIdeal += int64((distinct + 31) / 32)
	if need := (len(addr)*n + 127) / 128; waves > need {
		st.Conflicts[w.cur.line] += int64(waves - need)
	}
}

func (w *warp) countGlobal(addr []uint64, n int) {
	st := w.cta.stats
	st.GlobalRequests++
	var sectors, distinct [64]uint64
	found, asked := sectors[:0], distinct[:0]
	for _, a := range addr {
		asked = add(asked, a) // an address is a multiple of n
		for s := a / 32; s <= (a+uint64(n)-1)/32; s++ {
			found = add(found, s)
		}
	}
	st.GlobalSectors += int64(len(found))
	st.GlobalBytes += int64(len(asked) * n)
}

// add adds x to a set, which mostly holds it last.
func add(set []uint64, x uint64) []uint64 {
	for i := len(set) - 1; i >= 0; i-- {
		if set[i] == x {
			return set
		}
	}
	return append(set, x)
}

// counted lists the addresses of the lanes that take part, if anybody counts.
func (w *warp) counted(addr *[32]uint64, off uint64) []uint64 {
	var list []uint64
	for l := range 32 {
		if w.mask>>l&1 == 1 {
			list = append(list, addr[l]+off)
		}
	}
	return list
}
