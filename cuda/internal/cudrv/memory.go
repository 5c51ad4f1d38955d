//go:build cuda && cgo && linux && amd64

package cudrv

// #include "call.h"
import "C"

import (
	"cmp"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
)

// alignment is what Alloc promises; NVIDIA's documents promise 256 bytes, its
// drivers give 512.
const alignment = 512

func (g *gpu) Alloc(size int64) (uint64, error) {
	if size <= 0 {
		return 0, fmt.Errorf("cuda: %d bytes of the GPU's memory asked for", size)
	}
	var p cu.DevicePtr
	take := func(n int64) error {
		return g.do("cuMemAlloc", func() (err error) { p, err = cu.MemAlloc(n); return err })
	}
	err := take(size)
	if err == nil && p%alignment != 0 {
		if err = g.do("cuMemFree", func() error { return cu.MemFree(p) }); err == nil {
			err = take(size + alignment)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("%d bytes: %w", size, err)
	}
	at := (uint64(p) + alignment - 1) &^ (alignment - 1)
	g.blocks[at] = p
	return at, nil
}

func (g *gpu) Free(at uint64) error {
	p, ok := g.blocks[at]
	if !ok {
		return fmt.Errorf("cuda: no block of the GPU's memory begins at %#x", at)
	}
	// That cuMemFree waits for kernels is only how drivers are, and it knows nothing of
	// work that was not started.
	if err := g.Sync(); err != nil {
		return err
	}
	if err := g.do("cuMemFree", func() error { return cu.MemFree(p) }); err != nil {
		return err
	}
	delete(g.blocks, at)
	return nil
}

// Copies from the host go through pinned memory, which the GPU reads by itself
// while the program goes on: a ring of segments that are filled one after the
// other, copies behind each other, and waited for only when the ring has come
// round to them.
const (
	segmentBytes = 2 << 20
	ringSegments = 4
)

// A segment is a piece of pinned memory with the mark behind the last copy from or
// to it.
type segment struct {
	mem     []byte
	event   cu.Event
	pending bool // the event was recorded and not waited for
}

type ring struct {
	segments [ringSegments]segment
	at, used int
}

// pin gives a segment its memory, if it has none.
func (g *gpu) pin(s *segment) error {
	if s.mem != nil {
		return nil
	}
	if err := g.do("cuEventCreate", func() (err error) { s.event, err = cu.MakeEvent(cu.DisableTiming); return err }); err != nil {
		return err
	}
	var p unsafe.Pointer
	if err := status("cuMemHostAlloc", C.cudrv_pinned(g.c(), &p, segmentBytes)); err != nil {
		return fmt.Errorf("%d bytes of pinned memory of the host: %w", segmentBytes, err)
	}
	s.mem = unsafe.Slice((*byte)(p), segmentBytes)
	return nil
}

// mark records a segment's event behind the copies so far.
func (g *gpu) mark(s *segment) error {
	s.pending = true
	return g.do("cuEventRecord", func() error { return s.event.Record(g.stream) })
}

// await waits for the segment's copies, and so for all work before them.
func (g *gpu) await(s *segment) error {
	if !s.pending {
		return nil
	}
	s.pending = false
	return g.do("cuEventSynchronize", s.event.Synchronize)
}

func (g *gpu) ToDevice(at uint64, src []byte) error {
	if err := g.flush(); err != nil {
		return err
	}
	for len(src) > 0 {
		s := &g.up.segments[g.up.at]
		if g.up.used == segmentBytes {
			if err := g.mark(s); err != nil {
				return err
			}
			g.up.at, g.up.used = (g.up.at+1)%ringSegments, 0
			s = &g.up.segments[g.up.at]
			if err := g.await(s); err != nil {
				return err
			}
		}
		if err := g.pin(s); err != nil {
			return err
		}
		from := s.mem[g.up.used:]
		n := copy(from, src)
		err := g.do("cuMemcpyHtoDAsync", func() error {
			return cu.MemcpyHtoDAsync(cu.DevicePtr(at), unsafe.Pointer(&from[0]), int64(n), g.stream)
		})
		if err != nil {
			return err
		}
		// The next copy begins at a multiple of 64 bytes, which copies faster.
		g.up.used = min(segmentBytes, (g.up.used+n+63)&^63)
		at, src = at+uint64(n), src[n:]
	}
	return nil
}

// ToHost takes turns: while one segment is copied out, the GPU fills the other.
func (g *gpu) ToHost(dst []byte, at uint64) error {
	if err := g.flush(); err != nil {
		return err
	}
	if len(dst) == 0 {
		return g.Sync()
	}
	var out [2][]byte // where the segments' content belongs
	for i := 0; len(dst) > 0 || len(out[0])+len(out[1]) > 0; i ^= 1 {
		s := &g.down[i]
		if len(out[i]) > 0 {
			if err := g.await(s); err != nil {
				return err
			}
			copy(out[i], s.mem)
			out[i] = nil
		}
		if len(dst) == 0 {
			continue
		}
		if err := g.pin(s); err != nil {
			return err
		}
		n := min(len(dst), segmentBytes)
		err := g.do("cuMemcpyDtoHAsync", func() error {
			return cu.MemcpyDtoHAsync(unsafe.Pointer(&s.mem[0]), cu.DevicePtr(at), int64(n), g.stream)
		})
		if err != nil {
			return err
		}
		if err := g.mark(s); err != nil {
			return err
		}
		out[i], dst, at = dst[:n], dst[n:], at+uint64(n)
	}
	return nil
}

func (g *gpu) Sync() error {
	if err := g.flush(); err != nil {
		return err
	}
	return g.do("cuStreamSynchronize", g.stream.Synchronize)
}

// Close waits for what runs, and gives back everything in the order in which the
// driver wants it. It goes on after an error, and returns the first: a GPU that
// failed answers every call with one. A second Close does nothing.
func (g *gpu) Close() error {
	if g.ctx == (cu.CUContext{}) {
		return nil
	}
	var first error
	keep := func(err error) { first = cmp.Or(first, err) }
	end := func(call string, f func() error) { keep(g.do(call, f)) }
	if g.stream != cu.NoStream {
		end("cuStreamSynchronize", g.stream.Synchronize)
	}
	keep(g.batch.drop(g.c()))
	for _, s := range append(g.up.segments[:], g.down[:]...) {
		if s.mem != nil {
			end("cuMemFreeHost", func() error { return cu.MemFreeHost(unsafe.Pointer(&s.mem[0])) })
		}
		if s.event != (cu.Event{}) {
			end("cuEventDestroy", func() error { return cu.DestroyEvent(&s.event) })
		}
	}
	for _, e := range g.marks {
		end("cuEventDestroy", func() error { return cu.DestroyEvent(&e) })
	}
	for _, p := range g.blocks {
		end("cuMemFree", func() error { return cu.MemFree(p) })
	}
	for _, m := range g.modules {
		keep(status("cuModuleUnload", C.cudrv_unload_module(g.c(), m)))
	}
	if g.stream != cu.NoStream {
		end("cuStreamDestroy", g.stream.Destroy)
	}
	keep(wrap("cuDevicePrimaryCtxRelease", g.dev.ReleasePrimaryCtx()))
	*g = gpu{info: g.info}
	return first
}
