package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"heavytail/stable"
	"heavytail/tensor"
)

// rotated is the memory that the operands of a case take in all, in bytes: several
// sets of them, used in turns, so that a case does not find its operands in the
// cache of 50 MB that a GPU has.
const rotated = 200 << 20

// A Shape holds the sizes of a case under the names that cuda/bench/torch_ref.py
// knows.
type Shape map[string]int

// String is the sizes as name=value, by name.
func (s Shape) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, " %s=%d", k, s[k])
	}
	return b.String()
}

// A gpuBench makes the cases of kind cuda.
type gpuBench struct {
	o   Options
	dev tensor.Device
	out []Case
}

// gpuCases are the operations and networks that cuda/bench/run.sh times beside
// PyTorch's.
func gpuCases(o Options) ([]Case, error) {
	b := &gpuBench{o: o, dev: o.Device}
	n := o.Batch
	for _, m := range []Shape{{"M": 64 * n, "N": 4096, "K": 4096}, {"M": 1024 * n, "N": 128, "K": 128}, {"M": n, "N": 512, "K": 512}} {
		b.gemm(m)
	}
	for _, s := range []Shape{
		{"N": n, "H": 32, "C": 128, "O": 128, "k": 3}, {"N": n, "H": 16, "C": 256, "O": 256, "k": 3}, {"N": n, "H": 8, "C": 256, "O": 256, "k": 3},
		{"N": n, "H": 32, "C": 128, "O": 128, "k": 3, "stride": 2}, {"N": n, "H": 32, "C": 384, "O": 128, "k": 1},
	} {
		b.conv(s)
	}
	b.norm(Shape{"N": n, "H": 32, "C": 128, "G": 32})
	b.norm(Shape{"N": n, "H": 8, "C": 256, "G": 32})
	b.attention(Shape{"N": n, "T": 256, "heads": 4, "d": 64})
	b.attention(Shape{"N": n, "T": 64, "heads": 4, "d": 64})
	b.pointwise(n << 18)
	b.noise(n << 18)
	return b.networks()
}

// add appends a case whose operands make makes once for each set.
func (b *gpuBench) add(op string, s Shape, flops float64, bytes int, makeSet func() func()) {
	sets := make([]func(), max(1, min(16, rotated/max(bytes, 1)+1)))
	if !b.o.gpu() {
		sets = sets[:1]
	}
	once, i := false, 0
	b.out = append(b.out, Case{name: op + s.String(), op: op, shape: s, flops: flops, run: func() {
		if !once { // not before: all cases together would not fit
			for k := range sets {
				sets[k] = makeSet()
			}
			once = true
		}
		sets[i%len(sets)]()
		i++
	}})
}

func (b *gpuBench) gemm(s Shape) {
	m, n, k := s["M"], s["N"], s["K"]
	b.add("gemm", s, 2*float64(m)*float64(n)*float64(k), 4*(m*k+k*n+m*n), func() func() {
		y, x, w := b.dev.New(m, n), filled(b.dev, m, k), filled(b.dev, k, n)
		return func() { b.dev.Linear(y, x, w, nil) }
	})
}

// conv times a convolution, and its gradients, in the direct form and, where there
// is another, in that for normalised inputs.
func (b *gpuBench) conv(s Shape) {
	n, h, c, o, k, stride := s["N"], s["H"], s["C"], s["O"], s["k"], max(s["stride"], 1)
	out := h / stride
	flops := float64(2 * float64(n*out*out) * float64(k*k*c) * float64(o)) // twice it is a sum to the compiler
	bytes := 4 * (n*h*h*c + n*out*out*o)
	opts := []tensor.ConvOpt{{Stride: stride}}
	if k == 3 && stride == 1 {
		opts = append(opts, tensor.ConvOpt{Stride: stride, Normalized: true})
	}
	for _, opt := range opts {
		s := maps.Clone(s)
		if opt.Normalized {
			s["normalized"] = 1
		}
		b.add("conv", s, flops, bytes, func() func() {
			x, w, bias, y := filled(b.dev, n, h, h, c), filled(b.dev, k, k, c, o), filled(b.dev, o), b.dev.New(n, out, out, o)
			return func() { b.dev.Conv2D(y, x, w, bias, nil, opt) }
		})
		b.add("conv_bwd", s, 2*flops, 2*bytes, func() func() {
			x, w, dy := filled(b.dev, n, h, h, c), filled(b.dev, k, k, c, o), filled(b.dev, n, out, out, o)
			dx, dw, db := b.dev.New(n, h, h, c), b.dev.New(k, k, c, o), b.dev.New(o)
			return func() { b.dev.Conv2DBackward(dx, dw, db, dy, x, w, opt) }
		})
	}
}

func (b *gpuBench) norm(s Shape) {
	n, h, c := s["N"], s["H"], s["C"]
	opt := tensor.NormOpt{Groups: s["G"], Eps: 1e-5, SiLU: true}
	b.add("groupnorm_silu", s, 0, 8*n*h*h*c, func() func() {
		y, x, gamma, beta, stats := b.dev.New(n, h, h, c), filled(b.dev, n, h, h, c), filled(b.dev, c), filled(b.dev, c), b.dev.New(n, 2*c)
		return func() { b.dev.GroupNorm(y, x, gamma, beta, nil, stats, opt) }
	})
}

func (b *gpuBench) attention(s Shape) {
	n, t, c := s["N"], s["T"], s["heads"]*s["d"]
	flops, bytes := 4*float64(n)*float64(t)*float64(t)*float64(c), 16*n*t*c
	b.add("attention", s, flops, bytes, func() func() {
		y, qkv := b.dev.New(n, t, c), filled(b.dev, n, t, 3*c)
		return func() { b.dev.Attention(y, qkv, s["heads"]) }
	})
	b.add("attention_bwd", s, 2.5*flops, 2*bytes, func() func() {
		dqkv, dy, qkv := b.dev.New(n, t, 3*c), filled(b.dev, n, t, c), filled(b.dev, n, t, 3*c)
		return func() { b.dev.AttentionBackward(dqkv, dy, qkv, s["heads"]) }
	})
}

func (b *gpuBench) pointwise(n int) {
	b.add("silu", Shape{"n": n}, 0, 8*n, func() func() {
		y, x := b.dev.New(n), filled(b.dev, n)
		return func() { b.dev.SiLU(y, x) }
	})
	b.add("adamw", Shape{"n": n}, 0, 16*n, func() func() {
		p, g, m, v := filled(b.dev, n), filled(b.dev, n), b.dev.New(n), b.dev.New(n)
		opt := tensor.AdamWOpt{LR: 1e-6, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, GradScale: 1, Step: 1}
		return func() { b.dev.AdamW(p, g, m, v, opt) }
	})
}

// noise times the variates that a GPU makes by itself.
func (b *gpuBench) noise(n int) {
	dev, ok := b.dev.(NoiseDevice)
	if !ok {
		return
	}
	fill := func(op string, f stable.Family) {
		b.add(op, Shape{"n": n}, 0, 4*n, func() func() {
			x := b.dev.New(n)
			return func() { dev.Noise(x, stable.Key{Seed: 1}, f, 0) }
		})
	}
	fill("normal", stable.NormalFamily(1))
	fill("stable", stable.SymmetricFamily(1.7))
}

// networks are a forward pass for one sample and for the batch, and a training step.
func (b *gpuBench) networks() ([]Case, error) {
	for _, n := range slices.Compact([]int{1, b.o.Batch}) {
		o := b.o
		o.Batch = n
		cases, err := unetCases(o)
		if err == nil && n == b.o.Batch {
			var steps []Case
			steps, err = trainCases(o)
			cases = append(cases, steps...)
		}
		if err != nil {
			return nil, err
		}
		for i, op := range []string{"unet", "train"}[:len(cases)] {
			cases[i].op, cases[i].shape = op, Shape{"N": n}
		}
		b.out = append(b.out, cases...)
	}
	return b.out, nil
}
