package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"slices"
)

// Keyword names the text chunk that holds the recipe of a picture.
const Keyword = "heavytail"

const pngMagic = "\x89PNG\r\n\x1a\n"

// WritePNG writes img with text as an iTXt chunk (UTF-8, not compressed)
// under Keyword; an empty text writes none.
func WritePNG(w io.Writer, img image.Image, text string) error {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return err
	}
	out := b.Bytes()
	if text != "" {
		const afterIHDR = 8 + 25
		out = slices.Insert(out, afterIHDR, chunk("iTXt", Keyword+"\x00\x00\x00\x00\x00"+text)...)
	}
	_, err := w.Write(out)
	return err
}

// Deflated data are a 1032nd of what they stand for at least: 258 bytes by 2 bits.
const deflateMost = 1032

// LeastPNG returns how many bytes WritePNG writes at least of a picture of w×h pixels of
// c bytes, whatever it shows.
func LeastPNG(w, h, c int, text string) int64 {
	n := int64(8+25+12+6+12) + int64(h)*(1+int64(w)*int64(c))/deflateMost // magic, IHDR, IDAT, what zlib adds, IEND
	if text != "" {
		n += int64(12 + len(Keyword) + 5 + len(text))
	}
	return n
}

// chunk returns length, type, data and checksum.
func chunk(kind, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(b, kind+data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// IsPNG reports whether head, a file's first bytes, begins a PNG.
func IsPNG(head []byte) bool { return bytes.HasPrefix(head, []byte(pngMagic)) }

// maxText bounds the chunk that PNGText returns.
const maxText = 1 << 20

// ErrNoText says that a PNG has no text chunk under Keyword.
var ErrNoText = errors.New("the picture carries no recipe (no heavytail text chunk); only pictures that `heavytail sample` wrote do")

// ended reports whether err is the end of a file.
func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// cut returns err, and for the end of a file that it is damaged.
func cut(err error, where string) error {
	if ended(err) {
		return fmt.Errorf("the PNG file ends %s; it is damaged", where)
	}
	return err
}

// PNGText returns the text under Keyword. It returns ErrNoText if there is
// none and another error if the file is damaged before it.
func PNGText(r io.Reader) (string, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil && !ended(err) {
		return "", err
	} else if err != nil || string(head[:]) != pngMagic {
		return "", errors.New("not a PNG file")
	}
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return "", cut(err, "between two chunks")
		}
		n, kind := binary.BigEndian.Uint32(head[:4]), string(head[4:])
		if kind == "IEND" {
			return "", ErrNoText
		}
		if kind != "iTXt" || n > maxText {
			if _, err := io.CopyN(io.Discard, r, int64(n)+4); err != nil {
				return "", cut(err, fmt.Sprintf("within chunk %q", kind))
			}
			continue
		}
		data := make([]byte, n+4)
		if _, err := io.ReadFull(r, data); err != nil {
			return "", cut(err, fmt.Sprintf("within chunk %q", kind))
		}
		if text, ok := international(data[:n]); ok {
			sum := crc32.Update(crc32.ChecksumIEEE(head[4:]), crc32.IEEETable, data[:n])
			if sum != binary.BigEndian.Uint32(data[n:]) {
				return "", errors.New("the recipe's checksum is wrong; the PNG file is damaged")
			}
			return text, nil
		}
	}
}

// international returns the text of an uncompressed iTXt chunk under Keyword.
func international(data []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(data, []byte(Keyword+"\x00"))
	if !ok || len(rest) < 2 || rest[0] != 0 {
		return "", false
	}
	_, rest, ok = bytes.Cut(rest[2:], []byte{0}) // language
	if !ok {
		return "", false
	}
	_, rest, ok = bytes.Cut(rest, []byte{0}) // translated keyword
	return string(rest), ok
}
