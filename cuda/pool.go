package cuda

import (
	"cmp"
	"fmt"
	"slices"
)

// A pool divides segments of memory, ranges of addresses that it never touches,
// into spans. A span is a multiple of unit long; the shortest free one that is long
// enough is taken, of equals the one with the lowest address, and what is left of
// it stays free. Free neighbours are joined.
type pool struct {
	unit  int64   // a power of two
	guard int64   // bytes left unused behind each span, a multiple of unit
	free  []*span // by size, then address
	spare *span   // nodes to use again, linked by next

	held, used int64 // bytes of the segments, and of the spans taken
}

// A span is a range of addresses within one segment, free or taken.
type span struct {
	at         uint64
	size       int64 // with the guard
	prev, next *span // its neighbours in the segment
	taken      bool
}

// round returns the size of a span for n bytes.
func (p *pool) round(n int64) int64 { return (max(n, 1)+p.unit-1)&^(p.unit-1) + p.guard }

// add gives the pool a segment, whose size and address are multiples of unit.
func (p *pool) add(at uint64, size int64) {
	p.held += size
	p.insert(p.node(span{at: at, size: size}))
}

// take returns a span for n bytes, or nil if no free one is long enough.
func (p *pool) take(n int64) *span {
	size := p.round(n)
	i, _ := slices.BinarySearchFunc(p.free, span{size: size}, compare)
	if i == len(p.free) {
		return nil
	}
	s := p.free[i]
	p.free = slices.Delete(p.free, i, i+1)
	if rest := s.size - size; rest >= p.unit+p.guard {
		r := p.node(span{at: s.at + uint64(size), size: rest, prev: s, next: s.next})
		if r.next != nil {
			r.next.prev = r
		}
		s.next, s.size = r, size
		p.insert(r)
	}
	s.taken = true
	p.used += s.size
	return s
}

// give takes a span back.
func (p *pool) give(s *span) {
	if !s.taken {
		panic(fmt.Sprintf("cuda: the memory at %#x is given back twice", s.at))
	}
	s.taken = false
	p.used -= s.size
	if n := s.next; n != nil && !n.taken {
		p.remove(n)
		p.join(s, n)
	}
	if b := s.prev; b != nil && !b.taken {
		p.remove(b)
		p.join(b, s)
		s = b
	}
	p.insert(s)
}

// join adds b, which follows a, to it.
func (p *pool) join(a, b *span) {
	a.size += b.size
	a.next = b.next
	if a.next != nil {
		a.next.prev = a
	}
	*b = span{next: p.spare}
	p.spare = b
}

// release takes a segment that is free as a whole out of the pool; not ok if there
// is none.
func (p *pool) release() (at uint64, ok bool) {
	for _, s := range p.free {
		if s.prev == nil && s.next == nil {
			p.remove(s)
			p.held -= s.size
			at = s.at
			*s = span{next: p.spare}
			p.spare = s
			return at, true
		}
	}
	return 0, false
}

func (p *pool) node(v span) *span {
	s := p.spare
	if s == nil {
		s = new(span)
	} else {
		p.spare = s.next
	}
	*s = v
	return s
}

func (p *pool) insert(s *span) {
	i, _ := slices.BinarySearchFunc(p.free, *s, compare)
	p.free = slices.Insert(p.free, i, s)
}

func (p *pool) remove(s *span) {
	i, found := slices.BinarySearchFunc(p.free, *s, compare)
	if !found {
		panic(fmt.Sprintf("cuda: the free memory at %#x is not in the list", s.at))
	}
	p.free = slices.Delete(p.free, i, i+1)
}

// compare orders free spans.
func compare(a *span, b span) int {
	return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.at, b.at))
}
