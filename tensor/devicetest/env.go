package devicetest

import (
	"fmt"
	"hash/fnv"
	"math"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// env is one run of a case on one device: it makes the tensors, the same on
// every device.
type env struct {
	dev      tensor.Device
	rnd      *numtest.Rand
	abs      bool // inputs are replaced by their magnitudes
	pitch    bool
	poison   bool
	split    int
	amp, mid float64 // inputs are uniform in [mid−amp, mid+amp)
	named    []named
	snapshot *Values // initial values by name
	numbers  Values  // outputs that are not tensors
}

type named struct {
	name   string
	t      *tensor.Tensor
	wide   *tensor.Tensor // what t is a view of, or nil
	output bool
}

func newEnv(c *Case, dev tensor.Device) *env {
	h := fnv.New64a()
	h.Write([]byte(c.Name))
	return &env{
		dev: dev, rnd: numtest.NewRand(h.Sum64()), pitch: c.pitch, poison: c.poison, amp: 1,
		snapshot: &Values{}, numbers: Values{},
	}
}

// Columns around a view: odd counts, so that views are not aligned, and a
// value that no operation would leave by chance.
const (
	left, right = 3, 2
	canary      = 777.25
)

// in makes an activation with random values.
func (e *env) in(name string, shape ...int) *tensor.Tensor {
	return e.make(name, e.random(shape), e.pitch, false, shape)
}

// param makes a dense input.
func (e *env) param(name string, shape ...int) *tensor.Tensor {
	return e.make(name, e.random(shape), false, false, shape)
}

// out makes an activation that the operation must overwrite: it starts as NaN.
func (e *env) out(name string, shape ...int) *tensor.Tensor {
	return e.make(name, nans(shape), e.pitch, true, shape)
}

// dense is out where a column view is not allowed.
func (e *env) dense(name string, shape ...int) *tensor.Tensor {
	return e.make(name, nans(shape), false, true, shape)
}

func nans(shape []int) []float32 {
	x := make([]float32, size(shape))
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

// inout makes an activation that the operation reads and changes.
func (e *env) inout(name string, shape ...int) *tensor.Tensor {
	return e.make(name, e.random(shape), e.pitch, true, shape)
}

// acc makes a dense parameter or gradient with random values that the
// operation changes.
func (e *env) acc(name string, shape ...int) *tensor.Tensor {
	return e.make(name, e.random(shape), false, true, shape)
}

func (e *env) make(name string, x []float32, pitch, output bool, shape []int) *tensor.Tensor {
	n := named{name: name, output: output}
	if pitch {
		wide := append([]int(nil), shape...)
		wide[len(wide)-1] += left + right
		n.wide = e.dev.New(wide...)
		e.dev.Fill(n.wide, canary)
		n.t = n.wide.Columns(left, left+shape[len(shape)-1])
	} else {
		n.t = e.dev.New(shape...)
	}
	e.dev.Upload(n.t, x)
	e.named = append(e.named, n)
	(*e.snapshot)[name] = ref64.Float64s(x)
	return n.t
}

// random returns values of the case's distribution; the first tensor of a
// poisoned case has one NaN.
func (e *env) random(shape []int) []float32 {
	x := make([]float32, size(shape))
	for i := range x {
		v := e.mid + e.amp*e.rnd.Float64()
		if e.abs {
			v = math.Abs(v)
		}
		x[i] = float32(v)
	}
	if e.poison && len(e.named) == 0 {
		x[len(x)/2] = float32(math.NaN())
	}
	return x
}

// uniform sets the distribution of the inputs made from here on.
func (e *env) uniform(mid, amp float64) { e.mid, e.amp = mid, amp }

// batches calls f for the parts of a batch of n.
func (e *env) batches(n int, f func(lo, hi int)) {
	if e.split > 0 && e.split < n {
		f(0, e.split)
		f(e.split, n)
		return
	}
	f(0, n)
}

// values returns the values of all tensors, or of the outputs only, on the
// reference device.
func (e *env) values(outputs bool) Values {
	v := Values{}
	for _, n := range e.named {
		if n.output || !outputs {
			v[n.name] = ref64.Values(n.t)
		}
	}
	for name, x := range e.numbers {
		v[name] = x
	}
	return v
}

// canary returns an error if a column beside the view changed.
func (n *named) canary(dev tensor.Device) error {
	if n.wide == nil {
		return nil
	}
	x := make([]float32, n.wide.Len())
	dev.Download(x, n.wide)
	for i, v := range x {
		if c := i % n.wide.Cols(); (c < left || c >= n.wide.Cols()-right) && v != canary {
			return fmt.Errorf("%s: row %d: column %d beside the view was set to %v", n.name, i/n.wide.Cols(), c-left, v)
		}
	}
	return nil
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// sub returns t's part of the batch, or nil for nil.
func sub(t *tensor.Tensor, lo, hi int) *tensor.Tensor {
	if t == nil {
		return nil
	}
	return t.Batch(lo, hi)
}
