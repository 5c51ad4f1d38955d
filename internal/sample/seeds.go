package sample

// Seeds are those of samples, in their order.
type Seeds interface {
	Len() int
	// Get sets dst to the seeds of the samples first, first+1, ….
	Get(dst []uint64, first int)
}

// A List is the seeds one by one.
type List []uint64

// Len returns the number of samples.
func (l List) Len() int { return len(l) }

// Get implements Seeds.
func (l List) Get(dst []uint64, first int) { copy(dst, l[first:]) }

// A Range is N seeds from First on, which take no memory.
type Range struct {
	First uint64
	N     int
}

// Len returns the number of samples.
func (r Range) Len() int { return r.N }

// Get implements Seeds.
func (r Range) Get(dst []uint64, first int) {
	for i := range dst {
		dst[i] = r.First + uint64(first+i)
	}
}
