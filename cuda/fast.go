package cuda

import (
	"heavytail/cuda/gen"
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/tensor"
)

// A Mode is how a device computes Linear, Conv2D, their gradients, and attention.
// Everything else is exact in every mode: norms, losses, the optimiser and all
// parameters are those of the CPU, and all tensors are float32.
//
// The fast modes use tensor cores, which add in an order of their own: they promise
// no bits but these, that on one kind of GPU a result depends on the inputs only, and
// a sample not on its batch. What tensor cores do not take is exact too: they want
// channels read in multiples of 32, of TF32 16, and written in multiples of 8, of TF32
// 2; for the gradient of a weight both in multiples of 8, of TF32 4.
//
// With operands rounded by u of themselves, 2⁻⁸ in BF16 and 2⁻¹⁰ in TF32, a sum of n
// products a·b is off by at most (2u + u²)·Σ|a·b|, and by the 2n·2⁻²⁴·Σ|a·b| that its
// float32 additions lose.
type Mode int

const (
	// Exact has the bits of the CPU.
	Exact Mode = iota
	// TF32 multiplies float32 of which tensor cores see 10 bits of fraction, also in the
	// gradients of attention with heads of 16, 32 or 64 channels.
	TF32
	// BF16 rounds operands to bfloat16, also those of the same gradients and of
	// attention forward with heads of 64 channels.
	BF16
)

// String is "exact", "tf32" or "bf16".
func (m Mode) String() string { return [...]string{"exact", "tf32", "bf16"}[m] }

// cores sets y to the convolution of x by w + bias + res on tensor cores, as the
// fields of sh say; with sh.Back y is dx and x is dy. It returns false, and does
// nothing, if the mode has none of that, or they do not take these tensors: that
// depends on the shape of one sample only.
func (d *Device) cores(y, x plan.Image, w *tensor.Tensor, bias uint64, res plan.Image, sh conv.Shape) bool {
	if y.N == 0 || x.C == 0 || bias%8 != 0 || at(w)%16 != 0 {
		return false
	}
	slot := 0
	if sh.Back {
		slot = 1
	}
	switch {
	case d.opt.Mode == TF32 && plan.TF32(y, x, res): // which wants transposes of what others want
		d.stream.ConvTF32(y, x, d.ordered(w, slot, sh, !sh.Back), bias, res, sh)
	case d.opt.Mode == BF16 && plan.Halves(y, x, res):
		f := orderOf(sh, sh.Back)
		weight := d.pack(w, slot, halfPlain+f, up(elements(w, sh), 2), func(dst uint64) { d.half(dst, w, f, elements(w, sh)) })
		pixels := d.round(x)
		if sh == (conv.Shape{Back: sh.Back, K: 1, Stride: 1, H: 1, W: 1}) && res.At == 0 {
			d.stream.Product16(y, pixels, x.C, weight, y.C, bias)
			break
		}
		x.At, x.Pitch = pixels, x.C
		d.stream.Conv16(y, x, weight, bias, res, sh)
	default:
		return false
	}
	return true
}

// takes reports whether tensor cores multiply pixels of c channels by a weight with o.
func (m Mode) takes(c, o int) bool {
	y, x := plan.Image{C: o}, plan.Image{C: c}
	return c > 0 && (m == TF32 && plan.TF32(y, x, plan.Image{}) || m == BF16 && plan.Halves(y, x, plan.Image{}))
}

// half puts w's n elements in the order f to dst, rounded to bfloat16.
func (d *Device) half(dst uint64, w *tensor.Tensor, f form, n int) {
	from := at(w)
	if f != plain {
		from = d.room(n)
		d.order(from, w, f)
	}
	d.stream.ToBF16(dst, plan.Rows(from, 1, n, n)) // n is a multiple of 8, as the channels written are
}

// round returns the pixels of x in bfloat16, without gaps, until the method ends: dy
// is read twice in one.
func (d *Device) round(x plan.Image) uint64 {
	of := plan.Rows(x.At, x.N*x.H*x.W, x.C, x.Pitch)
	if d.rounded.of != of {
		to := d.room(up(of.W*x.C, 2))
		d.stream.ToBF16(to, x)
		d.rounded = roundedImage{of, to}
	}
	return d.rounded.at
}

// A roundedImage is the latest in bfloat16.
type roundedImage struct {
	of plan.Image
	at uint64
}

// weightGradient adds to dw the gradient of a weight, on tensor cores if the mode has
// that and they take these tensors, otherwise in Winograd's form m, or if that is 0
// directly: dy and x are as plan.Stream.WeightGradient has them.
func (d *Device) weightGradient(dw uint64, dy, x plan.Image, sh conv.Shape, m int) {
	switch {
	case d.opt.Mode != Exact && d.weightParts(dw, dy, x, sh):
	case m != 0:
		d.stream.WinogradWeights(m, dw, dy, x, d.room(d.stream.WinogradWeightsRoom(m, dy, x)))
	default:
		d.stream.WeightGradient(dw, dy, x, sh)
	}
}

// weightParts is weightGradient on tensor cores, if they take these tensors.
func (d *Device) weightParts(dw uint64, dy, x plan.Image, sh conv.Shape) bool {
	p, ok := d.stream.Parted(dy, x, sh, d.opt.Mode == TF32)
	if !ok {
		return false
	}
	if d.opt.Mode == BF16 {
		dy.At, dy.Pitch = d.round(dy), dy.C
		x.At, x.Pitch = d.round(x), x.C
	}
	n := sh.K * sh.K * x.C * dy.C
	parts := d.room(p.Parts * n)
	d.stream.WeightParts(parts, dy, x, sh, p)
	d.columnSums(dw, n, matrix{parts, p.Parts, n, n}, 1, true)
	return true
}

// flash is attention in bfloat16, if the mode has that and it takes these tensors.
func (a *heads) flash(y, qkv *tensor.Tensor) bool {
	in, out := rows(qkv), of(y)
	if a.opt.Mode != BF16 || a.d != gen.FlashHead || !of(qkv).fours() || out.at%8 != 0 || out.pitch%2 != 0 || gen.FlashShared > a.info.Shared ||
		int64(a.t)*int64(qkv.Cols()) > maxFlash {
		return false
	}
	a.launch("mma_flash_64", "mma_flash_64", grid(up(a.t, 64), a.n*a.h, 1), gen.FlashShared,
		ptr(out.at), ptr(a.round(in)), num(a.t), num(a.h), num(qkv.Cols()), num(out.pitch))
	return true
}

// flashBackEntries are the kernels of gradients of attention on tensor cores: those of
// queries and those of keys.
var flashBackEntries = func() map[gen.FlashBack]string {
	m := map[gen.FlashBack]string{}
	for _, f := range gen.FlashBacks {
		m[f] = f.Name()
	}
	return m
}()

// flashBack is the gradient of attention on tensor cores, if the mode has that and they
// take these tensors. Nothing but qkv is there of the pass forward: the form of queries
// makes again what that of keys reads.
func (a *heads) flashBack(dqkv, dy, qkv *tensor.Tensor) bool {
	f := gen.FlashBack{Head: a.d, TF32: a.opt.Mode == TF32, Keys: true} // which takes more memory
	out, x, g := of(dqkv), of(qkv), of(dy)
	if a.opt.Mode == Exact || flashBackEntries[f] == "" || !out.fours() || !x.fours() || !g.fours() || f.Shared() > a.info.Shared ||
		int64(a.t)*int64(max(x.pitch, g.pitch)) > maxFlash {
		return false
	}
	if !f.TF32 {
		x.at, x.pitch = a.round(rows(qkv)), x.cols
		g.at, g.pitch = a.round(rows(dy)), g.cols
	}
	stats := a.room(2 * a.n * a.h * up(a.t, gen.FlashRows) * gen.FlashRows)
	for _, keys := range [...]bool{false, true} {
		f.Keys = keys
		entry := flashBackEntries[f]
		a.launch(entry, entry, grid(up(a.t, gen.FlashRows), a.n*a.h, 1), f.Shared(), ptr(out.at), ptr(x.at), ptr(g.at), ptr(stats),
			num(a.t), num(a.h), num(x.pitch), num(g.pitch), num(out.pitch))
	}
	return true
}

// maxFlash bounds the elements of a sample of qkv, whose offsets have 32 bits.
const maxFlash = 1<<32 - 1
