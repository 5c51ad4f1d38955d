package nn

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/tensor"
)

// gradients returns the network's gradients, and leaves zeros.
func gradients(net *Net) []float32 {
	out := make([]float32, net.params.Grad.Len())
	net.dev.Download(out, net.params.Grad)
	net.params.ZeroGrad()
	return out
}

// In training, too, a batch is shared by lanes: outputs and gradients have the bits of one
// thread, whatever the number of lanes and of samples in the workspace.
func TestLanesTrain(t *testing.T) {
	cutSmall(t)
	const n = 13
	for name, cfg := range smallNets() {
		one := build(t, kernels.New(1), cfg)
		b, alone := newBatch(one, n, 3), workspace(t, one, n, true)
		for _, threads := range []int{2, 3, 4, 32} {
			net := build(t, kernels.New(threads), cfg)
			ws := workspace(t, net, n, true)
			lanes := min(threads, ws.g.followers(), n)
			require.Len(t, ws.lanes, lanes)
			require.Equal(t, lanes, ws.Lanes(n))
			for _, k := range []int{n, 1, 5, n, 12} {
				what := fmt.Sprintf("%s: %d of %d samples, %d threads", name, k, n, threads)
				part := b.part(n-k, n)
				numtest.SameBits(t, pass(one, alone, part, true), pass(net, ws, part, true), what)
				numtest.SameBits(t, gradients(one), gradients(net), what)
			}
		}
	}
}

// Both results of a classifier come from all lanes, and the gradients from one.
func TestLanesTrainClassifier(t *testing.T) {
	cutSmall(t)
	x, dy := smallClassifier.images(5)
	one, two := newTestClassifier(t, kernels.New(1), smallClassifier), newTestClassifier(t, kernels.New(2), smallClassifier)
	numtest.SameBits(t, classify(t, one, x, dy, 5, true), classify(t, two, x, dy, 5, true), "scores and features")
	numtest.SameBits(t, gradients(one.net), gradients(two.net), "gradients")
}

// uneven is a device with a lane that takes its time before it adds to gradients.
type uneven struct {
	*kernels.CPU
	lanes *int
	late  int    // the lane that does; -1: this is another
	call  func() // what it does then; nil: nothing
}

func (u uneven) Until(*tensor.Stop) tensor.Device { return u }
func (u uneven) Lane() tensor.Device {
	*u.lanes++
	if *u.lanes-1 != u.late {
		u.late = -1
	} else {
		u.late = 0
	}
	u.CPU = u.CPU.Lane().(*kernels.CPU)
	return u
}

func (u uneven) wait() {
	if u.late == 0 && *u.lanes > 0 {
		time.Sleep(time.Millisecond)
		if u.call != nil {
			u.call()
		}
	}
}

func (u uneven) Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	u.wait()
	u.CPU.Conv2DBackward(dx, dw, db, dy, x, w, opt)
}

func (u uneven) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	u.wait()
	u.CPU.LinearBackward(dx, dw, db, dy, x, w)
}

func (u uneven) GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	u.wait()
	u.CPU.GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats, opt)
}

func (u uneven) EmbeddingBackward(dtable, dy *tensor.Tensor, ids []int) {
	u.wait()
	u.CPU.EmbeddingBackward(dtable, dy, ids)
}

// Whichever lane is slow, the others wait for it before they add to gradients.
func TestLanesTrainInOrder(t *testing.T) {
	cutSmall(t)
	for _, name := range []string{"unet", "ddpm++"} {
		cfg := smallNets()[name]
		one := build(t, kernels.New(1), cfg)
		b := newBatch(one, 8, 4)
		want := pass(one, workspace(t, one, 8, true), b, true)
		grad := gradients(one)
		for late := range 4 {
			net := build(t, uneven{kernels.New(4), new(int), late, nil}, cfg)
			ws := workspace(t, net, 8, true)
			require.Len(t, ws.lanes, 4)
			numtest.SameBits(t, want, pass(net, ws, b, true), name)
			numtest.SameBits(t, grad, gradients(net), fmt.Sprintf("%s, lane %d late", name, late))
		}
	}
}

// Keys of dropout are one for each sample, which is seen before lanes begin; a network that
// drops nothing takes any number of them.
func TestLanesKeys(t *testing.T) {
	cutSmall(t)
	for _, train := range []bool{true, false} {
		net := build(t, kernels.New(2), smallNets()["unet"])
		ws, b := workspace(t, net, 6, train), newBatch(net, 6, 1)
		for _, k := range []int{0, 5, 7} {
			forward := func() {
				ws.SetDropout(1, make([]uint64, k))
				net.ForwardWith(ws, upload(net.dev, b.x, append([]int{6}, net.SampleShape()...)...), b.t, b.labels, b.extra)
			}
			if train {
				require.PanicsWithValue(t, fmt.Sprintf("nn: Forward: %d keys of dropout for 6 samples; call SetDropout with one for each", k), forward)
			} else {
				forward()
			}
		}
	}
}

// A step of training in lanes allocates nothing.
func TestLanesTrainAllocate(t *testing.T) {
	cutSmall(t)
	net := build(t, kernels.New(2), smallNets()["unet"])
	ws, b := workspace(t, net, 13, true), newBatch(net, 13, 1)
	require.Len(t, ws.lanes, 2)
	x, dy := upload(net.dev, b.x, append([]int{13}, net.SampleShape()...)...), upload(net.dev, b.dy, append([]int{13}, net.SampleShape()...)...)
	ws.SetDropout(5, b.keys)
	numtest.NoAllocs(t, func() {
		net.ForwardWith(ws, x, b.t, b.labels, b.extra)
		net.Backward(ws, dy)
	})
}

// A context that ends while one lane works and the others wait for it ends the pass of all
// of them, and the next pass has the bits of any other.
func TestLanesTrainStop(t *testing.T) {
	cutSmall(t)
	cfg := smallNets()["unet"]
	one := build(t, kernels.New(1), cfg)
	b := newBatch(one, 8, 4)
	pass(one, workspace(t, one, 8, true), b, true)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	dev := uneven{CPU: kernels.New(4), lanes: new(int), late: 0}
	dev.call = func() {
		if calls++; calls == 5 {
			cancel()
		}
	}
	net := build(t, dev, cfg)
	ws := workspace(t, net, 8, true)
	ws.Watch(ctx)
	ended := make(chan struct{})
	go func() { pass(net, ws, b, true); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("a lane waits for one that has ended")
	}
	require.ErrorIs(t, ws.Err(), context.Canceled)
	require.Equal(t, 5, calls)
	ws.Watch(context.Background())
	net.params.ZeroGrad()
	pass(net, ws, b, true)
	numtest.SameBits(t, gradients(one), gradients(net), "after it was ended")
}

// Lanes of a network with one large operation would wait for each other.
func TestFollowers(t *testing.T) {
	g := &graph{train: true, macs: 40 * float64(leastLane)}
	require.Equal(t, 1, g.followers())
	for range 40 {
		g.steps = append(g.steps, &step{macs: float64(leastLane)})
	}
	require.Equal(t, 22, g.followers())
	require.Equal(t, 16, g.lanesFor(16, 64))
	require.Equal(t, 22, g.lanesFor(64, 64))
	g.steps[7].macs *= 15
	require.Equal(t, 2, g.followers())
	require.Equal(t, 2, g.lanesFor(64, 64))
	g.train = false
	require.Equal(t, 64, g.lanesFor(64, 64))
}

// failing is a device of which the lane number lane panics in convolutions while *on.
type failing struct {
	*kernels.CPU
	lanes      *int
	lane       int
	on         *bool
	back, mine bool
}

func (f failing) Until(*tensor.Stop) tensor.Device { return f }
func (f failing) Lane() tensor.Device {
	f.mine = *f.lanes == f.lane
	*f.lanes++
	f.CPU = f.CPU.Lane().(*kernels.CPU)
	return f
}

func (f failing) fail(back bool) {
	if f.mine && *f.on && f.back == back {
		panic(&tensor.Failure{Op: "convolution", Err: context.DeadlineExceeded})
	}
}

func (f failing) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	f.fail(false)
	f.CPU.Conv2D(y, x, w, b, res, opt)
}

func (f failing) Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	f.fail(true)
	f.CPU.Conv2DBackward(dx, dw, db, dy, x, w, opt)
}

// What a lane panics with comes to the caller once all lanes have ended, and the next pass
// has the bits of any other.
func TestLanesPanic(t *testing.T) {
	cutSmall(t)
	cfg := smallNets()["unet"]
	one := build(t, kernels.New(1), cfg)
	b := newBatch(one, 8, 4)
	want := pass(one, workspace(t, one, 8, true), b, true)
	grad := gradients(one)
	for lane := range 4 {
		for _, back := range []bool{false, true} {
			on := true
			net := build(t, failing{kernels.New(4), new(int), lane, &on, back, false}, cfg)
			ws := workspace(t, net, 8, true)
			for range 3 {
				on = true
				failed := func() (err error) {
					defer tensor.Catch(&err)
					pass(net, ws, b, true)
					return nil
				}
				require.ErrorIs(t, failed(), context.DeadlineExceeded)
				on = false
				net.params.ZeroGrad()
				numtest.SameBits(t, want, pass(net, ws, b, true), "outputs")
				numtest.SameBits(t, grad, gradients(net), "gradients")
			}
		}
	}
}

// A second pass back would read what the first one overwrote.
func TestBackwardTwice(t *testing.T) {
	net := build(t, kernels.New(1), smallNets()["unet"])
	b, ws := newBatch(net, 2, 1), workspace(t, net, 2, true)
	y := pass(net, ws, b, true)
	dy := upload(net.dev, y, 2, 6, 6, 2)
	require.PanicsWithValue(t, "nn: Backward: the second one after a Forward, whose activations the first one overwrote", func() { net.Backward(ws, dy) })
	pass(net, ws, b, true)
}
