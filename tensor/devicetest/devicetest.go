// Package devicetest is the conformance suite of tensor.Device: every method, judged by
// a device that computes in float64 (internal/ref64), with error bounds that follow from
// the operation, on odd shapes, column views, non-zero initial gradients and split
// batches. What is overwritten starts as NaN, what lies beside a view must stay as it
// was, and the suite itself is tested on broken devices.
//
// Whoever writes a device runs it in a test of theirs:
//
//	func TestConformance(t *testing.T) { devicetest.Run(t, mydevice.New()) }
//
// That bounds its errors. A device that promises the bits of this project's CPU
// compares, besides, what Case.Outputs returns for both, with Same; and the hashes
// of Values.Hash, family by family, with kernels/testdata/bits.txt, which needs no
// second device. A batch may be split anywhere: Outputs takes where.
package devicetest

import (
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// Run runs every check on dev as subtests. In short mode it leaves out the
// large shapes.
func Run(t *testing.T, dev tensor.Device) { RunCases(t, dev, testing.Short()) }

// RunCases is Run, without the large shapes if short: for devices that are slow
// because something else stands in for them.
func RunCases(t *testing.T, dev tensor.Device, short bool) {
	for _, c := range Cases(short) {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(dev); err != nil {
				t.Error(err)
			}
		})
	}
	for _, c := range panics {
		t.Run("panics/"+c.name, func(t *testing.T) {
			if err := c.check(dev); err != nil {
				t.Error(err)
			}
		})
	}
}

// A Case runs one operation on one set of inputs, which depend on its name
// only.
type Case struct {
	Name   string // operation, shapes and options; the seed of its inputs
	Big    bool   // left out in short mode
	pitch  bool   // activations are column views
	poison bool   // one input value is NaN
	run    func(e *env)
	// units says how many times 2⁻²⁴ × magnitude an output may be off.
	units map[string]float64
	// magnitude returns what rounding errors of each output are relative to,
	// from the values of all tensors of the reference run. nil means: the same
	// operation on the magnitudes of the inputs, which is right for sums of
	// products.
	magnitude func(v Values) Values

	products bool             // y and dx are sums of products
	heads    *ref64.AttnShape // of attention
	rounding float64          // of their operands: see Rounded
}

// Values maps names of tensors to their values, row-major. float32 values are
// exact in it.
type Values map[string][]float64

// Check runs c on dev, in one batch and split, and returns the first
// difference from the reference beyond the bound, a touched neighbour or a
// difference in bits between the two. Where operands are rounded, gradients of
// weights, which are sums over the batch, keep the bound instead when it is split.
func (c *Case) Check(dev tensor.Device) error {
	got, err := c.Outputs(dev, 0)
	if err == nil {
		err = c.near(got)
	}
	if err != nil {
		return err
	}
	for _, k := range []int{1, 2} {
		split, err := c.Outputs(dev, k)
		if err != nil {
			return err
		}
		same := got
		if c.rounding > 0 {
			if err := c.near(split); err != nil {
				return fmt.Errorf("batch split at %d: %w", k, err)
			}
			weight := func(name string, _ []float64) bool { return strings.HasPrefix(name, "dw") }
			same = maps.Clone(got)
			maps.DeleteFunc(same, weight)
			maps.DeleteFunc(split, weight)
		}
		if err := Same(same, split); err != nil {
			return fmt.Errorf("%s: batch split at %d: %w", c.Name, k, err)
		}
	}
	return nil
}

// near reports the first output that is beyond its bound.
func (c *Case) near(got Values) error {
	want, size := c.expected()
	for name, w := range want {
		if err := within(w, got[name], size[name], c.units[name]); err != nil {
			return fmt.Errorf("%s: %s: %w", c.Name, name, err)
		}
	}
	return nil
}

// Outputs runs c on dev and returns the outputs, or an error if elements
// beside them changed. The batch is split in two after split samples unless
// split is 0 or not less than the batch.
func (c *Case) Outputs(dev tensor.Device, split int) (out Values, err error) {
	e := newEnv(c, dev)
	e.split = split
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error: // a tensor.Failure
			err = fmt.Errorf("%s: panic: %w", c.Name, r)
		default:
			err = fmt.Errorf("%s: panic: %v", c.Name, r)
		}
	}()
	c.run(e)
	out = Values{}
	for _, n := range e.named {
		if n.output {
			x := make([]float32, n.t.Len())
			dev.Download(x, n.t)
			out[n.name] = ref64.Float64s(x)
		}
		if err := n.canary(dev); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	for name, x := range e.numbers {
		out[name] = x
	}
	return out, nil
}

// Same returns an error unless a and b hold the same bits, NaN payloads aside.
func Same(a, b Values) error {
	for name, x := range a {
		y := b[name]
		if len(x) != len(y) {
			return fmt.Errorf("%s: %d and %d values", name, len(x), len(y))
		}
		for i := range x {
			if math.Float64bits(x[i]) != math.Float64bits(y[i]) && !(x[i] != x[i] && y[i] != y[i]) {
				return fmt.Errorf("%s: element %d differs in bits: %v and %v", name, i, x[i], y[i])
			}
		}
	}
	return nil
}

// Hash adds the bits of v to h, the tensors in the order of their names.
func (v Values) Hash(h hash.Hash) {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		for _, x := range v[name] {
			if x != x {
				x = math.NaN() // of any payload
			}
			_ = binary.Write(h, binary.LittleEndian, math.Float64bits(x))
		}
	}
}

// cache holds the reference results: they do not depend on the device.
var cache sync.Map

type expectation struct{ want, size Values }

type cacheKey struct {
	name     string
	rounding float64
}

// expected returns the reference outputs and the magnitudes of their errors.
func (c *Case) expected() (want, size Values) {
	key := cacheKey{c.Name, c.rounding}
	if x, ok := cache.Load(key); ok {
		return x.(expectation).want, x.(expectation).size
	}
	e := newEnv(c, ref64.New())
	before := e.snapshot // set by run: values before the operation
	c.run(e)
	want = e.values(true)
	if c.magnitude != nil {
		all := e.values(false)
		for name, x := range *before {
			all[name+"0"] = x
		}
		size = c.magnitude(all)
	} else {
		a := newEnv(c, ref64.New())
		a.abs = true
		c.run(a)
		size = a.values(true)
	}
	cache.Store(key, expectation{want, size})
	return want, size
}

// within fails unless |got−want| ≤ units·2⁻²⁴·size element by element. NaN and
// infinities must agree. What underflows in float32 may be lost.
func within(want, got, size []float64, units float64) error {
	if len(want) != len(got) || len(want) != len(size) {
		return fmt.Errorf("%d values, want %d, magnitudes %d", len(got), len(want), len(size))
	}
	if units == 0 {
		return fmt.Errorf("no bound stated")
	}
	for i, w := range want {
		g, tol := got[i], units*0x1p-24*size[i]+0x1p-140
		if w != w && g != g || w == g {
			continue
		}
		if !(math.Abs(g-w) <= tol) {
			return fmt.Errorf("element %d of %d: got %v, want %v, off by %.3g (allowed %.3g = %g·2⁻²⁴·%.3g)",
				i, len(want), g, w, math.Abs(g-w), tol, units, size[i])
		}
	}
	return nil
}
