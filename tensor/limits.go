package tensor

// A Bounded is a device that says how many bytes its tensors may take in all, so that a
// network which does not fit is refused before memory is taken.
type Bounded interface {
	Memory() int64 // bytes
}

// A Keeper is a device that keeps memory beside the tensors from one operation to the
// next: for a convolution with weight w of images of h×wd pixels (for a product, 0 by
// 0), copy bytes for the weight in the order in which kernels read it, and table bytes
// that convolutions of equal shapes share.
type Keeper interface {
	// Kept returns both numbers of bytes.
	Kept(h, wd int, w *Tensor, opt ConvOpt) (copy, table int64)
}

// A Packer is a device that can keep a weight once, in the order in which its forward
// passes read it, where it keeps the weight and a copy in that order (Keeper).
type Packer interface {
	// Pack puts ws, weights of Linear and of Conv2D without ConvOpt.Up, into that order
	// in their own storage, where they have room for it: Pack(0).Own then says so.
	// A packed weight must not be written, and its Data is for this device's
	// operations alone. No operation may be under way.
	Pack(ws ...*Tensor)
	// Unpack undoes Pack.
	Unpack(ws ...*Tensor)
	// Unpacked sets dst, of w's length, to the values of w in rows, packed or not.
	Unpacked(dst []float32, w *Tensor)
}

// A Borrower is a device whose operations need memory beside the tensors while they run.
// It keeps the buffers for the next ones: of each size as many as threads ever needed
// one at the same time. Its methods return the bytes of a buffer, in forward passes.
type Borrower interface {
	// ConvBuffer returns that of a convolution with weight w of n images of h×wd pixels.
	ConvBuffer(n, h, wd int, w *Tensor, opt ConvOpt) int64
	// AttentionBuffer returns that of attention over t tokens with heads of size d.
	AttentionBuffer(t, d int) int64
}

// A Task is work that is cut into parts, any of which may be done at the same time as
// others.
type Task interface {
	Do(part int) // part 0, 1, … once each
}

// A Threaded is a device that computes on several threads, which can also share a batch:
// each then computes samples of its own.
type Threaded interface {
	// Threads returns how many threads an operation may use and the bytes of
	// cache that each of them has to itself.
	Threads() (n, cache int)
	// Each calls t.Do for the parts 0…parts−1 at once and returns when all are
	// done. They begin in ascending order, so that a part may wait for one before it,
	// on however few threads. It must not be called within a part.
	Each(parts int, t Task)
	// Lane returns a view of the device for a part of Each: its operations use
	// one thread, and more where some have nothing else to do.
	Lane() Device
}

// A Stoppable is a device whose long operations can be told to end early. What they then
// leave in their destinations is worthless.
type Stoppable interface {
	// Until returns a view of the device whose operations look at s on their way.
	Until(s *Stop) Device
}

// A Rounding is a device that can compute in a mode that gives other bits than a CPU:
// Fast names it, and is empty where the bits are a CPU's.
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
