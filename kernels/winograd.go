package kernels

import (
	"heavytail/internal/conv"
	"heavytail/simd"
	"heavytail/tensor"
)

// winogradForm is conv.Winograd: h and w are those of what is read.
func winogradForm(h, w, read int, weight *tensor.Tensor, opt tensor.ConvOpt) simd.Wino {
	return simd.Wino(conv.Winograd(h, w, read, weight, opt))
}

// winoKey is the geometry of a Winograd convolution of h×w pixels.
type winoKey struct {
	form                   simd.Wino
	h, w                   int
	aPitch, cPitch, rPitch int // of what is read and written, and of the residual
}

// winoTable lists the pixels of each tile of one image; offsets count from its
// first pixel, −1 outside.
type winoTable struct {
	tiles      int
	in         []int32 // [tile][pixels that it reads]
	cOut, rOut []int32 // [tile][outputs]
	wide       int     // tiles of a row
	needed     []uint8 // of WinoUp, see conv.UpNeeded
}

var winoTables geometries[winoKey, *winoTable]

// bytes returns the memory that t takes.
func (t *winoTable) bytes() int64 {
	return 4*int64(len(t.in)+len(t.cOut)+len(t.rOut)) + int64(len(t.needed))
}

func buildWinoTable(k winoKey) *winoTable {
	m, d, o := int(k.form), k.form.Pixels(), k.form.Outputs()
	t := &winoTable{tiles: conv.Tiles(k.h, k.w, m)}
	t.in = make([]int32, 0, t.tiles*d*d)
	t.cOut, t.rOut = make([]int32, 0, t.tiles*o*o), make([]int32, 0, t.tiles*o*o)
	at := func(y, x, h, w, pitch int) int32 {
		if y < 0 || y >= h || x < 0 || x >= w {
			return -1
		}
		return int32((y*w + x) * pitch)
	}
	ho, wo := k.h, k.w
	if k.form == simd.WinoUp {
		ho, wo = 2*k.h, 2*k.w
	}
	wide := conv.Along(k.w, m)
	if t.wide = wide; k.form == simd.WinoUp {
		t.needed = conv.UpNeeded(k.h)
	}
	for i := range t.tiles {
		y, outY := conv.TileAt(i/wide, m)
		x, outX := conv.TileAt(i%wide, m)
		for p := range d * d {
			t.in = append(t.in, at(y+p/d, x+p%d, k.h, k.w, k.aPitch))
		}
		for q := range o * o {
			t.cOut = append(t.cOut, at(outY+q/o, outX+q%o, ho, wo, k.cPitch))
			t.rOut = append(t.rOut, at(outY+q/o, outX+q%o, ho, wo, k.rPitch))
		}
	}
	return t
}

// Form names the form that a forward convolution of h×wd pixels takes: "direct",
// "summed taps" or "U(4×4)" of one that doubles the image, "F(2×2)" or "F(4×4)".
func (c *CPU) Form(h, wd int, w *tensor.Tensor, opt tensor.ConvOpt) string {
	if m := winogradForm(h, wd, w.Dim(-2), w, opt); m != 0 {
		return m.String()
	}
	if opt.Up && tapCount(w) > 1 {
		return "summed taps"
	}
	return "direct"
}
