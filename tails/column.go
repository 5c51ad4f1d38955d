package tails

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/source"
	"heavytail/stable"
)

// An Estimate is a number with its interval of 95 %; null where it has none.
type Estimate struct {
	Value *float64 `json:"value"` // null: infinite
	Lo    *float64 `json:"lo"`    // null: no interval
	Hi    *float64 `json:"hi"`    // null: infinite, or no interval
}

func newEstimate(v float64, i stable.Interval) *Estimate {
	if i.Lo == i.Hi {
		return &Estimate{Value: finite(v)}
	}
	return &Estimate{finite(v), finite(i.Lo), finite(i.Hi)}
}

func finite(v float64) *float64 {
	if math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// A Column is what is known of one column: the index of the tails of |x − median|
// without a law, Index, of the Extremes largest values; symmetric stable laws by
// maximum likelihood, Alpha with Scale and Location in the units of the data, and by
// three other estimators; the skewness Beta (S0); Student's law by maximum likelihood,
// Nu. Estimates that the data do not allow are nil, and Notes say why.
type Column struct {
	Column     int       `json:"column"`
	Name       string    `json:"name,omitempty"` // that the data have for it
	Values     int       `json:"values"`
	Tied       float64   `json:"tied,omitempty"` // share of values that are the same, where it is at least a half; the laws are those of the others
	Index      *Estimate `json:"tail_index"`
	Extremes   int       `json:"extremes,omitempty"`
	Alpha      *Estimate `json:"alpha"`
	Nu         *Estimate `json:"nu"`
	Scale      float64   `json:"scale,omitempty"`
	Location   float64   `json:"location,omitempty"`
	Regression *Estimate `json:"alpha_regression"`
	Quantiles  *Estimate `json:"alpha_quantiles"`
	LogMoments *Estimate `json:"alpha_log_moments"`
	Beta       *Estimate `json:"beta"`
	Preference float64   `json:"stable_over_student"` // Vuong's statistic: below −1.96 Student's law fits better, above 1.96 the stable one
	Notes      []string  `json:"notes,omitempty"`

	x         []float64 // the values that the laws are fitted to
	exponent  int       // of 2 by which x, and what has its unit, was divided
	side      float64   // share of the extremes that lie on the side which has the more of them
	symmetric stable.StableFit
	student   stable.StudentFit
	hill      stable.TailFit
}

// Label returns what the data call the column, else its number, as text that a
// terminal can show.
func (c *Column) Label() string {
	if c.Name == "" {
		return strconv.Itoa(c.Column)
	}
	return source.Printable(c.Name)
}

// LeastValues is the least number of values to estimate anything from.
const LeastValues = 50

// skewed is the |β| from which on a column is called so.
const skewed = 0.3

// newColumn runs every estimator on the values x of column c. One that fails leaves
// the others their say.
func newColumn(c int, x []float64) Column {
	x, exponent := inRange(x)
	r := Column{Column: c, Values: len(x), x: x, exponent: exponent}
	r.once()
	switch lo, hi := slices.Min(x), slices.Max(x); {
	case len(r.x) < LeastValues && len(r.x) < len(x):
		r.Notes = append(r.Notes, fmt.Sprintf("the %d others are too few; give at least %d", len(r.x), LeastValues))
		return r
	case len(x) < LeastValues:
		r.Notes = []string{fmt.Sprintf("%d values are too few; give at least %d", len(x), LeastValues)}
		return r
	case lo == hi:
		r.Notes = []string{fmt.Sprintf("all %d values equal %v; leave a constant column out", len(x), r.units(lo))}
		return r
	}
	var err error
	if r.hill, err = stable.TailIndex(r.x); r.note("tail index", err) {
		r.Index, r.Extremes = newEstimate(r.hill.Alpha, r.hill.Interval), r.hill.K
		r.side = side(r.x, r.hill)
	}
	r.noteTies(err)
	if r.untie(); len(r.x) < LeastValues {
		r.Notes = append(r.Notes, fmt.Sprintf("alpha and nu: the %d others are too few; give at least %d", len(r.x), LeastValues))
		return r
	}
	r.stableLaws()
	r.studentLaw()
	r.noteStart()
	return r
}

// inRange returns values divided by a power of 2, where they are so large or small
// that their squares and products are beyond float64, and its exponent.
func inRange(x []float64) ([]float64, int) {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	if most == 0 || most > 1e-100 && most < 1e100 {
		return x, 0
	}
	_, e := math.Frexp(most)
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Ldexp(v, -e)
	}
	return out, e
}

// units returns a value in the units of the data.
func (c *Column) units(v float64) float64 { return math.Ldexp(v, c.exponent) }

// note keeps an error as a note about an estimate, less the advice to use another
// function of the library, and reports whether there was none.
func (c *Column) note(what string, err error) bool {
	if err != nil {
		if tied := new(stable.TieError); errors.As(err, &tied) {
			tied.Value = c.units(tied.Value)
		}
		_, text, _ := strings.Cut(strings.TrimPrefix(err.Error(), "stable: "), ": ")
		text, _, _ = strings.Cut(text, "; use ")
		c.Notes = append(c.Notes, what+": "+text)
	}
	return err == nil
}

// stableLaws fits stable laws in four ways.
func (c *Column) stableLaws() {
	loc := median(c.x)
	k, err := stable.KogonWilliams(c.x)
	if c.note("alpha", err) {
		loc = k.Loc
		c.Regression = newEstimate(k.Alpha, k.AlphaInterval())
		c.symmetric, err = stable.FitStable(c.x, stable.FitOptions{Symmetric: true})
		if c.note("alpha", err) { // it starts from the regression
			f := c.symmetric
			c.Alpha, c.Scale, c.Location = newEstimate(f.Alpha, f.AlphaInterval()), c.units(f.Scale), c.units(f.Loc)
			c.setBeta(k)
		}
	}
	if m, err := stable.McCulloch(c.x); c.note("alpha by quantiles", err) {
		c.Quantiles = newEstimate(m.Alpha, m.AlphaInterval())
	}
	if m, err := stable.LogMoments(centred(c.x, loc)); c.note("alpha by log-moments", err) {
		c.LogMoments = newEstimate(m.Alpha, m.AlphaInterval())
	}
}

// setBeta takes β from the regression and says what a skewed column means.
func (c *Column) setBeta(k stable.StableFit) {
	i := k.BetaInterval()
	if k.Alpha >= 2 || i.Contains(0) && (math.Abs(k.Beta) == 1 || 1.96*k.SE[1] >= 1) { // near α = 2 there is no telling β
		return
	}
	c.Beta = newEstimate(k.Beta, i)
	if math.Abs(k.Beta) > skewed && !i.Contains(0) {
		c.Notes = append(c.Notes, fmt.Sprintf("skewed, beta %.2g: alpha and nu are those of the nearest symmetric laws, as noise is symmetric; "+
			"if all values are positive, their logarithm may be better data", k.Beta))
	}
}

// studentLaw fits Student's law and compares it with the stable one.
func (c *Column) studentLaw() {
	var err error
	c.student, err = stable.FitStudent(c.x)
	if !c.note("nu", err) {
		return
	}
	c.Nu = newEstimate(c.student.Nu, c.student.Interval)
	if c.Alpha != nil {
		c.Preference = stable.Compare(c.x, c.symmetric, c.student)
	}
}

// centred returns x − loc, less what is then 0.
func centred(x []float64, loc float64) []float64 {
	y := make([]float64, 0, len(x))
	for _, v := range x {
		if v != loc {
			y = append(y, v-loc)
		}
	}
	return y
}

func median(x []float64) float64 {
	y := slices.Clone(x)
	slices.Sort(y)
	return float64(y[len(y)/2]/2) + float64(y[(len(y)-1)/2]/2)
}
