package heavytail

import (
	"context"
	"fmt"
	"sync"

	"heavytail/diffusion"
	"heavytail/internal/sample"
	"heavytail/nn"
)

// A worker draws batches with the network of one device.
type worker struct {
	model *Model
	net   *nn.Net // of the model, on this device
	ws    *nn.Workspace
	opt   Options
	units *units
	buf   []float32
	seen  *estimates
	ids   []uint64
	given []float32
	free  func() // ends what hold counts

	first int      // the batch in hand: samples first, first+1, …
	part  []uint64 // of these seeds
}

// newWorker takes the memory for batches of so many samples, or says that there is
// not so much where net computes, beside that of other runs. Call free when it is
// no longer used.
func (m *Model) newWorker(net *nn.Net, o Options, u units, batch int) (*worker, error) {
	held, shared, err := m.memory(net, o, batch)
	if err != nil {
		return nil, err
	}
	free, err := sample.Hold(net, held, shared, fmt.Sprintf("a batch of %d samples of %v", batch, m.SampleShape(o)))
	if err != nil {
		return nil, own(err)
	}
	height, width := m.size(o)
	ws, err := net.NewWorkspace(batch, height, width, false)
	if err != nil {
		free()
		return nil, err
	}
	return &worker{free: free, model: m, net: net, ws: ws, opt: o, units: &u, buf: make([]float32, batch*u.d), seen: o.newEstimates(batch * u.d), ids: make([]uint64, batch)}, nil
}

// take makes the samples first, first+1, …, n of them, the batch in hand, and returns n.
func (w *worker) take(first, n int) int {
	w.first, w.part = first, w.ids[:n]
	for i := range w.part {
		w.part[i] = w.opt.SeedOf(first + i)
	}
	return n
}

// x is the states of the batch in hand.
func (w *worker) x() []float32 { return w.buf[:len(w.part)*w.units.d] }

// draw makes the samples of the batch in hand.
func (w *worker) draw(ctx context.Context) error {
	o, x := w.opt, w.x()
	den := w.denoiser(w.first, w.part)
	o.Edit = portion(o.Edit, w.first, len(w.part), w.units.d)
	for t, err := range o.trajectory(ctx, w.model.recipe, den, w.seen.begin(o.Edit), x, w.part) {
		if err == nil {
			err = o.step(w.units, w.first, t, w.seen.show(t, x))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// denoiser is the network for the samples first, … of the given seeds.
func (w *worker) denoiser(first int, seeds []uint64) diffusion.Denoiser {
	o := w.opt
	w.given = o.conditions(w.given, w.model.recipe, first, len(seeds))
	den := predict(w.net, w.ws, w.model.labels(o, first, seeds), w.given)
	if o.guided() {
		den = diffusion.Guide(den, predict(w.net, w.ws, nil, w.given), o.Guidance)
	}
	return den
}

// inTurns returns o with one call of Step or Step64 at a time.
func (o Options) inTurns() Options {
	var mu sync.Mutex
	step, step64 := o.Step, o.Step64
	if step != nil {
		o.Step = func(first, left int, x []float32) error {
			mu.Lock()
			defer mu.Unlock()
			return step(first, left, x)
		}
	}
	if step64 != nil {
		o.Step64 = func(first, left int, x []float64) error {
			mu.Lock()
			defer mu.Unlock()
			return step64(first, left, x)
		}
	}
	return o
}

// together lets all workers draw at once and waits for them. The first error, in
// time, ends them all and is returned; a panic is one of the caller.
func together(ctx context.Context, all []*worker) error {
	if len(all) == 1 {
		return all[0].draw(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg     sync.WaitGroup
		once   sync.Once
		first  error
		panics any
	)
	for _, w := range all {
		wg.Go(func() {
			var err error
			defer func() {
				r := recover()
				if r == nil && err == nil {
					return
				}
				once.Do(func() { first, panics = err, r })
				cancel()
			}()
			err = w.draw(ctx)
		})
	}
	wg.Wait()
	if panics != nil {
		panic(panics)
	}
	return first
}
