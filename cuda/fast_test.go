package cuda_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/tensor"
	"heavytail/tensor/devicetest"
)

// fastModes and by how much of itself each rounds an operand: bfloat16 keeps 8 bits and
// rounds to nearest; tensor cores cut float32 to 11.
var fastModes = map[cuda.Mode]float64{cuda.BF16: 0x1p-8, cuda.TF32: 0x1p-10}

func openFast(t testing.TB, m cuda.Mode, seed int64) *cuda.Device {
	return cudatest.Open(t, cudatest.Config{Mode: m, Seed: seed})
}

// The fast modes keep the bounds that follow from their rounding, in whole and split
// batches.
func TestFastConformance(t *testing.T) {
	t.Parallel()
	for m, u := range fastModes {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			devicetest.RunRounded(t, openFast(t, m, 1), u, os.Getenv("HEAVYTAIL_EXHAUSTIVE") == "")
		})
	}
}

// What the fast modes do not promise to round has the bits of the CPU, sums of
// gradients of biases, say. What they round does not: they are at work.
func TestFastExactRest(t *testing.T) {
	t.Parallel()
	for m := range fastModes {
		d := openFast(t, m, 2)
		require.Regexp(t, "^cuda .* "+m.String()+"$", d.Name())
		other := map[string]bool{}
		for _, c := range devicetest.CoreCases() {
			want, err := c.Outputs(kernels.New(1), 0)
			require.NoError(t, err)
			got, err := c.Outputs(d, 0)
			require.NoError(t, err)
			for name, x := range want {
				err := devicetest.Same(devicetest.Values{name: x}, devicetest.Values{name: got[name]})
				if !devicetest.Rounds(name) {
					require.NoError(t, err, c.Name)
				} else if err != nil {
					other[family(&c)+" "+strings.TrimRight(name, "012345")] = true
				}
			}
		}
		want := map[string]bool{"CoreAttention dqkv": true}
		for _, name := range []string{"y", "dx", "dw"} {
			want["CoreLinear "+name], want["CoreConv2D "+name] = true, true
		}
		if m == cuda.BF16 {
			want["CoreAttention y"] = true
		}
		require.Equal(t, want, other, "%v rounds", m)
	}
}

// Networks with everything that tensor cores take.
var coreNets = map[string]nn.Config{
	"unet": {UNet: &nn.UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 32, ChannelMult: []int{2}, NumResBlocks: 1,
		AttentionDS: []int{1}, NumHeads: 1, NumClasses: 3, TimeScale: 1000, ImageSize: 4, Magnitude: true}},
	"points": {MLP: &nn.MLPConfig{Dim: 3, Units: 64, Blocks: 1, TimeEmb: 32, TimeScale: 1000, Magnitude: true, TailRadius: 4}},
}

// distance is ‖x−y‖/‖y‖.
func distance(x, y []float32) float64 {
	var d, n float64
	for i, v := range y {
		d += math.Pow(float64(x[i])-float64(v), 2)
		n += math.Pow(float64(v), 2)
	}
	return math.Sqrt(d / n)
}

// Networks in the fast modes are near those of the CPU, forward and back, and not equal
// to them. A product is off by about 2u of what it computes, with signs of its own; 64
// of them follow each other at most, forward and back, and √64 is 8.
func TestFastNetworks(t *testing.T) {
	t.Parallel()
	for name, cfg := range coreNets {
		for m, u := range fastModes {
			training := name == "points" || os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" // which takes seconds of images
			want := pass(t, kernels.New(1), cfg, 2, training)
			got := pass(t, openFast(t, m, 3), cfg, 2, training)
			for _, what := range []string{"y", "gradient"} {
				if what == "gradient" && !training {
					continue
				}
				d := distance(got[what], want[what])
				t.Logf("%s, %v, %s: %.2g", name, m, what, d)
				require.Less(t, d, 16*u, "%s, %v: %s", name, m, what)
				require.Greater(t, d, u/64, "%s, %v: %s is that of the CPU", name, m, what)
			}
		}
	}
}

// A sample in a fast mode does not depend on its batch, nor on the order of blocks.
func TestFastBatches(t *testing.T) {
	t.Parallel()
	two := pass(t, openFast(t, cuda.BF16, 1), coreNets["unet"], 2, false)["y"]
	one := pass(t, openFast(t, cuda.BF16, 2), coreNets["unet"], 1, false)["y"]
	numtest.SameBits(t, two[:len(one)], one, "the first of two")
}

// Gradients of biases are added in parts in the fast modes: of integers all rows, once.
func TestFastBiases(t *testing.T) {
	for _, m := range []cuda.Mode{cuda.TF32, cuda.BF16} {
		fewest := 0
		for _, c := range []struct{ rows, more int }{{511, 0}, {512, 1}, {1024, 1}, {1301, 2}} {
			rows, more := c.rows, c.more
			run := func(dev tensor.Device) []float32 {
				const c, o = 8, 40
				dw, db := upload(dev, integers(c*o, 1), c, o), upload(dev, integers(o, 2), o)
				dy := upload(dev, integers(rows*(o+3), 3), rows, o+3).Columns(0, o)
				dev.LinearBackward(nil, dw, db, dy, upload(dev, integers(rows*c, 4), rows, c), dw)
				return down(db)
			}
			d := cudatest.Open(t, cudatest.Config{Mode: m})
			before := d.Launches()
			numtest.SameBits(t, run(kernels.New(1)), run(d), fmt.Sprint(m, rows))
			if n := d.Launches() - before; more == 0 {
				fewest = n
			} else {
				require.Equal(t, fewest+more, n, "launches of %v, %d rows", m, rows)
			}
		}
	}
}
