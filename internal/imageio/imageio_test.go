package imageio

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestByteRoundsAndClamps(t *testing.T) {
	for v, want := range map[float32]byte{-1: 0, 1: 255, -7: 0, 9: 255, 0: 128, -1 + 2.0/255: 1, float32(math.Inf(1)): 255, float32(math.Inf(-1)): 0} {
		require.Equal(t, want, Byte(v), "%v", v)
	}
	require.Zero(t, Byte(float32(math.NaN())))
	for b := range 256 {
		require.EqualValues(t, b, Byte(float32(2*float64(b)/255-1)))
	}
}

func TestPNGCarriesItsRecipe(t *testing.T) {
	x := []float32{-1, 1, 0, -1, 1, 0, 0.5, -0.5, 0, 1, 1, 1}
	for _, c := range []int{1, 3} {
		img := Image(x, 2, 2, c)
		var b bytes.Buffer
		require.NoError(t, WritePNG(&b, img, `{"seed":3,"α":1.7}`))
		require.True(t, IsPNG(b.Bytes()))
		text, err := PNGText(bytes.NewReader(b.Bytes()))
		require.NoError(t, err)
		require.Equal(t, `{"seed":3,"α":1.7}`, text)
		back, err := png.Decode(bytes.NewReader(b.Bytes()))
		require.NoError(t, err)
		for y := range 2 {
			for i := range 2 {
				require.Equal(t, color.NRGBAModel.Convert(img.At(i, y)), color.NRGBAModel.Convert(back.At(i, y)))
			}
		}
		damaged := bytes.Clone(b.Bytes())
		damaged[60] ^= 1
		_, err = PNGText(bytes.NewReader(damaged))
		require.ErrorContains(t, err, "checksum")
		_, err = PNGText(bytes.NewReader(b.Bytes()[:50]))
		require.ErrorContains(t, err, "damaged")
		b.Reset()
		require.NoError(t, WritePNG(&b, img, ""))
		_, err = PNGText(bytes.NewReader(b.Bytes()))
		require.ErrorIs(t, err, ErrNoText)
	}
	_, err := PNGText(strings.NewReader("GIF89a.."))
	require.ErrorContains(t, err, "not a PNG")
}

func TestGridPlacesEverySample(t *testing.T) {
	g, err := NewGrid(5, 2, 3, 1, 0)
	require.NoError(t, err)
	for i := range 5 {
		x := make([]float32, 6)
		for j := range x {
			x[j] = float32(2*float64(10*i+j)/255 - 1)
		}
		g.Put(i, x)
	}
	m := g.Image().(*image.Gray)
	require.Equal(t, image.Rect(0, 0, 3*5+2, 2*4+2), m.Rect)
	require.EqualValues(t, 10, m.GrayAt(2+5, 2).Y)
	require.EqualValues(t, 45, m.GrayAt(2+5+2, 2+4+1).Y)
	require.Zero(t, m.GrayAt(2+2*5, 2+4).Y, "empty cell")
	_, err = NewGrid(1<<30, 28, 28, 1, 0)
	require.ErrorContains(t, err, "folder")
}

func TestFilm(t *testing.T) {
	var f Film
	require.Error(t, f.Write(new(bytes.Buffer)))
	f.Add(Image([]float32{-1, 0, 0.5, 1}, 2, 2, 1), 5)
	f.Add(Image(make([]float32, 12), 2, 2, 3), 50)
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	g, err := gif.DecodeAll(&b)
	require.NoError(t, err)
	require.Len(t, g.Image, 2)
	require.Equal(t, []int{5, 50}, g.Delay)
	require.Equal(t, color.RGBA{128, 128, 128, 255}, color.RGBAModel.Convert(g.Image[0].At(1, 0)))
}

// A reading that fails says why, and not that the file is damaged.
// Nothing that would fit is refused: no picture is smaller than said, one of a single
// colour neither.
func TestLeastBytes(t *testing.T) {
	for _, c := range []int{1, 3} {
		for _, size := range [][2]int{{1, 1}, {28, 28}, {3, 700}, {700, 3}, {1500, 1400}} {
			h, w := size[0], size[1]
			m := newCanvas(w, h, c).Image
			for _, text := range []string{"", "a recipe"} {
				var b bytes.Buffer
				require.NoError(t, WritePNG(&b, m, text))
				least := LeastPNG(w, h, c, text)
				require.LessOrEqual(t, least, int64(b.Len()), "%d×%d of %d", h, w, c)
			}
			var f Film
			for n := range 3 {
				f.Add(m, 0)
				var b bytes.Buffer
				require.NoError(t, f.Write(&b))
				least := LeastFilm(n+1, w, h)
				require.LessOrEqual(t, least, int64(b.Len()), "%d frames of %d×%d of %d", n+1, h, w, c)
			}
		}
	}
	require.Equal(t, int64(63+1000), LeastPNG(1031, 1000, 1, ""), "a row of 1032 bytes with its filter by one byte")
	require.Equal(t, int64(14+2*(12+1500)), LeastFilm(2, 2000, 2048), "1000 of 4096 pixels by 12 bits each")
}

func TestPNGTextReadingFails(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WritePNG(&b, image.NewGray(image.Rect(0, 0, 3, 3)), "a text"))
	stop := errors.New("stop")
	ended := 0
	for k := range b.Len() {
		_, err := PNGText(io.MultiReader(bytes.NewReader(b.Bytes()[:k]), iotest.ErrReader(stop)))
		if err == nil { // the text was before
			break
		}
		require.Equal(t, stop, err, k)
		_, err = PNGText(bytes.NewReader(b.Bytes()[:k]))
		require.Error(t, err)
		ended++
	}
	require.Greater(t, ended, 40)
}

func FuzzPNGText(f *testing.F) {
	var b bytes.Buffer
	_ = WritePNG(&b, Image(make([]float32, 4), 2, 2, 1), "{}")
	f.Add(b.Bytes())
	f.Add([]byte(pngMagic + "\x00\x00\x00\x0aiTXtheavytail\x00"))
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = PNGText(bytes.NewReader(data)) })
}
