package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// size is the side of the pictures that this program makes, in pixels.
const size = 32

// A picture is size×size pixels of red, green and blue.
type picture [size * size * 3]uint8

// shrink lays a glyph's PNG on white and averages it to size×size pixels. The
// bitmaps of Noto are 136×128 with four empty columns on both sides, so a pixel is
// the mean of exactly 4×4; other sizes are an error, and so is a column that is
// not empty. Means are of the stored values (sRGB), as programs that draw text
// scale such glyphs.
func shrink(b []byte) (*picture, error) {
	c, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	const factor = 4
	margin := (c.Width - factor*size) / 2
	if c.Height != factor*size || margin < 0 || c.Width != factor*size+2*margin || c.Width > 2*c.Height {
		return nil, fmt.Errorf("a picture of %d×%d pixels, want a height of %d and a width of 2 to %d", c.Width, c.Height, factor*size, 2*c.Height)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	var sums [size * size * 3]int // of values up to 255 over white, times 255 for the alpha
	for y := range c.Height {
		for x := range c.Width {
			p := color.NRGBAModel.Convert(img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y)).(color.NRGBA)
			if x < margin || x >= c.Width-margin {
				if p.A != 0 {
					return nil, fmt.Errorf("something is drawn in column %d, outside of the square", x)
				}
				continue
			}
			at := 3 * (y/factor*size + (x-margin)/factor)
			for i, v := range [3]uint8{p.R, p.G, p.B} {
				sums[at+i] += int(v)*int(p.A) + 255*(255-int(p.A))
			}
		}
	}
	out := new(picture)
	const all = factor * factor * 255
	for i, s := range sums {
		out[i] = uint8((s + all/2) / all)
	}
	return out, nil
}

// encode writes the picture as a PNG.
func (p *picture) encode() ([]byte, error) {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		img.SetNRGBA(i%size, i/size, color.NRGBA{p[3*i], p[3*i+1], p[3*i+2], 255})
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

// distance is the root of the mean squared difference of two pictures' values,
// from 0 to 255; of pictures that are not nearer than limit it is limit.
func distance(p, q *picture, limit float64) float64 {
	const row = 3 * size
	bound := limit * limit * float64(len(p))
	sum := 0
	for y := 0; y < len(p) && float64(sum) < bound; y += row {
		for i, v := range p[y : y+row] {
			d := int(v) - int(q[y+i])
			sum += d * d
		}
	}
	if float64(sum) >= bound {
		return limit
	}
	return math.Sqrt(float64(sum) / float64(len(p)))
}
