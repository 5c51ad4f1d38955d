package cuda_test

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/tensor"
)

// A recorder notes which entries a device asks its driver for.
type recorder struct {
	*cudatest.Driver
	entries map[string]bool
}

func (r recorder) Func(m cuda.Module, entry string, shared int) (cuda.Func, error) {
	r.entries[entry] = true
	return r.Driver.Func(m, entry, shared)
}

// recorded returns a device over the interpreter, and what it asked for; or a GPU.
func recorded(t *testing.T, m cuda.Mode) (*cuda.Device, map[string]bool) {
	if os.Getenv("HEAVYTAIL_TEST_DRIVER") == "real" {
		return cudatest.Open(t, cudatest.Config{Mode: m}), nil
	}
	r := recorder{cudatest.New(cudatest.Config{Seed: 1}), map[string]bool{}}
	d, err := cuda.New(r, cuda.Options{Mode: m, Segment: 1 << 20, Guard: 4096})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, d.Close())
		require.NoError(t, r.Misuse)
	})
	return d, r.entries
}

// integers are from −8 to 8: their products and sums are exact in every mode.
func integers(n int, seed uint64) []float32 {
	r := numtest.NewRand(seed)
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(int(r.Uint64()%17) - 8)
	}
	return x
}

// sides is the least k with k·k·each ≥ n.
func sides(n, each int) int { return int(math.Ceil(math.Sqrt(float64(n) / float64(each)))) }

// large runs products, convolutions and the gradients of a weight of each, of sizes that
// make a block of each of the larger tilings for every processor; it returns their
// results.
func large(dev tensor.Device, processors int, fill func(n int, seed uint64) []float32) (out []float32) {
	seed := uint64(0)
	mk := func(shape ...int) *tensor.Tensor {
		seed++
		return upload(dev, fill(count(shape), seed), shape...)
	}
	for _, s := range [][2]int{{16, 256}, {16, 64}, {8, 64}} { // rows of eight pixels for a processor, and columns
		y := dev.New(8*s[0]*processors, s[1])
		dev.Linear(y, mk(8*s[0]*processors, 32), mk(32, s[1]), mk(s[1]))
		conv := dev.New(processors, s[0], 8, s[1])
		dev.Conv2D(conv, mk(processors, s[0], 8, 32), mk(3, 3, 32, s[1]), mk(s[1]), nil, tensor.ConvOpt{})
		out = append(append(out, down(y)...), down(conv)...)
	}
	c := 64 * sides(processors, 1)
	dw := mk(c, c)
	dev.LinearBackward(nil, dw, nil, mk(20, c), mk(20, c), dw)
	out = append(out, down(dw)...)
	wide := mk(3, 3, 128, 64)
	dev.Conv2DBackward(nil, wide, nil, mk(processors, 6, 6, 64), mk(processors, 6, 6, 128), wide, tensor.ConvOpt{Normalized: true})
	out = append(out, down(wide)...)
	for _, c := range [][2]int{{1, 1}, {2, 1}} {
		c := [2]int{c[0] * 64 * sides(processors, 9), c[1] * 64 * sides(processors, 9)}
		back := mk(3, 3, c[0], c[1])
		dev.Conv2DBackward(nil, back, nil, mk(1, 4, 3, c[1]), mk(1, 4, 3, c[0]), back, tensor.ConvOpt{})
		out = append(out, down(back)...)
	}
	return out
}

// The tilings that only a large tensor takes have the bits of the CPU too, on as many
// processors as there are: those whose times are measured.
func TestTilings(t *testing.T) {
	t.Parallel()
	d, entries := recorded(t, cuda.Exact)
	fill := func(n int, seed uint64) []float32 { return numtest.NewRand(seed).Fill(make([]float32, n), 1) }
	p := d.Processors()
	numtest.SameBits(t, large(kernels.New(0), p, fill), large(d, p, fill), "large tilings")

	heads := func(dev tensor.Device) []float32 {
		y := dev.New(1, 40, 64)
		dev.Attention(y, upload(dev, fill(40*192, 1), 1, 40, 192), 2)
		dev.Fill(y.Columns(0, 4), 3)
		return down(y)
	}
	numtest.SameBits(t, heads(kernels.New(1)), heads(d), "heads of 32")
	if entries != nil {
		for _, name := range []string{"sgemm_128x128", "sgemm_128x64", "sgemm_64x64", "sconv_128x128", "sconv_128x64", "sconv_64x64",
			"wgrad_128x64", "wgrad_64x64", "wgrad_taps_128x64", "wgrad_taps_64x64", "attention_32", "fill_4"} {
			require.True(t, entries[name], "nothing took %s", name)
		}
	}
}

// So do those of the fast modes, on integers, of whose sums no order loses a bit.
func TestFastTilings(t *testing.T) {
	t.Parallel()
	for m, names := range map[cuda.Mode][]string{
		cuda.BF16: {"mma_bf16_nn_big", "mma_bf16_conv_big", "mma_bf16_wgrad"},
		cuda.TF32: {"mma_tf32_conv", "mma_tf32_wgrad"},
	} {
		d, entries := recorded(t, m)
		p := d.Processors()
		numtest.SameBits(t, large(kernels.New(0), p, integers), large(d, p, integers), m.String())
		if entries != nil {
			for _, name := range names {
				require.True(t, entries[name], "%v: nothing took %s", m, name)
			}
		}
	}
}
