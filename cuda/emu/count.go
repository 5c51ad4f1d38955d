package emu

// Stats are what a launch did, in warp instructions.
type Stats struct {
	Issued map[string]int64 // by opcode
	Total  int64

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
	waves, distinct := 0, map[uint64]bool{}
	for lo := 0; lo < len(addr); lo += per {
		var banks [32]int
		phase := map[uint64]bool{}
		most := 0
		for _, a := range addr[lo:min(len(addr), lo+per)] {
			for word := a / 4; word <= (a+uint64(n)-1)/4; word++ {
				distinct[word] = true
				if !phase[word] {
					phase[word] = true
					banks[word%32]++
					most = max(most, banks[word%32])
				}
			}
		}
		waves += most
	}
	st.SharedWavefronts += int64(waves)
	st.SharedIdeal += int64((len(distinct) + 31) / 32)
	if need := (len(addr)*n + 127) / 128; waves > need {
		st.Conflicts[w.cur.line] += int64(waves - need)
	}
}

func (w *warp) countGlobal(addr []uint64, n int) {
	st := w.cta.stats
	st.GlobalRequests++
	sectors, distinct := map[uint64]bool{}, map[uint64]bool{}
	for _, a := range addr {
		distinct[a] = true // an address is a multiple of n
		for s := a / 32; s <= (a+uint64(n)-1)/32; s++ {
			sectors[s] = true
		}
	}
	st.GlobalSectors += int64(len(sectors))
	st.GlobalBytes += int64(len(distinct) * n)
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
