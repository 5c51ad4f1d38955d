package ptx

import (
	"fmt"
	"math"
	"testing"

	"heavytail/internal/dmath"
	"heavytail/tensor"
)

// blockSums runs a kernel of sums over blocks and what joins them.
func (g *gpu) blockSums(entry string, seed int64, samples, n, per int, count float64, params []any, after ...any) []float64 {
	blocks := up(n, 4096)
	part, out := g.room(samples*blocks), g.m.Alloc(8*samples)
	params = append(append([]any{part}, params...), after...)
	g.run("loss", entry, launch(up(samples*blocks, 8), 1, 128, 0, seed), params...)
	g.run("loss", "sum_blocks", launch(samples, 1, 256, 0, seed), out, part, blocks, per, count)
	return g.doubles(out, samples)
}

// Losses of whole and ragged blocks, dense and between other columns, and every
// branch of the power: 0, 1, and numbers at which it over- and underflows.
func TestLoss(t *testing.T) {
	kinds := []struct {
		entry string
		kind  tensor.LossKind
		p     float64
	}{{"loss_squared", tensor.Squared, 0}, {"loss_huber", tensor.Huber, 0}, {"loss_pnorm", tensor.PNorm, 0}, {"loss_pnorm", tensor.PNorm, 1},
		{"loss_pnorm", tensor.PNorm, 1.5}, {"loss_pnorm", tensor.PNorm, -3}, {"loss_pnorm", tensor.PNorm, 17.3}}
	for i, s := range [][4]int{{2, 3, 7, 0}, {1, 130, 37, 3}, {2, 90, 91, 1}} {
		samples, rows, cols, beside := s[0], s[1], s[2], s[3]
		n, pitch := rows*cols, cols+beside
		x, y := random(samples*rows*pitch, 1), random(samples*rows*pitch, 2)
		for j := range x {
			x[j] *= float32(math.Pow(7, float64(j%13-6)))
		}
		x[3], y[3] = 0, 0
		x[5] = 1 + y[5]
		if i == 0 {
			x[9], x[len(x)-1] = float32(math.Inf(1)), float32(math.NaN())
		}
		for _, k := range kinds {
			g := &gpu{t: t}
			px, py := g.put(x), g.put(y)
			a, b := cpu.New(samples, rows, cols), cpu.New(samples, rows, cols)
			cpu.Upload(a, values(cpu, onCPU(x, samples*rows, pitch).Columns(0, cols)))
			cpu.Upload(b, values(cpu, onCPU(y, samples*rows, pitch).Columns(0, cols)))
			want := make([]float64, samples)
			cpu.Loss(want, a, b, k.kind, k.p)
			params := []any{px, pitch, py, pitch, n, rows, cols, up(n, 4096), samples * up(n, 4096)}
			if k.entry == "loss_pnorm" {
				params = append(params, k.p)
			}
			same64(t, want, g.blockSums(k.entry, int64(i), samples, n, 1, float64(n), params), "%s %v p %v", k.entry, s, k.p)
		}
	}
}

// The gradient of a power takes every branch of it.
func TestLossPNormBackward(t *testing.T) {
	for _, p := range []float64{0, 1, 2, 1.7, 0.3, 40} {
		const rows, cols = 2, 40
		x, y := random(rows*cols, 1), random(rows*cols, 2)
		for j := range x {
			x[j] *= float32(math.Pow(9, float64(j%17-8)))
		}
		copy(x, []float32{float32(math.NaN()), float32(math.Inf(-1)), y[2], y[3] + 1, y[4] - 1, 1e-39})
		copy(y[5:], []float32{0})
		want := cpu.New(rows, cols)
		cpu.LossBackward(want, onCPU(x, rows, cols), onCPU(y, rows, cols), tensor.PNorm, p, weights)
		g := &gpu{t: t}
		at := g.room(rows * cols)
		params := append([]any{at, cols, g.put(x), cols, g.put(y), cols, rows * cols / 4, cols / 4}, lossWeights(g, tensor.PNorm, p, 1, cols)...)
		g.run("loss_pnorm_backward", "loss_pnorm_backward_4", launch(1, 1, 256, 0, 1), params...)
		same(t, want.Data(), g.floats(at, rows*cols), "p = %v", p)
	}
}

// Sums of squares in blocks, chunks of sixteen blocks, and rounds of chunks.
func TestSumSq(t *testing.T) {
	for _, n := range []int{1, 15, 4096, 4097, 70000} {
		x := random(n, 3)
		g := &gpu{t: t}
		got := g.blockSums("sumsq", 3, 1, n, 16, 1, []any{g.put(x), n, up(n, 4096)})
		same64(t, []float64{cpu.SumSq(onCPU(x, 1, n))}, got, "%d elements", n)
	}
	// more chunks than threads: the sums of blocks are given
	g := &gpu{t: t}
	part := random(700*3, 4)
	want := 0.0
	for i := 0; i < len(part); i += 3 {
		want += float64(float64(part[i])+float64(part[i+1])) + float64(part[i+2])
	}
	out := g.m.Alloc(8)
	g.run("loss", "sum_blocks", launch(1, 1, 256, 0, 2), out, g.put(part), len(part), 3, 7.0)
	same64(t, []float64{want / 7}, g.doubles(out, 1), "700 chunks")
}

// adamConstants are those of a step, as package kernels computes them.
func adamConstants(o tensor.AdamWOpt) []any {
	t := float64(o.Step)
	return []any{float32(o.GradScale), float32(o.Beta1), float32(1 - o.Beta1), float32(o.Beta2), float32(1 - o.Beta2),
		float32(1 - float64(o.LR*o.WeightDecay)), float32(o.LR / (1 - dmath.Pow(o.Beta1, t))), float32(1 / math.Sqrt(1-dmath.Pow(o.Beta2, t))), float32(o.Eps)}
}

func TestAdamW(t *testing.T) {
	for _, width := range []int{1, 4} {
		const n = 1028
		opt := tensor.AdamWOpt{LR: 3e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.02, GradScale: 0.7, Step: 17}
		p, gr, m, v := odd(random(n, 1)), odd(random(n, 2)), random(n, 3), random(n, 4)
		for i := range v {
			v[i] *= v[i]
		}
		tp, tm, tv := onCPU(p, n), onCPU(m, n), onCPU(v, n)
		cpu.AdamW(tp, onCPU(gr, n), tm, tv, opt)
		g := &gpu{t: t}
		pp, pm, pv := g.put(p), g.put(m), g.put(v)
		g.run("adamw", fmt.Sprintf("adamw_%d", width), launch(up(n/width, 256), 1, 256, 0, 3), append([]any{pp, g.put(gr), pm, pv, n / width}, adamConstants(opt)...)...)
		for at, want := range map[uint64]*tensor.Tensor{pp: tp, pm: tm, pv: tv} {
			same(t, want.Data()[:n], g.floats(at, n), "width %d", width)
		}
	}
}

// Sums over rows, from zero (SumPixels) and from what is there (the gradient of a
// bias), of more and fewer rows than are loaded ahead.
func TestColumnSums(t *testing.T) {
	for i, s := range [][4]int{{3, 37, 40, 5}, {2, 16, 32, 0}, {1, 3, 70, 2}} {
		N, rows, cols, beside := s[0], s[1], s[2], s[3]
		pitch := cols + beside
		x := odd(random(N*rows*pitch, 1))
		g := &gpu{t: t}
		at, to := g.put(x), g.room(N*pitch)
		dy := cpu.New(N, rows, cols)
		cpu.Upload(dy, values(cpu, onCPU(x, N*rows, pitch).Columns(0, cols)))
		want := cpu.New(N, cols)
		cpu.SumPixels(want, dy)
		g.m.Write(to, make([]byte, 4*N*pitch)) // the columns beside are not touched
		g.run("column_sums", "column_sums", launch(up(cols, 32), N, 32, 0, int64(i)), to, pitch, at, pitch, rows, cols, 0)
		whole := onCPU(g.floats(to, N*pitch), N, pitch)
		same(t, want.Data(), values(cpu, whole.Columns(0, cols)), "SumPixels %v", s)
		if beside > 0 {
			same(t, make([]float32, N*beside), values(cpu, whole.Columns(cols, pitch)), "beside %v", s)
		}

		db := random(cols, 5)
		bias := onCPU(db, cols)
		cpu.LinearBackward(nil, cpu.New(2, cols), bias, dy, cpu.New(N, rows, 2), cpu.New(2, cols))
		to = g.put(db)
		g.run("column_sums", "column_sums", launch(up(cols, 32), 1, 32, 0, int64(i)), to, cols, at, pitch, N*rows, cols, 1)
		same(t, bias.Data()[:cols], g.floats(to, cols), "db %v", s)
	}
}

// words32 are ids as the kernels read them.
func words32(ids []int) []int32 {
	w := make([]int32, len(ids))
	for i, id := range ids {
		w[i] = int32(id)
	}
	return w
}

func TestEmbeddingBackward(t *testing.T) {
	const n, classes, cols, pitch = 9, 4, 37, 40
	dy, table := odd(random(n*pitch, 1)), random(classes*cols, 2)
	g := &gpu{t: t}
	view, at := g.view(dy, n, cols, pitch)
	want := onCPU(table, classes, cols)
	cpu.EmbeddingBackward(want, view, ids(n))
	to := g.put(table)
	g.run("embedding_backward", "embedding_backward", launch(up(cols, 32), classes, 32, 0, 1), to, at, pitch, g.put(words32(ids(n))), n, cols)
	same(t, want.Data()[:classes*cols], g.floats(to, classes*cols), "dtable")
}
