package ptx

import (
	"fmt"
	"math"
	"testing"

	"heavytail/cuda/gen"
	"heavytail/tensor"
)

// normShapes: samples, pixels, channels, groups, columns beside. Groups of a power
// of two, of any other width, of more channels than a warp has lanes, and slices
// that the last group does not fill.
var normShapes = [][5]int{{2, 100, 64, 16, 0}, {1, 33, 32, 32, 3}, {1, 2500, 8, 2, 0}, {2, 1, 64, 2, 0},
	{1, 40, 36, 3, 1}, {2, 9, 30, 10, 0}, {1, 35, 80, 2, 0}, {1, 5, 7, 1, 2}}

// A norm is one case on both sides; of mode, bit 0 is SiLU, 1 scale and shift, 2
// adding to dx.
type norm struct {
	g                          *gpu
	N, P, C, pitch             int
	opt                        tensor.NormOpt
	x, gamma, beta, ss, stats  *tensor.Tensor
	pX, pGamma, pBeta, pSS, pS uint64
}

func newNorm(t *testing.T, s [5]int, mode int) *norm {
	n := &norm{g: &gpu{t: t}, N: s[0], P: s[1], C: s[2], pitch: s[2] + s[4]}
	n.opt = tensor.NormOpt{Groups: s[3], Eps: 1e-5, SiLU: mode&1 != 0, AddDX: mode&4 != 0}
	x, gamma, beta, ss := random(n.N*n.P*n.pitch, 1), random(n.C, 2), random(n.C, 3), random(n.N*2*n.C, 4)
	if mode == 3 {
		x[3], x[len(x)/2], x[len(x)/2+1] = float32(math.NaN()), -200, 88
	}
	n.x, n.pX = n.images(x)
	n.gamma, n.pGamma, n.beta, n.pBeta = onCPU(gamma, n.C), n.g.put(gamma), onCPU(beta, n.C), n.g.put(beta)
	if mode&2 != 0 {
		n.ss, n.pSS = onCPU(ss, n.N, 2*n.C), n.g.put(ss)
	}
	n.stats, n.pS = cpu.New(n.N, 2*n.C), n.g.room(2*n.N*n.C)
	return n
}

// images is [N,1,P,C] in rows of pitch, on both sides.
func (n *norm) images(x []float32) (*tensor.Tensor, uint64) {
	return onCPU(x, n.N, 1, n.P, n.pitch).Columns(0, n.C), n.g.put(x)
}

func (n *norm) launch(seed int64) (cpg, width int, run func(entry string, params ...any)) {
	cpg = n.C / n.opt.Groups
	width = gen.GroupNormWidth(cpg)
	return cpg, width, func(entry string, params ...any) {
		n.g.run("groupnorm", entry, launch(up(n.C, width), n.N, 256, gen.GroupNormShared(cpg), seed), params...)
	}
}

// forward runs both and compares the results.
func (n *norm) forward(t *testing.T, seed int64, what string) {
	whole := make([]float32, n.N*n.P*n.pitch)
	y, py := n.images(whole)
	cpu.GroupNorm(y, n.x, n.gamma, n.beta, n.ss, n.stats, n.opt)
	cpg, width, run := n.launch(seed)
	run("groupnorm", py, n.pX, n.pGamma, n.pBeta, n.pSS, n.pS, n.P, n.C, cpg, width, n.pitch, n.pitch, n.opt.Eps, flag(n.opt.SiLU))
	same(t, n.stats.Data(), n.g.floats(n.pS, 2*n.N*n.C), "statistics %s", what)
	n.check(t, y, py, what)
}

// padded are random images with zeros in the columns beside.
func (n *norm) padded(seed int64) []float32 {
	x := random(n.N*n.P*n.pitch, seed)
	for i := range x {
		if i%n.pitch >= n.C {
			x[i] = 0
		}
	}
	return x
}

// check compares an image, and that nothing was written beside it.
func (n *norm) check(t *testing.T, want *tensor.Tensor, at uint64, what string) {
	t.Helper()
	got := onCPU(n.g.floats(at, n.N*n.P*n.pitch), n.N, 1, n.P, n.pitch)
	same(t, values(cpu, want), values(cpu, got.Columns(0, n.C)), "%s", what)
	if n.pitch > n.C {
		for i, v := range values(cpu, got.Columns(n.C, n.pitch)) {
			if v != 0 {
				t.Fatalf("%s: element %d beside the tensor is %v", what, i, v)
			}
		}
	}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// GroupNorm, with and without scale, shift and SiLU: result and statistics.
func TestGroupNorm(t *testing.T) {
	for _, s := range normShapes {
		for mode := range 4 {
			newNorm(t, s, mode).forward(t, int64(mode), fmt.Sprint(s, " mode ", mode))
		}
	}
}

// The gradients of GroupNorm, added to dx or not, and dx in the place of dy.
func TestGroupNormBackward(t *testing.T) {
	for i, s := range normShapes {
		for mode := range 8 {
			if i == 2 && mode != 5 { // 2500 pixels once
				continue
			}
			what := fmt.Sprint(s, " mode ", mode)
			n := newNorm(t, s, mode)
			n.forward(t, 0, what)
			g, N, C := n.g, n.N, n.C
			dy, pDY := n.images(n.padded(6))
			dx, pDX := dy, pDY
			if mode != 0 {
				dx, pDX = n.images(n.padded(7))
			}
			grads, dss, pDSS := g.room(2*N*C), cpu.New(N, 2*C), uint64(0)
			if n.ss == nil {
				dss = nil
			} else {
				pDSS = g.room(2 * N * C)
			}
			dgamma, dbeta := onCPU(random(C, 8), C), onCPU(random(C, 9), C)
			pDGamma, pDBeta := g.put(dgamma.Data()[:C]), g.put(dbeta.Data()[:C])
			cpu.GroupNormBackward(dx, dgamma, dbeta, dss, dy, n.x, n.gamma, n.beta, n.ss, n.stats, n.opt)
			cpg, width, run := n.launch(int64(mode))
			entry := "groupnorm_backward"
			if n.opt.SiLU {
				entry = "groupnorm_silu_backward"
			}
			run(entry, pDX, pDY, n.pX, n.pGamma, n.pBeta, n.pSS, n.pS, grads, pDSS, n.P, C, cpg, width, n.pitch, n.pitch, n.pitch, flag(n.opt.AddDX))
			for half, to := range []uint64{pDGamma, pDBeta} {
				g.run("column_sums", "column_sums", launch(up(C, 32), 1, 32, 0, 1), to, C, grads+uint64(4*C*half), 2*C, N, C, 1)
			}
			n.check(t, dx, pDX, "dx "+what)
			same(t, dgamma.Data()[:C], g.floats(pDGamma, C), "dgamma %s", what)
			same(t, dbeta.Data()[:C], g.floats(pDBeta, C), "dbeta %s", what)
			if dss != nil {
				same(t, dss.Data(), g.floats(pDSS, 2*N*C), "dss %s", what)
			}
		}
	}
}

// LayerNorm and its gradients in all modes, of rows shorter and longer than the
// lanes, and in place.
func TestLayerNorm(t *testing.T) {
	for i, s := range [][3]int{{11, 50, 0}, {3, 7, 2}, {8, 130, 0}, {1, 1, 0}} {
		M, C, pitch := s[0], s[1], s[1]+s[2]
		for mode := range 4 {
			what := fmt.Sprint(s, " mode ", mode)
			opt := tensor.NormOpt{Eps: 1e-5, SiLU: mode&1 != 0, AddDX: mode&2 != 0}
			g := &gpu{t: t}
			raw, gamma, beta := random(M*pitch, 1), random(C, 2), random(C, 3)
			if mode == 3 && C > 40 {
				raw[C/2], raw[pitch+3] = float32(math.NaN()), 1e4
			}
			x, pX := g.view(raw, M, C, pitch)
			tGamma, tBeta, pGamma, pBeta := onCPU(gamma, C), onCPU(beta, C), g.put(gamma), g.put(beta)
			y, stats := cpu.New(M, C), cpu.New(M, 2)
			cpu.LayerNorm(y, x, tGamma, tBeta, stats, opt)
			pY, pS := g.room(M*C), g.room(2*M)
			rows := launch(up(M, 8), 1, 128, 0, int64(mode+i))
			g.run("layernorm", "layernorm", rows, pY, pX, pGamma, pBeta, pS, M, C, C, pitch, opt.Eps, flag(opt.SiLU))
			same(t, y.Data()[:M*C], g.floats(pY, M*C), "y %s", what)
			same(t, stats.Data()[:2*M], g.floats(pS, 2*M), "statistics %s", what)

			dy, old := random(M*C, 5), random(M*C, 6)
			tDY, pDY := onCPU(dy, M, C), g.put(dy)
			dx, pDX := onCPU(old, M, C), g.put(old)
			if mode == 1 {
				dx, pDX = tDY, pDY
			}
			dgamma, dbeta := onCPU(random(C, 8), C), onCPU(random(C, 9), C)
			pDGamma, pDBeta := g.put(dgamma.Data()[:C]), g.put(dbeta.Data()[:C])
			cpu.LayerNormBackward(dx, dgamma, dbeta, tDY, x, tGamma, tBeta, stats, opt)
			g.run("layernorm", "layernorm_params", launch(up(C, 32), 1, 32, 0, 2), pDGamma, pDBeta, pDY, pX, pGamma, pBeta, pS, M, C, C, pitch, flag(opt.SiLU))
			g.run("layernorm", "layernorm_backward", rows, pDX, pDY, pX, pGamma, pBeta, pS, M, C, C, C, pitch, flag(opt.AddDX), flag(opt.SiLU))
			same(t, dx.Data()[:M*C], g.floats(pDX, M*C), "dx %s", what)
			same(t, dgamma.Data()[:C], g.floats(pDGamma, C), "dgamma %s", what)
			same(t, dbeta.Data()[:C], g.floats(pDBeta, C), "dbeta %s", what)
		}
	}
}
