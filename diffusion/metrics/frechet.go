package metrics

import (
	"fmt"
	"math"

	"heavytail/internal/par"
)

// An Extractor turns images into vectors of features. Distances depend on it,
// so its name is part of every result.
type Extractor interface {
	Name() string                        // tells it and its weights from all others
	Dim() int                            // features of an image
	Features(images []float32) []float32 // images channels last in [−1,1], one after the other
}

// Features are the features of a set of images, or points as they are.
type Features struct {
	Extractor string    // its name, empty for points
	Dim       int       // values of one image or point
	X         []float32 // row-major, Dim values each
}

// Extract returns the features of images.
func Extract(e Extractor, images []float32) Features {
	return Features{e.Name(), e.Dim(), e.Features(images)}
}

// Points returns points of d values as their own features.
func Points(x []float32, d int) Features { return Features{"coordinates", d, x} }

// Len returns the number of images.
func (f Features) Len() int { return len(f.X) / f.Dim }

// check panics unless a and b can be compared.
func check(name string, a, b Features) {
	if a.Extractor != b.Extractor || a.Dim != b.Dim {
		panic(fmt.Sprintf("metrics: %s: features %s of %d values and %s of %d", name, a.Extractor, a.Dim, b.Extractor, b.Dim))
	}
	rows(name, a.X, a.Dim)
	rows(name, b.X, b.Dim)
}

// A Distance is a distance of two sets of images in the features of Extractor.
type Distance struct {
	Extractor string
	Real, Gen int // numbers of images; Fréchet distances fall as they grow
	Value     float64
}

// Frechet returns the squared Fréchet (Wasserstein-2) distance of the normal
// laws with the means and covariances (divided by n−1) of the features:
//
//	|μ₁ − μ₂|² + tr C₁ + tr C₂ − 2·tr (C₁C₂)^{1/2}
//
// It is the FID only in the features of the Inception network of that metric.
// It is biased upwards by small sets, so compare equal numbers. It panics if
// the extractors differ and returns an error, and a Value of NaN, if a set has
// fewer than two images or features are not finite.
func Frechet(real, gen Features, threads int) (Distance, error) {
	check("Frechet", real, gen)
	out := Distance{Extractor: real.Extractor, Real: real.Len(), Gen: gen.Len(), Value: math.NaN()}
	if min(out.Real, out.Gen) < 2 {
		return out, fmt.Errorf("the Fréchet distance of %d and %d images needs at least 2 of each", out.Real, out.Gen)
	}
	m1, c1 := gaussian(real, threads)
	m2, c2 := gaussian(gen, threads)
	if !finite(m1) || !finite(m2) {
		return out, fmt.Errorf("the Fréchet distance: a feature is not finite or overflows; were there images that diverged?")
	}
	v, err := frechet(m1, c1, m2, c2)
	out.Value = v
	return out, err
}

// frechet is Frechet's formula; it overwrites the covariances. With C₁ = LLᵀ
// the eigenvalues of C₁C₂ are those of the symmetric LᵀC₂L.
func frechet(m1, c1, m2, c2 []float64) (float64, error) {
	d := len(m1)
	trace := 0.0
	for i := range d {
		trace += c1[i*d+i] + c2[i*d+i]
	}
	cholesky(c1, d)
	l := transposed(c1, d) // rows are the columns of L
	t := make([]float64, d*d)
	for i := range d { // t = (C₂L)ᵀ
		for j := range d {
			t[j*d+i] = dot(c2[i*d:(i+1)*d], l[j*d:(j+1)*d])
		}
	}
	for i := range d { // the lower triangle of LᵀC₂L
		for j := range i + 1 {
			c2[i*d+j] = dot(l[i*d:(i+1)*d], t[j*d:(j+1)*d])
		}
	}
	lambda, err := eigenvalues(c2, d)
	if err != nil {
		return math.NaN(), err
	}
	root := 0.0
	for _, v := range lambda {
		root += math.Sqrt(max(v, 0))
	}
	return max(squared(m1, m2)+trace-2*root, 0), nil
}

func transposed(a []float64, n int) []float64 {
	out := make([]float64, n*n)
	for i := range n {
		for j := range n {
			out[j*n+i] = a[i*n+j]
		}
	}
	return out
}

// gaussian returns mean and covariance of the features.
func gaussian(f Features, threads int) (mean, cov []float64) {
	n, d := f.Len(), f.Dim
	j := &covarianceJob{n: n, d: d, cols: make([]float64, len(f.X)), mean: make([]float64, d), cov: make([]float64, d*d)}
	for i, v := range f.X {
		j.cols[i%d*n+i/d] = float64(v)
	}
	for k := range d {
		col := j.cols[k*n : (k+1)*n]
		for _, v := range col {
			j.mean[k] += v / float64(n)
		}
		for i := range col {
			col[i] -= j.mean[k]
		}
	}
	par.Run(threads, d, j)
	return j.mean, j.cov
}

// A covarianceJob computes one row of the lower triangle and its mirror image
// per part. cols holds the centred features, one after the other.
type covarianceJob struct {
	n, d            int
	cols, mean, cov []float64
}

// Do implements par.Task.
func (j *covarianceJob) Do(i int) {
	x := j.cols[i*j.n : (i+1)*j.n]
	for k := range i + 1 {
		v := dot(x, j.cols[k*j.n:(k+1)*j.n]) / float64(j.n-1)
		j.cov[i*j.d+k], j.cov[k*j.d+i] = v, v
	}
}
