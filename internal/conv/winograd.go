package conv

import "heavytail/tensor"

// Channels that a form of Winograd's needs to read. With fewer the direct sum has
// so few roundings that the transforms' own show, and F(4×4) exceeds twice the
// direct form's error; so it does in small images, whose direct sums leave out the
// taps beyond the border: hence at least wino4Reach channels times pixels of
// the shorter side. simd/doc.go states the bound, and which tests hold it.
const (
	wino2Read  = 8
	wino4Read  = 32
	wino4Reach = 448
	upRead     = 8
)

// Costs of transforming nine taps in units of one product.
const (
	wino2Taps = 96
	wino4Taps = 128
)

// Up is the form of an upsampled convolution that simd.WinoUp defines.
const Up = 5

// UpMats is how many sums of taps it reads, see UpTaps.
const UpMats = 25

// upCost is for what Up takes beside its products, in units of one for each pair of
// channels. It leaves 4×4 pixels to sums of four taps, whose products are 256 where those
// of Up are 225.
const upCost = 64

// Winograd returns the form that a convolution of h×w pixels takes from read channels
// and the weight: 2 or 4 for Winograd's F(m×m, 3×3), Up for the form of an upsampled
// convolution, or 0 for the direct form: that of least cost for one image. All but the
// direct form are for 3×3 taps and stride 1. F(m×m, 3×3) asks for an input that is
// normalised; Up does not, because its outputs depend on no pixel that they do not see.
// The cost counts products per pair of channels; F(m×m, 3×3) adds what it takes to
// transform the pair's nine taps, which a CPU transforms where they are used, so that
// memory delivers nine values a pair and not 16 or 36, and Up adds upCost.
// BenchmarkWinograd of package kernels measures the forms but Up.
//
// It depends on the options, H, W and the channels only, as every device must.
func Winograd(h, w, read int, weight *tensor.Tensor, opt tensor.ConvOpt) (m int) {
	if weight.Rank() != 4 || weight.Dim(0) != 3 || opt.Stride == 2 || !opt.Up && !opt.Normalized {
		return 0
	}
	if opt.Up {
		if read >= upRead && UpMats*Tiles(h, w, Up)+upCost < 16*h*w {
			return Up
		}
		return 0
	}
	least := 9 * h * w
	if cost := 16*Tiles(h, w, 2) + wino2Taps; read >= wino2Read && cost < least {
		m, least = 2, cost
	}
	if cost := 36*Tiles(h, w, 4) + wino4Taps; read >= wino4Read && read*min(h, w) >= wino4Reach && cost < least {
		m = 4
	}
	return m
}

// Tiles returns the number of tiles of an image of h×w pixels in form m. Those of m×m
// outputs start at its origin, and those at the lower and right edge may reach beyond
// it. The tiles of Up lie around every other pixel of every other row, the first one
// around that at the origin: see TileAt.
func Tiles(h, w, m int) int { return Along(h, m) * Along(w, m) }

// Along returns how many tiles of form m lie along n pixels.
func Along(n, m int) int {
	if m == Up {
		return n/2 + 1
	}
	return (n + m - 1) / m
}

// TileAt returns the first of the pixels that tile i along a side reads and the first
// output that it gives, either of which may lie before the image.
func TileAt(i, m int) (pixel, output int) {
	if m == Up {
		return 2*i - 1, 4*i - 1
	}
	return m*i - 1, m * i
}

// UpTaps returns the taps along one axis whose sum is point i < 5 of Up, from lo to
// hi−1: output 4t−1+r of tile t, whose pixels are 2t−1, 2t and 2t+1, is the sum of points
// 2 and r for the first two, of points 2 and r+1 for the others.
func UpTaps(i int) (lo, hi int) {
	return [5]int{0, 0, 0, 2, 1}[i], [5]int{2, 1, 3, 3, 3}[i]
}

// UpNeeded returns for each tile of Up along n pixels the points that some output inside
// the image is made of, as bits: tiles at the border give outputs beyond it.
func UpNeeded(n int) []uint8 {
	needed := make([]uint8, Along(n, Up))
	for i := range needed {
		_, first := TileAt(i, Up)
		for r, point := range [4]int{0, 1, 3, 4} {
			if at := first + r; at >= 0 && at < 2*n {
				needed[i] |= 1<<2 | 1<<point
			}
		}
	}
	return needed
}

// What the form of a gradient needs beside products, in units of one for each pair of
// channels and image: to transform its sums to nine taps. BenchmarkWinogradWeight of
// package kernels measures the forms.
const (
	wino2Sums = 96
	wino4Sums = 288
)

// wino4Pixels is how many pixels an image has whose gradient of a weight is summed in
// F(4×4): with fewer the direct sum over one image has so few roundings that the
// transforms' own exceed twice its error. TestWinogradWeightErrors of package kernels
// holds the bound. winoLeast is how many channels of x repay their transforms.
const (
	wino4Pixels = 196
	winoLeast   = 8
)

// WinogradWeight returns the side m of the tiles of Winograd's form in which the
// gradient of a weight is summed over images of h×w pixels, 2 or 4, 0 for the direct
// sum: that of least cost. It is for 3×3 taps, stride 1 and an input that is
// normalised. The cost counts products per pair of channels and image; the direct
// sum has none for pixels outside the image.
//
// It depends on the options, H, W and the channels only, as every device must.
func WinogradWeight(h, w int, weight *tensor.Tensor, opt tensor.ConvOpt) (m int) {
	if !opt.Normalized || weight.Rank() != 4 || weight.Dim(0) != 3 || weight.Dim(2) < winoLeast || opt.Stride == 2 || opt.Up {
		return 0
	}
	least := (3*h - 2) * (3*w - 2)
	if cost := 16*Tiles(h, w, 2) + wino2Sums; cost < least {
		m, least = 2, cost
	}
	if cost := 36*Tiles(h, w, 4) + wino4Sums; h*w >= wino4Pixels && cost < least {
		m = 4
	}
	return m
}
