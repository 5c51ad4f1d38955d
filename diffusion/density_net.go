package diffusion

import (
	"context"

	"heavytail/simd"
)

// PreconditionDerivative is Precondition with the derivative: of
// D(x) = Skip·x + Out·F(In·x) it is
//
//	(∂D/∂x)ᵀ·v = Skip·v + In·(∂F/∂x)ᵀ·(Out·v)
//
// It panics if p is not valid.
func (p EDM) PreconditionDerivative(net Derivative) DataDerivative {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	var b netBuffer
	var product, v []float32
	C := p.channels()
	return func(ctx context.Context, data, prod, x, probe, sigma []float64) error {
		needDenoiser("EDM.PreconditionDerivative", net == nil)
		d := b.resize(len(x), len(sigma))
		product, v = sized(product, len(x)), sized(v, len(x))
		checkChannels("EDM.PreconditionDerivative", C, d)
		for i, s := range sigma {
			for c := range C {
				k := p.Preconditioning(c, s)
				b.times[i] = float32(k.Noise)
				for j := i*d + c; j < (i+1)*d; j += C {
					b.in[j], v[j] = float32(k.In*x[j]), float32(k.Out*probe[j])
				}
			}
		}
		if err := net(ctx, b.out, product, b.in, v, b.times); err != nil {
			return err
		}
		for i, s := range sigma {
			for c := range C {
				k := p.Preconditioning(c, s)
				for j := i*d + c; j < (i+1)*d; j += C {
					data[j] = float64(k.Skip*x[j]) + float64(k.Out*float64(b.out[j]))
					prod[j] = float64(k.Skip*probe[j]) + float64(k.In*float64(product[j]))
				}
			}
		}
		return nil
	}
}

// DataDerivative is DataDenoiser of Velocity with the derivative: a network of this
// flow as one of EDM's process, at x = t·y with t = Time(σ) and q = 1−σ_min,
//
//	velocity f:  D = b_t·f + q·x
//	noise f:     D = b_t·(x − f)/t + q·x = (x − b_t·f)/t      as q·t + b_t = 1
//	data f:      D = f
//
// so that D = A·y + B·f(t·y) and (∂D/∂y)ᵀ·v = A·v + t·(∂f/∂x)ᵀ·(B·v). It panics if f
// is not valid.
func (f Flow) DataDerivative(net Derivative) DataDerivative {
	if err := f.Validate(); err != nil {
		panic(err)
	}
	var b netBuffer
	var product, v []float32
	return func(ctx context.Context, data, prod, y, probe, sigma []float64) error {
		needDenoiser("Flow.DataDerivative", net == nil)
		d := b.resize(len(y), len(sigma))
		product, v = sized(product, len(y)), sized(v, len(y))
		for i, s := range sigma {
			t, _, B := f.linear(s)
			b.times[i] = float32(t)
			for j := i * d; j < (i+1)*d; j++ {
				b.in[j], v[j] = float32(t*y[j]), float32(B*probe[j])
			}
		}
		if err := net(ctx, b.out, product, b.in, v, b.times); err != nil {
			return err
		}
		for i, s := range sigma {
			t, A, B := f.linear(s)
			for j := i * d; j < (i+1)*d; j++ {
				data[j] = float64(A*y[j]) + float64(B*float64(b.out[j]))
				prod[j] = float64(A*probe[j]) + float64(t*float64(product[j]))
			}
		}
		return nil
	}
}

// linear returns t, A and B of DataDerivative.
func (f Flow) linear(sigma float64) (t, A, B float64) {
	t = f.Time(sigma)
	switch f.Target {
	case TargetData:
		return t, 0, 1
	case TargetNoise:
		return t, 1, -f.b(t) / t
	}
	return t, float64((1 - f.SigmaMin) * t), f.b(t)
}

func sized(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}

// FromScoreDerivative is FromScore with the derivative.
func (p LIM) FromScoreDerivative(net Derivative) Derivative {
	scale := float32(1 / p.targetScale())
	return func(ctx context.Context, eps, product, x, probe, t []float32) error {
		needDenoiser("LIM.FromScoreDerivative", net == nil)
		if err := net(ctx, eps, product, x, probe, t); err != nil {
			return err
		}
		simd.Scale(eps, eps, scale)
		simd.Scale(product, product, scale)
		return nil
	}
}
