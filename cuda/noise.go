package cuda

import (
	"fmt"
	"math"

	"heavytail/cuda/gen"
	"heavytail/simd"
	"heavytail/stable"
	"heavytail/tensor"
)

// noiseEntries and noise64Entries are the kernels of families, alone in modules of
// their names; that of a table depends on its terms.
var noiseEntries = map[simd.NoiseOp]string{
	simd.NoiseUniform: "uniform", simd.NoiseExponential: "exponential", simd.NoiseNormal: "normal",
	simd.NoiseSymmetricLow: "symmetric_low", simd.NoiseSymmetricHigh: "symmetric_high", simd.NoiseSkewed: "skewed",
	simd.NoisePositiveLow: "positive_low", simd.NoisePositiveHigh: "positive_high",
	simd.NoiseRootLow: "root_low", simd.NoiseRootHigh: "root_high", simd.NoiseLogLow: "log_low", simd.NoiseLogHigh: "log_high",
}

var noise64Entries = map[simd.Noise64Op]string{
	simd.Noise64Uniform: "uniform64", simd.Noise64Exponential: "exponential64", simd.Noise64Normal: "normal64",
	simd.Noise64SymmetricLow: "symmetric64_low", simd.Noise64SymmetricHigh: "symmetric64_high",
	simd.Noise64SkewedS0: "skewed64_s0", simd.Noise64SkewedS1: "skewed64_s1", simd.Noise64StudentT: "student64",
}

// perBlock is the number of variates of a block of a kernel.
var perBlock = func() map[string]int {
	m := map[string]int{}
	for _, n := range gen.Noises {
		m[n.Name] = n.Per
	}
	return m
}()

// A noiseTable is a table on the GPU, and the parameters that it gives a kernel.
type noiseTable struct {
	*buffer
	of    *simd.OctaveTable
	entry string
	args  []arg
}

// f32s and f64s are parameters that all are numbers of one type.
func f32s(x ...float32) (a []arg) {
	for _, v := range x {
		a = append(a, f32(v))
	}
	return a
}

func f64s(x ...float64) (a []arg) {
	for _, v := range x {
		a = append(a, f64(v))
	}
	return a
}

// noiseArgs are the parameters of a family's kernel, whose entry it returns.
func (d *Device) noiseArgs(f stable.Family) (entry string, args []arg) {
	if f.Rounded {
		if f.Wide.Op != simd.Noise64SkewedS0 {
			panic(fmt.Sprintf("cuda: Noise: no family %d, rounded", f.Wide.Op))
		}
		_, args = noise64Args(f.Wide)
		return "skewed_s0", args
	}
	q, entry := f.Params, noiseEntries[f.Op]
	switch f.Op {
	case simd.NoiseUniform, simd.NoiseExponential:
		return entry, nil
	case simd.NoiseNormal:
		return entry, f32s(q.Scale)
	case simd.NoiseTable:
		return d.table(q.Table)
	case simd.NoiseSymmetricLow, simd.NoiseSymmetricHigh:
		return entry, f32s(q.Alpha, q.K[0], q.K1[0], q.Eps, q.Least, q.Expo, q.ExpoLo, q.Bias)
	case simd.NoiseSkewed:
		return entry, f32s(q.Alpha, q.AlphaLo, q.Eps, q.K[0], q.K[1], q.K1[0], q.K1[1], q.KLo[0], q.KLo[1],
			q.Least, q.Expo, q.ExpoLo, q.Bias, q.BiasN, q.Shift, q.Zero)
	}
	if entry == "" {
		panic(fmt.Sprintf("cuda: Noise: no family %d", f.Op))
	}
	return entry, f32s(q.A, q.Expo, q.ExpoLo, q.Bias)
}

// noise64Args is noiseArgs of float64.
func noise64Args(f stable.Family64) (entry string, args []arg) {
	q, entry := f.Params, noise64Entries[f.Op]
	switch f.Op {
	case simd.Noise64Uniform, simd.Noise64Exponential, simd.Noise64Normal:
		return entry, nil
	case simd.Noise64SymmetricLow, simd.Noise64SymmetricHigh:
		return entry, f64s(q.A, q.K, q.ExpoHi, q.Expo, q.ExpoLo, q.Bias)
	case simd.Noise64SkewedS0, simd.Noise64SkewedS1:
		return entry, f64s(q.ExpoHi, q.Expo, q.ExpoLo, q.Bias, q.Eps, q.HalfEps, q.InvSin, q.Bp, q.Bm, q.Kp, q.Km, q.InvAlpha, q.InvEps, q.Lo, q.Hi)
	case simd.Noise64StudentT:
		return entry, f64s(q.ExpoHi, q.Expo, q.ExpoLo, q.Bias, q.Nu)
	}
	panic(fmt.Sprintf("cuda: Noise64: no family %d", f.Op))
}

// table uploads a table, unless it is there.
func (d *Device) table(t *simd.OctaveTable) (entry string, args []arg) {
	if d.octaves.of == t {
		return d.octaves.entry, d.octaves.args
	}
	l, terms := t.Layout(), t.Terms()
	stride := gen.TableStride(terms)
	rows := make([]float32, 2*t.Rows()*stride)
	for i, c := range l.Coef {
		rows[i/terms*stride+i%terms] = c
	}
	b := d.buffer(len(rows))
	d.check(d.drv.ToDevice(b.at, raw(rows)))
	args = append([]arg{ptr(b.at), num(t.Rows()), u32(l.Split), u32(l.Shift)}, f32s(l.A[0], l.A[1], l.B[0], l.B[1])...)
	d.octaves = noiseTable{b, t, fmt.Sprintf("table_%d", terms), args}
	return d.octaves.entry, args
}

// fill makes the blocks from first on of a family at an address.
func (d *Device) fill(entry string, to uint64, blocks, first int, s stable.Key, tag uint32, args []arg) {
	key, c := s.Counter(tag)
	all := append([]arg{ptr(to), num(blocks), num(first), u32(uint32(key)), u32(uint32(key >> 32)), u32(c[0]), u32(c[1]), u32(c[2])}, args...)
	d.launch(entry, entry, grid(up(blocks, pointThreads), 1, 1), 0, all...)
}

// blocks returns where n variates from off on lie: blocks of per from first on, of
// which skip variates are of others. It panics if there are not so many.
func noiseBlocks(op string, n, off, per int) (blocks, first, skip int) {
	if limit := uint64(per) << 32; off < 0 || uint64(off) > limit || uint64(n) > limit-uint64(off) {
		panic(fmt.Sprintf("cuda: %s: %d variates at offset %d, of a family of %d", op, n, off, limit))
	}
	return up(off%per+n, per), off / per, off % per
}

// Noise sets the elements of dst, which is dense, to variates off, off+1, … of a
// family of the stream: the bits that the method of stable.Key gives which the
// family is named after. It panics if the family has not so many.
func (d *Device) Noise(dst *tensor.Tensor, s stable.Key, f stable.Family, off int) {
	dense("Noise", dst)
	defer d.begin("Noise", dst).end()
	dst.Touch()
	d.noise(at(dst), dst.Len(), s, f, off)
}

func dense(op string, t *tensor.Tensor) {
	if !t.Dense() {
		panic(fmt.Sprintf("cuda: %s: a view of shape %v at pitch %d, want a dense tensor", op, t.Shape(), t.Pitch()))
	}
}

func (d *Device) noise(to uint64, n int, s stable.Key, f stable.Family, off int) {
	if n == 0 {
		return
	}
	tag := f.Tag
	if f.Rounded {
		tag = f.Wide.Tag
	}
	entry, args := d.noiseArgs(f)
	per := perBlock[entry]
	blocks, first, skip := noiseBlocks("Noise", n, off, per)
	if n%per == 0 && skip == 0 && to%16 == 0 {
		d.fill(entry, to, blocks, first, s, tag, args)
		return
	}
	from := d.room(blocks * per)
	d.fill(entry, from, blocks, first, s, tag, args)
	d.points(pointCopy, matrix{to, 1, n, n}, []matrix{{from + 4*uint64(skip), 1, n, n}})
}

// Noise64 is Noise for float64, which it downloads.
func (d *Device) Noise64(dst []float64, s stable.Key, f stable.Family64, off int) {
	if len(dst) == 0 {
		return
	}
	entry, args := noise64Args(f)
	per := perBlock[entry]
	blocks, first, skip := noiseBlocks("Noise64", len(dst), off, per)
	defer d.begin("Noise64").end()
	from := d.room(2 * blocks * per)
	d.fill(entry, from, blocks, first, s, f.Tag, args)
	d.get(raw(dst), from+8*uint64(skip))
}

// Gamma sets dst[i] to variate off+i of the gamma law of that shape: the bits of
// stable.Key.GammaFill. The few that rounding leaves open this processor makes.
func (d *Device) Gamma(dst []float64, s stable.Key, shape float64, off int) {
	d.gamma(dst, s, shape, 1, 1, off)
}

// Kappa sets dst[i] to variate off+i of κ = χ²(ν)/ν for a finite ν: the bits of
// stable.Key.KappaFill.
func (d *Device) Kappa(dst []float64, s stable.Key, nu float64, off int) {
	d.gamma(dst, s, nu/2, 2, nu, off)
}

func (d *Device) gamma(dst []float64, s stable.Key, shape, mul, div float64, off int) {
	const limit = 1 << 32 / simd.Gamma64Blocks
	if !(shape > 0 && shape <= math.MaxFloat64) || off < 0 || off > limit || len(dst) > limit-off {
		panic(fmt.Sprintf("cuda: Gamma: shape %v, %d variates at offset %d, of a family of %d", shape, len(dst), off, limit))
	}
	if len(dst) == 0 {
		return
	}
	q := simd.NewGamma64Params(shape)
	d.gammas(dst, s, f64s(q.D, q.C, q.Shape, mul, div, q.Tol), off)
	for i, x := range dst {
		if x != x {
			dst[i] = float64(s.Gamma(shape, off+i)*mul) / div
		}
	}
}

func (d *Device) gammas(dst []float64, s stable.Key, args []arg, off int) {
	defer d.begin("Gamma").end()
	from := d.room(2 * len(dst))
	d.fill("gamma64", from, len(dst), off, s, stable.GammaTag, args)
	d.get(raw(dst), from)
}

// StableNoise sets sample j of dst, which is dense, to the noise of sample
// s.Sample + j: the bits of n.Fill.
func (d *Device) StableNoise(dst *tensor.Tensor, s stable.Key, n stable.Noise) {
	dense("StableNoise", dst)
	if !(n.Alpha > 0 && n.Alpha <= 2) || dst.Rank() < 1 {
		panic(fmt.Sprintf("cuda: StableNoise: alpha %v for shape %v", n.Alpha, dst.Shape()))
	}
	defer d.begin("StableNoise", dst).end()
	dst.Touch()
	if dst.Len() == 0 {
		return
	}
	limit := float32(math.MaxFloat32)
	if c := float32(n.ClampEps); c > 0 {
		limit = min(c, limit)
	}
	if n.Isotropic || n.Alpha == 2 {
		d.isotropic(dst, s, n, limit)
		return
	}
	root := float32(math.Inf(1)) // the largest √A
	if n.ClampA > 0 {
		root = float32(math.Sqrt(n.ClampA))
	}
	per := dst.Len() / dst.Dim(0)
	normals, roots := d.room(per), d.room(per)
	for j := range dst.Dim(0) {
		one := stable.Key{Seed: s.Seed, Sample: s.Sample + uint64(j), Step: s.Step}
		d.noise(normals, per, one, stable.NormalFamily(1), 0)
		d.noise(roots, per, one, stable.PositiveFamily(n.Alpha/2, stable.Root), 0)
		row := func(at uint64) matrix { return matrix{at, 1, per, per} }
		d.points(pointNoise, row(at(dst)+4*uint64(j)*uint64(per)), []matrix{row(normals), row(roots)}, f32(root), f32(limit))
	}
}

var pointNoise = point("noise_product")

// isotropic makes noise of one multiplier A to a sample.
func (d *Device) isotropic(dst *tensor.Tensor, s stable.Key, n stable.Noise, limit float32) {
	rows := dst.Dim(0)
	per := dst.Len() / rows
	scale := d.room(rows)
	// samples are the parameters of m samples from j on. It panics if there are not
	// so many.
	samples := func(tag uint32, j, m int, args ...arg) []arg {
		s := stable.Key{Seed: s.Seed, Sample: s.Sample + uint64(j), Step: s.Step}
		last := s
		last.Sample += uint64(m - 1)
		last.Counter(tag)
		return append([]arg{num(m), u32(uint32(s.Seed)), u32(uint32(s.Seed >> 32)), u32(s.Step), ptr(s.Sample), u32(tag)}, args...)
	}
	if n.Alpha == 2 {
		d.check(d.drv.Set(scale, math.Float32bits(float32(math.Sqrt2)), rows))
	} else {
		most, a := math.Inf(1), float64(n.Alpha/2)
		if n.ClampA > 0 {
			most = n.ClampA
		}
		args := append([]arg{ptr(scale)}, samples(stable.MultiplierTag, 0, rows, f64s(a, 1-a, (1-a)/a, most)...)...)
		d.launch("isotropic", "multipliers", grid(up(rows, pointThreads), 1, 1), 0, args...)
	}
	blocks, tag := up(per, 4), stable.NormalFamily(1).Tag
	for j := 0; j < rows; j += mostRows {
		m := min(mostRows, rows-j)
		args := append([]arg{ptr(at(dst) + 4*uint64(j)*uint64(per))},
			samples(tag, j, m, num(per), num(per), num(blocks), ptr(scale+4*uint64(j)), f32(limit))...)
		d.launch("isotropic", "normal_rows", grid(up(blocks, pointThreads), m, 1), 0, args...)
	}
}

// mostRows is how many samples of isotropic noise one launch makes.
const mostRows = 1 << 15
