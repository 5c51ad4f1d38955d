package tails

import (
	"math"

	"heavytail/stable"
)

// oneSided is the share of the extremes on one side from which on a column is called so, as
// those of claims, waiting times and volumes are, which start somewhere.
const oneSided = 0.95

// oneSided tells that the column has extremes on one side alone, or nearly.
func (c *Column) oneSided() bool { return c.side >= oneSided }

// side returns the share of x's values beyond the fit's threshold that are on the side
// of the centre which has the more of them.
func side(x []float64, f stable.TailFit) float64 {
	up, down := 0, 0
	for _, v := range x {
		switch d := v - f.Center; {
		case d > f.Threshold:
			up++
		case -d > f.Threshold:
			down++
		}
	}
	return float64(max(up, down)) / float64(max(up+down, 1))
}

// index returns the tail index of the column, NaN if nothing could be estimated: that of
// the extremes of a one-sided column, whose body the laws follow, as they are symmetric
// (Pareto's law of 1.5 they take for one of 0.97), else that of the law.
func (c *Column) index() float64 {
	if c.oneSided() {
		return c.hill.Alpha
	}
	return c.lawIndex()
}

// lawIndex returns the index of the law that fits better; where two fit equally well, Student's if the
// extremes say that there is a variance, as those of a stable law seldom do; where
// the stable law, which has every index to 2, cannot be fitted, that of the
// extremes.
func (c *Column) lawIndex() float64 {
	extremes := c.hill.K > 0
	switch {
	case c.Alpha != nil && c.Nu != nil && (c.Preference < -vuong || c.Preference <= vuong && extremes && c.hill.Alpha > 2):
		return c.student.Nu
	case c.Alpha != nil && c.symmetric.Alpha == 2:
		return math.Inf(1)
	case c.Alpha != nil:
		return c.symmetric.Alpha
	case extremes:
		return c.hill.Alpha
	case c.Nu != nil:
		return c.student.Nu
	}
	return math.NaN()
}

// light tells that neither law is told from a Gaussian, or, of a one-sided column, that the
// extremes are not.
func (c *Column) light() bool {
	a := c.Alpha == nil || c.symmetric.AlphaInterval().Hi >= 2 || c.symmetric.Alpha > 1.99
	n := c.Nu == nil || c.student.Nu >= nuGaussian || math.IsInf(c.student.Interval.Hi, 1)
	return c.oneSided() && c.hill.Alpha >= nuGaussian || a && n && (c.Alpha != nil || c.Nu != nil)
}

// heavy tells that a law has tails which are told from a Gaussian's, or, whatever the
// laws say, that the extremes have.
func (c *Column) heavy() bool {
	fitted := !math.IsNaN(c.index()) && !c.light()
	return fitted || c.hill.K > 0 && c.hill.Interval.Hi < heavyIndex
}
