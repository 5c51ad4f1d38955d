package devicetest

import (
	"math"
	"strings"
	"testing"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// broken is the reference with one fault, named by mutant; none if that is
// empty.
type broken struct {
	tensor.Device
	mutant string
	old    map[*tensor.Tensor]*tensor.Tensor // weights as first seen, for "linear: old weight"
}

// is reports whether the fault of b is name.
func (b broken) is(name string) bool { return b.mutant == name }

// TestMutantsAreRejected runs the suite on devices with one fault each. A suite
// that lets one pass is not testing that method.
func TestMutantsAreRejected(t *testing.T) {
	for name, prefix := range mutants {
		t.Run(name, func(t *testing.T) {
			d := broken{ref64.New(), name, map[*tensor.Tensor]*tensor.Tensor{}}
			for _, c := range Cases(true) {
				if strings.HasPrefix(c.Name, prefix) && c.Check(d) != nil {
					return
				}
			}
			t.Errorf("no case of %q rejects this device", prefix)
		})
	}
}

// The wrapper without a fault must pass, so that a rejection above is due to
// the fault.
func TestMutantBasePasses(t *testing.T) {
	for _, c := range Cases(true) {
		if err := c.Check(broken{Device: ref64.New()}); err != nil {
			t.Error(err)
		}
		for _, none := range []string{"winograd: none", "up: none"} {
			if err := c.Check(broken{Device: ref64.New(), mutant: none}); err != nil {
				t.Error(err)
			}
		}
	}
}

// A device that accepts wrong shapes must be seen, and so must a silent one.
func TestPanicsAreRequired(t *testing.T) {
	for _, run := range []func(tensor.Device){func(tensor.Device) {}, func(tensor.Device) { panic("no") }} {
		if (panicCase{"x", run}).check(ref64.New()) == nil {
			t.Error("a call that says nothing about shapes passed")
		}
	}
}

// mutants maps each fault to the family of cases that must see it.
var mutants = map[string]string{
	"copy: last element": "Add", "fill: half": "Add", "add: overwritten operand": "Add", "scale: twice": "Add", "scale samples: one factor for all": "Add", "sumsq: no last": "Add",
	"view: writes beside": "Add", "upload: 11 bits": "Add",
	"linear: no bias": "Linear", "linear: 11 bits": "Linear", "linear: swallows NaN": "Linear", "linear: old weight": "Linear/weight",
	"linear: dw overwritten": "Linear", "linear: db overwritten": "Linear", "linear: dx added": "Linear", "linear: nothing without dw": "Linear", "linear: order by batch": "Linear",
	"conv: no residual": "Conv2D", "conv: flipped": "Conv2D", "conv: no bias": "Conv2D", "conv: dx of stride": "Conv2D",
	"conv: dw overwritten": "Conv2D", "conv: nothing without dw": "Conv2D", "conv: no db without dx": "Conv2D", "conv: swapped sides": "Conv2D", "conv: 11 bits": "Conv2D", "conv: boxes without the last row": "Conv2D",
	"conv: padded before": "Conv2DAfter", "attention: narrow heads": "AttentionWide",
	"winograd: coefficient": "Winograd", "winograd: tile off by one": "Winograd", "winograd: edge not zero": "Winograd",
	"winograd: taps not flipped": "Winograd", "winograd: no bias": "Winograd", "winograd: transposed": "Winograd",
	"winograd: dw coefficient": "Winograd", "winograd: dw edge not zero": "Winograd", "winograd: dw transposed": "Winograd",
	"up: coefficient": "Up", "up: one tap for two": "Up", "up: neighbours swapped": "Up", "up: edge not zero": "Up", "up: no residual": "Up",
	"resample: no corner": "Resample", "resample: order of taps": "Resample", "resample: 11 bits": "Resample", "resample: gradient of order": "Resample",
	"resample: gradient added": "Resample", "channels: first row for all": "AddChannels", "channels: view": "AddChannels",
	"channels: sum added": "AddChannels", "channels: no last pixel": "AddChannels", "channels: swallows NaN": "AddChannels",
	"groupnorm: no eps": "GroupNorm", "groupnorm: one group": "GroupNorm", "groupnorm: scale and shift swapped": "GroupNorm",
	"groupnorm: no silu": "GroupNorm", "groupnorm: dx overwritten": "GroupNorm", "groupnorm: dgamma overwritten": "GroupNorm", "groupnorm: nothing without dgamma": "GroupNorm",
	"groupnorm: dss swapped": "GroupNorm", "groupnorm: mean of batch": "GroupNorm", "groupnorm: sample variance": "GroupNorm",
	"layernorm: no silu": "LayerNorm", "layernorm: dbeta overwritten": "LayerNorm", "layernorm: nothing without dgamma": "LayerNorm", "layernorm: dx overwritten": "LayerNorm",
	"silu: coarse": "SiLU", "silu: derivative": "SiLU",
	"attention: scale": "Attention", "attention: order": "Attention", "attention: coarse": "Attention", "attention: gradient": "Attention",
	"time: sin first": "Timestep", "time: unscaled": "Timestep", "time: one order": "TimeOrder", "time: no shift": "TimeOrder",
	"embedding: overwrites": "Embedding", "embedding: negative id": "Embedding", "embedding: gradient overwritten": "Embedding",
	"dropout: no scale": "Dropout", "dropout: by batch": "Dropout", "dropout: seed ignored": "Dropout",
	"loss: sum": "Loss", "loss: squared for all": "Loss", "loss: weight": "Loss",
	"adamw: coupled decay": "AdamW", "adamw: no correction": "AdamW", "adamw: no clip": "AdamW", "lerp: swapped": "AdamW",
}

// edit changes the values of t by f.
func edit(t *tensor.Tensor, f func(x []float64)) {
	if t == nil {
		return
	}
	x := ref64.Values(t)
	f(x)
	ref64.SetValues(t, x)
}

// rounded returns a copy of t with its values cut to bits of mantissa.
func rounded(t *tensor.Tensor, bits int) *tensor.Tensor {
	c := ref64.New().New(t.Shape()...)
	ref64.SetValues(c, ref64.Values(t))
	edit(c, func(x []float64) {
		for i := range x {
			f, e := math.Frexp(x[i])
			x[i] = math.Ldexp(math.Round(math.Ldexp(f, bits)), e-bits)
		}
	})
	return c
}

// zeroed sets t to zero, so that what accumulates on it is overwritten.
func zeroed(t *tensor.Tensor) {
	if t != nil {
		edit(t, func(x []float64) { clear(x) })
	}
}

func swapHalves(t *tensor.Tensor) *tensor.Tensor {
	if t == nil {
		return nil
	}
	c := ref64.New().New(t.Shape()...)
	ref64.SetValues(c, ref64.Values(t))
	h := t.Cols() / 2
	ref64.SetValues(c.Columns(0, h), ref64.Values(t.Columns(h, 2*h)))
	ref64.SetValues(c.Columns(h, 2*h), ref64.Values(t.Columns(0, h)))
	return c
}
