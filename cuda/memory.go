package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// memoryUnit is the least distance of two tensors: drivers align to it, and a copy
// of 16 bytes and a sector of 32 need less.
const memoryUnit = 512

// A buffer is the memory of a tensor, which its views share. When no tensor is left
// that leads to it, its memory goes back to the pool.
type buffer struct {
	dev *Device
	at  uint64
}

// New returns a zeroed tensor.
func (d *Device) New(shape ...int) *tensor.Tensor {
	n, ok := tensor.Elements(shape...)
	if !ok {
		n = 0 // of which NewHandle says why
	}
	defer d.begin("New").end()
	b := d.buffer(n)
	if n > 0 {
		d.check(d.drv.Set(b.at, 0, n))
	}
	return tensor.NewHandle(d.root, b, shape...)
}

// buffer takes memory for n float32, of unknown content.
func (d *Device) buffer(n int) *buffer {
	s := d.alloc(4 * int64(n))
	b := &buffer{d.root, s.at}
	runtime.AddCleanup(b, d.root.giveLater, s) // not of a view, which leads to a workspace
	return b
}

// giveLater takes back the memory of a buffer that nobody can reach. It may run
// while a method is at work, which must not get that memory before it has launched
// everything: begin takes it up.
func (d *Device) giveLater(s *span) {
	d.backMu.Lock()
	defer d.backMu.Unlock()
	d.back = append(d.back, s)
}

func (d *Device) drain() {
	d.backMu.Lock()
	defer d.backMu.Unlock()
	for i, s := range d.back {
		d.free(s)
		d.back[i] = nil
	}
	d.back = d.back[:0]
}

// alloc takes memory from the pool, which grows if need be. If the GPU has no more,
// it looks for tensors that nobody can reach; then it panics with ErrMemory.
func (d *Device) alloc(n int64) *span {
	s := d.pool.take(n)
	if s == nil && d.grow(n) != nil {
		d.reclaim()
		if s = d.pool.take(n); s == nil {
			if err := d.grow(n); err != nil {
				panic(d.failure(fmt.Errorf("%w: %d MiB asked for, %d of %d MiB are in use: use a smaller batch or smaller images",
					err, n>>20, d.pool.used>>20, d.opt.Limit>>20)))
			}
		}
	}
	if s == nil {
		s = d.pool.take(n)
	}
	if d.watch != nil {
		d.watch.Take(s.at, n)
	}
	return s
}

func (d *Device) free(s *span) {
	if d.watch != nil {
		d.watch.Give(s.at)
	}
	d.pool.give(s)
}

// grow adds a segment with room for n bytes: of the usual size if there is so much,
// otherwise no larger than need be. It returns ErrMemory if there is not.
func (d *Device) grow(n int64) error {
	need := d.pool.round(n)
	for _, size := range [...]int64{max(need, d.opt.Segment), need} {
		if size > d.opt.Limit-d.pool.held {
			continue
		}
		at, err := d.drv.Alloc(size)
		if err == nil {
			d.pool.add(at, size)
			return nil
		}
		if !errors.Is(err, ErrMemory) {
			d.check(err)
		}
	}
	return ErrMemory
}

// reclaim gives whole segments back to the driver, after it made sure that tensors
// that nobody can reach are back in the pool. The tensors of the method in hand are
// held.
func (d *Device) reclaim() {
	swept := make(chan struct{})
	runtime.AddCleanup(new(buffer), func(c chan struct{}) { close(c) }, swept)
	runtime.GC()
	select {
	case <-swept: // those of the tensors are run about now
	case <-time.After(time.Second):
	}
	d.drain()
	for {
		at, ok := d.pool.release()
		if !ok {
			return
		}
		d.check(d.drv.Free(at))
	}
}

// room takes memory for n float32 until the method ends.
func (d *Device) room(n int) uint64 {
	s := d.alloc(4 * int64(n))
	d.scratch = append(d.scratch, s)
	return s.at
}

// giveBack gives back what the method took after its first n rooms: the stream makes
// whoever takes it next wait.
func (d *Device) giveBack(n int) {
	for i, s := range d.scratch[n:] {
		d.free(s)
		d.scratch[n+i] = nil
	}
	d.scratch, d.rounded = d.scratch[:n], roundedImage{}
}

// at is the address of a tensor's first element, 0 for nil.
func at(t *tensor.Tensor) uint64 {
	if t == nil {
		return 0
	}
	return t.Handle().(*buffer).at + 4*uint64(t.Offset())
}

// raw is the memory of x, which has the order of bytes of the GPU: NVIDIA's driver
// runs on no machines of the other one.
func raw[T float32 | uint32 | float64](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(*new(T))))
}

// Upload copies src into dst, row-major. It panics unless src has dst's length.
func (d *Device) Upload(dst *tensor.Tensor, src []float32) {
	shapes.Len("Upload", dst, len(src))
	defer d.begin("Upload", dst).end()
	dst.Touch()
	if len(src) == 0 {
		return
	}
	to := matrix{at(dst), dst.Rows(), dst.Cols(), dst.Pitch()}
	if !dst.Dense() {
		to = d.matrix(dst.Rows(), dst.Cols())
	}
	d.check(d.drv.ToDevice(to.at, raw(src)))
	if !dst.Dense() {
		d.points(pointCopy, of(dst), []matrix{to})
	}
}

// Download copies src into dst, row-major, when everything before it is done. It
// panics unless dst has src's length.
func (d *Device) Download(dst []float32, src *tensor.Tensor) {
	shapes.Len("Download", src, len(dst))
	defer d.begin("Download", src).end()
	if len(dst) == 0 {
		return
	}
	from := of(src)
	if !src.Dense() {
		from = d.matrix(src.Rows(), src.Cols())
		d.points(pointCopy, from, []matrix{of(src)})
	}
	d.get(raw(dst), from.at)
}

// get copies what lies at from to dst when everything before it is done.
func (d *Device) get(dst []byte, from uint64) {
	if !d.stopped { // else it may not be there
		d.check(d.drv.ToHost(dst, from))
	}
}
