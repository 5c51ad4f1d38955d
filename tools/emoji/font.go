package main

import (
	"fmt"
	"slices"
)

// A font is what this program takes from an OpenType file with colour bitmaps: the
// glyph of every code point, the ligatures of glyphs, and a PNG for a glyph.
type font struct {
	glyphs    map[rune]int   // cmap, format 12
	ligatures map[string]int // GSUB, type 4; keys are written by sequence
	pngs      map[int][]byte // CBLC and CBDT
}

// maxGlyphs is the number of glyphs that a font can have.
const maxGlyphs = 1 << 16

// parseFont reads a font. Its tables are those of the OpenType specification 1.9.
func parseFont(b []byte) (*font, error) {
	file := view{&state{left: maxReads}, "directory", b}
	if tag := file.u32(0); file.ok() && tag != 0x00010000 && tag != 0x4F54544F {
		return nil, fmt.Errorf("no OpenType font: it begins with %#08x", uint32(tag))
	}
	tables := map[string]view{}
	for i := range file.u16(4) {
		entry := 12 + 16*i
		tag := string(file.slice(entry, 4))
		tables[tag] = view{file.state, tag, file.slice(file.u32(entry+8), file.u32(entry+12))}
	}
	if !file.ok() {
		return nil, file.err
	}
	for _, tag := range []string{"cmap", "GSUB", "CBLC", "CBDT"} {
		if _, ok := tables[tag]; !ok {
			return nil, fmt.Errorf("a font without the table %s; this program reads those with colour bitmaps, such as Debian's NotoColorEmoji.ttf", tag)
		}
	}
	f := &font{glyphs: map[rune]int{}, ligatures: map[string]int{}, pngs: map[int][]byte{}}
	f.readCmap(tables["cmap"])
	f.readGSUB(tables["GSUB"])
	f.readBitmaps(tables["CBLC"], tables["CBDT"])
	return f, file.err
}

// readCmap takes the sub-table of format 12, which maps ranges of code points to
// consecutive glyphs.
func (f *font) readCmap(t view) {
	for i := range t.u16(2) {
		s := t.from(t.u32(4 + 8*i + 4))
		if s.u16(0) != 12 {
			continue
		}
		for g := range s.u32(12) {
			at := 16 + 12*g
			start, end, glyph := s.u32(at), s.u32(at+4), s.u32(at+8)
			if !s.ok() {
				return
			}
			if start < 0 || end < start || end > 0x10FFFF || glyph < 0 || glyph >= maxGlyphs || end-start >= maxGlyphs-glyph {
				t.fail("code points %#x to %#x have glyphs from %d", start, end, glyph)
				return
			}
			for c := start; c <= end && s.has(0, 0); c++ {
				f.glyphs[rune(c)] = glyph + c - start
			}
		}
		return
	}
	t.fail("no sub-table of format 12")
}

// readGSUB takes the ligatures of all lookups of type 4: emoji of several code
// points are ligatures of the glyphs of these.
func (f *font) readGSUB(t view) {
	list := t.from(t.u16(8))
	for i := range list.u16(0) {
		lookup := list.from(list.u16(2 + 2*i))
		if lookup.u16(0) != 4 {
			continue
		}
		for j := range lookup.u16(4) {
			f.readLigatures(lookup.from(lookup.u16(6 + 2*j)))
		}
	}
}

func (f *font) readLigatures(t view) {
	if format := t.u16(0); format != 1 {
		t.fail("ligatures of format %d, there is only 1", format)
		return
	}
	first := coverage(t.from(t.u16(2)))
	sets := t.u16(4)
	if sets > len(first) {
		t.fail("ligatures begin with more glyphs (%d) than are listed (%d)", sets, len(first))
		return
	}
	for i := range sets {
		set := t.from(t.u16(6 + 2*i))
		for j := range set.u16(0) {
			l := set.from(set.u16(2 + 2*j))
			glyphs := []int{first[i]}
			for k := 1; k < l.u16(2) && l.ok(); k++ {
				glyphs = append(glyphs, l.u16(4+2*(k-1)))
			}
			if !l.ok() {
				return
			}
			f.ligatures[sequence(glyphs)] = l.u16(0)
		}
	}
}

// coverage lists the glyphs of a coverage table in order.
func coverage(t view) (glyphs []int) {
	switch format := t.u16(0); format {
	case 1:
		for i := range t.u16(2) {
			glyphs = append(glyphs, t.u16(4+2*i))
		}
	case 2:
		for i := range t.u16(2) {
			for g := t.u16(4 + 6*i); g <= t.u16(4+6*i+2) && t.ok(); g++ {
				glyphs = append(glyphs, g)
			}
		}
	default:
		t.fail("coverage of format %d, there are 1 and 2", format)
	}
	return glyphs
}

// sequence is the key of a sequence of glyphs.
func sequence(glyphs []int) string { return fmt.Sprint(glyphs) }

// readBitmaps takes the PNGs of the largest strike, which is what CBLC calls the
// bitmaps of one size.
func (f *font) readBitmaps(loc, dat view) {
	strike, ppem := -1, 0
	for i := range loc.u32(4) {
		entry := 8 + 48*i
		if n := loc.slice(entry+44, 1); n != nil && int(n[0]) > ppem {
			strike, ppem = entry, int(n[0])
		}
		if !loc.ok() {
			return
		}
	}
	if strike < 0 {
		loc.fail("no bitmaps")
		return
	}
	array := loc.from(loc.u32(strike))
	for i := range loc.u32(strike + 8) {
		first, last := array.u16(8*i), array.u16(8*i+2)
		f.readRange(array.from(array.u32(8*i+4)), dat, first, last)
		if !loc.ok() {
			return
		}
	}
}

// readRange takes the PNGs of the glyphs from first to last, which sub tells of.
func (f *font) readRange(sub, dat view, first, last int) {
	metrics, ok := map[int]int{17: 5, 18: 8, 19: 0}[sub.u16(2)] // the bytes before a PNG's length
	if index := sub.u16(0); sub.ok() && (index != 1 || !ok || last < first) {
		sub.fail("bitmaps of glyphs %d to %d in index format %d and image format %d; this program reads 1 with 17, 18 or 19", first, last, index, sub.u16(2))
	}
	for g := first; g <= last && sub.ok(); g++ {
		at := 8 + 4*(g-first)
		begin, end := sub.u32(at), sub.u32(at+4)
		if begin == end { // a glyph without a picture
			continue
		}
		png := dat.from(sub.u32(4)).from(begin)
		f.pngs[g] = png.slice(metrics+4, png.u32(metrics))
	}
}

// picture returns the PNG of a sequence of code points, nil if the font has none.
// Ligatures are without variation selectors (U+FE0F).
func (f *font) picture(codes []rune) []byte {
	codes = slices.DeleteFunc(slices.Clone(codes), func(c rune) bool { return c == 0xFE0F })
	var glyphs []int
	for _, c := range codes {
		g, ok := f.glyphs[c]
		if !ok {
			return nil
		}
		glyphs = append(glyphs, g)
	}
	if len(glyphs) == 1 {
		return f.pngs[glyphs[0]]
	}
	g, ok := f.ligatures[sequence(glyphs)]
	if !ok {
		return nil
	}
	return f.pngs[g]
}
