package imageio

import (
	"errors"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"io"
)

// A Film is an animation under way. Frames are stored as bytes, one a pixel.
type Film struct {
	anim gif.GIF
}

// grays is the palette of grey pictures.
var grays = func() color.Palette {
	p := make(color.Palette, 256)
	for i := range p {
		p[i] = color.Gray{Y: uint8(i)}
	}
	return p
}()

// Add appends a picture shown for delay hundredths of a second. Colours are
// dithered to a fixed palette, greys kept.
func (f *Film) Add(img image.Image, delay int) {
	var frame *image.Paletted
	if g, ok := img.(*image.Gray); ok {
		frame = image.NewPaletted(g.Rect, grays)
		copy(frame.Pix, g.Pix)
	} else {
		frame = image.NewPaletted(img.Bounds(), palette.Plan9)
		draw.FloydSteinberg.Draw(frame, frame.Rect, img, img.Bounds().Min)
	}
	f.anim.Image = append(f.anim.Image, frame)
	f.anim.Delay = append(f.anim.Delay, delay)
}

// Len returns the number of frames.
func (f *Film) Len() int { return len(f.anim.Image) }

// LeastFilm returns how many bytes Write writes at least of so many frames of w×h pixels.
// After each clearing of the table, the k-th code stands for k pixels at most and has
// log2(k) bits at least, of 12 that it may have: so 4096 pixels take 12 bits or more.
func LeastFilm(frames, w, h int) int64 {
	const head, frame = 6 + 7 + 1, 10 + 2 // header, screen, trailer; descriptor, ends of the data
	return head + int64(frames)*(frame+int64(w)*int64(h)/4096*12/8)
}

// Write writes the animation, repeated for ever.
func (f *Film) Write(w io.Writer) error {
	if f.Len() == 0 {
		return errors.New("animation without a frame")
	}
	return gif.EncodeAll(w, &f.anim)
}
