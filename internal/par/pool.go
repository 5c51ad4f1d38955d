package par

import "sync"

// A Pool keeps values of type T between calls, so that an operation in steady
// use allocates none. Its zero value is ready; it must not be copied after
// first use, and may be used by many goroutines at once.
type Pool[T any] struct{ free sync.Pool }

// Get returns a value of the pool: zero, unless somebody has Put it back as it
// was.
func (p *Pool[T]) Get() *T {
	if v, ok := p.free.Get().(*T); ok {
		return v
	}
	return new(T)
}

// Put gives v back as it is: for a workspace whose memory is used again.
func (p *Pool[T]) Put(v *T) { p.free.Put(v) }

// Free sets v to zero and gives it back: a job must keep nothing of its caller
// alive.
func (p *Pool[T]) Free(v *T) {
	var zero T
	*v = zero
	p.free.Put(v)
}
