package imageio

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/chart"
)

// An Axis is one direction of a plot: what it shows, in which units is its
// name's business, and its range.
type Axis struct {
	Name   string
	Lo, Hi float64
}

// Axes returns an axis for each column of the rows x, of which names gives the
// names, that shows all but the outermost 1 % of its values and a tenth more. Two
// columns whose ranges differ by less than a factor of two get one scale, so that
// circles stay round. What is not finite is left out.
func Axes(x []float64, names []string) []Axis {
	d := len(names)
	axes := make([]Axis, d)
	for c, name := range names {
		var v []float64
		for i := c; i < len(x); i += d {
			if x[i]-x[i] == 0 {
				v = append(v, min(max(x[i], -math.MaxFloat64/8), math.MaxFloat64/8))
			}
		}
		axes[c] = axisOf(name, v)
	}
	if d == 2 {
		a, b := axes[0].Hi-axes[0].Lo, axes[1].Hi-axes[1].Lo
		if a < 2*b && b < 2*a {
			axes[0].widen(max(a, b))
			axes[1].widen(max(a, b))
		}
	}
	return axes
}

func axisOf(name string, v []float64) Axis {
	if len(v) == 0 {
		return Axis{name, -1, 1}
	}
	slices.Sort(v)
	a := Axis{name, v[len(v)/200], v[len(v)-1-len(v)/200]}
	if !(a.Hi-a.Lo > 1e-300) { // a constant: enough to tell its place
		w := max(math.Abs(a.Lo)/10, 1)
		return Axis{name, a.Lo - w, a.Lo + w}
	}
	a.widen(float64((a.Hi - a.Lo) * 1.1))
	return a
}

// widen gives the axis the range w about its middle.
func (a *Axis) widen(w float64) {
	mid := float64(a.Lo/2) + float64(a.Hi/2)
	a.Lo, a.Hi = mid-float64(w/2), mid+float64(w/2)
}

// at returns where v lies on n pixels, −1 outside.
func (a Axis) at(v float64, n int) int {
	f := float64((v - a.Lo) / (a.Hi - a.Lo) * float64(n))
	if !(f >= 0 && f < float64(n)) {
		return -1
	}
	return int(f)
}

// ticks returns at most most round numbers of the axis and their texts, which
// tell them apart.
func (a Axis) ticks(most int) (at []float64, texts []string) {
	exp := 0
	for n := max(most-1, 1); n > 0 && (at == nil || len(at) > most); n-- {
		at, exp = chart.Ticks(a.Lo, a.Hi, n)
	}
	at = at[:min(len(at), most)]
	for _, v := range at {
		texts = append(texts, tickText(v, exp))
	}
	return at, texts
}

// tickText writes v with the digits down to 10^exp, as 1e-9 where that is shorter.
func tickText(v float64, exp int) string {
	if v == 0 {
		return "0"
	}
	plain := strconv.FormatFloat(v, 'f', max(-exp, 0), 64)
	if len(plain) <= 6 {
		return plain
	}
	s := strconv.FormatFloat(math.Abs(v), 'e', 0, 64)
	own, _ := strconv.Atoi(s[len("1e"):])
	e := strconv.FormatFloat(v, 'e', max(own-exp, 0), 64)
	if mantissa, power, _ := strings.Cut(e, "e"); strings.Contains(mantissa, ".") { // 1e+83 beside 5e+82
		e = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".") + "e" + power
	}
	if len(e) < len(plain) {
		return e
	}
	return plain
}

// Scatter returns a square picture of size pixels with a dot per row of x, of
// one value for each of the two axes, the second upwards. Where more points fall
// the dot is darker; points outside the axes, or not finite, are left out, and
// their number stands in the corner. With one axis it is a histogram of x.
func Scatter(x []float64, axes []Axis, size int) image.Image {
	p := newPlot(size)
	if len(axes) == 1 {
		p.histogram(x, axes[0])
		return p.Gray
	}
	p.outside(x, axes)
	p.axes(axes[0], axes[1])
	for i := 0; i+1 < len(x); i += 2 {
		px, py := axes[0].at(x[i], p.in.Dx()), axes[1].at(x[i+1], p.in.Dy())
		if px < 0 || py < 0 {
			continue
		}
		at := image.Pt(p.in.Min.X+px, p.in.Max.Y-1-py)
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				if q := at.Add(image.Pt(dx, dy)); q.In(p.in) {
					v := p.GrayAt(q.X, q.Y).Y
					p.SetGray(q.X, q.Y, color.Gray{Y: v - v/6})
				}
			}
		}
	}
	return p.Gray
}

// A plot is a white picture with axes around in.
type plot struct {
	*image.Gray
	in   image.Rectangle
	note string // in the upper right corner
}

// outside notes how many of the rows of x the axes do not show.
func (p *plot) outside(x []float64, axes []Axis) {
	n, d := 0, len(axes)
	for i := 0; i+d <= len(x); i += d {
		for c, a := range axes {
			if a.at(x[i+c], 1) < 0 {
				n++
				break
			}
		}
	}
	if n > 0 {
		p.note = fmt.Sprintf("%d of %d points outside", n, len(x)/d)
	}
}

func newPlot(size int) *plot {
	p := &plot{Gray: image.NewGray(image.Rect(0, 0, size, size))}
	draw.Draw(p, p.Rect, image.White, image.Point{}, draw.Src)
	return p
}

// Margins in pixels, and the space between things.
const (
	plotTop, plotRight, plotSpace = 20, 14, 6
	plotBottom                    = 2*letterH + 3*plotSpace
)

var (
	gridGrey = color.Gray{Y: 232}
	axisGrey = color.Gray{Y: 110}
)

// axes draws the axes, their numbers and names.
func (p *plot) axes(x, y Axis) {
	size := p.Rect.Dx()
	const lines = 6
	yAt, yText := y.ticks(lines)
	left := 0
	for _, s := range yText {
		left = max(left, textWidth(s))
	}
	p.in = image.Rect(min(left+2*plotSpace, size/2), plotTop, size-plotRight, size-plotBottom)
	xAt, xText := x.ticks(lines)
	for n := lines - 1; n > 1 && !p.room(xText); n-- {
		xAt, xText = x.ticks(n)
	}
	for i, v := range xAt {
		if at := x.at(v, p.in.Dx()); at >= 0 {
			p.fill(image.Rect(p.in.Min.X+at, p.in.Min.Y, p.in.Min.X+at+1, p.in.Max.Y+4), gridGrey)
			w := textWidth(xText[i])
			Text(p, min(p.in.Min.X+at-w/2, size-w), p.in.Max.Y+plotSpace+letterH, xText[i], color.Black)
		}
	}
	for i, v := range yAt {
		if at := y.at(v, p.in.Dy()); at >= 0 {
			row := p.in.Max.Y - 1 - at
			p.fill(image.Rect(p.in.Min.X-4, row, p.in.Max.X, row+1), gridGrey)
			Text(p, p.in.Min.X-plotSpace-textWidth(yText[i]), row+letterH/2, yText[i], color.Black)
		}
	}
	p.fill(image.Rect(p.in.Min.X-1, p.in.Min.Y, p.in.Min.X, p.in.Max.Y+1), axisGrey)
	p.fill(image.Rect(p.in.Min.X-1, p.in.Max.Y, p.in.Max.X, p.in.Max.Y+1), axisGrey)
	note := p.short(p.note, p.in.Dx())
	Text(p, p.in.Max.X-textWidth(note), plotTop-plotSpace, note, axisGrey)
	Text(p, p.in.Min.X, plotTop-plotSpace, p.short(y.Name, p.in.Dx()-textWidth(note)-letterW), color.Black)
	name := p.short(x.Name, p.in.Dx())
	Text(p, p.in.Max.X-textWidth(name), size-plotSpace, name, color.Black)
}

// room tells whether the texts fit below the plot.
func (p *plot) room(texts []string) bool {
	w := 0
	for _, s := range texts {
		w += textWidth(s) + 2*letterW
	}
	return w <= p.in.Dx()
}

// short cuts a text to so many pixels.
func (p *plot) short(text string, width int) string {
	if r, n := []rune(text), max(width, 0)/letterW; n < 3 && len(r) > n {
		return ""
	} else if len(r) > n {
		return string(r[:n-2]) + ".."
	}
	return text
}

func (p *plot) fill(r image.Rectangle, c color.Gray) {
	draw.Draw(p, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// bars is the number of bars of a histogram.
const bars = 80

// histogram draws how many values of v fall into each part of the axis.
func (p *plot) histogram(v []float64, x Axis) {
	var counts [bars]int
	most := 1
	for _, f := range v {
		if k := x.at(f, bars); k >= 0 {
			counts[k]++
			most = max(most, counts[k])
		}
	}
	y := Axis{"points", 0, float64(float64(most) * 1.05)}
	p.outside(v, []Axis{x})
	p.axes(x, y)
	for k, n := range counts {
		if n > 0 {
			p.fill(image.Rect(p.in.Min.X+k*p.in.Dx()/bars, p.in.Max.Y-1-max(y.at(float64(n), p.in.Dy()), 0), p.in.Min.X+(k+1)*p.in.Dx()/bars, p.in.Max.Y), axisGrey)
		}
	}
}
