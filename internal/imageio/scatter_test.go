package imageio

import (
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestScatterPlacesDots: a dot is where its two axes say, darker where there are
// more, and nothing is drawn for what lies outside or is no number.
func TestScatterPlacesDots(t *testing.T) {
	axes := []Axis{{"x", 999_999, 1_000_001}, {"y", -4, 4}}
	empty := Scatter(nil, axes, 300).(*image.Gray)
	x := []float64{1_000_000, 2, 1_000_000, 2, 5, 5, math.NaN(), 0, 1_000_000, math.Inf(1)}
	m := Scatter(x, axes, 300).(*image.Gray)
	p := newPlot(300)
	p.outside(x, axes)
	require.Equal(t, "3 of 5 points outside", p.note)
	p.axes(axes[0], axes[1])
	require.NotEqual(t, empty, p.Gray, "the number of points outside is not on the picture")
	empty = p.Gray
	at := image.Pt(p.in.Min.X+p.in.Dx()/2, p.in.Max.Y-1-3*p.in.Dy()/4)
	for y := range 300 {
		for i := range 300 {
			want := empty.GrayAt(i, y).Y
			if q := image.Pt(i, y).Sub(at); max(q.X, -q.X, q.Y, -q.Y) <= 1 {
				want -= want / 6
				want -= want / 6
			}
			require.Equal(t, want, m.GrayAt(i, y).Y, "%d %d", i, y)
		}
	}
}

// TestAxes: all but the outermost values are shown, at their own place and scale.
func TestAxes(t *testing.T) {
	var x []float64
	for i := range 1000 {
		x = append(x, 1e9+float64(i), 0.01*float64(i%10), math.Inf(1))
	}
	x[0], x[3] = 1e30, math.NaN()
	a := Axes(x, []string{"a", "b", "c"})
	mid, half := 1e9+499.5, 1.1*(995-5)/2 // five values of a thousand lie beyond either end
	require.InDelta(t, mid-half, a[0].Lo, 2)
	require.InDelta(t, mid+half, a[0].Hi, 2)
	require.InDelta(t, -0.0045, a[1].Lo, 1e-12)
	require.InDelta(t, 0.0945, a[1].Hi, 1e-12)
	require.Equal(t, Axis{"c", -1, 1}, a[2], "no values")
	require.Equal(t, Axis{"", 6, 8}, Axes([]float64{7, 7}, []string{""})[0], "a constant")

	round := Axes([]float64{0, 10, 1, 11, 1.5, 10.5}, []string{"", ""})
	require.InDelta(t, round[0].Hi-round[0].Lo, round[1].Hi-round[1].Lo, 1e-12, "circles stay round")
	require.InDelta(t, 0.75, (round[0].Lo+round[0].Hi)/2, 1e-12)
	for _, huge := range [][]float64{{math.MaxFloat64, -math.MaxFloat64}, {5e-324, 0}, {1e300, 1e300}} {
		a := Axes(huge, []string{""})[0]
		require.Less(t, a.Lo, a.Hi)
		Scatter(huge, []Axis{a}, 200)
	}
}

// TestTicks: the numbers are round, within the axis, evenly spaced, and their
// texts, read back, are they.
func TestTicks(t *testing.T) {
	for _, a := range []Axis{{"", -1, 1}, {"", -0.013, 0.011}, {"", 999_998, 1_000_002}, {"", 1e9 - 3, 1e9 + 4}, {"", 29999.98, 30000.02}, {"", 0, 96}, {"", 0, 94}, {"", -3e-9, 4e-9}, {"", 0, 7e14}, {"", 1, 1e12}} {
		for most := 2; most <= 7; most++ {
			at, texts := a.ticks(most)
			require.LessOrEqual(t, len(at), most)
			if most > 5 {
				require.GreaterOrEqual(t, len(at), 3, "%v", a)
			}
			for i, v := range at {
				rounding := 0x1p-50 * max(math.Abs(v), a.Hi-a.Lo) // of a multiple of the step
				require.True(t, v >= a.Lo-rounding && v <= a.Hi+rounding, "%v: %v", a, at)
				back, err := strconv.ParseFloat(texts[i], 64)
				require.NoError(t, err)
				require.InDelta(t, v, back, (a.Hi-a.Lo)*1e-6, "%v: %v", a, texts)
				require.LessOrEqual(t, len(texts[i]), 11)
				if i > 0 {
					require.InEpsilon(t, at[1]-at[0], v-at[i-1], 1e-6)
					require.NotEqual(t, texts[i-1], texts[i])
				}
			}
		}
	}
	_, texts := Axis{"", -1, 1}.ticks(6)
	require.Equal(t, "-1.0 -0.5 0 0.5 1.0", strings.Join(texts, " "))
}

// TestAxesAreLabelled: the names and numbers are on the picture, and one column is
// a histogram whose bars are as high as they say.
func TestAxesAreLabelled(t *testing.T) {
	axes := []Axis{{"", -1, 1}, {"", -1, 1}}
	blank := Scatter(nil, axes, 300).(*image.Gray)
	axes[0].Name, axes[1].Name = "log_return", "volume"
	named := Scatter(nil, axes, 300).(*image.Gray)
	require.Greater(t, dark(named, image.Rect(0, 280, 300, 300)), dark(blank, image.Rect(0, 280, 300, 300)), "below")
	require.Greater(t, dark(named, image.Rect(0, 0, 300, 19)), dark(blank, image.Rect(0, 0, 300, 19)), "above")
	require.Greater(t, dark(blank, image.Rect(0, 260, 300, 280)), 50, "numbers below")
	long := []Axis{{strings.Repeat("long ", 50), -1, 1}, {"", -1, 1}}
	Scatter(nil, long, 100)

	// The number of points outside stands above, the name beside it as far as there is
	// room, of a histogram too.
	for _, d := range []int{1, 2} {
		axes := []Axis{{"", -1, 1}, {strings.Repeat("long ", 50), -1, 1}}[:d]
		above := image.Rect(200, 0, 300, 19)
		inside := Scatter([]float64{0, 0, 0.5, 0.5}, axes, 300).(*image.Gray)
		outside := Scatter([]float64{0, 0, 0.5, 7}, axes, 300).(*image.Gray)
		require.NotEqual(t, inside.SubImage(above), outside.SubImage(above))
		p := newPlot(300)
		p.outside([]float64{0, 0, 0.5, 0.5}, axes)
		require.Empty(t, p.note)
	}

	var x []float64
	for i := range 300 {
		x = append(x, float64(i%3)) // 0, 1 and 2
	}
	axis := Axis{"x", -0.5, 2.5}
	m := Scatter(x, []Axis{axis}, 300).(*image.Gray)
	p := newPlot(300)
	p.axes(axis, Axis{"points", 0, 105})
	high := 0
	for y := p.in.Min.Y; y < p.in.Max.Y; y++ {
		if m.GrayAt(p.in.Min.X+p.in.Dx()/2+1, y) == axisGrey {
			high++
		}
	}
	require.InDelta(t, float64(p.in.Dy())*100/105, high, 1.5)
}

// dark counts the black pixels of a part.
func dark(m *image.Gray, r image.Rectangle) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if m.GrayAt(x, y).Y == 0 {
				n++
			}
		}
	}
	return n
}

// TestText: every glyph has five rows of three pixels, all that plots write can
// be drawn, and the rest is a sign that it cannot.
func TestText(t *testing.T) {
	for r, g := range glyphs {
		require.Len(t, g, 5, "%c", r)
		require.Empty(t, strings.Trim(g, "01234567"), "%c", r)
	}
	for _, r := range "STABLE, ALPHA 1.5E-10 STUDENT-T NU +INF TAIL INDEX OF EXTREMES P(|X - 3| > 1) GAUSSIAN SCALE: DATA VALUES BY Z COLUMN LOG_RETURN %" {
		require.Contains(t, glyphs, r, "%c", r)
	}
	draw := func(s string) []byte {
		m := image.NewGray(image.Rect(0, 0, 40, 12))
		Text(m, 0, 11, s, color.White)
		return m.Pix
	}
	require.Equal(t, draw("Ab"), draw("AB"))
	require.NotEqual(t, draw("A"), draw("B"))
	require.NotEqual(t, draw(" "), draw("雪"))
	require.Equal(t, draw("雪"), draw("☃"))
	Text(image.NewGray(image.Rect(0, 0, 5, 5)), -3, 2, "outside", color.White)
}

// Numbers of one axis have one form, whatever their powers of ten.
func TestTickTextOfLargeNumbers(t *testing.T) {
	for _, c := range []struct {
		v    float64
		exp  int
		want string
	}{{-1e83, 82, "-1e+83"}, {-5e82, 82, "-5e+82"}, {1.5e83, 82, "1.5e+83"}, {0, 82, "0"}, {12, 0, "12"}, {2e-9, -9, "2e-09"}} {
		require.Equal(t, c.want, tickText(c.v, c.exp))
	}
}
