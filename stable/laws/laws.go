// Package laws makes random variates of laws by their names, such as "stable:1.7,0" or
// "student:3": what the command heavytail noise writes. Variate i is a function of the
// law, the seed and i alone.
package laws

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// A Maker fills dst with the variates, or rows, first, first+1, … of a seed: dst holds
// whole rows. No value is 0, infinite or NaN: one beyond the largest number of the type
// is that number, and one below the smallest is that. float64 values are others than
// float32 ones. Any number of goroutines may call one, if they may call its Variates.
type Maker struct {
	Fill   func(dst []float32, seed, first uint64) // float32, rounded as each law says
	Fill64 func(dst []float64, seed, first uint64) // nil: the law is made in float32 only

	onDevice bool // of OnDevice
}

// A Law is one name.
type Law struct {
	Name  string // as in NAME:ARGS
	Args  string // the parameters, as NU[,SCALE[,LOCATION]]
	About string // a line that says what law it is
	Rows  bool   // it makes vectors: Options.Rows

	least, most int // number of parameters
	make        func(p []float64, o *Options) (Maker, error)
}

// Options of a Maker; the zero value is right for all laws of values but skewed stable
// ones, which need a Param.
type Options struct {
	// Rows is the number of values of a row, for laws of Rows, and for these only.
	Rows int
	// Param is Nolan's parametrisation of a stable law, "s0" or "s1"; empty: the law is
	// not skewed, and there is no difference.
	Param string
	// Table inverts the distribution of a stable law by a table, one random word a
	// variate, in float32, instead of the exact map of two.
	Table bool
	// On is what makes the variates of the families, such as a GPU; nil: Processor.
	On Variates
}

// Variates are made by something with the bits of stable.Key: a processor or a GPU.
type Variates interface {
	// Fill and Fill64 set dst to the variates off, off+1, … of a family.
	Fill(dst []float32, s stable.Key, f stable.Family, off int)
	Fill64(dst []float64, s stable.Key, f stable.Family64, off int)
	// Gamma sets dst to gamma variates of that shape and scale 1.
	Gamma(dst []float64, s stable.Key, shape float64, off int)
	// Rows sets row j of d values to the noise n of sample s.Sample + j.
	Rows(dst []float32, d int, s stable.Key, n stable.Noise)
}

// Processor makes variates on the processor.
type Processor struct{}

// Fill implements Variates.
func (Processor) Fill(dst []float32, s stable.Key, f stable.Family, off int) { s.Fill(dst, f, off) }

// Fill64 implements Variates.
func (Processor) Fill64(dst []float64, s stable.Key, f stable.Family64, off int) {
	s.Fill64(dst, f, off)
}

// Gamma implements Variates.
func (Processor) Gamma(dst []float64, s stable.Key, shape float64, off int) {
	s.GammaFill(dst, shape, off)
}

// Rows implements Variates.
func (Processor) Rows(dst []float32, d int, s stable.Key, n stable.Noise) {
	for ; len(dst) > 0; dst = dst[d:] {
		n.Fill(dst[:d], s)
		s.Sample++
	}
}

// all are the laws, in the order in which they are listed.
var all = []Law{
	{Name: "stable", Args: "ALPHA,BETA[,SCALE[,LOCATION]]", About: "α-stable, 0 < α ≤ 2", least: 2, most: 4, make: stableNoise},
	{Name: "positive", Args: "A", About: "positive stable, Laplace transform exp(-s^A), 0 < A ≤ 1", least: 1, most: 1, make: positiveNoise},
	{Name: "student", Args: "NU[,SCALE[,LOCATION]]", About: "Student-t", least: 1, most: 3, make: studentNoise},
	{Name: "chi2", Args: "NU", About: "χ²", least: 1, most: 1, make: chiSquareNoise},
	{Name: "gamma", Args: "SHAPE[,SCALE]", About: "gamma", least: 1, most: 2, make: gammaNoise},
	{Name: "normal", Args: "[SCALE[,LOCATION]]", About: "normal", most: 2, make: normalNoise},
	{Name: "exponential", Args: "[SCALE]", About: "exponential", most: 1, make: exponentialNoise},
	{Name: "uniform", About: "uniform on (0, 1]", make: uniformNoise},
	{Name: "isotropic", Args: "ALPHA[,SCALE]", About: "rows √A·G, α-stable in every direction (DLPM's noise)", least: 1, most: 2, Rows: true, make: isotropicNoise},
	{Name: "isotropic-student", Args: "NU[,SCALE]", About: "rows G/√κ, multivariate Student-t (t-EDM's noise)", least: 1, most: 2, Rows: true, make: isotropicStudentNoise},
}

// ErrSkewed is the error of a skewed stable law without Options.Param.
var ErrSkewed = errors.New("a skewed law needs a parametrisation, s0 or s1, which differ by β·tan(πα/2)")

// All lists the laws.
func All() []Law { return slices.Clone(all) }

// Find returns the law that a text NAME:PARAMETERS names, and the parameters p in it. It
// returns an error if there is no such law, or not with so many parameters.
func Find(text string) (l Law, p []float64, err error) {
	name, rest, _ := strings.Cut(text, ":")
	i := slices.IndexFunc(all, func(l Law) bool { return l.Name == name })
	if i < 0 {
		var names []string
		for _, l := range all {
			names = append(names, l.Name)
		}
		return l, nil, fmt.Errorf("no law %q; want %s", name, strings.Join(names, ", "))
	}
	l = all[i]
	if rest != "" {
		for _, s := range strings.Split(rest, ",") {
			v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil || v-v != 0 {
				return l, nil, fmt.Errorf("%q is no finite number; want %s:%s", s, l.Name, l.Args)
			}
			p = append(p, v)
		}
	}
	if len(p) < l.least || len(p) > l.most {
		what := "parameters"
		if len(p) == 1 {
			what = "parameter"
		}
		return l, nil, fmt.Errorf("%d %s; want %s:%s", len(p), what, l.Name, l.Args)
	}
	return l, p, nil
}

// New returns what makes the variates of a law, such as "stable:1.7,0". It returns an
// error if there is no such law or it has no such parameters or options.
func New(text string, o Options) (Maker, error) {
	l, p, err := Find(text)
	if err != nil {
		return Maker{}, err
	}
	switch {
	case l.Rows != (o.Rows != 0) || o.Rows < 0:
		return Maker{}, fmt.Errorf("rows of %d values; laws of rows, isotropic and isotropic-student, have at least 1, and the others none", o.Rows)
	case (o.Param != "" || o.Table) && l.Name != "stable":
		return Maker{}, fmt.Errorf("a parametrisation or a table of law %s; they belong to stable", l.Name)
	}
	if o.On == nil {
		o.On = Processor{}
	}
	m, err := l.make(p, &o)
	_, m.onDevice = o.On.(*device)
	return m, err
}

// chunk is the number of values that share a sample index of the stream:
// value i is variate i mod chunk of sample i/chunk.
const chunk = 1 << 26

// byChunk turns a method that fills from an offset of a stream into a maker.
func byChunk[T any](fill func(s stable.Key, dst []T, off int)) func([]T, uint64, uint64) {
	return func(dst []T, seed, first uint64) {
		for len(dst) > 0 {
			off := int(first % chunk)
			n := min(len(dst), chunk-off)
			fill(stable.Key{Seed: seed, Sample: first / chunk}, dst[:n], off)
			dst, first = dst[n:], first+uint64(n)
		}
	}
}

// placed applies x → scale·x + loc, p being the parameters [scale [loc]]. Where they
// cancel to 0 the result is a quarter of the spacing of numbers at loc, the mean
// size of what rounds to 0 there, of either sign by turns.
func placed[T float32 | float64](p []float64, fill func(stable.Key, []T, int)) func([]T, uint64, uint64) {
	scale, loc := T(1), T(0)
	if len(p) > 0 {
		scale = T(p[0])
	}
	if len(p) > 1 {
		loc = T(p[1])
	}
	f := byChunk(fill)
	if scale == 1 && loc == 0 {
		return f
	}
	return func(dst []T, seed, first uint64) {
		f(dst, seed, first)
		for i, x := range dst {
			y := T(scale*x) + loc // two roundings everywhere
			switch {
			case y != 0:
			case loc == 0: // below the smallest number
				y = T(scale * x)
			default: // they cancel
				_, _, digits := ends[T]()
				y = T(math.Ldexp(1, math.Ilogb(float64(loc))-digits-2))
				if (first+uint64(i))%2 != 0 {
					y = -y
				}
			}
			dst[i] = held(y)
		}
	}
}

// ends returns the largest and the smallest number of a type and the digits of
// its fractions.
func ends[T float32 | float64]() (most, least float64, digits int) {
	if any(T(0)) == any(float32(0)) {
		return math.MaxFloat32, math.SmallestNonzeroFloat32, 23
	}
	return math.MaxFloat64, math.SmallestNonzeroFloat64, 52
}

// held returns x, for one beyond the largest number of its type that number, and
// for 0 the smallest with its sign: what all laws write there.
func held[T float32 | float64](x T) T {
	most, least, _ := ends[T]()
	if x == 0 {
		return T(math.Copysign(least, float64(x)))
	}
	return T(max(min(float64(x), most), -most))
}

func positiveScale(p []float64) error {
	if len(p) > 0 && !(p[0] > 0) {
		return fmt.Errorf("scale %v; want a positive one", p[0])
	}
	return nil
}

func stableNoise(p []float64, o *Options) (m Maker, err error) {
	l := stable.Law{Alpha: p[0], Beta: p[1], Scale: 1, Param: stable.S1}
	if len(p) > 2 {
		l.Scale = p[2]
	}
	if len(p) > 3 {
		l.Loc = p[3]
	}
	if err := l.Validate(); err != nil {
		return m, err
	}
	switch o.Param {
	case "s0":
		l.Param = stable.S0
	case "s1":
	case "":
		if l.Beta != 0 && l.Alpha != 2 {
			return m, ErrSkewed
		}
	default:
		return m, fmt.Errorf("parametrisation %q; want s0 or s1", o.Param)
	}
	if o.Table {
		sampler, err := stable.NewSampler(l)
		if err != nil {
			return m, err
		}
		m.Fill = byChunk(o.floats(sampler.Family()))
		return m, nil
	}
	loc := l.Loc
	if l.Param == stable.S1 && l.Alpha == 1 { // where S1 is no family of location and scale
		loc += float64(l.Beta * 2 / math.Pi * l.Scale * dmath.Log(l.Scale))
	}
	place := []float64{l.Scale, loc}
	f, f64 := stable.SymmetricFamily(l.Alpha), stable.Symmetric64Family(l.Alpha)
	if l.Beta != 0 {
		f, f64 = stable.SkewedFamily(l.Alpha, l.Beta, l.Param), stable.Skewed64Family(l.Alpha, l.Beta, l.Param)
	}
	m.Fill = placed(place, o.floats(f))
	m.Fill64 = placed(place, o.doubles(f64))
	return m, nil
}
