// Package cudatest puts the interpreter of PTX behind the GPU device, for tests:
// every kernel that the device starts runs on this processor, watched for races,
// words that nobody wrote and addresses outside of its tensors.
package cudatest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"heavytail/cuda"
	"heavytail/cuda/emu"
)

// Config is how the interpreter behaves.
type Config struct {
	Seed   int64 // the order of blocks and warps; 0: ascending
	Memory int64 // bytes that there are; 0: 1 GiB
	Shared int   // bytes of shared memory that a block may have; 0: 227 KiB
	Old    bool  // a GPU of capability 7.0

	Processors int // that the GPU says it has; 0: 4

	Mode cuda.Mode // of the device

	// Fail, if not nil, is asked before every call of the driver, by its name; the
	// call does nothing and returns the error. After one that is not of ErrMemory,
	// nor of Load or Func, the GPU is lost: every other call but Close is noted in
	// Driver.Misuse.
	Fail func(call string) error

	// Sampled, if not nil, is told of every launch with the counters of one block of
	// it, which is all that runs, and that of the first such launch: of equal grid and
	// numbers. Values mean nothing then: all memory counts as written.
	Sampled func(entry string, grid [3]uint32, st *emu.Stats)
}

// Open returns a device over the interpreter, which the test closes; it fails if the
// device misused its driver. Memory is taken in small segments with gaps between
// tensors.
//
// With HEAVYTAIL_TEST_DRIVER=real, in a program with the tag cuda, it is the first
// GPU, and tests that need what only the interpreter can do are skipped.
func Open(t testing.TB, c Config) *cuda.Device {
	t.Helper()
	if os.Getenv("HEAVYTAIL_TEST_DRIVER") == "real" {
		return openGPU(t, c)
	}
	drv := New(c)
	d, err := cuda.New(drv, cuda.Options{Mode: c.Mode, Segment: 1 << 20, Guard: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.Close()
		if drv.Misuse != nil {
			t.Errorf("what the device must not ask of a driver: %v", drv.Misuse)
		}
	})
	return d
}

func openGPU(t testing.TB, c Config) *cuda.Device {
	t.Helper()
	if c.Memory != 0 || c.Shared != 0 || c.Old || c.Processors != 0 || c.Fail != nil || c.Sampled != nil {
		t.Skip("needs the interpreter")
	}
	d, err := cuda.OpenWith(0, cuda.Options{Mode: c.Mode})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// A Driver is a GPU that package emu interprets.
type Driver struct {
	Config
	Misuse error // the first call that the device must not make

	memory   emu.Memory
	segments map[uint64]int64
	next     uint64
	used     int64
	modules  []*emu.Module
	kernels  []*emu.Kernel
	samples  map[string]*emu.Stats
	lost     error
}

var _ cuda.Watcher = (*Driver)(nil)

// New returns a driver.
func New(c Config) *Driver {
	if c.Memory == 0 {
		c.Memory = 1 << 30
	}
	if c.Shared == 0 {
		c.Shared = 227 << 10
	}
	if c.Processors == 0 {
		c.Processors = 4
	}
	return &Driver{Config: c, segments: map[uint64]int64{}, next: 1 << 40}
}

// enter is the start of every call.
func (d *Driver) enter(call string) error {
	if d.lost != nil {
		d.misuse(fmt.Errorf("%s after the GPU was lost (%v)", call, d.lost))
		return d.lost
	}
	if d.Fail == nil {
		return nil
	}
	err := d.Fail(call)
	if err != nil && !errors.Is(err, cuda.ErrMemory) && call != "Load" && call != "Func" {
		d.lost = err
	}
	return err
}

func (d *Driver) misuse(err error) {
	if d.Misuse == nil {
		d.Misuse = err
	}
}

// Info says what the GPU is.
func (d *Driver) Info() cuda.Info {
	i := cuda.Info{Name: "interpreter", Version: "emu", Capability: 90, Processors: d.Processors, Shared: d.Shared, Memory: d.Memory}
	if d.Old {
		i.Capability = 70
	}
	return i
}

// Alloc takes a segment, which holds nothing until Take.
func (d *Driver) Alloc(size int64) (uint64, error) {
	if err := d.enter("Alloc"); err != nil {
		return 0, err
	}
	if size > d.Memory-d.used {
		return 0, cuda.ErrMemory
	}
	at := d.next
	d.segments[at] = size
	d.used += size
	d.next += uint64(size+511)&^511 + 1<<20
	return at, nil
}

// Free gives a segment back.
func (d *Driver) Free(at uint64) error {
	if err := d.enter("Free"); err != nil {
		return err
	}
	size, ok := d.segments[at]
	if !ok {
		d.misuse(fmt.Errorf("Free of %#x, which is no segment", at))
	}
	d.used -= size
	delete(d.segments, at)
	return nil
}

// Take makes n bytes of a segment an allocation that nobody wrote.
func (d *Driver) Take(at uint64, n int64) {
	for s, size := range d.segments {
		if at >= s && at+uint64(n) <= s+uint64(size) {
			d.memory.Place(at, int(n))
			if d.Sampled != nil {
				d.memory.Write(at, make([]byte, n))
			}
			return
		}
	}
	d.misuse(fmt.Errorf("%d bytes in use at %#x, which are in no segment", n, at))
}

// Give ends an allocation.
func (d *Driver) Give(at uint64) { d.memory.Free(at) }

// parsed holds modules by their text: a test opens many devices.
var parsed sync.Map

// Load parses a module.
func (d *Driver) Load(text string) (cuda.Module, error) {
	if err := d.enter("Load"); err != nil {
		return 0, err
	}
	m, ok := parsed.Load(text)
	if !ok {
		p, err := emu.Parse(text)
		if err != nil {
			return 0, err
		}
		m, _ = parsed.LoadOrStore(text, p)
	}
	d.modules = append(d.modules, m.(*emu.Module))
	return cuda.Module(len(d.modules) - 1), nil
}

// Func finds an entry.
func (d *Driver) Func(m cuda.Module, entry string, shared int) (cuda.Func, error) {
	if err := d.enter("Func"); err != nil {
		return 0, err
	}
	k := d.modules[m].Kernels[entry]
	if k == nil {
		return 0, fmt.Errorf("no entry %q", entry)
	}
	if shared > d.Shared {
		return 0, fmt.Errorf("%s: %d bytes of shared memory, there are %d", entry, shared, d.Shared)
	}
	d.kernels = append(d.kernels, k)
	return cuda.Func(len(d.kernels) - 1), nil
}

// Launch runs a kernel to its end.
func (d *Driver) Launch(f cuda.Func, grid, block [3]uint32, shared int, params []byte) error {
	if err := d.enter("Launch"); err != nil {
		return err
	}
	k := d.kernels[f]
	l := emu.Launch{Grid: grid, Block: block, Dynamic: shared, Params: params, Seed: d.Seed}
	run := d.run
	if d.Sampled != nil {
		run = d.sample
	}
	if err := run(k, l); err != nil {
		d.lost = err
		return err
	}
	return nil
}

func (d *Driver) run(k *emu.Kernel, l emu.Launch) error {
	_, err := k.Run(&d.memory, l)
	return err
}

// sample runs one block, unless it has the counters of such a launch.
func (d *Driver) sample(k *emu.Kernel, l emu.Launch) error {
	numbers := bytes.Clone(l.Params)
	for _, p := range k.Params {
		if p.Type == "u64" {
			clear(numbers[p.Offset : p.Offset+8]) // an address
		}
	}
	key := fmt.Sprint(k.Name, l.Grid, numbers)
	st := d.samples[key]
	if st == nil {
		l.Blocks, l.Count = 1, true
		var err error
		if st, err = k.Run(&d.memory, l); err != nil {
			return err
		}
		if d.samples == nil {
			d.samples = map[string]*emu.Stats{}
		}
		d.samples[key] = st
	}
	d.Sampled(k.Name, l.Grid, st)
	return nil
}

// Set sets words.
func (d *Driver) Set(at uint64, v uint32, n int) error {
	if err := d.enter("Set"); err != nil {
		return err
	}
	b := make([]byte, 4*n)
	for i := range b {
		b[i] = byte(v >> (8 * (i % 4)))
	}
	d.memory.Write(at, b)
	return nil
}

// ToDevice copies to the GPU.
func (d *Driver) ToDevice(at uint64, src []byte) error {
	if err := d.enter("ToDevice"); err != nil {
		return err
	}
	d.memory.Write(at, src)
	return nil
}

// ToHost copies from the GPU.
func (d *Driver) ToHost(dst []byte, at uint64) error {
	if err := d.enter("ToHost"); err != nil {
		return err
	}
	copy(dst, d.memory.Read(at, len(dst)))
	return nil
}

// Within copies on the GPU.
func (d *Driver) Within(to, from uint64, n int64) error {
	if err := d.enter("Within"); err != nil {
		return err
	}
	d.memory.Write(to, d.memory.Read(from, int(n)))
	return nil
}

// Sync waits for nothing: everything is done.
func (d *Driver) Sync() error { return d.enter("Sync") }

// Close gives everything back.
func (d *Driver) Close() error {
	d.segments, d.memory = map[uint64]int64{}, emu.Memory{}
	return nil
}
