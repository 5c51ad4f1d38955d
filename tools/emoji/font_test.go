package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

// be writes numbers big-endian: uint16, uint32, and bytes as they are.
func be(values ...any) []byte {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case int: // what OpenType has most of
			b = binary.BigEndian.AppendUint16(b, uint16(v))
		case uint32:
			b = binary.BigEndian.AppendUint32(b, v)
		case []byte:
			b = append(b, v...)
		}
	}
	return b
}

// glyphPNG is a picture of 136×128 pixels, of one colour within the square.
func glyphPNG(t testing.TB, c color.NRGBA) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, 136, 128))
	for y := range 128 {
		for x := 4; x < 132; x++ {
			img.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

// table is a table of a font, in the order of the file.
type table struct {
	tag  string
	data []byte
}

// pack puts tables behind a directory.
func pack(tables []table) []byte {
	head, body := be(uint32(0x10000), len(tables), 0, 0, 0), []byte{}
	for _, t := range tables {
		at := 12 + 16*len(tables) + len(body)
		head = append(head, be([]byte(t.tag), uint32(0), uint32(at), uint32(len(t.data)))...)
		body = append(body, t.data...)
	}
	return append(head, body...)
}

// testFont has the glyphs 1 to 3 for U+1F600 to U+1F602 and 4 for U+200D, and the
// ligature 5 of 1, 4 and 2; pictures are those of the glyphs 1, 2 and 5, in order.
func testFont(t testing.TB, pngs ...[]byte) []byte {
	cmap := be(0, 2, // two sub-tables, the first of a format that is passed over
		0, 5, uint32(20), 3, 10, uint32(22),
		14, // of format 14 no more is read
		12, 0, uint32(40), uint32(0), uint32(2),
		uint32(0x200D), uint32(0x200D), uint32(4),
		uint32(0x1F600), uint32(0x1F602), uint32(1))
	gsub := be(1, 0, 0, 0, 10, // the list of lookups at 10
		2, 6, 8, // two lookups
		1,          // of type 1: nothing is read
		4, 0, 1, 8, // of type 4, a sub-table 8 behind
		1, 8, 1, 14, // ligatures of the glyphs at 8, a set at 14
		1, 1, 1, // coverage: glyph 1
		1, 4, // one ligature
		5, 3, 4, 2) // glyph 5 of three: 1, 4 and 2
	var cbdt, starts []byte
	for _, p := range append(pngs, nil) {
		starts = append(starts, be(uint32(len(cbdt)))...)
		if p != nil {
			cbdt = append(cbdt, be([]byte{128, 136, 0, 0, 136}, uint32(len(p)), p)...)
		}
	}
	one, two, end := starts[:4], starts[4:8], starts[8:]
	ranges := be(1, 2, uint32(16), 5, 5, uint32(36), // glyphs 1 and 2, and 5
		1, 17, uint32(0), one, two, end[:4],
		1, 17, uint32(0), end)
	cblc := be(uint32(0x30000), uint32(1),
		uint32(56), uint32(len(ranges)), uint32(2), make([]byte, 32), []byte{109, 109, 32, 1}, ranges)
	return pack([]table{{"cmap", cmap}, {"GSUB", gsub}, {"CBLC", cblc}, {"CBDT", cbdt}})
}

func threePictures(t testing.TB) [][]byte {
	return [][]byte{glyphPNG(t, color.NRGBA{255, 0, 0, 255}), glyphPNG(t, color.NRGBA{0, 255, 0, 255}), glyphPNG(t, color.NRGBA{0, 0, 255, 128})}
}

func TestFont(t *testing.T) {
	p := threePictures(t)
	f, err := parseFont(testFont(t, p...))
	require.NoError(t, err)
	require.Equal(t, map[rune]int{0x200D: 4, 0x1F600: 1, 0x1F601: 2, 0x1F602: 3}, f.glyphs)
	require.Equal(t, p[0], f.picture([]rune{0x1F600}))
	require.Equal(t, p[1], f.picture([]rune{0x1F601, 0xFE0F}), "variation selectors have no glyph")
	require.Equal(t, p[2], f.picture([]rune{0x1F600, 0x200D, 0x1F601}), "a ligature")
	require.Equal(t, p[2], f.picture([]rune{0x1F600, 0xFE0F, 0x200D, 0x1F601}))
	for _, none := range [][]rune{{0x1F602}, {0x1F601, 0x200D, 0x1F600}, {0x1F603}, {0x1F600, 0x1F601}} {
		require.Nil(t, f.picture(none), "%x", none)
	}
}

// A font that ends early, at any place, is an error or has fewer pictures.
func TestFontThatEndsEarly(t *testing.T) {
	whole := testFont(t, threePictures(t)...)
	for n := range whole {
		_, err := parseFont(whole[:n])
		require.Error(t, err, "%d of %d bytes", n, len(whole))
	}
}

// A file of a few bytes whose tables point to each other again and again ends.
func TestFontThatNeverEnds(t *testing.T) {
	many := bytes.Repeat(be(1000), 1<<17) // offsets of what lies 1000 on, and numbers
	set := func(at int, values ...any) { copy(many[10+at:], be(values...)) }
	copy(many, be(1, 0, 0, 0, 10))
	set(0, 0xFFFF)            // as many lookups, all at 1000
	set(1000, 4, 0, 0xFFFF)   // as many sub-tables, all at 2000
	set(2000, 1, 500, 1, 600) // coverage at 2500, one set at 2600
	set(2500, 1, 1, 7)        // one glyph
	set(2600, 0xFFFF, 1000)   // as many ligatures, all at 3600
	set(3600, 9, 1000)        // each of 1000 glyphs
	for _, tables := range [][]table{
		{{"cmap", be(0, 1, 0, 0, uint32(12), 12, 0, uint32(0), uint32(0), uint32(0xFFFFFFF), bytes.Repeat(be(uint32(0), uint32(0xFFF0), uint32(0)), 1000))}},
		{{"GSUB", many}},
		{{"CBLC", be(uint32(0x30000), uint32(1), uint32(56), uint32(0), uint32(1<<31-1), make([]byte, 32), []byte{1, 1, 1, 1}, bytes.Repeat([]byte{0, 0, 255, 255, 0, 0, 0, 0}, 1000))}},
	} {
		whole := map[string][]byte{"cmap": be(0, 1, 0, 0, uint32(12), 12, make([]byte, 14)), "GSUB": make([]byte, 12), "CBLC": nil, "CBDT": nil}
		whole[tables[0].tag] = tables[0].data
		_, err := parseFont(pack([]table{{"cmap", whole["cmap"]}, {"GSUB", whole["GSUB"]}, {"CBLC", whole["CBLC"]}, {"CBDT", whole["CBDT"]}}))
		require.ErrorContains(t, err, "table "+tables[0].tag)
	}
}

func TestFontsOfOtherKinds(t *testing.T) {
	_, err := parseFont([]byte("\x89PNG\r\n\x1a\n"))
	require.ErrorContains(t, err, "no OpenType font")
	_, err = parseFont(pack([]table{{"cmap", nil}, {"GSUB", nil}}))
	require.ErrorContains(t, err, "without the table CBLC")
}

func FuzzFont(f *testing.F) {
	small := []byte("a picture is not decoded here")
	f.Add(testFont(f, small, small, small))
	f.Fuzz(func(t *testing.T, b []byte) {
		font, err := parseFont(b)
		if err == nil {
			font.picture([]rune{0x1F600, 0x200D, 0x1F601})
		}
	})
}
