package kernels

import (
	"math"

	"heavytail/internal/par"
	"heavytail/simd"
)

// Few channels leave no part for each of many threads. Then these take images: the
// taps of each go to a place of their own and are added in the order of the images,
// so that the bits are those of one thread.

// ownTaps is how many float32 the taps of images may take, 4 MiB.
const ownTaps = 1 << 20

// apart says whether images apart take less time than parts of one that take so much
// each. It then sets how many images go together, and the parts of one.
func (j *winoWeightJob) apart(threads, time int) bool {
	threads = j.worth(threads)
	round := min(j.n, ownTaps/(9*j.c*j.o))
	if threads == 1 || round < 2 {
		return false
	}
	if round > threads && round < j.n {
		round -= round % threads
	}
	at := min(threads, round)
	// a quarter more: the taps are stored, and read once more
	if winoTime(j.c, panels(j.o))*5/4*((j.n+at-1)/at) >= time*j.n {
		return false
	}
	j.round, j.rowParts, j.colParts = round, j.fit(), 1
	return true
}

// images runs the job round by round.
func (j *winoWeightJob) images(threads int) {
	size := 9 * j.c * j.o
	s := getScratch(j.round*size, 0)
	defer s.free()
	j.own = s.f[:j.round*size]
	add := winoAddPool.Get()
	add.dw, add.own = j.dw[:size], j.own
	for ; j.first < j.n && !j.stop.Now(); j.first += j.round {
		n := min(j.round, j.n-j.first)
		par.Run(threads, n*j.rowParts, j)
		add.images, add.parts = n, min(threads, partsFor(threads, 16*n*size)) // bound by the cache
		par.Run(threads, add.parts, add)
	}
	winoAddPool.Free(add)
}

// minusZeros is what taps are added to that must not change: 0 + −0 is 0.
var minusZeros = func() (z [1 << 12]float32) {
	for i := range z {
		z[i] = float32(math.Copysign(0, -1))
	}
	return z
}()

// place makes the taps of the part's rows go to the place of an image in the round.
func (w *winoSums) place(img int) {
	size := 9 * w.c * w.o
	w.out = w.own[img*size:][:size]
	for tap := range 9 {
		for rows := w.out[(tap*w.c+w.c0)*w.o : (tap*w.c+w.c1)*w.o]; len(rows) > 0; {
			rows = rows[copy(rows, minusZeros[:]):]
		}
	}
}

// winoAdd adds the taps of images in their order.
type winoAdd struct {
	dw, own       []float32
	images, parts int
}

var winoAddPool par.Pool[winoAdd]

// Do adds one part of the taps.
func (j *winoAdd) Do(part int) {
	size := len(j.dw)
	lo, hi := size*part/j.parts, size*(part+1)/j.parts
	for i := range j.images {
		simd.Add(j.dw[lo:hi], j.dw[lo:hi], j.own[i*size+lo:i*size+hi])
	}
}
