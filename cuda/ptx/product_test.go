package ptx

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/cuda/gen"
	"heavytail/tensor"
)

func sgemm(n, m int, g gen.SGEMM, seed int64) emu.Launch {
	return launch(up(n, g.BN), up(m, g.BM), g.Threads(), g.Shared(), seed)
}

// clean fails if the main loops of a product had more shared-memory wavefronts
// than their bytes need.
func clean(t *testing.T, module, entry string, st *emu.Stats) {
	t.Helper()
	text, err := Text(module)
	require.NoError(t, err)
	lines := strings.Split(text, "\n")
	for line, n := range st.Conflicts {
		t.Errorf("%s line %d (%s): %d wavefronts more than needed", entry, line, strings.TrimSpace(lines[line-1]), n)
	}
}

// products are the tilings of products, found by what they are: places in a list
// move when the list does.
var products = slices.DeleteFunc(slices.Clone(gen.SGEMMs), func(k gen.SGEMM) bool { return k.Conv })

// weightProducts are the gradients of weights of products, found in the same way.
var weightProducts = slices.DeleteFunc(slices.Clone(gen.Wgrads), func(k gen.Wgrad) bool { return k.Conv })

// A product, plain, with bias and with residual, has the bits of Linear and of a
// 1×1 convolution.
func TestSGEMM(t *testing.T) {
	for _, k := range products {
		for i, s := range [][3]int{{200, 132, 100}, {64, 64, 64}, {3, 4, 4}, {130, 68, 52}} {
			M, N, K := s[0], s[1], s[2]
			a, b, bias, res := odd(random(M*K, 1)), random(K*N, 2), random(N, 3), random(M*N, 4)
			linear, conv := cpu.New(M, N), cpu.New(1, 1, M, N)
			cpu.Linear(linear, onCPU(a, M, K), onCPU(b, K, N), onCPU(bias, N))
			cpu.Conv2D(conv, onCPU(a, 1, 1, M, K), onCPU(b, 1, 1, K, N), onCPU(bias, N), onCPU(res, 1, 1, M, N), tensor.ConvOpt{})
			for seed := range int64(3) {
				if i > 0 && seed > 0 {
					break // one shape in several orders
				}
				g := &gpu{t: t}
				c := g.room(M * N)
				l := sgemm(N, M, k, seed)
				l.Count = seed == 0
				st := g.run(k.Name, k.Name, l, g.put(a), g.put(b), c, g.put(bias), uint64(0), M, N, K, K, N, N, N, 0, 0, 0, 0)
				same(t, linear.Data(), g.floats(c, M*N), "%s %v seed %d", k.Name, s, seed)
				clean(t, k.Name, k.Name, st)
			}
			g := &gpu{t: t}
			c := g.room(M * N)
			g.run(k.Name, k.Name, sgemm(N, M, k, 9), g.put(a), g.put(b), c, g.put(bias), g.put(res), M, N, K, K, N, N, N, 0, 0, 0, 0)
			same(t, conv.Data(), g.floats(c, M*N), "%s %v with residual", k.Name, s)
		}
	}
}

// A chain that starts at what C holds goes on: two halves of K are the whole.
func TestSGEMMContinues(t *testing.T) {
	const M, N, K = 40, 36, 48
	a, b := random(M*K, 1), random(K*N, 2)
	want := cpu.New(M, N)
	cpu.Linear(want, onCPU(a, M, K), onCPU(b, K, N), nil)
	for _, k := range products {
		g := &gpu{t: t}
		c, pa, pb := g.room(M*N), g.put(a), g.put(b)
		const half = K / 3 * 2
		g.run(k.Name, k.Name, sgemm(N, M, k, 1), pa, pb, c, uint64(0), uint64(0), M, N, half, K, N, N, N, 0, 0, 0, 0)
		g.run(k.Name, k.Name, sgemm(N, M, k, 2), pa+4*half, pb+4*half*N, c, uint64(0), uint64(0), M, N, K-half, K, N, N, N, 0, 0, 0, 1)
		same(t, want.Data(), g.floats(c, M*N), "%s", k.Name)
	}
}

// The gradient of a product's weight goes on from what it held.
func TestWgrad(t *testing.T) {
	for i, s := range [][3]int{{100, 68, 70}, {64, 64, 64}, {4, 4, 3}, {68, 132, 40}} {
		M, N, K := s[0], s[1], s[2] // input and output channels, rows
		x, dy, dw := odd(random(K*M, 1)), random(K*N, 2), random(M*N, 3)
		want := onCPU(dw, M, N)
		cpu.LinearBackward(nil, want, nil, onCPU(dy, K, N), onCPU(x, K, M), onCPU(random(M*N, 4), M, N))
		for _, k := range weightProducts {
			for seed := range int64(3 - min(i, 2)) {
				g := &gpu{t: t}
				c := g.put(dw)
				l := launch(up(N, k.BN), up(M, k.BM), k.Threads(), k.Shared(), seed)
				l.Count = true
				st := g.run(k.Name, k.Name, l, g.put(x), g.put(dy), c, M, N, M, N, K, N, 0, 0, 0, 1)
				same(t, want.Data(), g.floats(c, M*N), "%s %v seed %d", k.Name, s, seed)
				clean(t, k.Name, k.Name, st)
			}
		}
	}
}

// Attention for every number of channels that has a kernel, T up to several
// tiles of keys, with NaN and with a score that dwarfs the others.
func TestAttention(t *testing.T) {
	for i, s := range [][4]int{{1, 64, 2, 16}, {2, 49, 1, 64}, {1, 130, 1, 32}, {1, 64, 1, 32}, {1, 64, 1, 64}, {1, 5, 1, 16}} {
		N, T, H, d := s[0], s[1], s[2], s[3]
		C := H * d
		for seed := range int64(3) {
			x := random(N*T*3*C, 9)
			switch seed {
			case 1:
				x[7] = float32(math.NaN())
			case 2:
				x[9] = 1e20
			}
			y := cpu.New(N, T, C)
			cpu.Attention(y, onCPU(x, N, T, 3*C), H)
			g := &gpu{t: t}
			at := g.room(N * T * C)
			name := gen.AttentionName(d)
			l := launch(up(T, 32), N*H, 128, gen.AttentionShared(d, T), seed+int64(i))
			l.Count = T%32 == 0 // the softmax of fewer tokens leaves lanes idle
			st := g.run(name, name, l, at, g.put(x), T, H, 3*C, C, float32(1/math.Sqrt(float64(d))), gen.AttentionWidth(T))
			if l.Count {
				clean(t, name, name, st)
			}
			same(t, y.Data(), g.floats(at, N*T*C), "%v seed %d", s, seed)
		}
	}
}
