package kernels

import (
	"heavytail/simd"
	"heavytail/tensor"
)

// Channels that a form needs to read. With fewer the direct sum has so few
// roundings that the transforms' own show, and F(4×4) exceeds twice the direct
// form's error; so it does in small images, whose direct sums leave out the
// taps beyond the border: hence at least wino4Reach channels times pixels of
// the shorter side. TestWinogradErrors holds the bound.
const (
	wino2Read  = 8
	wino4Read  = 32
	wino4Reach = 448
)

// Costs of transforming nine taps in units of one product.
const (
	wino2Taps = 96
	wino4Taps = 128
)

// winogradForm returns the form of Winograd's convolution that outputs of h×w
// pixels take from read channels and the weight w, 0 for the direct one: that
// of least cost for one image. The cost counts products per pair of channels; a
// form adds what it takes to transform the pair's nine taps, which are
// transformed where they are used, so that memory delivers nine values a pair
// and not 16 or 36. BenchmarkWinograd measures the forms.
//
// It depends on the options, H, W and the channels only, as every device must.
func winogradForm(h, w, read int, weight *tensor.Tensor, opt tensor.ConvOpt) (form simd.Wino) {
	if !opt.Normalized || weight.Rank() != 4 || weight.Dim(0) != 3 || opt.Stride == 2 || opt.Up {
		return 0
	}
	least := 9 * h * w
	if cost := 16*winoTiles(h, w, simd.Wino2) + wino2Taps; read >= wino2Read && cost < least {
		form, least = simd.Wino2, cost
	}
	if cost := 36*winoTiles(h, w, simd.Wino4) + wino4Taps; read >= wino4Read && read*min(h, w) >= wino4Reach && cost < least {
		form = simd.Wino4
	}
	return form
}

// winoTiles returns the number of tiles of an image, which start at its
// origin; those at the lower and right edge may reach beyond it.
func winoTiles(h, w int, m simd.Wino) int {
	n := int(m)
	return ((h + n - 1) / n) * ((w + n - 1) / n)
}

// winoKey is the geometry of a Winograd convolution.
type winoKey struct {
	form                   simd.Wino
	h, w                   int
	aPitch, cPitch, rPitch int // of what is read and written, and of the residual
}

// winoTable lists the pixels of each tile of one image; offsets count from its
// first pixel, −1 outside.
type winoTable struct {
	tiles      int
	in         []int32 // [tile][points]
	cOut, rOut []int32 // [tile][m²]
}

var winoTables geometries[winoKey, winoTable]

func buildWinoTable(k winoKey) *winoTable {
	t := &winoTable{tiles: winoTiles(k.h, k.w, k.form)}
	m := int(k.form)
	at := func(y, x, pitch int) int32 {
		if y < 0 || y >= k.h || x < 0 || x >= k.w {
			return -1
		}
		return int32((y*k.w + x) * pitch)
	}
	wide := (k.w + m - 1) / m
	for i := range t.tiles {
		y0, x0 := i/wide*m, i%wide*m
		for p := range k.form.Points() {
			t.in = append(t.in, at(y0+p/(m+2)-1, x0+p%(m+2)-1, k.aPitch))
		}
		for q := range m * m {
			t.cOut = append(t.cOut, at(y0+q/m, x0+q%m, k.cPitch))
			t.rOut = append(t.rOut, at(y0+q/m, x0+q%m, k.rPitch))
		}
	}
	return t
}
