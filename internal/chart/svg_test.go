package chart

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

func TestSVG(t *testing.T) {
	nan := math.NaN()
	f := Figure{Columns: 2, Plots: []Plot{
		{Title: "a < b & c", LogX: true, LogY: true, Series: []Series{
			{Name: "line", X: []float64{1, 10, 100, 1000}, Y: []float64{1, 0, 3, nan}, Err: []float64{2, 0, 1, 0}}, {Name: "d", X: []float64{1, 2}, Y: []float64{1, 2}, Style: Dashed}}},
		{Series: []Series{{X: []float64{0, 1, 2}, Y: []float64{5, 6}, Style: Steps}}}, {}, {Series: []Series{{X: []float64{1}, Y: []float64{1}, Style: Dots}}},
	}}
	svg := f.SVG()
	n := numtest.Elements(t, svg)
	require.Equal(t, 4, n["g"])
	require.Equal(t, 2+2+1, n["circle"], "two points, two in the legend, one dot") // 0 and NaN are not on the axes
	require.NotContains(t, svg, "NaN")
	require.NotContains(t, svg, "Inf")
	require.Contains(t, svg, "a &lt; b &amp; c")
}

// A picture is as wide as the longest name in its legends, at about 8 pixels a
// letter, and no wider than usual where that does.
func TestLegendFits(t *testing.T) {
	width := func(names ...string) (w int) {
		f := Figure{Columns: 1}
		for _, name := range names {
			f.Plots = append(f.Plots, Plot{Series: []Series{{Name: name, X: []float64{1}, Y: []float64{1}}}})
		}
		_, err := fmt.Sscanf(f.SVG(), "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\"", &w)
		require.NoError(t, err)
		return w
	}
	require.Equal(t, plotWidth, width("short"))
	long := "convolution, Winograd F(4×4), of every kind"
	require.InDelta(t, 542+8.06*float64(len([]rune(long))), width("short", long), 1)
}

// Points lie where the axes say: the ends of a range at the ends of the axis.
func TestAxes(t *testing.T) {
	for _, c := range []struct {
		log    bool
		lo, hi float64
		want   string
	}{
		{false, 0, 1, "[0 0.2 0.4 0.6 0.8 1]"}, {false, -3, 7, "[-2 0 2 4 6]"}, {false, 1.5, 2, "[1.5 1.6 1.7 1.8 1.9 2]"}, {false, -0.1, 0.3, "[-0.1 0 0.1 0.2 0.3]"},
		{true, 0.9, 110, "[1 2 5 10 20 50 100]"}, {true, 1e-6, 1e2, "[1e-06 0.0001 0.01 1 100]"}, {true, 0.02, 0.3, "[0.02 0.05 0.1 0.2]"},
		{true, 2.9, 9.5, "[3 5 7]"}, {true, 2.9, 4.5, "[3 3.2 3.4 3.6 3.8 4 4.2 4.4]"}, {true, 4.1, 7.2, "[5 6 7]"}, {true, 0.98, 1.02, "[0.98 0.99 1 1.01 1.02]"}, {true, 1.1, 190, "[2 5 10 20 50 100]"},
	} {
		a := axis{lo: c.lo, hi: c.hi, log: c.log, from: 10, to: 20}
		require.Equal(t, c.want, fmt.Sprintf("%.4g", a.ticks()), "%+v", c)
		require.InDelta(t, 10, a.pixel(c.lo), 1e-9)
		require.InDelta(t, 20, a.pixel(c.hi), 1e-9)
		require.False(t, a.shows(math.NaN()) || a.shows(c.hi*1.1) || a.shows(c.lo-1))
	}
	require.Equal(t, []string{"0", "0.5", "1e-4", "1e6", "2.5e-5"}, []string{tickText(0), tickText(0.5), tickText(1e-4), tickText(1e6), tickText(2.5e-5)})
}

// A logarithmic axis shows three numbers at least, however short it is and wherever it
// begins, and they do not overlap: a number is 14 pixels high on an axis of
// innerHeight.
func TestLogAxisShowsThreeNumbers(t *testing.T) {
	for _, span := range []float64{1.0001, 1.01, 1.1, 1.3, 1.7, 2, 3, 5, 8, 12, 30, 90, 160, 500, 1e5, 1e9, 1e30} {
		for lo := 1.0; lo < 10; lo *= 1.07 {
			for _, size := range []float64{1e-9, 0.01, 1, 1e6} {
				a := axis{lo: lo * size, hi: lo * size * span, log: true, from: innerHeight}
				at := a.ticks()
				require.GreaterOrEqual(t, len(at), 3, "%v to %v: %v", a.lo, a.hi, at)
				for i := 1; i < len(at); i++ {
					require.Greater(t, a.pixel(at[i-1])-a.pixel(at[i]), 12.0, "%v to %v: %v", a.lo, a.hi, at)
				}
			}
		}
	}
}

// Ticks are found at every size of numbers that float64 has.
func TestTicksOfEverySize(t *testing.T) {
	for exp := -300; exp <= 300; exp += 60 {
		e := math.Pow10(exp)
		for _, span := range []float64{1, 1.9, 2.5, 4, 7, 9.99} {
			for _, lo := range []float64{0, -0.3, 5.01} {
				at, _ := Ticks(lo*e, (lo+span)*e, 4)
				require.GreaterOrEqual(t, len(at), 4, "%v %v %v", lo, span, e)
				require.LessOrEqual(t, len(at), 11)
				require.GreaterOrEqual(t, at[0], lo*e-1e-9*e)
				require.LessOrEqual(t, at[len(at)-1], (lo+span)*e*(1+1e-9))
			}
		}
	}
	for _, r := range [][2]float64{{1, 1}, {2, 1}, {math.NaN(), 1}, {0, math.Inf(1)}, {math.Inf(-1), math.Inf(1)}} {
		at, _ := Ticks(r[0], r[1], 4)
		require.Nil(t, at, "%v", r)
	}
}

// No two series of a plot look alike, of twice as many as there are colours.
func TestSeriesAreToldApart(t *testing.T) {
	var p Plot
	for i := range 2 * len(colours) {
		p.Series = append(p.Series, Series{Name: strconv.Itoa(i), X: []float64{1, 2}, Y: []float64{1, 2}})
	}
	looks := map[string]bool{}
	for _, m := range regexp.MustCompile(`stroke="(#[0-9a-f]{6})" stroke-width="1.6"( stroke-dasharray="[^"]*")?/>`).FindAllStringSubmatch(Figure{Plots: []Plot{p}}.SVG(), -1) {
		looks[m[1]+m[2]] = true
	}
	require.Len(t, looks, 2*len(colours))
}
