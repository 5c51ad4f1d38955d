package ptx

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/cuda/gen"
	"heavytail/simd"
	"heavytail/stable"
	"heavytail/tensor"
)

// attempt runs one entry and compares a result with the CPU's.
func attempt(k *emu.Kernel, g *gpu, l emu.Launch, at uint64, want []float32, params ...any) error {
	l.Params = pack(g.t, k, params...)
	if _, err := k.Run(&g.m, l); err != nil {
		return err
	}
	return wrong(g, at, want)
}

func trySGEMM(g *gpu, k *emu.Kernel, seed int64) error {
	const M, N, K = 70, 68, 100
	a, b, bias := random(M*K, 1), random(K*N, 2), random(N, 3)
	y, s, c := cpu.New(M, N), products[slices.IndexFunc(products, func(p gen.SGEMM) bool { return p.Name == k.Name })], g.room(M*N)
	cpu.Linear(y, onCPU(a, M, K), onCPU(b, K, N), onCPU(bias, N))
	return attempt(k, g, sgemm(N, M, s, seed), c, y.Data(), g.put(a), g.put(b), c, g.put(bias), uint64(0), M, N, K, K, N, N, N, 0, 0, 0, 0)
}

func tryWgrad(g *gpu, k *emu.Kernel, seed int64) error {
	const M, N, K = 68, 36, 70
	x, dy := random(K*M, 1), random(K*N, 2)
	y := cpu.New(M, N)
	cpu.LinearBackward(nil, y, nil, onCPU(dy, K, N), onCPU(x, K, M), onCPU(random(M*N, 4), M, N))
	c := g.put(make([]float32, M*N))
	w := weightProducts[slices.IndexFunc(weightProducts, func(p gen.Wgrad) bool { return p.Name == k.Name })]
	return attempt(k, g, launch(up(N, w.BN), up(M, w.BM), w.Threads(), w.Shared(), seed), c, y.Data(), g.put(x), g.put(dy), c, M, N, M, N, K, N, 0, 0, 0, 1)
}

func tryAttention(g *gpu, k *emu.Kernel, seed int64) error {
	const T, d = 70, 16
	x, y, c := random(T*3*d, 1), cpu.New(1, T, d), g.room(T*d)
	cpu.Attention(y, onCPU(x, 1, T, 3*d), 1)
	return attempt(k, g, launch(up(T, 32), 1, 128, gen.AttentionShared(d, T), seed), c, y.Data(),
		c, g.put(x), T, 1, 3*d, d, float32(0.25), gen.AttentionWidth(T))
}

func tryGroupNorm(g *gpu, k *emu.Kernel, seed int64) error {
	const P, C, G = 300, 36, 3
	x, gamma, beta := random(P*C, 1), random(C, 2), random(C, 3)
	y, c := cpu.New(1, 1, P, C), g.room(P*C)
	cpu.GroupNorm(y, onCPU(x, 1, 1, P, C), onCPU(gamma, C), onCPU(beta, C), nil, cpu.New(1, 2*C), tensor.NormOpt{Groups: G, Eps: 1e-5})
	return attempt(k, g, launch(2, 1, 256, gen.GroupNormShared(C/G), seed), c, y.Data(),
		c, g.put(x), g.put(gamma), g.put(beta), uint64(0), g.room(2*C), P, C, C/G, gen.GroupNormWidth(C/G), C, C, float32(1e-5), 0)
}

func tryGroupNormBackward(g *gpu, k *emu.Kernel, seed int64) error {
	const P, C, G = 90, 40, 1
	x, dy, gamma, beta := random(P*C, 1), random(P*C, 4), onCPU(random(C, 2), C), onCPU(random(C, 3), C)
	tx, y, stats, opt := onCPU(x, 1, P, C), cpu.New(1, P, C), cpu.New(1, 2*C), tensor.NormOpt{Groups: G, Eps: 1e-5, SiLU: true}
	cpu.GroupNorm(y, tx, gamma, beta, nil, stats, opt)
	cpu.GroupNormBackward(y, cpu.New(C), cpu.New(C), nil, onCPU(dy, 1, P, C), tx, gamma, beta, nil, stats, opt)
	c := g.room(P * C)
	return attempt(k, g, launch(1, 1, 256, gen.GroupNormShared(C/G), seed), c, y.Data(), c, g.put(dy), g.put(x), g.put(gamma.Data()[:C]), g.put(beta.Data()[:C]),
		uint64(0), g.put(stats.Data()), g.room(2*C), uint64(0), P, C, C/G, gen.GroupNormWidth(C/G), C, C, C, 0)
}

func tryLayerNorm(g *gpu, k *emu.Kernel, seed int64) error {
	const M, C = 11, 50
	x, gamma, beta := random(M*C, 1), random(C, 2), random(C, 3)
	y, c := cpu.New(M, C), g.room(M*C)
	cpu.LayerNorm(y, onCPU(x, M, C), onCPU(gamma, C), onCPU(beta, C), cpu.New(M, 2), tensor.NormOpt{Eps: 1e-5})
	return attempt(k, g, launch(2, 1, 128, 0, seed), c, y.Data(), c, g.put(x), g.put(gamma), g.put(beta), g.room(2*M), M, C, C, C, float32(1e-5), 0)
}

func trySiLU(g *gpu, k *emu.Kernel, seed int64) error {
	const n = 1030
	x, y, c := random(n, 1), cpu.New(1, n), g.room(n)
	cpu.SiLU(y, onCPU(x, 1, n))
	return attempt(k, g, launch(up(n, 256), 1, 256, 0, seed), c, y.Data(), c, n, g.put(x), n, n, n)
}

func tryNormal(g *gpu, k *emu.Kernel, seed int64) error {
	const n = 300
	good, c := &gpu{t: g.t}, g.room(4*n)
	at := good.room(4 * n)
	params := []any{at, n, 0, 1, 2, 3, 4, 5, float32(1)}
	good.run("normal", "normal", launch(2, 1, 256, 0, 0), params...)
	params[0] = c
	return attempt(k, g, launch(2, 1, 256, 0, seed), c, good.floats(at, 4*n), params...)
}

func tryLoss(g *gpu, k *emu.Kernel, seed int64) error {
	const rows, cols = 60, 90
	x, y := random(rows*cols, 1), random(rows*cols, 2)
	blocks := up(rows*cols, 4096)
	c, out := g.room(blocks), g.m.Alloc(8)
	l := launch(1, 1, 128, 0, seed)
	l.Params = pack(g.t, k, c, g.put(x), cols, g.put(y), cols, rows*cols, rows, cols, blocks, blocks)
	if _, err := k.Run(&g.m, l); err != nil {
		return err
	}
	g.run("loss", "sum_blocks", launch(1, 1, 256, 0, seed), out, c, blocks, 1, float64(rows*cols))
	want := make([]float64, 1)
	cpu.Loss(want, onCPU(x, 1, rows, cols), onCPU(y, 1, rows, cols), tensor.Squared, 0)
	if got := g.doubles(out, 1); got[0] != want[0] {
		return fmt.Errorf("%v, want %v", got[0], want[0])
	}
	return nil
}

func trySumBlocks(g *gpu, k *emu.Kernel, seed int64) error {
	part, out := random(900, 1), g.m.Alloc(8)
	l := launch(1, 1, 256, 0, seed)
	l.Params = pack(g.t, k, out, g.put(part), len(part), 2, 1.0)
	if _, err := k.Run(&g.m, l); err != nil {
		return err
	}
	want := 0.0
	for i := 0; i < len(part); i += 2 {
		want += float64(part[i]) + float64(part[i+1])
	}
	if got := g.doubles(out, 1); got[0] != want {
		return fmt.Errorf("%v, want %v", got[0], want)
	}
	return nil
}

func tryAdamW(g *gpu, k *emu.Kernel, seed int64) error {
	const n = 260
	opt := tensor.AdamWOpt{LR: 1e-3, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1, GradScale: 0.5, Step: 3}
	p, gr, m, v := random(n, 1), random(n, 2), random(n, 3), make([]float32, n)
	want, c := onCPU(p, n), g.put(p)
	cpu.AdamW(want, onCPU(gr, n), onCPU(m, n), onCPU(v, n), opt)
	return attempt(k, g, launch(2, 1, 256, 0, seed), c, want.Data()[:n], append([]any{c, g.put(gr), g.put(m), g.put(v), n}, adamConstants(opt)...)...)
}

func tryColumnSums(g *gpu, k *emu.Kernel, seed int64) error {
	const rows, cols = 47, 40
	dy, db := random(rows*cols, 1), random(cols, 2)
	want, c := onCPU(db, cols), g.put(db)
	cpu.LinearBackward(nil, cpu.New(2, cols), want, onCPU(dy, rows, cols), cpu.New(rows, 2), cpu.New(2, cols))
	return attempt(k, g, launch(2, 1, 32, 0, seed), c, want.Data()[:cols], c, cols, g.put(dy), cols, rows, cols, 1)
}

// tryLaw runs a family of float32 variates.
func tryLaw(l law, per int) func(g *gpu, k *emu.Kernel, seed int64) error {
	return func(g *gpu, k *emu.Kernel, seed int64) error {
		const blocks = 500
		p := simd.NewPhilox(0, 0, 0, 0)
		want, c := make([]float32, per*blocks), g.room(per*blocks)
		simd.Noise(want, l.op, &p, 0, &l.params)
		return attempt(k, g, launch(2, 1, 256, 0, seed), c, want, append([]any{c, blocks, 0, 0, 0, 0, 0, 0}, l.extra(g)...)...)
	}
}

func tryStudent64(g *gpu, k *emu.Kernel, seed int64) error {
	const blocks = 300
	_, op, q, extra := student64(1.5)
	p := simd.NewPhilox(0, 0, 0, 0)
	want, c := make([]float64, blocks), g.m.Alloc(8*blocks)
	simd.Noise64(want, op, &p, 0, &q)
	l := launch(2, 1, 256, 0, seed)
	l.Params = pack(g.t, k, append([]any{c, blocks, 0, 0, 0, 0, 0, 0}, extra...)...)
	if _, err := k.Run(&g.m, l); err != nil {
		return err
	}
	for i, v := range g.doubles(c, blocks) {
		if v != want[i] {
			return fmt.Errorf("variate %d is %v, want %v", i, v, want[i])
		}
	}
	return nil
}

func tryNormalRows(g *gpu, k *emu.Kernel, seed int64) error {
	const d = 6
	want, c := make([]float32, 2*d), g.room(2*d)
	for j := range 2 {
		stable.Key{Seed: 5, Sample: 1<<32 - 1 + uint64(j), Step: 2}.Normal(want[j*d:][:d], 0)
	}
	return attempt(k, g, launch(1, 2, 256, 0, seed), c, want, c, 2, 5, 0, 2, uint64(1<<32-1), tagNormal, d, d, 2, g.put([]float32{1, 1}), float32(100))
}

// tryPointwise runs an elementwise kernel, four columns to a thread.
func tryPointwise(name string) func(g *gpu, k *emu.Kernel, seed int64) error {
	return func(g *gpu, k *emu.Kernel, seed int64) error {
		const rows, cols = 10, 36
		i := slices.IndexFunc(gen.Pointwises, func(p gen.Pointwise) bool { return p.Name == name })
		y, want := g.room(rows*cols), cpu.New(rows, cols)
		params := []any{y, cols}
		var in []*tensor.Tensor
		for j := range gen.Pointwises[i].Inputs {
			x := random(rows*cols, int64(j+1))
			in = append(in, onCPU(x, rows, cols))
			params = append(params, g.put(x), cols)
		}
		elementwises[i].cpu(cpu, want, in)
		params = append(append(params, rows*cols/4, cols/4), elementwises[i].extra(g, rows, cols)...)
		return attempt(k, g, launch(1, 1, 256, 0, seed), y, want.Data()[:rows*cols], params...)
	}
}

func tryMMA(g *gpu, k *emu.Kernel, seed int64) error {
	m := gen.MMAs[0]
	const M, N, K = 130, 72, 192
	a, b, want := integers(M, N, K)
	c := g.room(M * N)
	return attempt(k, g, launch(up(N, m.BN), up(M, m.BM), m.Threads(), m.Shared(), seed), c, want,
		g.put(half(a)), g.put(half(b)), c, uint64(0), M, N, K, K, N, N)
}

// nth replaces occurrence n.
func nth(old, new string, n int) func(string) string {
	return func(s string) string {
		at := 0
		for range n {
			i := strings.Index(s[at:], old)
			if i < 0 {
				return s
			}
			at += i + len(old)
		}
		return s[:at] + strings.Replace(s[at:], old, new, 1)
	}
}

func each(old, new string) func(string) string {
	return func(s string) string { return regexp.MustCompile(old).ReplaceAllString(s, new) }
}

// fromTable is the law with a table of eight terms.
func fromTable(g *gpu, k *emu.Kernel, seed int64) error {
	return tryLaw(tabular(g.t, stable.Law{Alpha: 1.7, Scale: 1}), 4)(g, k, seed)
}

type mutant struct {
	name, module, entry string
	try                 func(g *gpu, k *emu.Kernel, seed int64) error
	mutate              func(string) string
}

// mutants break a kernel in ways that a GPU would often forgive.
var mutants = []mutant{
	{"barrier of the loop removed", "sgemm_64x64", "sgemm_64x64", trySGEMM, nth("bar.sync 0;", "", 0)},
	{"barrier before the last terms removed", "sgemm_64x64", "sgemm_64x64", trySGEMM, nth("bar.sync 0;", "", 1)},
	{"waits for one group less", "sgemm_64x64", "sgemm_64x64", trySGEMM, each("cp.async.wait_group 1;", "cp.async.wait_group 2;")},
	{"first wait removed", "sgemm_64x64", "sgemm_64x64", trySGEMM, nth("cp.async.wait_group 1;", "", 0)},
	{"row bound off by one", "sgemm_64x64", "sgemm_64x64", trySGEMM, each(`sub\.u32 (%r\d+), (%r0), 1;`, "add.u32 $1, $2, 0;")},
	{"stage pointer never wraps", "sgemm_64x64", "sgemm_64x64", trySGEMM, each(`selp\.b32 (%r\d+), 0, %r\d+, `, "selp.b32 $1, $1, $1, ")},
	{"copy of 8 bytes", "sgemm_64x64", "sgemm_64x64", trySGEMM, nth("], 16, ", "], 8, ", 0)},
	{"predicate of the stores inverted", "sgemm_64x64", "sgemm_64x64", trySGEMM, each(`@(%p\d+) st\.global`, "@!$1 st.global")},
	{"chunk of A in another place", "sgemm_64x64", "sgemm_64x64", trySGEMM, nth("xor.b32", "or.b32", 0)},
	{"undeclared register", "sgemm_64x64", "sgemm_64x64", trySGEMM, nth("add.u32 %r", "add.u32 %q", 0)},
	{"addition without rounding", "sgemm_64x64", "sgemm_64x64", trySGEMM, nth("add.rn.f32", "add.f32", 0)},
	{"last terms in one step less", "sgemm_64x64", "sgemm_64x64", trySGEMM, each(`and\.b32 (%r\d+), (%r2), 15;`, "mov.u32 $1, 3;")},
	{"barrier removed", "wgrad_64x64", "wgrad_64x64", tryWgrad, nth("bar.sync 0;", "", 0)},
	{"last wait removed", "wgrad_64x64", "wgrad_64x64", tryWgrad, nth("cp.async.wait_group 0;", "", 0)},
	{"barrier before staging removed", "attention_16", "attention_16", tryAttention, nth("bar.sync 0;", "", 0)},
	{"barrier after staging removed", "attention_16", "attention_16", tryAttention, nth("bar.sync 0;", "", 1)},
	{"fold over the whole warp", "attention_16", "attention_16", tryAttention, each("0x101F", "0x1F")},
	{"barrier after the block sums removed", "groupnorm", "groupnorm", tryGroupNorm, nth("bar.sync 0;", "", 0)},
	{"barrier before the group removed", "groupnorm", "groupnorm", tryGroupNorm, nth("bar.sync 0;", "", 2)},
	{"fold over the whole warp", "loss", "loss_squared", tryLoss, each("0x101F", "0x1F")},
	{"block one element long", "loss", "loss_squared", tryLoss, each(`add\.u32 (%r\d+), (%r\d+), 4096;`, "add.u32 $1, $2, 4097;")},
	{"barrier before the sum removed", "loss", "sum_blocks", trySumBlocks, nth("bar.sync 0;", "", 0)},
	{"barrier after the sum removed", "loss", "sum_blocks", trySumBlocks, nth("bar.sync 0;", "", 1)},
	{"old moment under the root", "adamw", "adamw_1", tryAdamW, each(`sqrt\.rn\.f32 (%f\d+), %f\d+;`, "sqrt.rn.f32 $1, %f12;")},
	{"1−β1 for 1−β2", "adamw", "adamw_1", tryAdamW, each(`mul\.rn\.f32 (%f\d+), %f4,`, "mul.rn.f32 $1, %f2,")},
	{"rows from the last of the loads ahead", "column_sums", "column_sums", tryColumnSums, each(`setp\.lt\.u32 (%p\d+), (%r\d+), 16;`, "setp.lt.u32 $1, $2, 15;")},
	{"bound of the columns off by one", "column_sums", "column_sums", tryColumnSums, each(`setp\.ge\.u32`, "setp.gt.u32")},
	{"barrier before the group removed", "groupnorm", "groupnorm_silu_backward", tryGroupNormBackward, nth("bar.sync 0;", "", 8)},
	{"group of the lane's slice", "groupnorm", "groupnorm", tryGroupNorm, each(`rem\.u32 (%r\d+), (%r\d+), (%r2);`, "rem.u32 $1, $2, 32;")},
	{"lanes beyond the slice store", "groupnorm", "groupnorm", tryGroupNorm, each(`min\.u32 (%r\d+), (%r\d+), (%r\d+);(\s+add\.u32 %r\d+, %r\d+, %r\d+;)`, "mov.u32 $1, $2;$4")},
	{"sign of the variance's part", "groupnorm", "groupnorm_silu_backward", tryGroupNormBackward, each(`neg\.f64`, "abs.f64")},
	{"row past the last stored", "layernorm", "layernorm", tryLayerNorm, each(`setp\.lt\.u32 (%p0), `, "setp.ge.u32 $1, ")},
	{"fold over the whole warp", "layernorm", "layernorm", tryLayerNorm, each("0x101F", "0x1F")},
	{"zeros before the image forgotten", "resample", "resample_gather", tryResample(false), each(`sub\.s32 (%r\d+), (%r\d+), %r9;`, "sub.s32 $1, $2, 0;")},
	{"rounded down", "resample", "resample_spread", tryResample(true), each(`add\.s32 (%r\d+), (%r\d+), %r8;`, "add.s32 $1, $2, 0;")},
	{"tap of the next pixel", "resample", "resample_spread", tryResample(true), each(`setp\.eq\.s32 (%p\d+), (%r\d+), 1;`, "setp.eq.s32 $1, $2, 2;")},
	{"period rounded towards zero", "timestep", "timestep", tryTimestep, each(`setp\.ge\.f64`, "setp.nan.f64")},
	{"quadrant of the cosine", "timestep", "timestep", tryTimestep, each(`add\.u32 (%r\d+), (%r\d+), 1;`, "add.u32 $1, $2, 0;")},
	{"attempts one block apart", "gamma64", "gamma64", tryGamma, each(`add\.u32 (%r\d+), (%r\d+), 2;\n\tsetp`, "add.u32 $1, $2, 1;\n\tsetp")},
	{"logarithm of the other half", "gamma64", "gamma64", tryGamma, each(`setp\.lt\.f64 (%p\d+), (%g\d+), 0d3FE0000000000000;`, "setp.gt.f64 $1, $2, 0d3FE0000000000000;")},
	{"angle above ½ kept", "skewed", "skewed", tryLaw(skewed(1.2, 0.3, 0), 2), each(`setp\.gt\.f32 (%p\d+), (%f\d+), 0f3F000000;`, "setp.nan.f32 $1, $2, 0f3F000000;")},
	{"other side's angle", "skewed", "skewed", tryLaw(skewed(1.2, 0.3, 0), 2), each(`setp\.lt\.s32`, "setp.gt.s32")},
	{"one coefficient's last bit", "root_low", "root_low", tryLaw(positive(0.35, 1), 2), each("0f3FB8AA3B", "0f3FB8AA3A")},
	{"last row's place", "table_8", "table_8", fromTable, each(`not\.b32 (%r\d+), (%r\d+);`, "mov.b32 $1, $2;")},
	{"row one further", "table_8", "table_8", fromTable, each(`sub\.u32 (%r\d+), 0x3F000000, `, "sub.u32 $1, 0x3E000000, ")},
	{"power for its reciprocal", "student64", "student64", tryStudent64, each(`sub\.s64 (%d\d+), 0x3FF0000000000000,`, "add.s64 $1, 0x3FF0000000000000,")},
	{"sample's high half left out", "isotropic", "normal_rows", tryNormalRows, each(`shr\.u64 (%d\d+), (%d\d+), 32;`, "shr.u64 $1, $2, 40;")},
	{"word of the next element", "dropout", "dropout_4", tryPointwise("dropout"), each(`and\.b32 (%r\d+), (%r\d+), 3;`, "and.b32 $1, $2, 2;")},
	{"negative id read", "embedding", "embedding_4", tryPointwise("embedding"), each(`max\.s32 (%r\d+), (%r\d+), 0;`, "mov.u32 $1, $2;")},
	{"row of the pixel for that of the sample", "add_channels", "add_channels_4", tryPointwise("add_channels"), each(`div\.u32 (%r\d+), (%r\d+), %r5;`, "mov.u32 $1, $2;")},
	{"sign of the residual lost", "loss_pnorm_backward", "loss_pnorm_backward_4", tryPointwise("loss_pnorm_backward"), each(`neg\.f64`, "abs.f64")},
	{"gradient not limited above", "loss_huber_backward", "loss_huber_backward_4", tryPointwise("loss_huber_backward"), each(`setp\.gt\.f32`, "setp.nan.f32")},
	{"multiplier not limited", "noise_product", "noise_product_4", tryPointwise("noise_product"), nth("setp.gt.f32", "setp.nan.f32", 2)},
	{"products of lerp exchanged", "lerp", "lerp_4", tryPointwise("lerp"), each(`fma\.rn\.f32 (%f\d+), %f0, `, "fma.rn.f32 $1, %f1, ")},
	{"first barrier removed", "mma_bf16_nn", "mma_bf16_nn", tryMMA, nth("bar.sync 0;", "", 0)},
	{"barrier of the loop removed", "mma_bf16_nn", "mma_bf16_nn", tryMMA, nth("bar.sync 0;", "", 1)},
	{"waits for one group less", "mma_bf16_nn", "mma_bf16_nn", tryMMA, each("cp.async.wait_group 2;", "cp.async.wait_group 3;")},
	{"ldmatrix without .trans", "mma_bf16_nn", "mma_bf16_nn", tryMMA, each(`x4\.trans`, "x4")},
	{"one lane out of ldmatrix", "mma_bf16_nn", "mma_bf16_nn", tryMMA, each(`(?m)^\t(ldmatrix.*)$`, "\tsetp.ne.u32 %p0, %r7, 3;\n\t@%p0 $1")},
	{"bound of the elements off by one", "silu", "silu_1", trySiLU, each(`setp\.ge\.u32`, "setp.gt.u32")},
	{"one coefficient's last bit", "silu", "silu_1", trySiLU, each("0f3EFFFFFE", "0f3EFFFFFD")},
	{"one round of Philox less", "normal", "normal", tryNormal, nth("mul.hi.u32", "mul.lo.u32", 19)},
}

// Every mutant is reported: by the verifier, as a fault, or by wrong bits; and
// the kernels as they are pass the same trials.
func TestMutants(t *testing.T) {
	for _, c := range slices.Concat(mutants, convMutants, upMutants, coreMutants, flashBackMutants) {
		text, err := Text(c.module)
		require.NoError(t, err)
		m, err := emu.Parse(text)
		require.NoError(t, err)
		require.NoError(t, c.try(&gpu{t: t}, m.Kernels[c.entry], 1), "%s as it is", c.module)
		changed := c.mutate(text)
		require.NotEqual(t, text, changed, "%s: %s: nothing changed", c.module, c.name)
		m, err = emu.Parse(changed)
		for seed := int64(0); seed < 4 && err == nil; seed++ {
			err = c.try(&gpu{t: t}, m.Kernels[c.entry], seed)
		}
		if err == nil {
			t.Errorf("%s: %s: nobody noticed", c.module, c.name)
		}
		t.Logf("%s: %s: %v", c.module, c.name, err)
	}
}
