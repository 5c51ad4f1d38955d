package emu

import (
	"encoding/binary"
	"math"
	"math/rand"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Triton's compiler made the texts of testdata from triton_dot.py: products
// with ldmatrix, cp.async and mma in layouts that another project chose and
// that are right on hardware. Here they give the product too, in every order of
// blocks and warps. The elements have 8 bits of fraction, so the products are
// exact, and each of the K additions errs by at most 2⁻²⁴ of the magnitude:
// the interpreter adds a whole instruction's products in float64.
func TestTriton(t *testing.T) {
	const M, N, K = 64, 96, 160
	rnd := rand.New(rand.NewSource(5))
	short := func(n int) []float32 { // bfloat16 numbers
		x := make([]float32, n)
		for i := range x {
			x[i] = math.Float32frombits(math.Float32bits(float32(rnd.NormFloat64())) &^ 0xffff)
		}
		return x
	}
	x, y := short(M*K), short(K*N)
	for _, name := range []string{"bf16_80", "bf16_90", "fp32_80", "fp32_90"} {
		text, err := os.ReadFile("testdata/triton_mm_" + name + ".ptx")
		require.NoError(t, err)
		m, err := Parse(string(text))
		require.NoError(t, err, name)
		for seed := range int64(3) {
			var g Memory
			put := func(x []float32) uint64 {
				var raw []byte
				for _, v := range x {
					if strings.HasPrefix(name, "bf16") {
						raw = binary.LittleEndian.AppendUint16(raw, uint16(math.Float32bits(v)>>16))
					} else {
						raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
					}
				}
				at := g.Alloc(len(raw))
				g.Write(at, raw)
				return at
			}
			at := g.Alloc(4 * M * N)
			var p []byte
			for _, v := range []uint64{put(x), put(y), at, M | N<<32, K, 0, 0} { // the last two: scratch that is not used
				p = binary.LittleEndian.AppendUint64(p, v)
			}
			_, err := m.Kernels["mm"].Run(&g, Launch{Grid: [3]uint32{M / 32, N / 32, 1}, Block: [3]uint32{128, 1, 1}, Dynamic: 16384, Params: p, Seed: seed})
			require.NoError(t, err, name)
			got := g.Read(at, 4*M*N)
			for i := range M {
				for j := range N {
					sum, size := 0.0, 0.0
					for k := range K {
						v := float64(x[i*K+k]) * float64(y[k*N+j])
						sum += v
						size += math.Abs(v)
					}
					v := float64(f32(load(got[4*(i*N+j):], 4)))
					require.InDelta(t, sum, v, K/8*0x1p-24*size, "%s seed %d row %d column %d", name, seed, i, j)
				}
			}
		}
	}
}
