package tensor

// A Bounded device says how many bytes its tensors may take in all, so that a
// network that cannot have its place is refused before memory is taken.
type Bounded interface {
	Memory() int64 // bytes
}

// A Keeper device keeps memory beside the tensors: for a convolution with weight
// w of images of h×wd pixels (for a product, 0 by 0), copy bytes for the weight in
// the order in which kernels read it, and table bytes that convolutions of equal
// shapes share.
type Keeper interface {
	// Kept returns the bytes of both.
	Kept(h, wd int, w *Tensor, opt ConvOpt) (copy, table int64)
}

// A Borrower device computes in buffers of its own, of which it keeps one of each
// size for each thread that ever needed it: those of a forward pass, in bytes.
type Borrower interface {
	// ConvBuffer returns that of a convolution of n images of h×wd pixels.
	ConvBuffer(n, h, wd int, w *Tensor, opt ConvOpt) int64
	// AttentionBuffer returns that of t tokens and heads of size d.
	AttentionBuffer(t, d int) int64
}

// A Task is work cut into parts, of which any number may be done at once.
type Task interface {
	Do(part int) // part 0, 1, … once each
}

// A Threaded device computes on several threads, which can also share a batch:
// each then computes samples of its own.
type Threaded interface {
	// Threads returns how many threads an operation may use and the bytes of
	// cache that each of them has to itself.
	Threads() (n, cache int)
	// Each calls t.Do for the parts 0…parts−1 at once and returns when all are
	// done. It must not be called within a part.
	Each(parts int, t Task)
	// Lane returns a view of the device for a part of Each: its operations use
	// one thread, and more where some have nothing else to do.
	Lane() Device
}

// A Stoppable device makes views of itself whose long operations look at a Stop
// and end early: what they then leave in their destinations is worthless.
type Stoppable interface {
	// Until returns the view that looks at s.
	Until(s *Stop) Device
}

// A Rounding device can compute in a mode that gives other bits than a CPU: Fast
// names it, and is empty where the bits are a CPU's.
type Rounding interface {
	Fast() string
}

// FastMode names the mode in which d gives other bits than a CPU: empty if it gives
// the same.
func FastMode(d Device) string {
	if r, ok := d.(Rounding); ok {
		return r.Fast()
	}
	return ""
}

// A Stop tells operations under way to end. The zero value, and nil, never do.
type Stop struct{ done <-chan struct{} }

// Set makes s tell so when done is closed; nil: never. It must not be called
// while an operation runs.
func (s *Stop) Set(done <-chan struct{}) { s.done = done }

// Now reports whether to end. It takes some nanoseconds.
func (s *Stop) Now() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
