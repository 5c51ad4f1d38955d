// Package driver is the seam between the GPU device (package cuda) and what runs
// its kernels: NVIDIA's driver (package cudrv) or, in tests, the interpreter.
package driver

import "errors"

// A Driver is one GPU with one stream: whatever is asked of it happens in the
// order of the calls. Launch, Set, Within and ToDevice may return before their work
// is done, or begun: its error may come with a later call, and then names the kernel.
// ToHost and Sync wait for all work before them, and return the error of any of it. Addresses are those of the device's memory; sizes are in bytes.
//
// The device calls it with a lock held, from any goroutine and any thread of the
// system, never from two at a time.
//
// After an error that is not of ErrMemory, nor of Load or Func, the device makes
// no other call but Close: a GPU whose kernel failed has lost its memory.
type Driver interface {
	// Info says what the GPU is.
	Info() Info
	// Alloc takes memory of unknown content at a multiple of 512 bytes. Its error is
	// ErrMemory, wrapped or not, if there is not so much.
	Alloc(size int64) (uint64, error)
	// Free gives back what Alloc took, when all work before it is done.
	Free(at uint64) error

	// Load compiles a module of PTX. The error holds the compiler's log.
	Load(text string) (Module, error)
	// Func finds an entry of a module, and allows it so many bytes of dynamic shared
	// memory, which may be more than the 48 KiB that every kernel may have.
	Func(m Module, entry string, shared int) (Func, error)
	// Launch starts a kernel. The parameters are laid out as PTX says: each at a
	// multiple of its size, in the order of the entry. They may be reused on return.
	Launch(f Func, grid, block [3]uint32, shared int, params []byte) error

	// Set sets n 32-bit words to v.
	Set(at uint64, v uint32, n int) error
	// ToDevice copies src to the GPU; src may be reused on return.
	ToDevice(at uint64, src []byte) error
	// ToHost copies len(dst) bytes from the GPU.
	ToHost(dst []byte, at uint64) error
	// Within copies n bytes; the two ranges do not overlap.
	Within(to, from uint64, n int64) error

	// Sync waits for all work.
	Sync() error
	// Close gives back everything. The driver must not be used after it.
	Close() error
}

// Module and Func are numbers that a Driver gives out.
type (
	Module int
	Func   int
)

// Info says what a GPU is.
type Info struct {
	Name       string // "NVIDIA H100 80GB HBM3"
	Version    string // of the driver, for people: "580.159, CUDA 13.0"
	Capability int    // 10·major + minor: 90
	Processors int    // streaming multiprocessors
	Shared     int    // shared memory that one block may have, in bytes
	Memory     int64  // free when it was opened, in bytes
}

// ErrMemory says that a GPU has not the memory that was asked for.
var ErrMemory = errors.New("not enough memory on the GPU")

// A Timer is a Driver that can tell how long its work took.
type Timer interface {
	// Mark puts a mark behind the work so far.
	Mark() (Mark, error)
	// Between waits for b and returns the seconds from a to b; both marks are used up.
	Between(a, b Mark) (float64, error)
}

// A Mark is a number that a Timer gives out.
type Mark int

// A Watcher is a Driver that wants to know how its memory is divided, as the
// interpreter does to find a kernel that leaves its tensor. Take says that n bytes
// at an address, part of what Alloc gave, are in use from now on and that nobody
// wrote them; Give, that they no longer are.
type Watcher interface {
	Take(at uint64, n int64)
	Give(at uint64)
}
