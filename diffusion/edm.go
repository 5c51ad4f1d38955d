package diffusion

import (
	"context"
	"math"

	"heavytail/internal/dmath"
)

// An EDM is the process of [Karras et al. 2022], with finite ν t-EDM's and with Jump one
// of jumps: x = x_0 + σ·n. It holds all that training and sampling must agree on, is
// plain data and goes into a checkpoint's metadata as JSON. The zero value of
// each field is the default: Gaussian noise for data of deviation 0.5.
type EDM struct {
	Nu        Nu        `json:"nu,omitempty"`         // degrees of freedom of n; empty: Gaussian
	Jump      Jump      `json:"jump,omitzero"`        // jumps instead; the zero value: none
	SigmaData []float64 `json:"sigma_data,omitempty"` // σ_data, one or one per channel; empty: 0.5
	// ScaledTime tells the network ln(√a·σ)/4 (PhysicsNeMo, the paper's
	// Algorithm 1) instead of ln(σ)/4 (its Table 5). They differ by a
	// constant, so that training and sampling must use the same.
	ScaledTime bool `json:"scaled_time,omitempty"`

	PMean float64 `json:"p_mean,omitempty"` // training: ln σ ~ N(PMean, PStd²)
	PStd  float64 `json:"p_std,omitempty"`  // 0: PMean and PStd are −1.2 and 1.2
	// LogUniform draws ln σ in training evenly from SigmaMin to SigmaMax instead, so
	// that every octave that sampling passes is learned as well as the next.
	LogUniform bool `json:"log_uniform,omitempty"`

	SigmaMin float64 `json:"sigma_min,omitempty"` // sampling: last level above 0; 0 means 0.002
	SigmaMax float64 `json:"sigma_max,omitempty"` // sampling: first level; 0 means 80
	Rho      float64 `json:"rho,omitempty"`       // exponent of the grid; 0 means 7
}

// TEDM returns the t-EDM process with ν degrees of freedom, one or one per channel, for
// data of deviation 1.
func TEDM(nu ...float64) EDM { return EDM{Nu: nu, SigmaData: []float64{1}} }

// Validate reports the first impossible field, its value and the remedy.
func (p EDM) Validate() error {
	bad := func(field string, value any, remedy string, args ...any) error {
		return impossible("edm", field, value, remedy, args...)
	}
	if err := p.Nu.validate("edm", "Nu"); err != nil {
		return err
	}
	if err := p.Jump.validate(); err != nil {
		return err
	}
	if p.Jump.on() && len(p.Nu) > 0 {
		return bad("Nu", p.Nu, "noise is of jumps or of nu; leave one out")
	}
	for _, v := range p.SigmaData {
		if !(v > 0 && v <= 1e6) {
			return bad("SigmaData", v, "use the deviation of the data, above 0 and at most 1e6")
		}
	}
	if n, m := len(p.Nu), len(p.SigmaData); n > 1 && m > 1 && n != m {
		return bad("SigmaData", p.SigmaData, "use one value, or as many as nu has (%d)", n)
	}
	mean, std := p.LogSigma()
	lo, hi, rho := p.levels()
	switch {
	case p.ScaledTime && p.channels() > 1 && len(p.Nu) > 1:
		return bad("ScaledTime", true, "it needs one nu; switch it off")
	case p.LogUniform && p.PStd != 0:
		return bad("LogUniform", true, "p_mean and p_std are of the normal law of ln σ; leave them out")
	case !(math.Abs(mean) <= 20):
		return bad("PMean", mean, "use −20 to 20; −1.2 is usual")
	case !(std > 0 && std <= 10):
		return bad("PStd", std, "use a positive value up to 10; 1.2 is usual")
	case !(lo > 0 && lo < hi):
		return bad("SigmaMin", lo, "use a positive value below sigma_max (%v)", hi)
	case !(hi <= 1e6):
		return bad("SigmaMax", hi, "use at most 1e6")
	case !(rho > 0 && rho <= 100):
		return bad("Rho", rho, "use a positive value up to 100; 7 is usual")
	}
	return nil
}

// LogSigma returns the mean and the deviation of ln σ in training, where that is
// normal.
func (p EDM) LogSigma() (mean, std float64) {
	if p.PStd == 0 {
		return -1.2, 1.2
	}
	return p.PMean, p.PStd
}

func (p EDM) levels() (lo, hi, rho float64) {
	return DLPM{SigmaMin: p.SigmaMin, SigmaMax: p.SigmaMax, Rho: p.Rho}.exploding()
}

// channels returns how many channels have values of their own.
func (p EDM) channels() int { return max(len(p.Nu), len(p.SigmaData), 1) }

func (p EDM) sigmaData(c int) float64 {
	if len(p.SigmaData) == 0 {
		return 0.5
	}
	return p.SigmaData[c%len(p.SigmaData)]
}

// Sigmas returns the N+1 levels of N sampling steps,
//
//	σ_i = (σ_max^{1/ρ} + i/(N−1)·(σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ, i = 0…N−1,  σ_N = 0.
func (p EDM) Sigmas(N int) []float64 {
	sigma, _ := p.sigmas(context.Background(), N)
	return sigma
}

// sigmas is Sigmas that ends with ctx.
func (p EDM) sigmas(ctx context.Context, N int) ([]float64, error) {
	lo, hi, rho := p.levels()
	a, b := dmath.Pow(hi, 1/rho), dmath.Pow(lo, 1/rho)
	sigma := make([]float64, N+1)
	for i := range N {
		u := float64(i) / float64(max(N-1, 1))
		sigma[i] = dmath.Pow(a+float64(u*(b-a)), rho)
		if err := ended(ctx, i); err != nil {
			return nil, err
		}
	}
	return sigma, nil
}

// A Preconditioning makes a denoiser of a network F at one level of noise:
//
//	D(x; σ) = Skip·x + Out·F(In·x, Noise)
//
// with a = ν/(ν−2), the variance of the noise's elements in units of σ²:
//
//	Skip = σ_data²/(aσ²+σ_data²)      Out = √a·σ·σ_data/√(aσ²+σ_data²)
//	In = 1/√(aσ²+σ_data²)             Noise = ln(σ)/4, or ln(√a·σ)/4 with ScaledTime
//
// which give F inputs and targets of variance 1, and Weight = 1/Out² the factor
// of |D−x_0|² that weighs them equally. At ν = ∞, a = 1, they are EDM's.
type Preconditioning struct {
	Skip, Out, In, Noise, Weight float64
}

// Preconditioning returns the coefficients of channel c at σ > 0.
func (p EDM) Preconditioning(c int, sigma float64) Preconditioning {
	root, sd := math.Sqrt(p.Nu.Inflation(p.Nu.group(c))), p.sigmaData(c)
	s := root * sigma // the deviation of the noise
	sum := float64(s*s) + float64(sd*sd)
	total := math.Sqrt(sum)
	k := Preconditioning{Skip: sd * sd / sum, Out: s * sd / total, In: 1 / total}
	k.Noise = dmath.Log(sigma) / 4
	if p.ScaledTime {
		k.Noise = dmath.Log(s) / 4
	}
	k.Weight = 1 / float64(k.Out*k.Out)
	return k
}

// Precondition returns D(x; σ) of the network F(c_in·x, c_noise), which is
// given float32 inputs; the rest is float64. The result has a workspace: use it
// from one goroutine at a time. It panics if p is not valid.
func (p EDM) Precondition(net Denoiser) DataDenoiser {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	var b netBuffer
	C := p.channels()
	return func(ctx context.Context, data, x, sigma []float64) error {
		needDenoiser("EDM.Precondition", net == nil)
		d := b.resize(len(x), len(sigma))
		checkChannels("EDM.Precondition", C, d)
		for i, s := range sigma {
			for c := range C {
				k := p.Preconditioning(c, s)
				b.times[i] = float32(k.Noise)
				for j := i*d + c; j < (i+1)*d; j += C {
					b.in[j] = float32(k.In * x[j])
				}
			}
		}
		if err := net(ctx, b.out, b.in, b.times); err != nil {
			return err
		}
		for i, s := range sigma {
			for c := range C {
				k := p.Preconditioning(c, s)
				for j := i*d + c; j < (i+1)*d; j += C {
					data[j] = float64(k.Skip*x[j]) + float64(k.Out*float64(b.out[j]))
				}
			}
		}
		return nil
	}
}

// A netBuffer is the float32 side of a network between float64 states.
type netBuffer struct {
	in, out, times []float32
}

// resize makes room for rows samples of n values in all and returns the values
// of one.
func (b *netBuffer) resize(n, rows int) int {
	if cap(b.in) < n {
		b.in, b.out = make([]float32, n), make([]float32, n)
	}
	if cap(b.times) < rows {
		b.times = make([]float32, rows)
	}
	b.in, b.out, b.times = b.in[:n], b.out[:n], b.times[:rows]
	return n / max(rows, 1)
}
