package tails

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"heavytail/internal/dmath"
	"heavytail/internal/imageio"
	"heavytail/stable"
)

// A plot is P(|X − δ| > γx) of data and fits on log-log axes, where a power
// tail is a straight line.
type plot struct {
	title          string
	x0, x1, y0, y1 int // decades
	curves         []curve
}

// A curve is a line, or dots, through points of log10 x and log10 P.
type curve struct {
	name   string
	colour color.NRGBA
	dots   bool
	points [][2]float64
}

func log10(x float64) float64 { return dmath.Log(x) / math.Ln10 }

// Size of the plot and of the margins around its axes, in pixels.
const (
	plotW, plotH                  = 720, 540
	leftEdge, rightEdge           = 70, 20
	topEdge, bottomEdge           = 50, 50
	tickLength, legendX, legendDY = 5, 24, 18
)

// newPlot makes the plot of one column or channel (kind), about the place of
// its stable law and in the unit of its scale; where there is none, the median
// and the median distance from it.
func newPlot(kind string, c Column) plot {
	f, fitted := c.symmetric, c.Alpha != nil
	if !fitted {
		f.Loc = median(c.x)
		f.Scale = median(distance(c.x, f.Loc))
	}
	z := distance(c.x, f.Loc)
	for i := range z {
		z[i] /= f.Scale
	}
	slices.Sort(z)
	n := float64(len(z))
	p := plot{title: fmt.Sprintf("%s %s: P(|x - %.3g| > %.3g z) by z", kind, c.Label(), c.units(f.Loc), c.units(f.Scale)), x0: -1, y1: 0}
	p.x1 = max(int(math.Ceil(log10(z[len(z)-1]))), 1)
	p.y0 = int(math.Floor(log10(0.5 / n)))
	p.curves = append(p.curves, p.dots(z, c.Tied))
	if fitted {
		p.law(fmt.Sprintf("stable, alpha %.3g", f.Alpha), color.NRGBA{200, 40, 40, 255}, f.Law().Survival, f.Loc, f.Scale)
	}
	if c.Nu != nil {
		law := c.student.Law()
		p.law("Student-t, nu "+number3(c.student.Nu), color.NRGBA{30, 90, 200, 255}, law.Survival, f.Loc, f.Scale)
	}
	normal := stable.Symmetric(2)
	p.law("Gaussian of the scale", color.NRGBA{150, 150, 150, 255}, normal.Survival, 0, 1)
	if h := c.hill; h.K > 0 {
		top := log10(float64(h.K) / n)
		at := log10(h.Threshold / f.Scale)
		line := curve{name: fmt.Sprintf("tail index %.3g of %d extremes", h.Alpha, h.K), colour: color.NRGBA{20, 140, 60, 255}}
		for _, lx := range []float64{at, float64(p.x1)} {
			line.points = append(line.points, [2]float64{lx, top - float64(h.Alpha*(lx-at))})
		}
		p.curves = append(p.curves, line)
	}
	return p
}

// dots are the survival of the distances z, ascending, beside the tied share of the values.
func (p *plot) dots(z []float64, tied float64) curve {
	n, last := float64(len(z)), math.Inf(-1)
	c := curve{name: fmt.Sprintf("data, %d values", len(z)), colour: color.NRGBA{70, 70, 70, 255}, dots: true}
	if tied > 0 {
		c.name += fmt.Sprintf(" without the %.3g %% that are the same", 100*tied)
	}
	for i, v := range z {
		lx, ly := log10(v), log10((n-float64(i)-0.5)/n)
		// One dot per hundredth of a decade in either direction is enough.
		if lx >= float64(p.x0) && (lx-last > 0.01 || n-float64(i) < 50) {
			c.points = append(c.points, [2]float64{lx, ly})
			last = lx
		}
	}
	return c
}

func number3(v float64) string { return fmt.Sprintf("%.3g", v) }

// law adds the curve P(|X − loc| > scale·z) of a law with the given survival.
func (p *plot) law(name string, c color.NRGBA, survival func(float64) float64, loc, scale float64) {
	line := curve{name: name, colour: c}
	for k := range (p.x1-p.x0)*40 + 1 {
		lx := float64(p.x0) + float64(k)/40
		d := float64(dmath.Exp(lx*math.Ln10) * scale)
		// Both tails; the laws are close to symmetric about loc.
		s := survival(loc+d) + 1 - survival(loc-d)
		if d > 3*scale {
			s = 2 * survival(loc+d) // 1 − survival would lose the digits
		}
		if s <= 0 || log10(s) < float64(p.y0)-1 {
			break
		}
		line.points = append(line.points, [2]float64{lx, log10(s)})
	}
	p.curves = append(p.curves, line)
}

// pixel returns where a point lies in the picture.
func (p *plot) pixel(q [2]float64) (x, y float64) {
	x = leftEdge + float64((q[0]-float64(p.x0))/float64(p.x1-p.x0)*(plotW-leftEdge-rightEdge))
	y = topEdge + float64((float64(p.y1)-q[1])/float64(p.y1-p.y0)*(plotH-topEdge-bottomEdge))
	return x, y
}

// A painter draws on a picture of plotW×plotH pixels.
type painter interface {
	line(x0, y0, x1, y1 float64, c color.NRGBA)
	dot(x, y float64, c color.NRGBA)
	text(x, y float64, s string, c color.NRGBA) // the left end of the base line
}

var black = color.NRGBA{A: 255}

// mostTicks is how many labels there is room for on an axis, of 1e-300 too.
const mostTicks = 15

// decades returns the powers of ten on an axis that are marked: all, or so many steps of
// 2, 5, 10, 20, … as leave at most most of them.
func decades(from, to, most int) (out []int) {
	step := 1
	for i := 0; (to-from)/step >= most; i++ {
		step = []int{2, 5, 10}[i%3] * []int{1, 10, 100, 1000}[i/3]
	}
	for d := from; d <= to; d++ {
		if d%step == 0 {
			out = append(out, d)
		}
	}
	return out
}

// paint draws the plot.
func (p *plot) paint(to painter) {
	left, top := p.pixel([2]float64{float64(p.x0), float64(p.y1)})
	right, bottom := p.pixel([2]float64{float64(p.x1), float64(p.y0)})
	grey := color.NRGBA{225, 225, 225, 255}
	for _, d := range decades(p.x0, p.x1, mostTicks) {
		x, _ := p.pixel([2]float64{float64(d), 0})
		to.line(x, top, x, bottom+tickLength, grey)
		to.text(x-12, bottom+22, fmt.Sprintf("1e%d", d), black)
	}
	for _, d := range decades(p.y0, p.y1, mostTicks) {
		_, y := p.pixel([2]float64{0, float64(d)})
		to.line(left-tickLength, y, right, y, grey)
		to.text(left-42, y+5, fmt.Sprintf("1e%d", d), black)
	}
	to.line(left, top, left, bottom, black)
	to.line(left, bottom, right, bottom, black)
	to.text(left, top-20, p.title, black)
	for i, c := range p.curves {
		for k, q := range c.points {
			x, y := p.pixel(q)
			if c.dots {
				to.dot(x, y, c.colour)
			} else if k > 0 {
				if x0, y0, x1, y1, ok := clip(p, c.points[k-1], q); ok {
					to.line(x0, y0, x1, y1, c.colour)
				}
			}
		}
		// The lower left corner is empty: survival starts at 1.
		y := bottom - 12 - float64((len(p.curves)-1-i)*legendDY)
		to.line(left+legendX-14, y-4, left+legendX, y-4, c.colour)
		to.text(left+legendX+6, y, c.name, c.colour)
	}
}

// clip returns the part of a falling line above the bottom of the axes.
func clip(p *plot, a, b [2]float64) (x0, y0, x1, y1 float64, ok bool) {
	low := float64(p.y0)
	if a[1] <= low {
		return 0, 0, 0, 0, false
	}
	if b[1] < low {
		b = [2]float64{a[0] + (b[0]-a[0])*(a[1]-low)/(a[1]-b[1]), low}
	}
	x0, y0 = p.pixel(a)
	x1, y1 = p.pixel(b)
	return x0, y0, x1, y1, true
}

// WritePlot writes the plot of column i, as SVG or else as PNG: the survival of the
// values on log-log axes, with the fitted laws and the line of the extremes. It panics
// if there is no such column; an error is w's, or says that the column has no tail.
func (r *Report) WritePlot(w io.Writer, i int, svg bool) error {
	if i < 0 || i >= len(r.Columns) {
		panic(fmt.Sprintf("tails: WritePlot of column %d of %d, numbered from 0", i, len(r.Columns)))
	}
	c := r.Columns[i]
	if math.IsNaN(c.index()) {
		return fmt.Errorf("tails: %s %s has no tail, so there is nothing to plot", r.Kind(), c.Label())
	}
	p := newPlot(r.Kind(), c)
	if svg {
		var s vector
		p.paint(&s)
		return s.write(w)
	}
	img := newBitmap()
	p.paint(img)
	return imageio.WritePNG(w, img.Image(), "")
}

// A vector collects elements of a vector picture.
type vector struct{ strings.Builder }

func hexColour(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func (s *vector) line(x0, y0, x1, y1 float64, c color.NRGBA) {
	fmt.Fprintf(s, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x0, y0, x1, y1, hexColour(c))
}

func (s *vector) dot(x, y float64, c color.NRGBA) {
	fmt.Fprintf(s, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.5\" fill=\"%s\"/>\n", x, y, hexColour(c))
}

var svgEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *vector) text(x, y float64, text string, c color.NRGBA) {
	fmt.Fprintf(s, "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>\n", x, y, hexColour(c), svgEscape.Replace(text))
}

func (s *vector) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"13\">\n"+
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n%s</svg>\n", plotW, plotH, s.String())
	return err
}

// A bitmap is the same as pixels.
type bitmap struct{ *image.NRGBA }

func newBitmap() bitmap {
	m := image.NewNRGBA(image.Rect(0, 0, plotW, plotH))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	return bitmap{m}
}

// Image returns the picture.
func (b bitmap) Image() image.Image { return b.NRGBA }

func (b bitmap) line(x0, y0, x1, y1 float64, c color.NRGBA) {
	n := int(max(math.Abs(x1-x0), math.Abs(y1-y0))) + 1
	for k := range n + 1 {
		t := float64(k) / float64(n)
		b.SetNRGBA(int(math.Round(x0+float64(t*(x1-x0)))), int(math.Round(y0+float64(t*(y1-y0)))), c)
	}
}

func (b bitmap) dot(x, y float64, c color.NRGBA) {
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			b.SetNRGBA(int(math.Round(x))+dx, int(math.Round(y))+dy, c)
		}
	}
}

func (b bitmap) text(x, y float64, s string, c color.NRGBA) {
	imageio.Text(b.NRGBA, int(x), int(y), s, c)
}

// distance returns |x − from|.
func distance(x []float64, from float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Abs(v - from)
	}
	return out
}
