// Package kernels is the CPU device: the operations of tensor.Device on top
// of the vector kernels of package simd, forward and backward, on any number
// of threads, with the same bits at every level and split.
package kernels

import (
	"fmt"

	"heavytail/internal/conv"
	"heavytail/internal/isa"
	"heavytail/internal/machine"
	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// CPU is a tensor.Device on this machine's processor. It holds no state
// besides its options: any number of goroutines may use one value.
type CPU struct {
	threads int
	lane    bool         // one of several that share the threads
	stop    *tensor.Stop // of Until; nil: none
}

var (
	_ tensor.Device    = (*CPU)(nil)
	_ tensor.Bounded   = (*CPU)(nil)
	_ tensor.Keeper    = (*CPU)(nil)
	_ tensor.Packer    = (*CPU)(nil)
	_ tensor.Borrower  = (*CPU)(nil)
	_ tensor.Stoppable = (*CPU)(nil)
	_ tensor.Threaded  = (*CPU)(nil)
)

// New returns a CPU device that runs each operation on at most threads
// goroutines; threads ≤ 0 means all processors that this process may use
// (par.Threads).
func New(threads int) *CPU { return &CPU{threads: threads} }

// Name returns the level and the number of threads.
func (c *CPU) Name() string {
	return fmt.Sprintf("cpu %v, %d threads", isa.Cur(), par.Threads(c.threads))
}

// New returns a zeroed, aligned tensor.
func (c *CPU) New(shape ...int) *tensor.Tensor {
	n, ok := tensor.Elements(shape...)
	if !ok {
		n = 0 // of which Make says why
	}
	return tensor.Make(c, tensor.Aligned(n), shape...)
}

// Memory returns the bytes that this process may use.
func (c *CPU) Memory() int64 { return machine.Memory() }

// Until returns a device as c whose long operations end early when s says so.
func (c *CPU) Until(s *tensor.Stop) tensor.Device { return &CPU{c.threads, c.lane, s} }

// Threads returns the number of threads and the size of a core's second-level
// cache.
func (c *CPU) Threads() (n, cache int) { return par.Threads(c.threads), isa.Cache() }

// Lane returns a device as c whose operations use the threads that have nothing
// else to do, beside their own.
func (c *CPU) Lane() tensor.Device { return &CPU{c.threads, true, c.stop} }

// Each runs the parts of t at once, on the device's threads, in ascending order.
func (c *CPU) Each(parts int, t tensor.Task) { par.Nest(c.threads, parts, t) }

// width returns how many threads an operation may use.
func (c *CPU) width() int {
	if c.lane {
		return par.Width(par.Threads(c.threads))
	}
	return par.Threads(c.threads)
}

// Kept returns the bytes of the packed weight of a forward pass over images of h×wd
// pixels, 0 if it is packed in its own storage, and of the tables of where pixels lie: for each output 4 bytes a tap and 8
// more, or in the forms of simd.Wino 4 bytes for each pixel that a tile reads and 8 for
// each that it writes, and of WinoUp a byte for each row of tiles.
func (c *CPU) Kept(h, wd int, w *tensor.Tensor, opt tensor.ConvOpt) (copy, table int64) {
	rows, taps := w.Rows(), tapCount(w)
	if taps > 1 && opt.Up {
		rows, taps = 16*w.Dim(2), 4 // the summed taps
	}
	if winogradForm(h, wd, w.Dim(-2), w, opt) == simd.WinoUp {
		rows = conv.UpMats * w.Dim(2)
	}
	k := conv.Shape{Up: opt.Up, After: opt.After, Stride: max(opt.Stride, 1)}
	if m := winogradForm(h, wd, w.Dim(-2), w, opt); m != 0 {
		read, out := m.Pixels(), m.Outputs()
		table = int64(conv.Tiles(h, wd, int(m))) * 4 * int64(read*read+2*out*out)
		if m == simd.WinoUp {
			table += int64(conv.Along(h, int(m)))
		}
	} else if taps > 1 || opt.Up || opt.Stride == 2 {
		table = int64(k.Out(h)) * int64(k.Out(wd)) * int64(4*taps+8)
	}
	if w.Pack(0).Own {
		return 0, table
	}
	return 4 * int64(panels(w.Cols())) * simd.TileCols * int64(rows), table
}

// ConvBuffer returns the bytes of working memory that a thread takes at most in a forward
// pass over n images of h×wd pixels with weight w: of Winograd's form the transformed
// pixels and sums; of the direct form none, but with opt.Up what the summed taps take
// until they are packed.
func (c *CPU) ConvBuffer(n, h, wd int, w *tensor.Tensor, opt tensor.ConvOpt) int64 {
	m, sums := winogradForm(h, wd, w.Dim(-2), w, opt), 0
	switch {
	case m == simd.WinoUp:
		sums = conv.UpMats*w.Dim(2)*w.Cols() + 15*upBlock
	case opt.Up && tapCount(w) > 1:
		sums = 16 * w.Dim(2) * w.Cols()
	}
	if m != 0 && w.Cols() > 0 {
		j := winoJob{form: m, k: w.Dim(-2), cols: w.Cols(), n: n, tab: &winoTable{tiles: conv.Tiles(h, wd, int(m))}}
		return scratchBytes(max(j.most(par.Threads(c.threads)), sums))
	}
	return scratchBytes(sums)
}

// AttentionBuffer returns the bytes of working memory that a thread takes for one head
// of t tokens and size d.
func (c *CPU) AttentionBuffer(t, d int) int64 {
	j := attnJob{t: t, d: d}
	return scratchBytes(j.scratch())
}
