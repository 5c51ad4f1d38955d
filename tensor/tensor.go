// Package tensor holds float32 tensors and the interface of the devices that
// compute on them. It computes nothing itself.
//
// Tensors are channels last. The last dimension is contiguous; consecutive
// rows (the product of all other dimensions counts them) lie Pitch float32
// apart, so a range of columns of a tensor is a tensor too. That is how a
// U-Net concatenates channels without copying.
package tensor

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Align is the alignment in bytes of every tensor that a CPU device makes.
const Align = 64

// A Tensor is a float32 array of one to four dimensions on one device.
// The zero value is not useful; devices and the methods below make tensors.
type Tensor struct {
	shape  [4]int
	rank   int
	pitch  int
	offset int
	data   []float32
	handle any
	dev    Device
	gen    atomic.Uint64
	packs  [2]Pack
}

// A Pack is a copy of a weight in the order in which a kernel reads it, made
// by the device when first needed and again after the weight changed.
type Pack struct {
	Mu     sync.Mutex    // held while Data or Handle is made
	Gen    atomic.Uint64 // 1 + the generation of the tensor that they were made from; 0: never
	Data   []float32     // on a CPU
	Own    bool          // Data is no copy but the tensor's own storage (Packer)
	Handle any           // on another device, which knows what it is
}

// Make wraps data (row-major, len = product of shape) as a tensor of dev.
// It panics if the length does not fit.
func Make(dev Device, data []float32, shape ...int) *Tensor {
	t := &Tensor{rank: len(shape), data: data, dev: dev}
	n := t.setShape(shape)
	if data != nil && len(data) != n {
		panic(fmt.Sprintf("tensor: Make: %d values for shape %v", len(data), shape))
	}
	return t
}

func (t *Tensor) setShape(shape []int) int {
	if len(shape) < 1 || len(shape) > 4 {
		panic(fmt.Sprintf("tensor: shape %v: want one to four dimensions", shape))
	}
	n, ok := Elements(shape...)
	if !ok {
		panic(fmt.Sprintf("tensor: shape %v: negative dimension, or more elements than memory has addresses", shape))
	}
	copy(t.shape[:], shape)
	t.rank, t.pitch = len(shape), shape[len(shape)-1]
	return n
}

// Elements returns the product of the dimensions. It is not ok if one is
// negative or if that many float32 have no place in an address space, leaving
// out dimensions of 0: then some product of the dimensions would wrap around.
func Elements(shape ...int) (n int, ok bool) {
	n, any := 1, 1
	for _, d := range shape {
		if d < 0 || d > 0 && any > math.MaxInt/4/d {
			return 0, false
		}
		n *= d
		any *= max(d, 1)
	}
	return n, true
}

// NewHandle makes a tensor whose storage is only known to dev.
func NewHandle(dev Device, handle any, shape ...int) *Tensor {
	t := &Tensor{dev: dev, handle: handle}
	t.setShape(shape)
	return t
}

// Aligned returns n zeroed float32 that start at a multiple of Align bytes, on Linux in
// large pages of memory where they take 64 KiB or more and the kernel has such pages.
func Aligned(n int) []float32 {
	const w = Align / 4
	buf := make([]float32, n+w-1)
	preferHuge(buf)
	off := 0
	if n > 0 {
		if r := uintptr(unsafe.Pointer(&buf[0])) % Align; r != 0 {
			off = int((Align - r) / 4)
		}
	}
	return buf[off : off+n : off+n]
}

// Shape returns the dimensions; the caller must not change them.
func (t *Tensor) Shape() []int { return t.shape[:t.rank] }

// Dim returns dimension i; negative i counts from the end. It panics if there is none.
func (t *Tensor) Dim(i int) int {
	n := i
	if n < 0 {
		n += t.rank
	}
	if uint(n) >= uint(t.rank) {
		panic(noDim{i, t.rank})
	}
	return t.shape[n]
}

// A noDim says that a tensor has no dimension i; Dim is inlined with it.
type noDim struct{ i, rank int }

// String says so.
func (e noDim) String() string {
	return fmt.Sprintf("tensor: dimension %d of a tensor of %d dimensions", e.i, e.rank)
}

// Rank returns the number of dimensions.
func (t *Tensor) Rank() int { return t.rank }

// Cols returns the last dimension.
func (t *Tensor) Cols() int { return t.shape[t.rank-1] }

// Rows returns the product of all dimensions but the last.
func (t *Tensor) Rows() int {
	n := 1
	for _, d := range t.shape[:t.rank-1] {
		n *= d
	}
	return n
}

// Len returns the number of elements.
func (t *Tensor) Len() int { return t.Rows() * t.Cols() }

// Pitch returns the distance between consecutive rows in float32.
func (t *Tensor) Pitch() int { return t.pitch }

// Dense reports whether the rows follow each other without gaps.
func (t *Tensor) Dense() bool { return t.pitch == t.Cols() || t.Rows() <= 1 }

// Offset returns where t's first element lies in the storage that Handle
// names, counted in elements; views made by Columns and Batch move it.
func (t *Tensor) Offset() int { return t.offset }

// Device returns the device that holds t.
func (t *Tensor) Device() Device { return t.dev }

// Handle returns what the device passed to NewHandle, nil for tensors of a CPU.
func (t *Tensor) Handle() any { return t.handle }

// Data returns the CPU storage from the first element on: row i is
// Data()[i*Pitch() : i*Pitch()+Cols()]. It is nil on other devices.
func (t *Tensor) Data() []float32 { return t.data }

// Columns returns the columns lo…hi−1 of every row as a tensor that shares
// t's storage. It panics if the range is not within t.
func (t *Tensor) Columns(lo, hi int) *Tensor {
	if lo < 0 || hi > t.Cols() || lo > hi {
		panic(fmt.Sprintf("tensor: Columns(%d, %d) of shape %v", lo, hi, t.Shape()))
	}
	v := &Tensor{shape: t.shape, rank: t.rank, pitch: t.pitch, offset: t.offset + lo, handle: t.handle, dev: t.dev}
	v.shape[t.rank-1] = hi - lo
	if n := (t.Rows()-1)*t.pitch + hi; t.data != nil && n > lo {
		v.data = t.data[lo:n:n]
	}
	return v
}

// Reshape returns t's elements under another shape. Only the dimensions before
// the last may be regrouped unless t is dense. It panics if sizes differ.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	v := &Tensor{offset: t.offset, handle: t.handle, dev: t.dev, data: t.data}
	n := v.setShape(shape)
	if n != t.Len() || (!t.Dense() && v.Cols() != t.Cols()) {
		panic(fmt.Sprintf("tensor: Reshape: %v (pitch %d) to %v", t.Shape(), t.pitch, shape))
	}
	if !t.Dense() {
		v.pitch = t.pitch
	}
	return v
}

// Batch returns the entries lo…hi−1 of the first dimension, sharing storage.
func (t *Tensor) Batch(lo, hi int) *Tensor {
	if lo < 0 || hi > t.shape[0] || lo > hi || t.rank < 2 {
		panic(fmt.Sprintf("tensor: Batch(%d, %d) of shape %v", lo, hi, t.Shape()))
	}
	per := t.Rows() / max(t.shape[0], 1) * t.pitch
	v := &Tensor{shape: t.shape, rank: t.rank, pitch: t.pitch, offset: t.offset + lo*per, handle: t.handle, dev: t.dev}
	v.shape[0] = hi - lo
	if hi > lo && t.data != nil {
		end := min(len(t.data), hi*per)
		v.data = t.data[lo*per : end : end]
	}
	return v
}

// Touch records that t's values changed, so that packed copies are remade.
// Every Device method that writes a tensor calls it; so must a program that
// writes Data.
func (t *Tensor) Touch() { t.gen.Add(1) }

// Gen returns how often Touch was called: it tells a device whether its copy of a weight
// is of these values.
func (t *Tensor) Gen() uint64 { return t.gen.Load() }

// Pack returns the place for the device's own copy of a weight, in the order of forward
// passes (i = 0) or of backward passes (1).
func (t *Tensor) Pack(i int) *Pack { return &t.packs[i] }

// SameShape reports whether a and b have as many dimensions, all equal.
func SameShape(a, b *Tensor) bool { return a.rank == b.rank && a.shape == b.shape }
