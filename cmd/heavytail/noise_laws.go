package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/cli"
	"heavytail/internal/dmath"
	"heavytail/stable"
)

// A noiseMaker fills dst with the values, or rows, first, first+1, ….
type noiseMaker struct {
	f32 func(dst []float32, seed, first uint64)
	f64 func(dst []float64, seed, first uint64)
}

// A noiseLaw is one name of -law.
type noiseLaw struct {
	name, args, about string
	least, most       int // number of parameters
	rows              bool
	make              func(p []float64, o *noiseOptions) (noiseMaker, error)
}

var noiseLaws = []noiseLaw{
	{name: "stable", args: "ALPHA,BETA[,SCALE[,LOCATION]]", about: "α-stable, 0 < α ≤ 2", least: 2, most: 4, make: stableNoise},
	{name: "positive", args: "A", about: "positive stable, Laplace transform exp(-s^A), 0 < A ≤ 1", least: 1, most: 1, make: positiveNoise},
	{name: "student", args: "NU[,SCALE[,LOCATION]]", about: "Student-t", least: 1, most: 3, make: studentNoise},
	{name: "chi2", args: "NU", about: "χ²", least: 1, most: 1, make: chiSquareNoise},
	{name: "gamma", args: "SHAPE[,SCALE]", about: "gamma", least: 1, most: 2, make: gammaNoise},
	{name: "normal", args: "[SCALE[,LOCATION]]", about: "normal", most: 2, make: normalNoise},
	{name: "exponential", args: "[SCALE]", about: "exponential", most: 1, make: exponentialNoise},
	{name: "uniform", about: "uniform on (0, 1]", make: uniformNoise},
	{name: "isotropic", args: "ALPHA[,SCALE]", about: "rows √A·G, α-stable in every direction (DLPM's noise)", least: 1, most: 2, rows: true, make: isotropicNoise},
	{name: "isotropic-student", args: "NU[,SCALE]", about: "rows G/√κ, multivariate Student-t (t-EDM's noise)", least: 1, most: 2, rows: true, make: isotropicStudentNoise},
}

func noiseHelp() string {
	var b strings.Builder
	for _, l := range noiseLaws {
		sep := ""
		if l.args != "" {
			sep = ":"
		}
		fmt.Fprintf(&b, "  %-38s %s\n", l.name+sep+l.args, l.about)
	}
	return b.String()
}

// source checks the flags and returns what makes the file.
func (o *noiseOptions) source() (*noiseSource, error) {
	name, rest, _ := strings.Cut(o.law, ":")
	i := slices.IndexFunc(noiseLaws, func(l noiseLaw) bool { return l.name == name })
	if i < 0 {
		var names []string
		for _, l := range noiseLaws {
			names = append(names, l.name)
		}
		return nil, cli.Usage("-law %q: want %s; heavytail noise -h lists their parameters", o.law, strings.Join(names, ", "))
	}
	l := noiseLaws[i]
	var p []float64
	if rest != "" {
		for _, s := range strings.Split(rest, ",") {
			v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil || v-v != 0 {
				return nil, cli.Usage("-law %s: %q is no finite number; want %s:%s", o.law, s, l.name, l.args)
			}
			p = append(p, v)
		}
	}
	switch {
	case len(p) < l.least || len(p) > l.most:
		return nil, cli.Usage("-law %s: %s; want %s:%s", o.law, counted(len(p), "parameter"), l.name, l.args)
	case l.rows != (o.d != 0) || o.d < 0 || o.d > 1e7:
		return nil, cli.Usage("-d %d: rows of 1 to 10000000 values belong to the laws isotropic and isotropic-student, and only to them", o.d)
	case o.param != "" && name != "stable":
		return nil, cli.Usage("-param belongs to -law stable")
	case o.method != "map" && (o.method != "table" || name != "stable"):
		return nil, cli.Usage("-method %s: want map, or table with -law stable", o.method)
	case o.kind != "f32" && o.kind != "f64":
		return nil, cli.Usage("-type %s: want f32 or f64", o.kind)
	}
	if err := o.most(); err != nil {
		return nil, err
	}
	m, err := l.make(p, o)
	if err != nil {
		return nil, cli.Usage("-law %s: %w", o.law, err)
	}
	s := &noiseSource{n: int(o.n), d: o.d, threads: o.threads, seed: o.seed, law: m, double: o.kind == "f64"}
	if s.double && m.f64 == nil {
		return nil, cli.Usage("-type f64: -law %s -method %s is made in float32 only", name, o.method)
	}
	return s, nil
}

// most returns an error for more values than a file has: their bytes are told in
// float64, and on 32-bit processors values are counted in 31 bits.
func (o *noiseOptions) most() error {
	values, bytes := o.n*float64(max(o.d, 1)), 4.0
	if o.kind == "f64" {
		bytes = 8
	}
	if values*bytes > 1<<53 || values > math.MaxInt {
		return cli.Usage("-n %.6g with rows of %d: a file of %.3g GB; want at most %.3g values in all", o.n, max(o.d, 1), values*bytes/1e9, min((1<<53)/bytes, math.MaxInt))
	}
	return nil
}

// noiseChunk is the number of values that share a sample index of the stream:
// value i is variate i mod noiseChunk of sample i/noiseChunk.
const noiseChunk = 1 << 26

// byChunk turns a method that fills from an offset of a stream into a maker.
func byChunk[T any](fill func(s stable.Key, dst []T, off int)) func([]T, uint64, uint64) {
	return func(dst []T, seed, first uint64) {
		for len(dst) > 0 {
			off := int(first % noiseChunk)
			n := min(len(dst), noiseChunk-off)
			fill(stable.Key{Seed: seed, Sample: first / noiseChunk}, dst[:n], off)
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

func stableNoise(p []float64, o *noiseOptions) (m noiseMaker, err error) {
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
	switch o.param {
	case "s0":
		l.Param = stable.S0
	case "s1":
	case "":
		if l.Beta != 0 && l.Alpha != 2 {
			return m, fmt.Errorf("a skewed law needs -param s0 or -param s1: they differ by β·tan(πα/2)")
		}
	default:
		return m, fmt.Errorf("-param %q; want s0 or s1", o.param)
	}
	if o.method == "table" {
		sampler, err := stable.NewSampler(l)
		if err != nil {
			return m, err
		}
		m.f32 = byChunk(o.floats(sampler.Family()))
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
	m.f32 = placed(place, o.floats(f))
	m.f64 = placed(place, o.doubles(f64))
	return m, nil
}
