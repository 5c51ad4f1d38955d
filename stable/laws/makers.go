package laws

import (
	"fmt"
	"math"

	"heavytail/stable"
)

// floats fills with a family of float32 variates, doubles with one of float64.
func (o *Options) floats(f stable.Family) func(s stable.Key, dst []float32, off int) {
	return func(s stable.Key, dst []float32, off int) { o.On.Fill(dst, s, f, off) }
}

func (o *Options) doubles(f stable.Family64) func(s stable.Key, dst []float64, off int) {
	return func(s stable.Key, dst []float64, off int) { o.On.Fill64(dst, s, f, off) }
}

func positiveNoise(p []float64, o *Options) (m Maker, err error) {
	if !(p[0] > 0 && p[0] <= 1) {
		return m, fmt.Errorf("index %v; want 0 < A ≤ 1", p[0])
	}
	if p[0] == 1 { // not random
		m.Fill = byChunk(func(s stable.Key, dst []float32, off int) { s.Positive(dst, 1, stable.Value, off) })
		return m, nil
	}
	m.Fill = byChunk(o.floats(stable.PositiveFamily(p[0], stable.Value)))
	return m, nil
}

func normalNoise(p []float64, o *Options) (m Maker, err error) {
	m.Fill = placed(p, o.floats(stable.NormalFamily(1)))
	m.Fill64 = placed(p, o.doubles(stable.Normal64Family()))
	return m, positiveScale(p)
}

func exponentialNoise(p []float64, o *Options) (m Maker, err error) {
	m.Fill = placed(p, o.floats(stable.ExponentialFamily()))
	m.Fill64 = placed(p, o.doubles(stable.Exponential64Family()))
	return m, positiveScale(p)
}

func uniformNoise(_ []float64, o *Options) (m Maker, err error) {
	m.Fill = byChunk(o.floats(stable.UniformFamily()))
	m.Fill64 = byChunk(o.doubles(stable.Uniform64Family()))
	return m, nil
}

// isotropicNoise makes row i the noise ε of sample i.
func isotropicNoise(p []float64, o *Options) (m Maker, err error) {
	if !(p[0] > 0 && p[0] <= 2) {
		return m, fmt.Errorf("alpha %v; want 0 < ALPHA ≤ 2", p[0])
	}
	noise, scale := stable.Noise{Alpha: p[0], Isotropic: true}, float32(1)
	if len(p) > 1 {
		scale = float32(p[1])
	}
	m.Fill = func(dst []float32, seed, first uint64) {
		o.On.Rows(dst, o.Rows, stable.Key{Seed: seed, Sample: first}, noise)
		if scale != 1 {
			for i := range dst {
				dst[i] = held(dst[i] * scale)
			}
		}
	}
	return m, positiveScale(p[1:])
}

// byRow makes row i of sample i of the seed.
func byRow[T any](d int, fill func(s stable.Key, row []T)) func([]T, uint64, uint64) {
	return func(dst []T, seed, first uint64) {
		for ; len(dst) > 0; dst, first = dst[d:], first+1 {
			fill(stable.Key{Seed: seed, Sample: first}, dst[:d])
		}
	}
}

// isotropicStudentNoise makes row i the vector G/√κ of sample i, one κ a row.
func isotropicStudentNoise(p []float64, o *Options) (m Maker, err error) {
	if !(p[0] > 0) {
		return m, fmt.Errorf("nu %v; want a positive one", p[0])
	}
	scale := 1.0
	if len(p) > 1 {
		scale = p[1]
	}
	m.Fill = byRow(o.Rows, func(s stable.Key, row []float32) {
		o.On.Fill(row, s, stable.NormalFamily(1), 0)
		c := scale / math.Sqrt(s.Kappa(p[0], 0))
		for i, z := range row {
			row[i] = held(float32(float64(z) * c))
		}
	})
	return m, positiveScale(p[1:])
}

// rounded makes float32 values of a float64 family, and float64 ones.
func rounded(p []float64, fill func(s stable.Key, dst []float64, off int)) (m Maker) {
	m.Fill64 = placed(p, fill)
	m.Fill = func(dst []float32, seed, first uint64) {
		var buf [1024]float64
		for len(dst) > 0 {
			part := buf[:min(len(buf), len(dst))]
			m.Fill64(part, seed, first)
			for i, v := range part {
				dst[i] = held(float32(v))
			}
			dst, first = dst[len(part):], first+uint64(len(part))
		}
	}
	return m
}

func chiSquareNoise(p []float64, o *Options) (Maker, error) {
	if !(p[0] > 0) {
		return Maker{}, fmt.Errorf("nu %v; want a positive one", p[0])
	}
	return rounded(nil, func(s stable.Key, dst []float64, off int) {
		o.On.Gamma(dst, s, p[0]/2, off)
		for i, g := range dst {
			dst[i] = 2 * g
		}
	}), nil
}

func gammaNoise(p []float64, o *Options) (Maker, error) {
	if !(p[0] > 0) {
		return Maker{}, fmt.Errorf("shape %v; want a positive one", p[0])
	}
	return rounded(p[1:], func(s stable.Key, dst []float64, off int) { o.On.Gamma(dst, s, p[0], off) }), positiveScale(p[1:])
}

func studentNoise(p []float64, o *Options) (Maker, error) {
	if !(p[0] >= 0.01 && p[0] <= 1e6) {
		return Maker{}, fmt.Errorf("nu %v; want 0.01 to 1e6", p[0])
	}
	return rounded(p[1:], o.doubles(stable.StudentTFamily(p[0]))), positiveScale(p[1:])
}
