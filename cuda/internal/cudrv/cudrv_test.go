//go:build cuda && cgo && linux && amd64

package cudrv

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/cu"

	"heavytail/cuda/internal/driver"
)

func TestDevices(t *testing.T) {
	fake(t)
	all, err := Devices()
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, driver.Info{Name: "Fake GPU 1", Version: all[1].Version, Capability: 90, Processors: 132, Shared: 227 << 10, Memory: 64 << 20}, all[1])
	require.True(t, strings.HasSuffix(all[1].Version, "CUDA 12.9"), all[1].Version)
	for _, n := range []int{-1, 2} {
		_, err := Open(n)
		require.ErrorContains(t, err, "the driver shows 2")
	}
}

func TestVersion(t *testing.T) {
	name := filepath.Join(t.TempDir(), "version")
	require.NoError(t, os.WriteFile(name, []byte("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.82.07  Wed Aug 27\nGCC version: 12.2.0\n"), 0o600))
	require.Equal(t, "580.82.07, CUDA 13.0", version(13000, name))
	require.Equal(t, "CUDA 12.9", version(12090, name+"x"))
}

// upload and download for tests.
func upload(t *testing.T, g driver.Driver, at uint64, b []byte) {
	t.Helper()
	require.NoError(t, g.ToDevice(at, b))
}

func download(t *testing.T, g driver.Driver, at uint64, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	require.NoError(t, g.ToHost(b, at))
	return b
}

func random(n int, seed uint64) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

func alloc(t *testing.T, g driver.Driver, n int64) uint64 {
	t.Helper()
	at, err := g.Alloc(n)
	require.NoError(t, err)
	return at
}

// Copies of all sizes around those of the pinned segments give back what went in,
// though the source is overwritten at once.
func TestCopies(t *testing.T) {
	g, _ := probe(t)
	const room = 20 << 20
	at := alloc(t, g, room)
	for i, n := range []int{0, 1, 3, 64, 65, 4096, segmentBytes - 1, segmentBytes, segmentBytes + 1, ringSegments * segmentBytes, 9*segmentBytes + 77} {
		src := random(n, uint64(i))
		want := bytes.Clone(src)
		upload(t, g, at+uint64(4*i), src)
		clear(src)
		require.True(t, bytes.Equal(want, download(t, g, at+uint64(4*i), n)), n)
	}
	// Many small ones, more than the ring holds, without a wait between.
	want := random(room, 99)
	src := make([]byte, 10007)
	for i := 0; i < room; i += len(src) {
		n := copy(src, want[i:])
		upload(t, g, at+uint64(i), src[:n])
	}
	require.True(t, bytes.Equal(want, download(t, g, at, room)))
}

// Everything happens in the order of the calls.
func TestOrder(t *testing.T) {
	g, f := probe(t, "count")
	a, b := alloc(t, g, 4096), alloc(t, g, 4096)
	require.NoError(t, g.Set(a, 7, 1024))
	require.NoError(t, g.Within(b, a, 4096))
	upload(t, g, a+4, []byte{1, 0, 0, 0})
	require.NoError(t, g.Launch(f[0], [3]uint32{2, 1, 1}, [3]uint32{512, 1, 1}, 0, params(a, 10, 1000)))
	require.NoError(t, g.Within(b+8, a, 8))
	require.NoError(t, g.Set(a, 9, 1))
	require.NoError(t, g.Set(a, 9, 0))
	require.NoError(t, g.Within(a+4, a, 0))
	got := words(download(t, g, b, 4096))
	require.Equal(t, []uint32{7, 7, 17, 12, 7}, got[:5])
	got = words(download(t, g, a, 4096))
	require.Equal(t, []uint32{9, 12, 19, 20}, got[:4])
	require.Equal(t, []uint32{7 + 10 + 999, 7}, got[999:1001])
}

// params packs the operands of the kernel count.
func params(at uint64, v, n uint32) []byte {
	b := binary.LittleEndian.AppendUint64(nil, at)
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, v), n)
}

func words(b []byte) []uint32 {
	w := make([]uint32, len(b)/4)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return w
}

// Parameters of any size may follow each other.
func TestParameterSizes(t *testing.T) {
	g, f := probe(t, "one", "count")
	at := alloc(t, g, 64)
	require.NoError(t, g.Set(at, 0, 16))
	grid, block := [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}
	for i := range uint32(5) {
		require.NoError(t, g.Launch(f[0], grid, block, 0, params(at+uint64(4*i), 100+i, 0)[:12]))
		require.NoError(t, g.Launch(f[1], grid, block, 0, params(at+20, 1, 1)))
	}
	require.Equal(t, []uint32{100, 101, 102, 103, 104, 5, 0}, words(download(t, g, at, 28)))
}

// A grid and a block go to the driver in the order of their dimensions.
func TestLaunchSizes(t *testing.T) {
	g, f := probe(t, "count")
	at := alloc(t, g, 4)
	lines := logged(t, func() {
		require.NoError(t, g.Launch(f[0], [3]uint32{2, 3, 4}, [3]uint32{32, 5, 6}, 128, params(at, 1, 0)))
		require.NoError(t, g.Sync())
	})
	require.Contains(t, lines, "cuLaunchKernel count 2 3 4 32 5 6 128")
}

// The bytes of parameters may be reused when Launch returns.
func TestParametersAreCopied(t *testing.T) {
	g, f := probe(t, "count")
	at := alloc(t, g, 4096)
	require.NoError(t, g.Set(at, 0, 1024))
	p := params(at, 5, 3)
	require.NoError(t, g.Launch(f[0], [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, 0, p))
	copy(p, params(at, 1000, 3))
	require.Equal(t, []uint32{5, 6, 7, 0}, words(download(t, g, at, 16)))
}

func TestSharedMemory(t *testing.T) {
	g := open(t, 0)
	defer g.Close()
	m, err := g.Load(read(t, "testdata/probe.ptx"))
	require.NoError(t, err)
	at := alloc(t, g, 4)
	for _, bytes := range []int{0, 1024, 48 << 10, 48<<10 + 4, g.Info().Shared} {
		f, err := g.Func(m, "shared", bytes)
		require.NoError(t, err, bytes)
		require.NoError(t, g.Launch(f, [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, bytes, binary.LittleEndian.AppendUint64(nil, at)))
		require.Equal(t, []uint32{uint32(bytes)}, words(download(t, g, at, 4)))
	}
	_, err = g.Func(m, "shared", 1<<20)
	require.ErrorContains(t, err, "kernel shared with 1048576 bytes of shared memory: cuModuleGetFunction: CUDA_ERROR_")
}

func TestMemory(t *testing.T) {
	g := open(t, 0)
	defer g.Close()
	before := g.Info().Memory
	for _, n := range []int64{1, 511, 512, 1 << 20} {
		at := alloc(t, g, n)
		require.Zero(t, at%512)
		require.NoError(t, g.Free(at))
		require.ErrorContains(t, g.Free(at), "no block of the GPU's memory begins")
	}
	_, err := g.Alloc(before + 1)
	require.ErrorIs(t, err, driver.ErrMemory)
	_, err = g.Alloc(0)
	require.ErrorContains(t, err, "0 bytes")
	require.NotErrorIs(t, err, driver.ErrMemory)
	alloc(t, g, 512) // not enough memory is no end
}

// A driver that aligns to 256 bytes, as documented, is made to align to 512.
func TestAlignment(t *testing.T) {
	fake(t)
	g := open(t, 0)
	defer g.Close()
	t.Setenv("FAKE_MISALIGN", "1")
	at := alloc(t, g, 1000)
	require.Zero(t, at%512)
	upload(t, g, at, random(1000, 1))
	require.Equal(t, random(1000, 1), download(t, g, at, 1000))
	require.NoError(t, g.Free(at))
}

// The error of a text that does not compile holds the compiler's words.
func TestCompilerLog(t *testing.T) {
	g := open(t, 0)
	defer g.Close()
	_, err := g.Load("this is no PTX\n")
	require.ErrorContains(t, err, "cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX (")
	require.ErrorContains(t, err, "; its compiler says:\nptxas ")
	require.ErrorContains(t, err, "version")
	_, err = g.Load("a\x00b")
	require.ErrorContains(t, err, "zero byte")
	m, err := g.Load(read(t, "testdata/probe.ptx"))
	require.NoError(t, err)
	_, err = g.Func(m, "nothing", 0)
	require.ErrorContains(t, err, "kernel nothing")
}

// A launch that the driver refuses names the kernel and its grid.
func TestRefusedLaunch(t *testing.T) {
	g, f := probe(t, "count")
	at := alloc(t, g, 64)
	require.NoError(t, g.Set(at, 3, 16))
	require.NoError(t, g.Launch(f[0], [3]uint32{1, 1, 1}, [3]uint32{2048, 1, 1}, 0, params(at, 0, 4)))
	err := g.Sync()
	require.ErrorContains(t, err, "kernel count, grid [1 1 1] of blocks [2048 1 1], 0 bytes of shared memory, 16 of parameters: cuLaunchKernel: CUDA_ERROR_")
	require.ErrorContains(t, g.Launch(driver.Func(1), [3]uint32{1, 1, 1}, [3]uint32{1, 1, 1}, 0, nil), "no function 1")
	if os.Getenv(envDriver) == "fake" { // a GPU takes more bytes than the kernel reads
		require.NoError(t, g.Launch(f[0], [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, 0, params(at, 0, 4)[:12]))
		require.ErrorContains(t, g.Sync(), "kernel count")
	}
	require.Equal(t, []uint32{3, 3}, words(download(t, g, at, 8)), "work before the refused launch")
}

// step is a batch of many launches, as a step of a network is.
func step(t *testing.T, g driver.Driver, f driver.Func, at uint64, launches int) {
	t.Helper()
	require.NoError(t, g.Set(at, 1, 8))
	for i := range launches {
		require.NoError(t, g.Launch(f, [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, 0, params(at, uint32(i), 4)))
	}
	require.NoError(t, g.Within(at+16, at, 16))
}

// stepped is what step leaves.
func stepped(launches uint32) []uint32 {
	sum := launches * (launches - 1) / 2
	w := []uint32{1 + sum, 1 + sum + launches, 1 + sum + 2*launches, 1 + sum + 3*launches}
	return append(w, w...)
}

// A batch is started one by one the first time, and as one graph from the second on,
// with the same results. Another batch between, other parameters or a short batch
// do not disturb.
func TestGraphs(t *testing.T) {
	g, f := probe(t, "count")
	at, other := alloc(t, g, 32), alloc(t, g, 32)
	graphs := func(at uint64, n int) (launches, graphs int) {
		all := strings.Join(logged(t, func() {
			step(t, g, f[0], at, n)
			require.Equal(t, stepped(uint32(n)), words(download(t, g, at, 32)))
		}), "\n")
		return strings.Count(all, "cuLaunchKernel"), strings.Count(all, "cuGraphLaunch")
	}
	for range 2 { // on a GPU, results only
		for i := range 5 {
			step(t, g, f[0], at, 20+i%2)
			require.Equal(t, stepped(uint32(20+i%2)), words(download(t, g, at, 32)))
		}
	}
	fake(t)
	for i, want := range [][2]int{{30, 0}, {30, 1}, {0, 1}, {0, 1}} {
		n, k := graphs(at, 30)
		require.Equal(t, want, [2]int{n, k}, i)
	}
	n, k := graphs(other, 30)
	require.Equal(t, [2]int{30, 0}, [2]int{n, k}, "another address")
	for range 3 {
		n, k = graphs(at, batchLeast-3)
		require.Equal(t, [2]int{batchLeast - 3, 0}, [2]int{n, k}, "a short one")
	}
	for i := range 3 * batchSeen { // more than are remembered
		for range 2 {
			step(t, g, f[0], at, 30+i%batchSeen)
			require.Equal(t, stepped(uint32(30+i%batchSeen)), words(download(t, g, at, 32)))
		}
	}
	require.LessOrEqual(t, len(g.(*gpu).batch.seen), batchSeen)
	n, k = graphs(at, 3*batchMost)
	require.Equal(t, [2]int{3 * batchMost, 0}, [2]int{n, k}, "a long one begins before it ends")
}

// Where the driver cannot make a graph, kernels are started one by one.
func TestNoGraphs(t *testing.T) {
	for _, call := range []string{"cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags"} {
		g, f := probe(t, "count")
		fake(t)
		at := alloc(t, g, 32)
		t.Setenv("FAKE_FAIL", call+":801")
		for range 4 {
			step(t, g, f[0], at, 20)
			require.Equal(t, stepped(20), words(download(t, g, at, 32)), call)
		}
		os.Unsetenv("FAKE_FAIL")
	}
}

// Whatever call of the driver fails, the error names it, and nothing is left after
// Close.
func TestFailures(t *testing.T) {
	fake(t)
	for _, call := range []string{
		"cuCtxSetCurrent", "cuMemAlloc_v2", "cuMemFree_v2", "cuMemHostAlloc", "cuEventCreate", "cuEventRecord",
		"cuEventSynchronize", "cuEventElapsedTime", "cuStreamSynchronize", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2",
		"cuMemcpyDtoDAsync_v2", "cuMemsetD32Async", "cuModuleLoadDataEx", "cuModuleGetFunction", "cuFuncSetAttribute",
		"cuLaunchKernel", "cuGraphLaunch",
	} {
		g := open(t, 0)
		t.Setenv("FAKE_FAIL", call+":719")
		err := everything(g)
		os.Unsetenv("FAKE_FAIL")
		require.ErrorContains(t, err, "CUDA_ERROR_OTHER (number 719)", call)
		if name := strings.TrimSuffix(call, "_v2"); call != "cuCtxSetCurrent" && call != "cuFuncSetAttribute" {
			require.ErrorContains(t, err, name)
		}
		require.Equal(t, []string{"left 0 used 0"}, logged(t, func() { require.NoError(t, g.Close()) }), call)
	}
	for _, call := range []string{"cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceTotalMem_v2", "cuDeviceGetAttribute",
		"cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuStreamCreate", "cuMemGetInfo_v2"} {
		t.Setenv("FAKE_FAIL", call+":719")
		var err error
		lines := logged(t, func() { _, err = Open(0) })
		os.Unsetenv("FAKE_FAIL")
		require.ErrorContains(t, err, strings.TrimSuffix(call, "_v2")+": CUDA_ERROR_OTHER (number 719)")
		for _, line := range lines { // none where no context was taken
			if strings.HasPrefix(line, "left ") {
				require.Equal(t, "left 0 used 0", line, call)
			}
		}
	}
	g := open(t, 0)
	require.NoError(t, everything(g))
	require.Equal(t, []string{"left 0 used 0"}, logged(t, func() { require.NoError(t, g.Close()) }), "failed Opens")
}

// everything makes every call of a driver, until one fails.
func everything(g driver.Driver) error {
	text, err := os.ReadFile("testdata/probe.ptx")
	if err != nil {
		return err
	}
	m, err := g.Load(string(text))
	if err != nil {
		return err
	}
	f, err := g.Func(m, "count", 100<<10)
	if err != nil {
		return err
	}
	at, err := g.Alloc(4096)
	if err != nil {
		return err
	}
	from, err := g.(driver.Timer).Mark()
	if err != nil {
		return err
	}
	for range 3 {
		for range 10 {
			if err := g.Launch(f, [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, 0, params(at, 1, 8)); err != nil {
				return err
			}
		}
		if err := g.Set(at, 1, 10); err != nil {
			return err
		}
		if err := g.Within(at+64, at, 64); err != nil {
			return err
		}
		if err := g.ToHost(make([]byte, 64), at); err != nil {
			return err
		}
	}
	for range 10 * segmentBytes / 4096 {
		if err := g.ToDevice(at, make([]byte, 4096)); err != nil {
			return err
		}
	}
	if err := g.Sync(); err != nil {
		return err
	}
	to, err := g.(driver.Timer).Mark()
	if err != nil {
		return err
	}
	if _, err := g.(driver.Timer).Between(from, to); err != nil {
		return err
	}
	return g.Free(at)
}

// The error of a kernel that runs comes with the next wait, and the one after.
func TestLostGPU(t *testing.T) {
	fake(t)
	g, f := probe(t, "trap")
	at := alloc(t, g, 64)
	require.NoError(t, g.Launch(f[0], [3]uint32{1, 1, 1}, [3]uint32{1, 1, 1}, 0, nil))
	require.ErrorContains(t, g.ToHost(make([]byte, 64), at), "(number 719)")
	require.ErrorContains(t, g.Sync(), "(number 719)")
	require.ErrorContains(t, g.Close(), "(number 719)")
	g = open(t, 0) // with a new context
	require.NoError(t, everything(g))
	require.NoError(t, g.Close())
}

// freed gives memory back that work still uses, work that waits in the batch, and says
// what became of it: free is g.Free, or another that must be found out.
func freed(g driver.Driver, f driver.Func, free func(at uint64) error) error {
	var at [2]uint64
	for i := range at {
		var err error
		if at[i], err = g.Alloc(16); err != nil {
			return err
		}
	}
	got := make([]byte, 16)
	err := cmp.Or(
		g.Set(at[0], 1, 4), g.Sync(), // a launch is the first that finds memory gone
		g.Launch(f, [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, 0, params(at[0], 5, 4)),
		g.Within(at[1], at[0], 16),
		free(at[0]),
		g.ToHost(got, at[1]),
	)
	if want := []uint32{6, 7, 8, 9}; err == nil && !slices.Equal(want, words(got)) {
		err = fmt.Errorf("%v, want %v", words(got), want)
	}
	return err
}

// Memory goes back to the driver when the work before is done: that which was not
// started yet, and that which runs.
func TestFreeWaits(t *testing.T) {
	g, f := probe(t, "count")
	require.NoError(t, freed(g, f[0], g.Free))
}

// TestFreeWaits can fail.
func TestFreeTooEarly(t *testing.T) {
	fake(t) // a GPU is left alone with that
	for name, before := range map[string]func(g *gpu) error{
		"before the work is started": func(*gpu) error { return nil },
		"while the work runs":        (*gpu).flush,
	} {
		t.Run(name, func(t *testing.T) {
			g, f := probe(t, "count")
			require.Error(t, freed(g, f[0], func(at uint64) error {
				g := g.(*gpu)
				p := g.blocks[at]
				delete(g.blocks, at)
				return cmp.Or(before(g), g.do("cuMemFree", func() error { return cu.MemFree(p) }))
			}))
		})
	}
}

// Two GPUs, and calls from any thread: each call finds its own context.
func TestThreads(t *testing.T) {
	fake(t)
	var gpus [2]driver.Driver
	var at [2]uint64
	for i := range gpus {
		gpus[i] = open(t, i)
		defer gpus[i].Close()
		at[i] = alloc(t, gpus[i], 4096)
		require.NoError(t, gpus[i].Set(at[i], 0, 1024))
	}
	var lock sync.Mutex
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for k := range 20 {
				lock.Lock()
				g := (i + k) % 2
				var b [4]byte
				if err := gpus[g].ToHost(b[:], at[g]); err != nil {
					t.Error(err)
				}
				binary.LittleEndian.PutUint32(b[:], binary.LittleEndian.Uint32(b[:])+1)
				if err := gpus[g].ToDevice(at[g], b[:]); err != nil {
					t.Error(err)
				}
				lock.Unlock()
			}
		})
	}
	all.Wait()
	for i := range gpus {
		require.Equal(t, []uint32{320}, words(download(t, gpus[i], at[i], 4)))
	}
}

func TestTimer(t *testing.T) {
	g, f := probe(t, "count")
	at := alloc(t, g, 64)
	timer := g.(driver.Timer)
	a, err := timer.Mark()
	require.NoError(t, err)
	for range 10 {
		require.NoError(t, g.Launch(f[0], [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, 0, params(at, 0, 8)))
	}
	b, err := timer.Mark()
	require.NoError(t, err)
	s, err := timer.Between(a, b)
	require.NoError(t, err)
	require.Greater(t, s, 0.0)
	if os.Getenv(envDriver) == "fake" { // 1.5 ms for each piece of work, mark included
		require.InDelta(t, 11*1.5e-3, s, 1e-9)
	}
}
