package imageio

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"
)

// Cells gives back what Put drew, in both kinds of canvas, and takes for a grid
// nothing that has one pixel between the cells.
func TestCells(t *testing.T) {
	const n, h, w = 7, 3, 5
	for _, c := range []int{1, 3} {
		for _, cols := range []int{0, 1, 4, 7} {
			g, err := NewGrid(n, h, w, c, cols)
			require.NoError(t, err)
			x := make([]float32, h*w*c)
			for k := range n {
				for i := range x {
					x[i] = float32(2*((k*31+i*7)%255)+1)/255 - 1 + 1.0/255 // bytes 1 to 255
				}
				g.Put(k, x)
			}
			m := g.Image()
			H, W := m.Bounds().Dy(), m.Bounds().Dx()
			pix := bytesOf(m, c)
			cells := Cells(pix, H, W, c, h, w)
			require.Len(t, cells, n)
			for k, cell := range cells {
				for i, b := range cell {
					require.Equal(t, byte((k*31+i*7)%255+1), b)
				}
			}
			require.Nil(t, Cells(pix, H, W, c, w, h), "turned")
			require.Nil(t, Cells(pix[:(H-1)*W*c], H-1, W, c, h, w))
			pix[len(pix)-1] = 1
			require.Nil(t, Cells(pix, H, W, c, h, w))
		}
	}
}

// bytesOf returns the first c channels of a picture.
func bytesOf(m image.Image, c int) (pix []byte) {
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			r, g, b, _ := m.At(x, y).RGBA()
			pix = append(pix, []byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)}[:c]...)
		}
	}
	return pix
}
