package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // decoders by content
	_ "image/png"
	"io"
	"strconv"
	"strings"
)

// Bounds of one picture, looked at before it is decoded.
const (
	maxPixels = 1 << 26
	maxSide   = 1<<16 - 1 // JPEG's own
	maxFile   = 256 << 20 // compressed
)

// A pictureHeader is what a picture says first.
type pictureHeader struct {
	image.Config
	channels int // 1 if it can hold no colour
}

// A decoded is a picture, and how it is to be turned.
type decoded struct {
	image.Image
	orientation int // as in EXIF; 0: as it is
}

// header reads the header of one picture and checks its size.
func header(open opener) (pictureHeader, error) {
	f, err := open()
	if err != nil {
		return pictureHeader{}, err
	}
	defer f.Close()
	return readHeader(io.LimitReader(f, maxFile))
}

func readHeader(r io.Reader) (h pictureHeader, err error) {
	var head bytes.Buffer
	h.Config, _, err = image.DecodeConfig(io.TeeReader(r, &head))
	if err != nil {
		return h, fmt.Errorf("%w; want PNG or JPEG", err)
	}
	if h.Width < 1 || h.Height < 1 || h.Width > maxSide || h.Height > maxSide || h.Width > maxPixels/h.Height {
		return h, fmt.Errorf("picture of %d×%d pixels; want at most %d a side and %d in all", h.Width, h.Height, maxSide, maxPixels)
	}
	h.channels = 3
	if h.ColorModel == color.GrayModel || h.ColorModel == color.Gray16Model {
		h.channels = 1
	}
	// Grey with transparency, which is decoded as colour: type 4 of PNG.
	if b := head.Bytes(); len(b) > 25 && bytes.HasPrefix(b, []byte("\x89PNG")) && (b[25] == 0 || b[25] == 4) {
		h.channels = 1
	}
	return h, nil
}

// decode reads one picture, its size checked first.
func decode(open opener, o Options) (decoded, error) {
	f, err := open()
	if err != nil {
		return decoded{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return decoded{}, err
	}
	if len(raw) > maxFile {
		return decoded{}, fmt.Errorf("file of more than %d MiB", maxFile>>20)
	}
	h, err := readHeader(bytes.NewReader(raw))
	if err != nil {
		return decoded{}, err
	}
	// At worst 16 bits of four channels, and three bytes of what is kept.
	if need := int64(h.Width) * int64(h.Height) * (8 + 3); need > o.maxBytes() {
		return decoded{}, fmt.Errorf("picture of %d×%d pixels, which takes %d MiB to read, more than the limit of %d MiB: scale it first", h.Width, h.Height, need>>20, o.maxBytes()>>20)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return decoded{}, err
	}
	p := decoded{Image: img}
	if o.Rules > 0 {
		p.orientation = orientation(raw)
	}
	return p, nil
}

// scales checks the memory of scaling h×w pixels of c channels to o's size.
func (o Options) scales(h, w, c int) error {
	if need := int64(h) * int64(o.Size) * int64(c); need > o.maxBytes() {
		return fmt.Errorf("scaling %d×%d pixels to %d takes %d MiB, more than the limit of %d MiB", h, w, o.Size, need>>20, o.maxBytes()>>20)
	}
	return nil
}

// transparent reports whether something shines through.
func (p decoded) transparent() bool {
	o, ok := p.Image.(interface{ Opaque() bool })
	return ok && !o.Opaque()
}

// pixels returns the c channels of the picture, channels last, turned upright, on
// a background.
func (p decoded) pixels(c int, background [3]byte) (pix []byte, h, w int) {
	b := p.Bounds()
	h, w = b.Dy(), b.Dx()
	over := func(v, a uint32, k int) byte { // v is multiplied by the opacity a already
		return byte((v + (0xffff-a)*uint32(background[k])*0x101/0xffff) >> 8)
	}
	pix = make([]byte, 0, h*w*3)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, a := p.At(x, y).RGBA()
			pix = append(pix, over(r, a, 0), over(g, a, 1), over(bl, a, 2))
		}
	}
	if c == 1 {
		pix = recolour(pix, 3, 1, luma)
	}
	return turn(pix, h, w, c, p.orientation)
}

// parseColour reads white, black or #rrggbb; empty is black.
func parseColour(text string) (c [3]byte, err error) {
	switch text {
	case "", "black":
		return c, nil
	case "white":
		return [3]byte{255, 255, 255}, nil
	}
	hex, ok := strings.CutPrefix(text, "#")
	v, err := strconv.ParseUint(hex, 16, 32)
	if !ok || err != nil || len(hex) != 6 {
		return c, optionError("Options.Background %.20q: want white, black or #rrggbb", text)
	}
	return [3]byte{byte(v >> 16), byte(v >> 8), byte(v)}, nil
}

// orientation returns the EXIF orientation of a JPEG file, 1 to 8, 0 if it names
// none.
func orientation(jpeg []byte) int {
	if !bytes.HasPrefix(jpeg, []byte{0xff, 0xd8}) {
		return 0
	}
	for b := jpeg[2:]; len(b) >= 4 && b[0] == 0xff; {
		n := int(b[2])<<8 | int(b[3])
		if b[1] == 0xda || n < 2 || len(b) < 2+n {
			return 0 // the picture begins, or the file is cut
		}
		segment := b[4 : 2+n]
		if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && b[1] == 0xe1 {
			v, err := tiffOrientation(tiff)
			if err != nil {
				return 0
			}
			return v
		}
		b = b[2+n:]
	}
	return 0
}

var errTIFF = errors.New("no orientation")

// tiffOrientation reads entry 0x112 of the first directory of a TIFF header.
func tiffOrientation(b []byte) (int, error) {
	if len(b) < 8 {
		return 0, errTIFF
	}
	order := byteOrder(b[0])
	at := order.uint(b[4:8])
	if at < 0 || at > len(b)-2 { // negative: 2^31 or more where an int has 32 bits
		return 0, errTIFF
	}
	entries := order.uint(b[at : at+2])
	for e := b[at+2:]; entries > 0 && len(e) >= 12; entries, e = entries-1, e[12:] {
		if order.uint(e[:2]) == 0x112 {
			if v := order.uint(e[8:10]); v >= 1 && v <= 8 {
				return v, nil
			}
			return 0, errTIFF
		}
	}
	return 0, errTIFF
}

// A byteOrder is that of a TIFF header: 'M' big, 'I' little endian.
type byteOrder byte

func (o byteOrder) uint(b []byte) int {
	v := 0
	for i := range b {
		if o != 'M' {
			i = len(b) - 1 - i
		}
		v = v<<8 | int(b[i])
	}
	return v
}

// turn brings an image of the given EXIF orientation upright.
func turn(x []byte, h, w, c, orientation int) ([]byte, int, int) {
	if orientation < 2 {
		return x, h, w
	}
	oh, ow := h, w
	if orientation > 4 {
		oh, ow = w, h
	}
	out := make([]byte, 0, len(x))
	for i := range oh {
		for j := range ow {
			y, z := i, j // of the stored image
			if orientation > 4 {
				y, z = j, i
			}
			if orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7 {
				y = h - 1 - y
			}
			if orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8 {
				z = w - 1 - z
			}
			at := (y*w + z) * c
			out = append(out, x[at:at+c]...)
		}
	}
	return out, oh, ow
}
