package cuda

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"heavytail/cuda/plan"
	"heavytail/cuda/ptx"
)

// maxParams is more than any kernel's parameters take.
const maxParams = 256

// A kernel is an entry of a module that the driver has compiled.
type kernel struct {
	module Module
	fn     Func
	shared int // dynamic shared memory that it may have
	signature
}

// A signature is what the text of an entry says of it.
type signature struct {
	offsets []int // of its parameters
	sizes   []int
	bytes   int // of all parameters
	threads int // of a block
}

// An arg is a parameter of a launch.
type arg struct {
	bits uint64
	size int
}

func ptr(at uint64) arg { return arg{at, 8} }
func u32(v uint32) arg  { return arg{uint64(v), 4} }
func f32(v float32) arg { return arg{uint64(math.Float32bits(v)), 4} }
func f64(v float64) arg { return arg{math.Float64bits(v), 8} }
func up(n, d int) int   { return (n + d - 1) / d }

// grid is x·y·z blocks; more than 32 bits of them are as good as the most.
func grid(x, y, z int) [3]uint32 {
	short := func(n int) uint32 { return uint32(min(uint64(n), math.MaxUint32)) }
	return [3]uint32{short(x), short(y), short(z)}
}

// num is a parameter that counts something. It panics if that has not 32 bits.
func num(n int) arg {
	if uint64(n) > math.MaxUint32 {
		panic(fmt.Sprintf("cuda: %d does not fit a kernel's parameter", n))
	}
	return u32(uint32(n))
}

// maxGrid is the most blocks of a launch in each dimension.
var maxGrid = [3]int64{math.MaxInt32, 65535, 65535}

// launch starts an entry of a module on a grid of blocks, with so many bytes of
// dynamic shared memory.
func (d *Device) launch(module, entry string, blocks [3]uint32, shared int, args ...arg) {
	k := d.kernel(module, entry, shared)
	if len(args) != len(k.sizes) {
		panic(fmt.Sprintf("cuda: %s takes %d parameters, not %d", entry, len(k.sizes), len(args)))
	}
	for i, a := range args {
		if a.size != k.sizes[i] {
			panic(fmt.Sprintf("cuda: parameter %d of %s has %d bytes, not %d", i, entry, k.sizes[i], a.size))
		}
		for b := range a.size {
			d.params[k.offsets[i]+b] = byte(a.bits >> (8 * b))
		}
	}
	d.start(k, entry, blocks, shared, d.params[:k.bytes])
}

// run starts what package plan has planned.
func (d *Device) run(l plan.Launch) {
	d.fits(l.Entry, l.Grid)
	k := d.kernel(l.Entry, l.Entry, l.Shared)
	if len(l.Params) != k.bytes || l.Threads != k.threads {
		panic(fmt.Sprintf("cuda: %s takes %d bytes of parameters and %d threads, not %d and %d", l.Entry, k.bytes, k.threads, len(l.Params), l.Threads))
	}
	d.start(k, l.Entry, l.Grid, l.Shared, l.Params)
}

// fits stops the method if no GPU takes so many blocks.
func (d *Device) fits(entry string, blocks [3]uint32) {
	for i, n := range blocks {
		if int64(n) > maxGrid[i] {
			d.missing("so large a tensor in one piece (%s on %d×%d×%d blocks)", entry, blocks[0], blocks[1], blocks[2])
		}
	}
}

func (d *Device) start(k *kernel, entry string, blocks [3]uint32, shared int, params []byte) {
	d.fits(entry, blocks)
	if d.stopped = d.stopped || d.stop.Now(); d.stopped {
		return
	}
	d.count++
	if err := d.drv.Launch(k.fn, blocks, [3]uint32{uint32(k.threads), 1, 1}, shared, params); err != nil {
		d.fail(&KernelError{entry, blocks, err})
	}
}

// kernel finds an entry, compiling its module at first use. What the compiler
// refuses does not end the device.
func (d *Device) kernel(module, entry string, shared int) *kernel {
	k := d.kernels[entry]
	if k != nil && shared <= k.shared {
		return k
	}
	if shared > d.info.Shared {
		d.missing("%s with %d KiB of shared memory, of which %s has %d", entry, shared>>10, d.info.Name, d.info.Shared>>10)
	}
	text, err := ptx.Text(module)
	if err != nil {
		panic("cuda: " + err.Error())
	}
	m, ok := d.modules[module]
	if !ok {
		if m, err = d.drv.Load(text); err != nil {
			panic(d.failure(fmt.Errorf("the driver does not compile module %s: %w", module, err)))
		}
		d.modules[module] = m
	}
	fn, err := d.drv.Func(m, entry, shared)
	if err != nil {
		panic(d.failure(fmt.Errorf("entry %s of module %s: %w", entry, module, err)))
	}
	k = &kernel{m, fn, shared, sign(text, entry)}
	d.kernels[entry] = k
	return k
}

// sign reads an entry's parameters and block size from its module. It panics if
// there is no such entry: the texts are this program's own.
func sign(text, entry string) (s signature) {
	_, rest, ok := strings.Cut(text, ".entry "+entry+"(")
	list, rest, closed := strings.Cut(rest, ")")
	if !ok || !closed {
		panic("cuda: no entry " + entry)
	}
	for p := range strings.SplitSeq(list, ",") {
		words := strings.Fields(p) // .param .u64 name
		bits, err := strconv.Atoi(words[1][2:])
		if err != nil {
			panic("cuda: " + entry + " has a parameter " + p)
		}
		size := bits / 8
		s.bytes = (s.bytes + size - 1) / size * size
		s.offsets, s.sizes = append(s.offsets, s.bytes), append(s.sizes, size)
		s.bytes += size
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(rest), ".maxntid %d", &s.threads); err != nil || s.bytes > maxParams {
		panic("cuda: " + entry + " does not say the size of its blocks, or has too many parameters")
	}
	return s
}
