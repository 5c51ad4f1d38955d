package cuda_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/nn"
)

// A noDriver does nothing, at once: what is left is the device's own work.
type noDriver struct {
	next     uint64
	launches int
}

func (d *noDriver) Info() cuda.Info {
	return cuda.Info{Name: "none", Capability: 90, Processors: 132, Shared: 227 << 10, Memory: 1 << 40}
}
func (d *noDriver) Alloc(size int64) (uint64, error) {
	d.next += 1 << 40
	return d.next, nil
}
func (d *noDriver) Free(uint64) error                 { return nil }
func (d *noDriver) Load(string) (cuda.Module, error)  { return 0, nil }
func (d *noDriver) Set(uint64, uint32, int) error     { return nil }
func (d *noDriver) ToDevice(uint64, []byte) error     { return nil }
func (d *noDriver) ToHost([]byte, uint64) error       { return nil }
func (d *noDriver) Within(_, _ uint64, _ int64) error { return nil }
func (d *noDriver) Sync() error                       { return nil }
func (d *noDriver) Close() error                      { return nil }
func (d *noDriver) Func(cuda.Module, string, int) (cuda.Func, error) {
	return 0, nil
}
func (d *noDriver) Launch(cuda.Func, [3]uint32, [3]uint32, int, []byte) error {
	d.launches++
	return nil
}

// steady is a network on a driver that does nothing, and a step of training or one
// evaluation.
func steady(t *testing.T, cfg nn.Config, batch int, training bool) (d *noDriver, step func()) {
	t.Helper()
	return steadyIn(t, cuda.Exact, cfg, batch, training)
}

func steadyIn(t *testing.T, m cuda.Mode, cfg nn.Config, batch int, training bool) (d *noDriver, step func()) {
	t.Helper()
	d = &noDriver{}
	dev, err := cuda.New(d, cuda.Options{Mode: m})
	require.NoError(t, err)
	net, err := nn.New(dev, cfg)
	require.NoError(t, err)
	ws, err := net.NewWorkspace(batch, 0, 0, training)
	require.NoError(t, err)
	shape := append([]int{batch}, net.SampleShape()...)
	x, dy, times, labels, keys := dev.New(shape...), dev.New(shape...), make([]float32, batch), make([]int, batch), make([]uint64, batch)
	if net.Classes() == 0 {
		labels = nil
	}
	ws.SetDropout(1, keys)
	p := net.Params()
	if !training {
		return d, func() { net.Forward(ws, x, times, labels) }
	}
	opt, ema := nn.NewAdamW(p), nn.NewEMA(p, 0.9)
	return d, func() {
		p.ZeroGrad()
		net.Forward(ws, x, times, labels)
		net.Backward(ws, dy)
		_, err := opt.Update(1e-3, 0)
		require.NoError(t, err)
		ema.Update(1)
	}
}

// In a steady state neither an evaluation nor a step of training takes memory, of the
// host or of the GPU.
func TestSteadyState(t *testing.T) {
	for name, cfg := range nets {
		for _, training := range []bool{false, true} {
			d, step := steady(t, cfg, 2, training)
			step()
			before := d.next
			require.Zero(t, allocations(step), "%s, training %v: allocations of a step", name, training)
			require.Equal(t, before, d.next, "%s, training %v: memory of the GPU", name, training)
		}
	}
	for m := range fastModes {
		for name, cfg := range coreNets {
			d, step := steadyIn(t, m, cfg, 2, true)
			step()
			before := d.next
			require.Zero(t, allocations(step), "%s, %v: allocations of a step", name, m)
			require.Equal(t, before, d.next, "%s, %v: memory of the GPU", name, m)
		}
	}
}

// allocations is how many a step makes: the fewest of three counts, since what earlier
// tests left is given back meanwhile.
func allocations(step func()) float64 {
	return min(testing.AllocsPerRun(5, step), testing.AllocsPerRun(5, step), testing.AllocsPerRun(5, step))
}

// What a network says beforehand that it takes is what it takes, with room to spare
// for buffers that are not needed at the same time.
func TestMemoryBeforehand(t *testing.T) {
	for _, name := range []string{"fashion", "cifar10_lt", "cifar10-ddpmpp", "2d"} {
		cfg, err := nn.Preset(name)
		require.NoError(t, err)
		for i, batch := range []int{1, 16, 1, 16, 1, 16} {
			m := cuda.Mode(i / 2)
			dev, err := cuda.New(&noDriver{}, cuda.Options{Mode: m, Segment: 512}) // every piece of memory is its own segment
			require.NoError(t, err)
			net, err := nn.New(dev, cfg)
			require.NoError(t, err)
			workspace, params, err := net.Memory(batch, 0, 0, false)
			require.NoError(t, err)
			ws, err := net.NewWorkspace(batch, 0, 0, false)
			require.NoError(t, err)
			net.Forward(ws, dev.New(append([]int{batch}, net.SampleShape()...)...), make([]float32, batch), nil)
			need, took := workspace+params, dev.Held()
			require.GreaterOrEqual(t, need, took, "%s, %v, batch %d", name, m, batch)
			require.Less(t, need, took+took/10+128<<20, "%s, %v, batch %d", name, m, batch)
		}
	}
}
