package kernels

import (
	"fmt"

	"heavytail/internal/conv"
	"heavytail/simd"
	"heavytail/tensor"
)

// winogradForm is conv.Winograd.
func winogradForm(h, w, read int, weight *tensor.Tensor, opt tensor.ConvOpt) simd.Wino {
	return simd.Wino(conv.Winograd(h, w, read, weight, opt))
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

var winoTables geometries[winoKey, *winoTable]

// bytes returns the memory that t takes.
func (t *winoTable) bytes() int64 { return 4 * int64(len(t.in)+len(t.cOut)+len(t.rOut)) }

func buildWinoTable(k winoKey) *winoTable {
	t := &winoTable{tiles: conv.Tiles(k.h, k.w, int(k.form))}
	m := int(k.form)
	t.in = make([]int32, 0, t.tiles*k.form.Points())
	t.cOut, t.rOut = make([]int32, 0, t.tiles*m*m), make([]int32, 0, t.tiles*m*m)
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

// Form names the form that a forward convolution of h×wd pixels takes: "direct",
// "summed taps" of one that doubles the image, "F(2×2)" or "F(4×4)".
func (c *CPU) Form(h, wd int, w *tensor.Tensor, opt tensor.ConvOpt) string {
	if m := winogradForm(h, wd, w.Dim(-2), w, opt); m != 0 {
		return fmt.Sprintf("F(%d×%[1]d)", int(m))
	}
	if opt.Up && tapCount(w) > 1 {
		return "summed taps"
	}
	return "direct"
}
