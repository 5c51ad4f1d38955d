//go:build cuda && cgo && linux && amd64

package cudrv

/*
#include <stdlib.h>
#include "call.h"
#cgo noescape cudrv_run
#cgo nocallback cudrv_run
#cgo noescape cudrv_record
#cgo nocallback cudrv_record
#cgo nocallback cudrv_replay
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"gorgonia.org/cu"

	"heavytail/cuda/internal/driver"
)

// A function is an entry of a module, and the words for errors about it.
type function struct {
	f     C.CUfunction
	entry string
}

func (g *gpu) Load(text string) (driver.Module, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return 0, errors.New("cuda: a zero byte in a text of PTX")
	}
	in := C.CString(text)
	defer C.free(unsafe.Pointer(in))
	log := make([]byte, 8<<10)
	var m C.CUmodule
	err := status("cuModuleLoadDataEx", C.cudrv_load_module(g.c(), &m, in, (*C.char)(unsafe.Pointer(&log[0])), C.uint(len(log))))
	if err != nil {
		log[len(log)-1] = 0
		if said := strings.TrimSpace(cText(log)); said != "" {
			err = fmt.Errorf("%w; its compiler says:\n%s", err, said)
		}
		return 0, err
	}
	g.modules = append(g.modules, m)
	return driver.Module(len(g.modules) - 1), nil
}

// ordinaryShared is the shared memory that a kernel may have unasked.
const ordinaryShared = 48 << 10

func (g *gpu) Func(m driver.Module, entry string, shared int) (driver.Func, error) {
	name := C.CString(entry)
	defer C.free(unsafe.Pointer(name))
	if shared <= ordinaryShared {
		shared = 0
	}
	var f C.CUfunction
	if err := status("cuModuleGetFunction", C.cudrv_function(g.c(), &f, g.modules[m], name, C.int(shared))); err != nil {
		return 0, fmt.Errorf("kernel %s with %d bytes of shared memory: %w", entry, shared, err)
	}
	g.funcs = append(g.funcs, function{f, entry})
	g.batch.functions = append(g.batch.functions, f)
	return driver.Func(len(g.funcs) - 1), nil
}

// A batch is work that was asked for and not started: launches, sets and copies
// inside the GPU. It starts with one call, at the latest when the program waits for
// a result. A batch that comes a second time becomes a graph, which starts all its
// kernels at once: a network of small kernels, as one of a single sample has, is
// otherwise bound by the time of the launches.
type batch struct {
	queue     []byte // of struct work and operands
	count     int
	functions []C.CUfunction
	seen      map[string]C.CUgraphExec // graphs by their queues; nil at first sight
	noGraphs  bool                     // the driver could not make one
}

const (
	batchMost  = 512 // pieces of work that wait; then the GPU shall begin
	batchLeast = 8   // of a graph
	batchSeen  = 64  // queues to remember
)

var zeros [8]byte

// add puts a piece of work behind the others.
func (g *gpu) add(w C.struct_work, operands []byte) error {
	w.n = C.uint32_t(len(operands))
	b := &g.batch
	b.queue = append(b.queue, unsafe.Slice((*byte)(unsafe.Pointer(&w)), unsafe.Sizeof(w))...)
	b.queue = append(b.queue, operands...)
	b.queue = append(b.queue, zeros[:-len(operands)&7]...)
	if b.count++; b.count < batchMost {
		return nil
	}
	return g.flush()
}

func (g *gpu) Launch(f driver.Func, grid, block [3]uint32, shared int, params []byte) error {
	if f < 0 || int(f) >= len(g.funcs) {
		return fmt.Errorf("cuda: no function %d", f)
	}
	w := C.struct_work{kind: C.LAUNCH, f: C.uint32_t(f), shared: C.uint32_t(shared)}
	for i := range 3 {
		w.grid[i], w.block[i] = C.uint32_t(grid[i]), C.uint32_t(block[i])
	}
	return g.add(w, params)
}

func (g *gpu) Set(at uint64, v uint32, n int) error {
	if n == 0 {
		return nil
	}
	o := C.struct_set{at: C.uint64_t(at), n: C.uint64_t(n), v: C.uint32_t(v)}
	return g.add(C.struct_work{kind: C.SET}, unsafe.Slice((*byte)(unsafe.Pointer(&o)), unsafe.Sizeof(o)))
}

func (g *gpu) Within(to, from uint64, n int64) error {
	if n == 0 {
		return nil
	}
	o := C.struct_copy{to: C.uint64_t(to), from: C.uint64_t(from), n: C.uint64_t(n)}
	return g.add(C.struct_work{kind: C.COPY}, unsafe.Slice((*byte)(unsafe.Pointer(&o)), unsafe.Sizeof(o)))
}

// flush starts the work that waits.
func (g *gpu) flush() error {
	b := &g.batch
	if b.count == 0 {
		return nil
	}
	graph := b.graph(g)
	var err error
	if graph != nil {
		err = status("cuGraphLaunch", C.cudrv_replay(g.c(), g.s(), graph))
	} else {
		var done C.size_t
		r := C.cudrv_run(g.c(), g.s(), b.first(), (*C.char)(unsafe.Pointer(&b.queue[0])), C.size_t(len(b.queue)), &done)
		if r != C.CUDA_SUCCESS {
			err = g.failed((*C.struct_work)(unsafe.Pointer(&b.queue[done])), r)
		}
	}
	b.queue, b.count = b.queue[:0], 0
	return err
}

// first is the array of functions for C.
func (b *batch) first() *C.CUfunction {
	if len(b.functions) == 0 {
		return nil
	}
	return &b.functions[0]
}

// graph returns the graph of the queue, or nil if it is to be started piece by
// piece: the first time, and where the driver makes no graphs.
func (b *batch) graph(g *gpu) C.CUgraphExec {
	if b.count < batchLeast || b.noGraphs {
		return nil
	}
	graph, again := b.seen[string(b.queue)]
	switch {
	case !again:
		if len(b.seen) == batchSeen {
			b.drop(g.c())
		}
		if b.seen == nil {
			b.seen = map[string]C.CUgraphExec{}
		}
		b.seen[string(b.queue)] = nil
	case graph == nil:
		r := C.cudrv_record(g.c(), g.s(), b.first(), (*C.char)(unsafe.Pointer(&b.queue[0])), C.size_t(len(b.queue)), &graph)
		if r != C.CUDA_SUCCESS {
			b.noGraphs = true
			return nil
		}
		b.seen[string(b.queue)] = graph
	}
	return graph
}

// drop forgets all queues. Graphs that run are freed when they are done.
func (b *batch) drop(ctx C.CUcontext) error {
	var first error
	for _, graph := range b.seen {
		if graph != nil && first == nil {
			first = status("cuGraphExecDestroy", C.cudrv_drop(ctx, graph))
		}
	}
	clear(b.seen)
	return first
}

// failed says which piece of work the driver refused.
func (g *gpu) failed(w *C.struct_work, r C.CUresult) error {
	switch w.kind {
	case C.SET:
		return status("cuMemsetD32Async", r)
	case C.COPY:
		return status("cuMemcpyDtoDAsync", r)
	}
	return fmt.Errorf("kernel %s, grid %v of blocks %v, %d bytes of shared memory, %d of parameters: %w",
		g.funcs[w.f].entry, w.grid, w.block, w.shared, w.n, status("cuLaunchKernel", r))
}

// Mark and Between make a gpu a driver.Timer.
func (g *gpu) Mark() (driver.Mark, error) {
	if err := g.flush(); err != nil {
		return 0, err
	}
	var e cu.Event
	if err := g.do("cuEventCreate", func() (err error) { e, err = cu.MakeEvent(cu.DefaultEvent); return err }); err != nil {
		return 0, err
	}
	g.last++
	g.marks[g.last] = e
	return g.last, g.do("cuEventRecord", func() error { return e.Record(g.stream) })
}

func (g *gpu) Between(a, b driver.Mark) (float64, error) {
	from, to := g.marks[a], g.marks[b]
	var ms float64
	err := g.do("cuEventSynchronize", to.Synchronize)
	if err == nil {
		err = g.do("cuEventElapsedTime", func() (err error) { ms, err = from.Elapsed(to); return err })
	}
	for _, m := range []driver.Mark{a, b} {
		e := g.marks[m]
		delete(g.marks, m)
		err = errors.Join(err, g.do("cuEventDestroy", func() error { return cu.DestroyEvent(&e) }))
	}
	return ms / 1e3, err
}

var (
	_ driver.Driver = (*gpu)(nil)
	_ driver.Timer  = (*gpu)(nil)
)
