// Package chart draws curves and dots on axes as SVG, the same text everywhere.
package chart

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// A Style says how a series is drawn.
type Style int

// The styles.
const (
	Line   Style = iota // a line with a dot at each point, and error bars
	Curve               // a line only
	Dashed              // a broken line only, for what others published or what is exact
	Dots                // dots only
	Steps               // a histogram: Y[i] from X[i] to X[i+1]; len(X) = len(Y)+1
)

// A Series is one curve of a Plot. Points that are not finite, or not positive
// on a logarithmic axis, leave a gap.
type Series struct {
	Name  string // in the legend; empty: none
	X, Y  []float64
	Err   []float64 // half length of the error bars, or nil
	Style Style
	// Colour is the number of a colour plus 1; 0 takes the next one. Series
	// that belong together share it.
	Colour int
}

// A Plot is one pair of axes.
type Plot struct {
	Title, XLabel, YLabel string
	LogX, LogY            bool
	YRange                [2]float64 // zero: from the data
	Series                []Series
}

// A Figure is a picture of one or several plots.
type Figure struct {
	Suffix  string // of the file's name, for all but the first figure
	Columns int    // plots side by side; 0: all
	Plots   []Plot
}

// Colours that colour-blind people tell apart [Okabe and Ito 2008].
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"}

// Size of a plot and of the margins around its axes.
const (
	plotWidth, plotHeight      = 680, 380
	marginLeft, marginRight    = 70, 176 // the legend stands on the right
	marginTop, marginBottom    = 36, 52
	legendLine, legendText     = 18, marginLeft + innerWidth + 38 // height of a line, and where its text begins
	innerWidth, innerHeight    = plotWidth - marginLeft - marginRight, plotHeight - marginTop - marginBottom
	fontSize, tickSize, dotRad = 13, 4, 2.6
)

// SVG returns the picture's text.
func (f Figure) SVG() string {
	cols := f.Columns
	if cols < 1 || cols > len(f.Plots) {
		cols = max(len(f.Plots), 1)
	}
	rows := (len(f.Plots) + cols - 1) / cols
	var b strings.Builder
	width := plotWidth + f.extra()
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %[1]d %[2]d\" font-family=\"sans-serif\" font-size=\"%d\">\n",
		cols*width, rows*plotHeight, fontSize)
	b.WriteString("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n")
	for i, p := range f.Plots {
		fmt.Fprintf(&b, "<g transform=\"translate(%d %d)\">\n", i%cols*width, i/cols*plotHeight)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// letterWidth is the width of a letter of a wide font, on average, in the size of
// letters: a legend is given as much.
const letterWidth = 0.62

// extra returns by how much the margin on the right must be wider than usual for the
// longest name in a legend.
func (f Figure) extra() int {
	longest := 0
	for _, p := range f.Plots {
		for _, s := range p.Series {
			longest = max(longest, utf8.RuneCountInString(s.Name))
		}
	}
	return max(0, legendText+int(math.Ceil(float64(letterWidth*fontSize)*float64(longest)))-plotWidth)
}

// draw writes the plot's elements.
func (p Plot) draw(b *strings.Builder) {
	x, y := p.axes()
	fmt.Fprintf(b, "<text x=\"%d\" y=\"20\" text-anchor=\"middle\" font-weight=\"bold\">%s</text>\n", marginLeft+innerWidth/2, escape(p.Title))
	for _, t := range x.ticks() {
		px := x.pixel(t)
		fmt.Fprintf(b, "<path d=\"M%.1f %dV%d\" stroke=\"#ddd\"/>", px, marginTop, marginTop+innerHeight+tickSize)
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", px, marginTop+innerHeight+19, tickText(t))
	}
	for _, t := range y.ticks() {
		py := y.pixel(t)
		fmt.Fprintf(b, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>", marginLeft-tickSize, py, marginLeft+innerWidth)
		fmt.Fprintf(b, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", marginLeft-8, py+4, tickText(t))
	}
	fmt.Fprintf(b, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#000\"/>\n", marginLeft, marginTop, marginTop+innerHeight, marginLeft+innerWidth)
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", marginLeft+innerWidth/2, plotHeight-12, escape(p.XLabel))
	fmt.Fprintf(b, "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>\n", marginTop+innerHeight/2, escape(p.YLabel))
	next, top := 0, marginTop
	for _, s := range p.Series {
		colour := s.Colour - 1
		if colour < 0 {
			colour = next
			next++
		}
		use := pen{colours[colour%len(colours)], colour / len(colours)}
		s.draw(b, x, y, use)
		if s.Name != "" {
			s.legend(b, top, use)
			top += legendLine
		}
	}
}

// legend writes a sample of the line and the name to the right of the axes.
func (s Series) legend(b *strings.Builder, top int, use pen) {
	const left = legendText - 26
	key := Series{X: []float64{0, 1}, Y: []float64{0, 0}, Style: s.Style}
	if s.Style == Steps {
		key.Style = Curve
	}
	key.draw(b, axis{hi: 1, from: left, to: left + 20}, axis{hi: 1, from: float64(top + 8), to: float64(top)}, use)
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\">%s</text>\n", legendText, top+12, escape(s.Name))
}

// A pen is a colour and how many series of the plot had it before: lines of those after
// the first are broken and their dots rings.
type pen struct {
	colour string
	turn   int
}

// dashes are the lines of the second, the third … series of a colour.
var dashes = []string{"8 3", "2 3", "8 3 2 3"}

// draw writes the series' elements.
func (s Series) draw(b *strings.Builder, x, y axis, use pen) {
	if s.Style != Dots {
		dash := ""
		switch {
		case s.Style == Dashed:
			dash = " stroke-dasharray=\"5 4\""
		case use.turn > 0:
			dash = fmt.Sprintf(" stroke-dasharray=\"%s\"", dashes[(use.turn-1)%len(dashes)])
		}
		fmt.Fprintf(b, "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\"%s/>\n", s.path(x, y), use.colour, dash)
	}
	if s.Style == Curve || s.Style == Dashed || s.Style == Steps {
		return
	}
	for i, v := range s.Y {
		if !x.shows(s.X[i]) || !y.shows(v) {
			continue
		}
		px := x.pixel(s.X[i])
		if s.Err != nil && s.Err[i] > 0 {
			lo, hi := y.pixel(y.clamp(v-s.Err[i])), y.pixel(y.clamp(v+s.Err[i]))
			fmt.Fprintf(b, "<path d=\"M%.1f %.1fV%.1fm-3 0h6M%.1f %.1fh6\" fill=\"none\" stroke=\"%s\"/>\n", px, lo, hi, px-3, lo, use.colour)
		}
		look := fmt.Sprintf("fill=\"%s\"", use.colour)
		if use.turn > 0 {
			look = fmt.Sprintf("fill=\"#fff\" stroke=\"%s\"", use.colour)
		}
		fmt.Fprintf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" %s/>\n", px, y.pixel(v), dotRad, look)
	}
}

// path returns the line through the points that the axes show.
func (s Series) path(x, y axis) string {
	var b strings.Builder
	pen := "M"
	for i, v := range s.Y {
		if !x.shows(s.X[i]) || !y.shows(v) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", pen, x.pixel(s.X[i]), y.pixel(v))
		pen = "L"
		if s.Style == Steps {
			fmt.Fprintf(&b, "H%.1f", x.pixel(s.X[i+1]))
		}
	}
	return b.String()
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escape(s string) string { return escaper.Replace(s) }
