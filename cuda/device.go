package cuda

import (
	"fmt"
	"strings"
	"sync"

	"heavytail/cuda/plan"
	"heavytail/tensor"
)

// A Device is one GPU, in one Mode. Any number of goroutines may use it; their
// operations follow each other in one stream. Only Download, Loss and SumSq wait for
// the GPU.
//
// A method that cannot be done panics with a *tensor.Failure: its cause is ErrMemory
// if the memory is used up, after which the device goes on; a *KernelError if the
// GPU failed, after which every method panics so and Err returns it; or
// *MissingError if there is no kernel yet for what it was asked for.
type Device struct {
	*gpu
	until *tensor.Stop // of Until; nil: none
}

// A gpu is what a Device and its views of Until share.
type gpu struct {
	root   *Device    // the one of New, whose the tensors are
	mu     sync.Mutex // held while a method puts its work into the stream
	drv    Driver
	watch  Watcher // drv, if it is one
	info   Info
	opt    Options
	failed *tensor.Failure // the first failure of the GPU

	pool    pool
	kernels map[string]*kernel // by entry
	modules map[string]Module
	params  [maxParams]byte // of the launch in hand
	count   int             // launches so far
	stream  plan.Stream     // of products and convolutions

	// The method in hand: its name, its tensors, which must live until its last
	// launch is under way, and the memory that it took for itself.
	op      string
	held    []*tensor.Tensor
	scratch []*span
	rounded roundedImage
	stop    *tensor.Stop // that of the view which the method is of
	stopped bool         // it said so: nothing more is launched
	words   []uint32     // what it uploads
	doubles []float64    // likewise
	one     [1]float64   // what it downloads
	times   timeTable    // of the latest embedding
	octaves noiseTable   // of the latest noise from a table

	backMu sync.Mutex
	back   []*span // of tensors that nobody can reach any more
}

var (
	_ tensor.Device    = (*Device)(nil)
	_ tensor.Bounded   = (*Device)(nil)
	_ tensor.Keeper    = (*Device)(nil)
	_ tensor.Borrower  = (*Device)(nil)
	_ tensor.Rounding  = (*Device)(nil)
	_ tensor.Stoppable = (*Device)(nil)
)

// Options are settings of a device; the zero value is right for a GPU.
type Options struct {
	Mode    Mode  // Exact, or a faster one that promises no bits
	Limit   int64 // the most memory to take, in bytes; 0: 15/16 of what is free
	Segment int64 // how many bytes are taken from the driver at a time; 0: 64 MiB
	Guard   int64 // bytes that are left free between tensors, a multiple of 512: tests find in them what a kernel wrote beside its tensor
}

// LeastCapability is the least compute capability, times ten, of a GPU that can be
// opened: 8.0 are the first with asynchronous copies to shared memory (cp.async), which
// every product uses.
const LeastCapability = 80

// New returns a device on a driver. It returns an error if the GPU is too old, and
// then closes the driver.
func New(drv Driver, opt Options) (*Device, error) {
	d := &Device{gpu: &gpu{drv: drv, info: drv.Info(), opt: opt, kernels: map[string]*kernel{}, modules: map[string]Module{}}}
	d.root = d
	if c := d.info.Capability; c < LeastCapability {
		err := fmt.Errorf("cuda: %s has capability %d.%d; 8.0 is the least (A100, RTX 30): compute on the CPU", d.info.Name, c/10, c%10)
		_ = drv.Close()
		return nil, err
	}
	d.watch, _ = drv.(Watcher)
	if d.opt.Limit == 0 {
		d.opt.Limit = d.info.Memory / 16 * 15
	}
	if d.opt.Segment == 0 {
		d.opt.Segment = 64 << 20
	}
	d.stream = plan.Stream{Run: d.run, Processors: d.info.Processors}
	d.pool = pool{unit: memoryUnit, guard: d.opt.Guard}
	return d, nil
}

// Name says which GPU computes, and with other bits than the CPU's in which mode:
// "cuda NVIDIA H100 80GB HBM3", "cuda NVIDIA H100 80GB HBM3 bf16".
func (d *Device) Name() string {
	return strings.TrimSpace("cuda " + d.info.Name + " " + d.Fast())
}

// Fast names the device's Mode, unless it is Exact.
func (d *Device) Fast() string {
	if d.opt.Mode == Exact {
		return ""
	}
	return d.opt.Mode.String()
}

// Until returns a view of the device whose methods launch nothing more once s says
// so. What was launched before is done: a kernel takes milliseconds at most.
func (d *Device) Until(s *tensor.Stop) tensor.Device { return &Device{d.gpu, s} }

// Memory returns the bytes that tensors may take in all.
func (d *Device) Memory() int64 { return d.opt.Limit }

// Launches returns how many kernels were started so far.
func (d *Device) Launches() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// Err returns the failure of the GPU that ended the device, or nil.
func (d *Device) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed == nil {
		return nil
	}
	return d.failed
}

// Sync waits until everything is done. It returns the failure of the GPU, if any.
func (d *Device) Sync() (err error) {
	defer tensor.Catch(&err)
	defer d.begin("Sync").end()
	d.check(d.drv.Sync())
	return nil
}

// Close gives the GPU back. The device and its tensors must not be used after it.
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed == nil {
		d.failed = &tensor.Failure{Device: d.Name(), Op: "Close", Err: errClosed}
		return d.drv.Close()
	}
	if d.failed.Err == errClosed {
		return nil
	}
	_ = d.drv.Close() // of a GPU that failed: there is nothing to be saved
	return nil
}

// begin starts a method on tensors, of which some may be nil: it takes the lock
// until end. It panics if a tensor is another device's, or the GPU has failed.
func (d *Device) begin(op string, ts ...*tensor.Tensor) *Device {
	for _, t := range ts {
		if t == nil {
			continue
		}
		if b, ok := t.Handle().(*buffer); !ok || b.dev.gpu != d.gpu {
			panic(fmt.Sprintf("cuda: %s: a tensor of shape %v that is not of %s", op, t.Shape(), d.Name()))
		}
	}
	d.mu.Lock()
	if d.failed != nil {
		defer d.mu.Unlock()
		panic(d.failed)
	}
	d.drain()
	d.op, d.stop, d.stopped = op, d.until, false
	d.held = append(d.held, ts...)
	return d
}

// end gives back what the method took. The stream makes the next method wait.
func (d *Device) end() {
	d.giveBack(0)
	d.stop = nil // a part of a workspace, whose tensors it would keep
	clear(d.held)
	d.held = d.held[:0]
	d.mu.Unlock()
}
