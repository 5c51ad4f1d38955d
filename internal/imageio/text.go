package imageio

import (
	"image/color"
	"image/draw"
	"strings"
)

// glyphs is a font of capitals, 3 pixels wide and 5 high: an octal digit a row.
var glyphs = map[rune]string{
	'0': "75557", '1': "26227", '2': "71747", '3': "71717", '4': "55711", '5': "74717", '6': "74757", '7': "71111", '8': "75757", '9': "75717",
	'A': "25755", 'B': "65656", 'C': "34443", 'D': "65556", 'E': "74647", 'F': "74644", 'G': "34553", 'H': "55755", 'I': "72227", 'J': "11152",
	'K': "55655", 'L': "44447", 'M': "57755", 'N': "65555", 'O': "25552", 'P': "65644", 'Q': "25563", 'R': "65655", 'S': "34216", 'T': "72222",
	'U': "55557", 'V': "55552", 'W': "55775", 'X': "55255", 'Y': "55222", 'Z': "71247",
	'.': "00002", ',': "00024", ':': "02020", ';': "02024", '-': "00700", '+': "02720", '=': "07070", '*': "05250", '/': "11244", '_': "00007", '%': "51245",
	'|': "22222", '(': "24442", ')': "21112", '[': "64446", ']': "31113", '<': "12421", '>': "42124", '#': "57575", '\'': "22000", '"': "55000", '!': "22202",
	'&': "25253", '$': "36736", '^': "25000", '°': "25200", '@': "75747", '~': "00360", ' ': "00000",
}

// unknown stands for what the font has not.
const unknown = "75357"

// fontScale is the size in pixels of one of the font's.
const fontScale = 2

// Size of a letter with the space after it.
const (
	letterW = 4 * fontScale
	letterH = 5 * fontScale
)

// Text writes s on m in capitals 10 pixels high; x, y is the left end of the base
// line. What the font has not is a question mark in a box.
func Text(m draw.Image, x, y int, s string, c color.Color) {
	for _, r := range strings.ToUpper(s) {
		g := glyphs[r]
		if g == "" {
			g = unknown
		}
		for row, digit := range g {
			for col := range 3 {
				if (digit-'0')>>(2-col)&1 == 0 {
					continue
				}
				for k := range fontScale * fontScale {
					m.Set(x+col*fontScale+k%fontScale, y-letterH+row*fontScale+k/fontScale, c)
				}
			}
		}
		x += letterW
	}
}

// textWidth returns the width of s in pixels.
func textWidth(s string) int {
	n := 0
	for range s {
		n++
	}
	return n * letterW
}
