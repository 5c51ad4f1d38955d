package cuda

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

// A naive is what a pool should be, unit by unit: who has it, 0 for nobody.
type naive struct {
	unit, guard int64
	owner       map[uint64]int // by address of the unit; of segments only
	first       map[uint64]bool
}

// runs lists the free runs within segments, as size and address.
func (n *naive) runs() map[uint64]int64 {
	out := map[uint64]int64{}
	for at, who := range n.owner {
		if prev, in := n.owner[at-uint64(n.unit)]; who != 0 || in && prev == 0 && !n.first[at] {
			continue // taken, or not the first of its run
		}
		size := int64(0)
		for a := at; ; a += uint64(n.unit) {
			if who, in := n.owner[a]; !in || who != 0 || a != at && n.first[a] {
				break
			}
			size += n.unit
		}
		out[at] = size
	}
	return out
}

// best is where a span of that size belongs.
func (n *naive) best(size int64) (at uint64, of int64, ok bool) {
	for a, s := range n.runs() {
		if s >= size && (!ok || s < of || s == of && a < at) {
			at, of, ok = a, s, true
		}
	}
	return at, of, ok
}

func (n *naive) set(at uint64, size int64, who int) {
	for a := at; a < at+uint64(size); a += uint64(n.unit) {
		n.owner[a] = who
	}
}

// drive makes the pool and the model do what the bytes say and compares them after
// every step.
func drive(t *testing.T, script []byte) {
	p := &pool{unit: 512, guard: int64(len(script)%2) * 512}
	n := &naive{512, p.guard, map[uint64]int{}, map[uint64]bool{}}
	var spans []*span
	segments, next := map[uint64]int64{}, uint64(1<<30)
	for i, op := range script {
		v := int64(op >> 2)
		switch op & 3 {
		case 0: // a segment, at times right behind the last one
			size := (v%13 + 1) * 512
			p.add(next, size)
			n.set(next, size, 0)
			n.first[next] = true
			segments[next] = size
			next += uint64(size) + uint64(v%2)*512
		case 1:
			bytes := v * 100
			size := (max(bytes, 1)+511)/512*512 + p.guard
			at, of, ok := n.best(size)
			s := p.take(bytes)
			require.Equal(t, ok, s != nil, "step %d: room for %d bytes", i, bytes)
			if ok {
				if of-size < 512+p.guard {
					size = of // what is left would be of no use
				}
				require.Equal(t, []int64{int64(at), size}, []int64{int64(s.at), s.size}, "step %d", i)
				spans = append(spans, s)
				n.set(at, size, len(script)+i)
			}
		case 2:
			if len(spans) == 0 {
				continue
			}
			k := int(v) % len(spans)
			s := spans[k]
			n.set(s.at, s.size, 0)
			p.give(s)
			spans = append(spans[:k], spans[k+1:]...)
		case 3:
			at, ok := p.release()
			whole := false
			for a, s := range n.runs() {
				whole = whole || segments[a] == s && n.first[a]
			}
			require.Equal(t, whole, ok, "step %d: a whole segment is free", i)
			if ok {
				for a := at; a < at+uint64(segments[at]); a += 512 {
					require.Zero(t, n.owner[a])
					delete(n.owner, a)
				}
				delete(n.first, at)
				delete(segments, at)
			}
		}
		agree(t, p, n)
	}
	for _, s := range spans {
		p.give(s)
	}
	require.Zero(t, p.used)
	require.Len(t, p.free, len(segments), "every segment is one span again")
}

func agree(t *testing.T, p *pool, n *naive) {
	t.Helper()
	runs := n.runs()
	require.Len(t, p.free, len(runs))
	for i, s := range p.free {
		require.Equal(t, runs[s.at], s.size)
		require.True(t, i == 0 || compare(p.free[i-1], *s) < 0, "in order")
	}
	used := int64(0)
	for _, who := range n.owner {
		if who != 0 {
			used += 512
		}
	}
	require.Equal(t, used, p.used)
	require.Equal(t, int64(len(n.owner))*512, p.held)
}

func TestPool(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 60 {
		script := make([]byte, 20+r.Intn(150))
		r.Read(script)
		drive(t, script)
	}
}

func FuzzPool(f *testing.F) {
	f.Add([]byte{0xf0, 5, 9, 2, 3})
	f.Fuzz(func(t *testing.T, script []byte) { drive(t, script[:min(len(script), 300)]) })
}

// A span that is given back twice is a mistake that shows at once.
func TestPoolTwice(t *testing.T) {
	p := &pool{unit: 512}
	p.add(0, 4096)
	s := p.take(1)
	p.give(s)
	require.Panics(t, func() { p.give(s) })
}

// After the first time, taking and giving take no memory of the host.
func TestPoolAllocates(t *testing.T) {
	p := &pool{unit: 512}
	p.add(0, 1<<20)
	round := func() {
		a, b, c := p.take(5000), p.take(70000), p.take(100)
		p.give(b)
		p.give(a)
		p.give(c)
	}
	require.Zero(t, testing.AllocsPerRun(10, round))
}
