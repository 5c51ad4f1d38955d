package heavytail

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// A Method is a sampler of package diffusion by the name that Options.Method has, and
// everything that the library and the command know about it. Methods lists them; the
// zero value is none of them.
type Method struct {
	Name  string // as Options.Method takes it
	About string // a word or two that tell it from the others; empty: its name does

	// To add a method is to add a row of these to methods.
	of    family // the models that drive it
	kinds string // the kinds of process whose models are drawn with it where none is named
	steps func(r recipe.Recipe) int
	uses  string // the fields of Options, Settings and Edit that not every method has
	make  func(o Options, r recipe.Recipe) (sampler, error)
	bytes func(o Options, r recipe.Recipe, d int) int64 // of memory for a sample of d values, besides the sample

	// Of methods whose samples are a function of their start alone, for Way: how it
	// follows from the unit noise n, scale·n, and how many steps are made where none are
	// given. nil: the steps draw noise.
	start func(o Options, r recipe.Recipe) (scale float64, err error)
	rare  func(r recipe.Recipe) int
}

// Models says in words which models drive the method.
func (m Method) Models() string { return m.of.models }

// Fits reports whether models of a recipe drive the method.
func (m Method) Fits(r Recipe) bool { return m.of.fits(r) }

// DefaultOf lists the kinds of process (recipe.Kinds) whose models are drawn with the
// method where none is named.
func (m Method) DefaultOf() []string { return strings.Fields(m.kinds) }

// Steps returns the number of steps that the method makes with models of a recipe where
// none is given.
func (m Method) Steps(r Recipe) int { return m.steps(r) }

// Settings lists what the method has of the fields that not every method has, by the
// names of the fields of Options, Settings and Edit, such as Eta, ConsistentStart or
// Resample.
func (m Method) Settings() []string { return strings.Fields(m.uses) }

// has tells whether the method has a setting.
func (m Method) has(setting string) bool { return slices.Contains(m.Settings(), setting) }

// Methods lists the samplers of all models, in the order of docs/methods.md; those of a
// model are Model.Methods.
func Methods() []Method { return slices.Clone(methods) }

// A family is what models have in common that drive the same samplers.
type family struct {
	models string // for the help
	fits   func(r recipe.Recipe) bool
}

// The families. The estimates of the data of EDM, flows and DDPM drive each
// other's samplers.
var (
	levy        = family{"dlpm", func(r recipe.Recipe) bool { return r.Kind() == recipe.DLPM }}
	levyBetween = family{"dlpm", func(r recipe.Recipe) bool { // with levels between those of steps
		return r.Kind() == recipe.DLPM && (!r.Process.IntegerTime || r.Process.Steps%2 == 1) && r.Process.CheckSteps(2) == nil
	}}
	levySpread = family{"dlpm with -spread", func(r recipe.Recipe) bool { return r.Kind() == recipe.DLPM && r.Spread() }}
	ito        = family{"lim", func(r recipe.Recipe) bool { return r.LIM != nil }}
	ofData     = family{"edm, jump and flow", func(r recipe.Recipe) bool { // by the ODE, which is the same for all noise
		if r.EDM != nil || r.Flow != nil {
			return true
		}
		_, err := r.Process.DataDenoiser(nil) // which only DDPM's processes have
		return r.LIM == nil && err == nil
	}}
	clean = family{"edm and flow", func(r recipe.Recipe) bool { return r.Kind() != recipe.Jump && ofData.fits(r) }}
	jumps = family{"jump", func(r recipe.Recipe) bool { return r.Kind() == recipe.Jump }}
)

// tailSteps are what EDM's sampler needs for the tails of Student-t noise: 18
// steps, the published number, do not resolve them for ν = 3; of jump noise they miss
// the quantiles of normal data by 5 %, and 64 by 0.4 %.
const tailSteps = 64

// methods are the registry, in the order in which it is listed.
var methods = []Method{
	{"dlpm", "stochastic", levy, "", moves(99), "ClampA ConsistentStart Grid Resample", makeDLPM, chainBytes, nil, nil},
	{"dlim", "few steps", levy, "dlpm", moves(24), "Eta ClampA ConsistentStart Grid Resample", makeDLIM, chainBytes, chainStart(1), moves(200)},
	{"dlim-sde", "stochastic, right tails", levy, "", moves(99), "ClampA ConsistentStart Grid Resample", makeDLIMSDE, chainBytes, nil, nil},
	{"dlim2", "second order", levyBetween, "", pairs(12), "ClampA ConsistentStart Grid Resample", makeDLIM2, dlim2Bytes, chainStart(2), pairs(50)},
	{"dlpm-posterior", "stochastic, right variance", levySpread, "", moves(99), "ClampA Grid Resample", makePosterior, posteriorBytes, nil, nil},
	{"lim", "SDE", ito, "", number(100), "ClampA LIMClamps PublishedStart", makeLIM, perValue(4), nil, nil},
	{"lim-mended", "SDE that ends at the data", ito, "", number(100), "ClampA LIMClamps PublishedStart", makeLIMMended, perValue(4), nil, nil},
	{"lim-ode", "", ito, "lim", number(50), "ClampA LIMClamps PublishedStart", makeLIMODE, perValue(4), limStart, number(200)},
	{"edm", "Heun", ofData, "edm tedm jump", edmSteps, "Solver Churn IndependentNoise SigmaMin SigmaMax Rho Resample", makeEDM, dataBytes(16), dataStart, number(64)},
	{"tedm-ancestral", "", clean, "", number(64), "IndependentNoise SigmaMin SigmaMax Rho DropFactor Resample", makeAncestral, momentBytes, nil, nil},
	{"tedm-sde", "", clean, "", number(128), "SigmaMin SigmaMax Rho NuCoeff Constant", makeSDE, momentBytes, nil, nil},
	{"dpm", "DPM-Solver++", ofData, "", number(20), "SigmaMin SigmaMax Rho", makeDPM, dataBytes(8), dataStart, number(64)},
	{"flow", "", clean, "flow tflow", number(25), "Solver SigmaMax Rho", makeFlow, flowBytes, flowStart, number(64)},
	{"jump", "stochastic, with jumps", jumps, "", number(128), "SigmaMin SigmaMax Rho Resample", makeJump, dataBytes(0), nil, nil},
}

// Default numbers of steps.

func number(n int) func(recipe.Recipe) int { return func(recipe.Recipe) int { return n } }

// moves is a number of steps, unless the network knows one number of levels only.
func moves(n int) func(recipe.Recipe) int {
	return func(r recipe.Recipe) int {
		if r.Process.IntegerTime {
			return r.Process.Steps - 1
		}
		return fewer(r, n, 1)
	}
}

// pairs is a number of steps of two levels, unless the network knows one number
// of levels only.
func pairs(n int) func(recipe.Recipe) int {
	return func(r recipe.Recipe) int {
		if r.Process.IntegerTime {
			return (r.Process.Steps - 1) / 2
		}
		return fewer(r, n, 2)
	}
}

// fewer returns n, or as many steps of so many levels as the process has.
func fewer(r recipe.Recipe, n, levels int) int {
	for n > 1 && r.Process.CheckSteps(n*levels) != nil {
		n--
	}
	return n
}

func edmSteps(r recipe.Recipe) int {
	if k := r.Kind(); k == recipe.TEDM || k == recipe.TFlow || k == recipe.Jump {
		return tailSteps
	}
	return 18
}

// A sampler is a method with its options and the recipe of the network.
type sampler interface {
	Validate() error
	Moves() int
	Evaluations() int
	// trajectory calls look, if not nil, with every estimate x̂_0.
	trajectory(ctx context.Context, net diffusion.Denoiser, look diffusion.Change, x []float32, seeds []uint64) iter.Seq2[int, error]
	// from is trajectory from a start that is given instead of drawn.
	from(ctx context.Context, net diffusion.Denoiser, start []float64, x []float32, seeds []uint64) iter.Seq2[int, error]
	goType() string
	asks() string // the field of Functions that it is driven by
}

// A bound is a sampler of package diffusion with the estimate that it asks for.
type bound[F any, T float32 | float64] struct {
	diffusion.Sampler[F, T]
	estimate func(net diffusion.Denoiser) (F, error)
	through  func(f F, look diffusion.Change) (F, error)
}

func bind[F any, T float32 | float64](s diffusion.Sampler[F, T], estimate func(net diffusion.Denoiser) (F, error), through func(f F, look diffusion.Change) (F, error)) sampler {
	return bound[F, T]{s, estimate, through}
}

func (b bound[F, T]) trajectory(ctx context.Context, net diffusion.Denoiser, look diffusion.Change, x []float32, seeds []uint64) iter.Seq2[int, error] {
	f, err := b.estimate(net)
	if err == nil && look != nil {
		f, err = b.through(f, look)
	}
	if err != nil {
		return failed(err)
	}
	if same, ok := any(x).([]T); ok {
		return b.Trajectory(ctx, f, same, seeds)
	}
	wide := make([]T, len(x))
	return rounded(x, wide, b.Trajectory(ctx, f, wide, seeds))
}

func (b bound[F, T]) from(ctx context.Context, net diffusion.Denoiser, start []float64, x []float32, seeds []uint64) iter.Seq2[int, error] {
	f, err := b.estimate(net)
	if err != nil {
		return failed(err)
	}
	state := make([]T, len(x))
	steps := b.Trajectory(ctx, f, state, seeds)
	return rounded(x, state, func(yield func(int, error) bool) {
		begun := false
		for left, err := range steps {
			if !begun { // the start that the sampler drew gives way
				for j, v := range start {
					state[j] = T(v)
				}
				begun = true
			}
			if !yield(left, err) {
				return
			}
		}
	})
}

func (b bound[F, T]) goType() string { return fmt.Sprintf("%T", b.Sampler) }

func (b bound[F, T]) asks() string {
	switch any(*new(F)).(type) {
	case diffusion.DataDenoiser:
		return "Data"
	case diffusion.Velocity:
		return "Velocity"
	}
	return "Noise"
}

// failed is the trajectory of a method that cannot run.
func failed(err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) { yield(0, err) }
}

// rounded is a trajectory of other states than float32, of which x gets a copy.
func rounded[T float32 | float64](x []float32, wide []T, steps iter.Seq2[int, error]) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for left, err := range steps {
			for j, v := range wide {
				x[j] = float32(v)
			}
			if !yield(left, err) {
				return
			}
		}
	}
}

// find returns the method of a name.
func find(name string) (Method, bool) {
	i := slices.IndexFunc(methods, func(m Method) bool { return m.Name == name })
	if i < 0 {
		return Method{}, false
	}
	return methods[i], true
}

// methodsOf lists the samplers that a network of the recipe's process drives.
func methodsOf(r recipe.Recipe) []string {
	var out []string
	for _, m := range methods {
		if m.of.fits(r) {
			out = append(out, m.Name)
		}
	}
	return out
}

// MethodsWith lists the methods that have a setting, by the name of the field of Options,
// Settings or Edit, such as Eta.
func MethodsWith(setting string) []string {
	var out []string
	for _, m := range methods {
		if m.has(setting) {
			out = append(out, m.Name)
		}
	}
	return out
}

// owners names the methods that have a setting.
func owners(setting string) string { return strings.Join(MethodsWith(setting), ", ") }

// defaultMethod returns the method that a recipe's models are sampled with where none
// is named: of few steps.
func defaultMethod(r recipe.Recipe) string {
	for _, m := range methods {
		if slices.Contains(m.DefaultOf(), r.Kind()) {
			return m.Name
		}
	}
	panic("heavytail: no method for models of " + r.Kind()) // TestRegistry looks at all kinds
}

// defaultSteps returns the number of steps of a method where none is given; 0 if
// there is no such method.
func defaultSteps(name string, r recipe.Recipe) int {
	if m, ok := find(name); ok {
		return m.steps(r)
	}
	return 0
}

// Memory of the samplers.

func perValue(n int64) func(Options, recipe.Recipe, int) int64 {
	return func(_ Options, _ recipe.Recipe, d int) int64 { return n * int64(d) }
}

// chainBytes counts ε̂, the scaled input and the sums of A.
func chainBytes(o Options, r recipe.Recipe, d int) int64 {
	per := int64(4)
	if r.Process.InputScaling {
		per += 4
	}
	sums := int64(0)
	if w := int64(d); o.Method == "dlpm" || o.ConsistentStart != Off {
		if r.Process.Isotropic || r.Process.Alpha == 2 {
			w = 1
		}
		sums = 2 * w * int64(math.Ceil(math.Sqrt(float64(o.Steps+1)))+1)
	}
	return per*int64(d) + 8*sums
}

// dlim2Bytes is chainBytes of dlim2: two levels a step, a state and an estimate
// kept.
func dlim2Bytes(o Options, r recipe.Recipe, d int) int64 {
	o.Steps *= 2
	return chainBytes(o, r, d) + 8*int64(d)
}

// dataBytes counts state and estimate in float64, the network's side of both and
// what else the sampler holds of every value.
func dataBytes(more int64) func(Options, recipe.Recipe, int) int64 {
	return func(_ Options, r recipe.Recipe, d int) int64 {
		per := 16 + 8 + more
		if r.Flow != nil {
			per += 8 // between D and v
		}
		return per * int64(d)
	}
}

// flowBytes is dataBytes of flow.
func flowBytes(o Options, r recipe.Recipe, d int) int64 {
	per := int64(16 + 8 + 24)
	if o.Solver == "rk4" {
		per += 16
	}
	if r.Flow == nil {
		per += 8 // between D and v
	}
	return per * int64(d)
}
