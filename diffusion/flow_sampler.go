package diffusion

import (
	"context"
	"iter"

	"heavytail/internal/dmath"
)

// A Solver is a one-step method for dx/dt = v(x, t).
type Solver string

// The methods, of order 1, 2 and 4 with 1, 2 and 4 evaluations per step. The
// empty string means Heun, the published one.
const (
	Euler Solver = "euler"
	Heun  Solver = "heun"
	RK4   Solver = "rk4"
)

// A FlowSampler integrates the field of a Flow from noise at t = 0 to data at
// t = 1. With knots t_0…t_N, h = t_{i+1} − t_i:
//
//	x = n
//	Euler: x += h·v(x, t_i)
//	Heun:  k_1 = v(x, t_i), k_2 = v(x+h·k_1, t_{i+1});  x += h·(k_1+k_2)/2
//	RK4:   k_1 … k_4 of Kutta;  x += h·(k_1+2k_2+2k_3+k_4)/6
//
// The knots are linear, or for Rho > 0 those of the paper's Table 5: with
// s_i = (s_0^{1/ρ} + i/(N−1)·(s_last^{1/ρ} − s_0^{1/ρ}))^ρ, s_0 = 1 − Start and
// s_last = 0.01, t_i = 1 − s_i for i < N, and t_N = 1. Published: ρ = 7, 25
// evaluations. A FlowSampler is an immutable value: any number of goroutines
// may use one, each with its own Velocity.
type FlowSampler struct {
	Process Flow    // the path of the flow and the law that it starts from
	Steps   int     // N
	Solver  Solver  // Heun if empty
	Start   float64 // t_0; x = t_0·E[x_1] + b_{t_0}·n is taken for x_{t_0}
	Rho     float64 // exponent of the knots; 0: linear
	Edit    *Edit   // an image to start from or to keep parts of; nil: none
}

// Times returns the N+1 knots.
func (s FlowSampler) Times() []float64 {
	N := s.Steps
	t := make([]float64, N+1)
	t[N] = 1
	for i := range N {
		if s.Rho == 0 {
			t[i] = s.Start + float64((1-s.Start)*(float64(i)/float64(N)))
			continue
		}
		a, b := dmath.Pow(1-s.Start, 1/s.Rho), dmath.Pow(0.01, 1/s.Rho)
		u := float64(i) / float64(max(N-1, 1))
		t[i] = 1 - dmath.Pow(a+float64(u*(b-a)), s.Rho)
	}
	t[0] = s.Start
	return t
}

// Trajectory is that of EDMSampler with this sampler's steps: it yields the
// number of steps left after x holds their start.
func (s FlowSampler) Trajectory(ctx context.Context, v Velocity, x []float64, seeds []uint64) iter.Seq2[int, error] {
	if err := s.Validate(); err != nil {
		return fail(err)
	}
	return func(yield func(int, error) bool) {
		r := newRun(ctx, "flow", s.Edit.field(s.Process, v), x, seeds, s.Steps, s.Edit)
		if err := checkRow(r.name, s.Process.Nu.groups(), r.d); err != nil {
			yield(s.Steps, err)
			return
		}
		t := s.Times()
		startNoise(r, s.Process.Nu.Noise, s.Process.b(t[r.first]), t[r.first])
		if !s.Edit.fromImage() {
			for j := range x {
				if !s.Edit.isKnown(j) {
					x[j] += float64(t[0] * s.Process.mean(j%r.d))
				}
			}
		}
		step := map[Solver]func(r *run[float64]) stepper{"": heun, Heun: heun, Euler: euler, RK4: rk4}[s.Solver](r)
		r.loop(yield, func(i int) error { return step(t[i], t[i+1]) })
	}
}

// A stepper moves a run's x from time t to u.
type stepper func(t, u float64) error

func euler(r *run[float64]) stepper {
	return func(t, u float64) error {
		if err := r.eval(r.out, r.x, t); err != nil {
			return err
		}
		axpy(r.x, r.x, u-t, r.out)
		return nil
	}
}

func heun(r *run[float64]) stepper {
	k1, k2, y := r.buffer(), r.buffer(), r.buffer()
	return func(t, u float64) error {
		h := u - t
		if err := r.eval(k1, r.x, t); err != nil {
			return err
		}
		axpy(y, r.x, h, k1)
		if err := r.eval(k2, y, u); err != nil {
			return err
		}
		for j := range r.x {
			r.x[j] += float64(0.5 * h * (k1[j] + k2[j]))
		}
		return nil
	}
}

func rk4(r *run[float64]) stepper {
	var k [4][]float64
	for i := range k {
		k[i] = r.buffer()
	}
	y := r.buffer()
	return func(t, u float64) error {
		h := u - t
		for i, c := range [4]float64{0, 0.5, 0.5, 1} { // the nodes; each stage starts from the last
			axpy(y, r.x, c*h, k[max(i-1, 0)])
			at := t + float64(c*h)
			if c == 1 {
				at = u // t+h rounds, and v at 1 differs from v just below
			}
			if err := r.eval(k[i], y, at); err != nil {
				return err
			}
		}
		for j := range r.x {
			r.x[j] += float64(h / 6 * (k[0][j] + float64(2*(k[1][j]+k[2][j])) + k[3][j]))
		}
		return nil
	}
}

// axpy sets y to x + h·k.
func axpy(y, x []float64, h float64, k []float64) {
	for j := range y {
		y[j] = x[j] + float64(h*k[j])
	}
}

// Moves implements Sampler.
func (s FlowSampler) Moves() int { return s.Edit.Steps(s.Steps) }

// Evaluations implements Sampler: one, two or four at every move.
func (s FlowSampler) Evaluations() int {
	switch s.Solver {
	case Euler:
		return s.Moves()
	case RK4:
		return 4 * s.Moves()
	}
	return 2 * s.Moves()
}

// Sample draws one sample of d values per seed, row-major [len(seeds)][d],
// rounded to float32 at the end.
func (s FlowSampler) Sample(ctx context.Context, v Velocity, seeds []uint64, d int) ([]float32, error) {
	x := states[float64]("flow", len(seeds), d)
	return collect(x, s.Trajectory(ctx, v, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s FlowSampler) Validate() error {
	switch s.Solver {
	case "", Euler, Heun, RK4:
	default:
		return impossible("flow", "Solver", s.Solver, "use %q, %q or %q", Euler, Heun, RK4)
	}
	if !(s.Start >= 0 && s.Start < 0.99) {
		return impossible("flow", "Start", s.Start, "use 0 to 0.99, below the last knots")
	}
	if !(s.Rho >= 0 && s.Rho <= 100) {
		return impossible("flow", "Rho", s.Rho, "use 0 (linear knots) to 100; 7 is published")
	}
	if err := checkSteps("flow", s.Steps); err != nil {
		return err
	}
	if err := s.Edit.validate("flow", false); err != nil {
		return err
	}
	return s.Process.Validate()
}
