package cuda_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/cuda/emu"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/stable"
	"heavytail/tensor"
)

// elementwise runs every method that works element by element, on 4 samples of 16×16
// pixels with 64 channels.
func elementwise(d *cuda.Device) {
	x, y, z := d.New(4, 16, 16, 64), d.New(4, 16, 16, 64), d.New(4, 16, 16, 64)
	wide := d.New(4, 16, 16, 128).Columns(32, 96)
	d.Fill(wide, 1)
	d.Copy(wide, x)
	d.Add(y, x, wide)
	d.Scale(x, 2)
	d.Lerp(x, y, 0.5)
	d.ScaleSamples(y, x, []float32{1, 2, 3, 4})
	d.SiLU(y, x)
	d.SiLUBackward(z, y, x)
	d.AddChannels(y, x, d.New(4, 64))
	d.Embedding(d.New(4, 64), d.New(10, 64), []int{3, 9, -1, 0})
	d.Dropout(y, x, 0.1, 7, []uint64{1, 2, 3, 4})
	for _, kind := range []tensor.LossKind{tensor.Squared, tensor.Huber, tensor.PNorm} {
		d.LossBackward(z, x, y, kind, 1.5, []float64{1, 1, 1, 1})
	}
	p, g, m, v := d.New(4096), d.New(4096), d.New(4096), d.New(4096)
	d.AdamW(p, g, m, v, tensor.AdamWOpt{Step: 1, LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8})
	for _, f := range []stable.Family{stable.UniformFamily(), stable.ExponentialFamily(), stable.NormalFamily(1), stable.SymmetricFamily(0.8),
		stable.SymmetricFamily(1.7), stable.SkewedFamily(1.2, 0.9, stable.S1), stable.SkewedFamily(1, 1, stable.S0),
		stable.PositiveFamily(0.4, stable.Value), stable.PositiveFamily(0.7, stable.Root), stable.PositiveFamily(0.3, stable.Log)} {
		d.Noise(p, stable.Key{Seed: 1}, f, 0)
	}
	d.StableNoise(d.New(4, 4096), stable.Key{Seed: 1}, stable.Noise{Alpha: 1.7})
	d.Conv2D(d.New(4, 16, 16, 48), d.New(4, 8, 8, 48), d.New(3, 3, 48, 48), nil, nil, tensor.ConvOpt{Up: true}) // no multiple of 32: exact
	d.Linear(d.New(128, 64), d.New(128, 64), d.New(64, 64), nil)
}

// Kernels that work element by element use at least 85 % of the bytes of the sectors
// that they ask memory for.
func TestSectors(t *testing.T) {
	seen := map[string]float64{}
	drv := cudatest.New(cudatest.Config{Sampled: func(entry string, _ [3]uint32, st *emu.Stats) {
		if st.GlobalSectors > 0 && !strings.HasPrefix(entry, "mma_") && !strings.HasPrefix(entry, "sgemm") {
			seen[entry] = float64(st.GlobalBytes) / 32 / float64(st.GlobalSectors)
		}
	}})
	d, err := cuda.New(drv, cuda.Options{Mode: cuda.BF16})
	require.NoError(t, err)
	defer d.Close()
	elementwise(d)
	require.NoError(t, d.Err())
	for entry, share := range seen {
		t.Logf("%-24s %.3f", entry, share)
		require.GreaterOrEqual(t, share, 0.85, entry)
	}
	for _, entry := range []string{"fill_4", "copy_4", "add_4", "scale_4", "lerp_4", "scale_samples_4", "silu_4", "silu_backward_4", "add_channels_4", "embedding_4",
		"dropout_4", "loss_squared_backward_4", "loss_huber_backward_4", "loss_pnorm_backward_4", "adamw_4", "to_bf16", "normal", "symmetric_high",
		"winoup_taps", "winoup_in", "winoup_out"} {
		require.Contains(t, seen, entry)
	}
}

// Rows beside the operands that no access of 16 bytes can read have the same bits.
func TestRowsBeside(t *testing.T) {
	run := func(dev tensor.Device) []float32 {
		fill := func(seed uint64, shape ...int) *tensor.Tensor {
			return upload(dev, numtest.NewRand(seed).Fill(make([]float32, count(shape)), 1), shape...)
		}
		x, y := fill(1, 2, 3, 3, 8), dev.New(2, 3, 3, 8)
		dev.AddChannels(y, x, fill(2, 2, 9).Columns(1, 9))
		rows := fill(3, 3, 8)
		dev.Embedding(rows, fill(4, 5, 8), []int{4, -1, 0})
		return append(down(y), down(rows)...)
	}
	numtest.SameBits(t, run(kernels.New(1)), run(cudatest.Open(t, cudatest.Config{})), "rows beside")
}
