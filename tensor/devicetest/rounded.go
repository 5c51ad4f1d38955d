package devicetest

import (
	"maps"
	"strings"
	"testing"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// RunRounded is Run for a device with a fast mode: one that rounds the operands of
// Linear, Conv2D, their gradients at x and w, and attention by at most u of
// themselves, and may add with an error of 2⁻²³ where exact ones have 2⁻²⁴.
// Everything else has the bounds of Run. It runs the cases of CoreCases, and unless
// short all others but the large ones.
func RunRounded(t *testing.T, dev tensor.Device, u float64, short bool) {
	all := CoreCases()
	if !short {
		all = append(all, Cases(true)...)
	}
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) {
			r := c.Rounded(u)
			if err := r.Check(dev); err != nil {
				t.Error(err)
			}
		})
	}
}

// Rounded returns c for a device that rounds operands by at most u of themselves. Then a
// product a·b is off by (2u + u²)·|a·b|, and so is a sum of them by that of the sum of
// magnitudes; the order of a sum, and how it ends in float32, may double the stated
// errors. The bounds of attention are in attnMagnitude.
func (c Case) Rounded(u float64) Case {
	c.rounding = u
	if c.products {
		c.units = maps.Clone(c.units)
		for name, n := range c.units {
			if Rounds(name) {
				c.units[name] = 2*n + (2*u+u*u)*0x1p24
			}
		}
	}
	if s := c.heads; s != nil {
		c.magnitude = func(v Values) Values { return attnMagnitude(v, *s, u) }
	}
	return c
}

// Rounds reports whether an output of that name is one of those that fast modes round,
// in cases of products and of attention: y, its numbered forms, dx, dw and dqkv.
func Rounds(name string) bool {
	return strings.HasPrefix(name, "y") || strings.HasPrefix(name, "dx") || strings.HasPrefix(name, "dw") || name == "dqkv"
}

// CoreCases returns cases with the shapes that the tensor cores of a GPU take: channels
// in multiples of 32, heads of 16, 32 and 64, more rows and tokens than a tile; and one
// that changes the weight between two calls. None of their tensors is a column view:
// those of this suite start at places that tensor cores cannot read from.
func CoreCases() (out []Case) {
	all := staleCase("CoreLinear", rowsShape{5, 32, 32})
	for _, s := range []rowsShape{{130, 64, 40}, {3, 32, 288}} {
		all = append(all, linearCase("CoreLinear", s, false)...)
	}
	for _, s := range []ref64.ConvShape{
		{N: 2, H: 5, W: 4, C: 32, O: 32, K: 3}, {N: 2, H: 5, W: 4, C: 32, O: 32, K: 3, Stride: 2}, {N: 2, H: 3, W: 4, C: 32, O: 32, K: 3, Up: true},
		{N: 2, H: 3, W: 4, C: 64, O: 32, K: 1}, {N: 2, H: 5, W: 3, C: 32, O: 32, K: 1, Stride: 2}, {N: 1, H: 6, W: 5, C: 32, O: 32, K: 3, Stride: 2, After: true},
	} {
		all = append(all, convCase("CoreConv2D", s, false)...)
	}
	for _, s := range []ref64.AttnShape{{N: 2, T: 70, C: 64, Heads: 1}, {N: 2, T: 65, C: 64, Heads: 2}, {N: 2, T: 33, C: 48, Heads: 3}} {
		all = append(all, attentionCase("CoreAttention", s, false)...)
	}
	poisoned := map[string]bool{}
	for _, c := range all {
		if c.pitch || strings.HasSuffix(c.Name, "/bare") {
			continue
		}
		if f, _, _ := strings.Cut(c.Name, "/"); !c.poison || !poisoned[f] { // one NaN of each is enough
			out = append(out, c)
			poisoned[f] = poisoned[f] || c.poison
		}
	}
	return out
}
