//go:build cuda && cgo && linux && amd64

package cudrv

/*
#cgo CFLAGS: -std=gnu11 -Wall
#cgo LDFLAGS: -ldl
#include "loader.h"
#include "call.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"sync"
	"unsafe"

	"gorgonia.org/cu"

	"heavytail/cuda/internal/driver"
)

// remedy ends every error about a driver that is not there.
const remedy = "; install NVIDIA's driver 470 or newer (a container needs its toolkit and --gpus), or compute on the CPU"

// load loads and starts the driver, once.
var load = sync.OnceValue(func() error {
	text := make([]byte, 512)
	r := C.cudrv_load((*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text)))
	switch r {
	case 0:
		return nil
	case C.CUDRV_NO_LIBRARY:
		return fmt.Errorf("no driver for NVIDIA's GPUs: %s%s", cText(text), remedy)
	case C.CUDRV_OLD_LIBRARY:
		return fmt.Errorf("the driver for NVIDIA's GPUs, libcuda.so.1, is too old: it lacks %s%s", cText(text), remedy)
	}
	return fmt.Errorf("the driver for NVIDIA's GPUs does not start: %w%s", status("cuInit", C.CUresult(r)), remedy)
})

// cText is the text before the first zero byte.
func cText(b []byte) string { return C.GoString((*C.char)(unsafe.Pointer(&b[0]))) }

// A gpu is a driver.Driver: the primary context of a GPU and one stream.
type gpu struct {
	info   driver.Info
	dev    cu.Device
	ctx    cu.CUContext
	stream cu.Stream

	blocks  map[uint64]cu.DevicePtr // what Alloc gave, by its address; mostly the same
	modules []C.CUmodule
	funcs   []function
	up      ring
	down    [2]segment
	marks   map[driver.Mark]cu.Event
	last    driver.Mark
	batch   batch
}

// Devices lists the GPUs by their numbers, with all their memory as Memory. It
// takes no memory of theirs.
func Devices() ([]driver.Info, error) {
	if err := load(); err != nil {
		return nil, err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, wrap("cuDeviceGetCount", err)
	}
	all := make([]driver.Info, n)
	for i := range all {
		dev, err := cu.GetDevice(i)
		if err != nil {
			return nil, wrap("cuDeviceGet", err)
		}
		if all[i], err = describe(dev); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Open returns the GPU of that number.
func Open(ordinal int) (driver.Driver, error) {
	if err := load(); err != nil {
		return nil, err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, wrap("cuDeviceGetCount", err)
	}
	if ordinal < 0 || ordinal >= n {
		return nil, fmt.Errorf("no GPU %d: the driver shows %d, counted from 0 (CUDA_VISIBLE_DEVICES says which it shows)", ordinal, n)
	}
	g := &gpu{blocks: map[uint64]cu.DevicePtr{}, marks: map[driver.Mark]cu.Event{}}
	if g.dev, err = cu.GetDevice(ordinal); err != nil {
		return nil, wrap("cuDeviceGet", err)
	}
	if g.info, err = describe(g.dev); err != nil {
		return nil, err
	}
	if g.ctx, err = g.dev.RetainPrimaryCtx(); err != nil {
		return nil, wrap("cuDevicePrimaryCtxRetain", err)
	}
	err = g.do("cuStreamCreate", func() (err error) { g.stream, err = cu.MakeStream(cu.NonBlocking); return err })
	if err == nil {
		err = g.do("cuMemGetInfo", func() (err error) { g.info.Memory, _, err = cu.MemInfo(); return err })
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// describe reads what a GPU says about itself.
func describe(dev cu.Device) (driver.Info, error) {
	var in driver.Info
	var err error
	if in.Name, err = dev.Name(); err != nil {
		return in, wrap("cuDeviceGetName", err)
	}
	if in.Memory, err = dev.TotalMem(); err != nil {
		return in, wrap("cuDeviceTotalMem", err)
	}
	// MaxSharedMemoryPerBlockOptin is not among cu's constants.
	optin := cu.DeviceAttribute(C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
	var v [4]int
	for i, a := range []cu.DeviceAttribute{cu.ComputeCapabilityMajor, cu.ComputeCapabilityMinor, cu.MultiprocessorCount, optin} {
		if v[i], err = dev.Attribute(a); err != nil {
			return in, wrap("cuDeviceGetAttribute", err)
		}
	}
	in.Capability, in.Processors, in.Shared = 10*v[0]+v[1], v[2], v[3]
	in.Version = version(cu.Version(), "/proc/driver/nvidia/version")
	return in, nil
}

var versionNumber = regexp.MustCompile(`\d+\.\d+(\.\d+)*`)

// version says which driver runs: its own number, which only the kernel's part of
// it tells, in a file, and that of CUDA, such as 13000 for 13.0.
func version(cuda int, file string) string {
	s := fmt.Sprintf("CUDA %d.%d", cuda/1000, cuda%1000/10)
	if b, err := os.ReadFile(file); err == nil {
		if n := versionNumber.Find(b); n != nil {
			return string(n) + ", " + s
		}
	}
	return s
}

func (g *gpu) Info() driver.Info { return g.info }

// do calls f, which calls cu, on a thread whose context is this GPU's.
func (g *gpu) do(call string, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cu.SetCurrentContext(g.ctx); err != nil {
		return wrap("cuCtxSetCurrent", err)
	}
	return wrap(call, f())
}

// c is the context for the functions of call.c.
func (g *gpu) c() C.CUcontext { return *(*C.CUcontext)(unsafe.Pointer(&g.ctx)) }

// s is the stream for the functions of call.c.
func (g *gpu) s() C.CUstream { return C.CUstream(unsafe.Pointer(g.stream.C())) }

// wrap gives an error of cu, an unexported number, the form of status.
func wrap(call string, err error) error {
	if err == nil || reflect.TypeOf(err).Kind() != reflect.Int {
		return err
	}
	return status(call, C.CUresult(reflect.ValueOf(err).Int()))
}

// status is the error of a call of the driver, nil for success.
func status(call string, r C.CUresult) error {
	if r == C.CUDA_SUCCESS {
		return nil
	}
	var name, text *C.char
	err := fmt.Errorf("%s: error %d of NVIDIA's driver", call, int(r))
	if C.cuGetErrorName(r, &name) == C.CUDA_SUCCESS && C.cuGetErrorString(r, &text) == C.CUDA_SUCCESS {
		err = fmt.Errorf("%s: %s (%s)", call, C.GoString(name), C.GoString(text))
	}
	if r == C.CUDA_ERROR_OUT_OF_MEMORY {
		return fmt.Errorf("%w: %w", driver.ErrMemory, err)
	}
	return err
}
