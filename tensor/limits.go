package tensor

// A Bounded device says how many bytes its tensors may take in all, so that a
// network that cannot have its place is refused before memory is taken.
type Bounded interface {
	Memory() int64
}

// A Keeper device keeps memory beside the tensors: for a convolution with weight
// w of images of h×wd pixels (for a product, 0 by 0), copy bytes for the weight in
// the order in which kernels read it, and table bytes that convolutions of equal
// shapes share.
type Keeper interface {
	Kept(h, wd int, w *Tensor, opt ConvOpt) (copy, table int64)
}

// A Stoppable device makes views of itself whose long operations look at a Stop
// and end early: what they then leave in their destinations is worthless.
type Stoppable interface {
	Until(s *Stop) Device
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
