package tails

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// A Report is what is known of the tails of data, and the noise that they ask for.
type Report struct {
	Data       string     `json:"data"` // what the data are called
	Samples    int        `json:"samples"`
	Images     bool       `json:"images"`  // columns are channels
	Bounded    bool       `json:"bounded"` // images with values in [-1, 1]: no tails at all
	Columns    []Column   `json:"columns"`
	Suggestion Suggestion `json:"suggestion"`
}

// A Suggestion is the noise to train with. It follows the heaviest column: the one of
// smallest index, which is nu where Student's law fits better than the stable one, or as
// well and the extremes have an index above 2, else alpha, and the index of the extremes
// where no law fits or the column is one-sided, as no law here is. Above 2 the data have a
// variance, and t-EDM and t-Flow with that nu come first; at 2 and below it is DLPM with
// that alpha, at least 1.1. Where nothing is heavy, or values are bounded as pixels are, it
// is Gaussian noise. Where the heaviest column is one-sided, flow with Transform comes
// before either: noise is symmetric, and smears where such a column starts.
type Suggestion struct {
	Noises []Noise  `json:"-"`     // the best first, with Transform only where that comes first
	Train  []string `json:"train"` // the same as the command train takes them
	// Transform is train's -transform for Gaussian noise instead: soft-log for the heavy
	// columns, none for the light; empty if none is heavy, or not all were looked at.
	Transform string   `json:"transform,omitempty"`
	Alpha     float64  `json:"alpha"`
	Nu        *float64 `json:"nu"`     // of Student-t noise; null: Gaussian
	Index     *float64 `json:"index"`  // of the tails that it follows; null: none
	Law       string   `json:"law"`    // gaussian, stable, student, either or none
	Column    int      `json:"column"` // it rests on; -1: none
	Why       string   `json:"why"`

	oneSided bool // the column that it rests on
}

// Limits of the suggestion. Noise needs a mean, so α > 1; from nuGaussian on a
// Student-t law is as good as normal for training.
const (
	leastAlpha = 1.1
	nuGaussian = 30.0
	nuLeast    = 2.1 // of Student-t noise, to the digit that is given: it must have a variance
	vuong      = 1.96
	unbalanced = 10.0 // ratio of the largest class to the smallest
	heavyIndex = 5.0  // extremes whose interval ends below are heavy whatever the fits say
)

// Heaviest returns the place of the column with the smallest index, -1 if none
// has one.
func (r *Report) Heaviest() int {
	best := -1
	for i := range r.Columns {
		v := r.Columns[i].index()
		if !math.IsNaN(v) && (best < 0 || v < r.Columns[best].index()) {
			best = i
		}
	}
	return best
}

// suggest fills in the suggestion, for data of so many columns. It returns an error if
// nothing could be estimated from data that are not bounded.
func (r *Report) suggest(labels []int, columns int) error {
	s := &r.Suggestion
	*s = Suggestion{Alpha: 2, Law: "gaussian", Column: -1}
	defer func() {
		s.Noises = s.noises()
		if s.Transform = r.transform(columns); s.drawIn() {
			s.Noises = append([]Noise{{Kind: recipe.Flow, Transform: s.Transform}}, s.Noises...)
			s.Why += "; symmetric noise smears where such a column starts, more than flow of drawn-in values does (docs/methods.md)"
		}
		for _, n := range s.Noises {
			s.Train = append(s.Train, n.String())
		}
	}()
	if r.Bounded {
		s.Why = "pixels are bounded and have no tails to match, so their values ask for Gaussian noise"
		if ratio := imbalance(labels); ratio >= unbalanced {
			s.Alpha, s.Law = 1.8, "stable"
			s.Why = fmt.Sprintf("pixels are bounded and have no tails to match, but the largest class has %.0f times the samples of the smallest: "+
				"heavy-tailed noise was proposed for such data; 1.8 is the presets' value, not an estimate", ratio)
		}
		return nil
	}
	k := r.Heaviest()
	if k < 0 {
		var notes []string
		for _, c := range r.Columns {
			for _, n := range c.Notes {
				if !slices.Contains(notes, n) {
					notes = append(notes, n)
				}
			}
		}
		return fmt.Errorf("%s: no column could be fitted: %s", r.Data, strings.Join(notes[:min(len(notes), 2)], "; "))
	}
	c := &r.Columns[k]
	s.Column, s.oneSided = c.Column, c.oneSided()
	switch {
	case !c.light():
		s.follow(r.Kind(), c)
	case !r.byExtremes():
		s.Why = fmt.Sprintf("the heaviest %s, %s, is not told from a Gaussian", r.Kind(), c.Label())
		if c.Alpha != nil {
			s.Why += fmt.Sprintf(": the interval of its alpha, %s, reaches 2", c.Alpha.String())
		}
	}
	return nil
}

// transform returns what draws in the heavy columns of points that have so many
// columns: one word if all are of a kind, else one for each column.
func (r *Report) transform(columns int) string {
	if r.Images || len(r.Columns) != columns {
		return ""
	}
	kinds := make([]string, len(r.Columns))
	for i := range r.Columns {
		c := &r.Columns[i]
		if c.Column != i { // -columns chose others
			return ""
		}
		kinds[i] = recipe.None
		if c.heavy() {
			kinds[i] = recipe.SoftLog
		}
	}
	switch of := slices.Compact(slices.Clone(kinds)); {
	case len(of) > 1:
		return strings.Join(kinds, ",")
	case of[0] == recipe.None:
		return ""
	default:
		return of[0]
	}
}

// drawIn tells that flow of drawn-in values comes first.
func (s *Suggestion) drawIn() bool { return s.oneSided && s.Transform != "" }

// follow suggests the noise with the tails of column c.
func (s *Suggestion) follow(kind string, c *Column) {
	index := c.index()
	s.Index = &index
	s.Law, s.Why = c.prefer(kind)
	if c.oneSided() {
		s.byIndex(index)
		return
	}
	if s.Alpha = index; c.Alpha != nil {
		s.Alpha = c.symmetric.Alpha
	}
	s.setAlpha(s.Alpha)
	switch nu := c.student.Nu; {
	case c.Nu == nil && index > 2:
		s.setNu(index)
	case c.Nu == nil:
	case nu <= 2:
		s.Why += fmt.Sprintf("; its nu, %.3g, is below what Student-t noise can have, more than 2", nu)
	case nu < nuGaussian && !math.IsInf(c.student.Interval.Hi, 1):
		s.setNu(nu)
	}
}

// byIndex suggests noise with an index that is no law's: α where it is at most 2, else ν.
func (s *Suggestion) byIndex(index float64) {
	if index <= 2 {
		s.setAlpha(index)
		return
	}
	s.setNu(index)
	s.Why += "; every alpha below 2 is heavier, 2 is lighter"
}

// setAlpha suggests α as near as noise can have it.
func (s *Suggestion) setAlpha(alpha float64) {
	s.Alpha = min(max(math.Round(alpha*100)/100, leastAlpha), 2)
}

// setNu suggests ν > 2 as near as noise can have it.
func (s *Suggestion) setNu(nu float64) {
	nu = max(math.Round(nu*10)/10, nuLeast)
	s.Nu = &nu
}

// noises returns the processes to train with, the best first.
func (s *Suggestion) noises() []Noise {
	dlpm := Noise{Kind: recipe.DLPM, Alpha: s.Alpha}
	var student []Noise
	if s.Nu != nil {
		student = []Noise{{Kind: recipe.TEDM, Nu: *s.Nu}, {Kind: recipe.TFlow, Nu: *s.Nu}}
	}
	switch {
	case s.Alpha == 2 && s.Nu == nil:
		return []Noise{{Kind: recipe.EDM}, {Kind: recipe.Flow}}
	case s.Alpha == 2:
		return student
	case s.Nu != nil && s.Index != nil && *s.Index > 2:
		return append(student, dlpm)
	}
	return append([]Noise{dlpm}, student...)
}

// A Noise is a process by its kind, as package recipe names it, with the index that
// it has.
type Noise struct {
	Kind  string  // dlpm, tedm, tflow, edm or flow
	Alpha float64 // of dlpm
	Nu    float64 // of tedm and tflow

	Transform string // of the columns, as the setting transform has it; empty: none
}

// String returns the noise as the flags of the command train.
func (n Noise) String() string {
	switch {
	case n.Alpha != 0:
		return fmt.Sprintf("-process %s -alpha %.3g", n.Kind, n.Alpha)
	case n.Nu != 0:
		return fmt.Sprintf("-process %s -nu %.3g", n.Kind, n.Nu)
	case n.Transform != "":
		return fmt.Sprintf("-process %s -transform %s", n.Kind, n.Transform)
	}
	return "-process " + n.Kind
}

// Use gives a recipe that noise, with the other defaults of its kind. Call it before
// train.Prepare.
func (n Noise) Use(r *recipe.Recipe) error {
	if err := r.Use(n.Kind); err != nil {
		return err
	}
	switch {
	case n.Kind == recipe.DLPM:
		r.Process.Alpha = n.Alpha
	case n.Kind == recipe.TEDM:
		r.EDM.Nu = diffusion.Nu{n.Nu}
	case n.Kind == recipe.TFlow:
		r.Flow.Nu = diffusion.Nu{n.Nu}
	case n.Transform != "":
		return recipe.Values{"transform": n.Transform}.Set(r)
	}
	return nil
}

// byExtremes suggests the index of the extremes where these are heavy though the
// fits are not: the fits follow the bulk, which may be a mixture of anything.
func (r *Report) byExtremes() bool {
	best := -1
	for i, c := range r.Columns {
		if c.hill.K > 0 && c.hill.Interval.Hi < heavyIndex && (best < 0 || c.hill.Alpha < r.Columns[best].hill.Alpha) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	c, s := &r.Columns[best], &r.Suggestion
	s.Column, s.Law, s.Index, s.oneSided = c.Column, "student", &c.hill.Alpha, c.oneSided()
	s.Why = fmt.Sprintf("no law fits the bulk of %s %s, but its extremes have the tail index %s: noise with that index", r.Kind(), c.Label(), c.Index.String())
	if c.hill.Alpha <= 2 {
		s.Law = "stable"
	}
	s.byIndex(c.hill.Alpha)
	return true
}

// prefer says which law is nearer to the column, and why noise should follow.
func (c *Column) prefer(kind string) (law, why string) {
	rest := fmt.Sprintf("%s %s has the heaviest tails; noise with the tails of the data is the lightest that leaves none of them to the network", kind, c.Label())
	index := c.index()
	if index < leastAlpha {
		rest = fmt.Sprintf("%s %s has the heaviest tails, of index %.3g; -alpha %.3g is the heaviest noise, as with less it has hardly a mean, and leaves the rest of these tails to the network: draw the column in (-transform softlog)",
			kind, c.Label(), index, leastAlpha)
	}
	switch {
	case c.oneSided():
		return "none", fmt.Sprintf("%s; it is one-sided and the laws are symmetric: they follow its body, so the index is that of its %d extremes", rest, c.Extremes)
	case c.Alpha == nil && c.hill.K > 0:
		return "none", fmt.Sprintf("%s; no stable law could be fitted: the index is that of its %d extremes", rest, c.Extremes)
	case c.Alpha == nil:
		return "student", rest
	case c.Nu == nil:
		return "stable", rest
	case c.Preference > vuong:
		return "stable", fmt.Sprintf("%s; the stable law fits better than Student's (z = %.1f)", rest, c.Preference)
	case c.Preference < -vuong:
		why = fmt.Sprintf("%s; Student's law fits better than the stable one (z = %.1f)", rest, c.Preference)
		if index >= leastAlpha && c.symmetric.Alpha < index {
			why += ": alpha is that of the nearest stable law, heavier far out than the data"
		}
		return "student", why
	}
	return "either", fmt.Sprintf("%s; the stable and Student's law fit equally well (z = %.1f)", rest, c.Preference)
}

// imbalance returns the size of the largest class by that of the smallest, 1
// without labels.
func imbalance(labels []int) float64 {
	if len(labels) == 0 {
		return 1
	}
	counts := make([]int, slices.Max(labels)+1)
	for _, l := range labels {
		counts[l]++
	}
	counts = slices.DeleteFunc(counts, func(n int) bool { return n == 0 })
	return float64(slices.Max(counts)) / float64(slices.Min(counts))
}

// String returns the estimate as 1.70 [1.65, 1.75], and - for nil.
func (e *Estimate) String() string {
	if e == nil {
		return "-"
	}
	v, hi := math.Inf(1), math.Inf(1)
	if e.Value != nil {
		v = *e.Value
	}
	if e.Lo == nil {
		return fmt.Sprintf("%.4g", v)
	}
	if e.Hi != nil {
		hi = *e.Hi
	}
	return fmt.Sprintf("%.4g [%.4g, %.4g]", v, *e.Lo, hi)
}

// Kind returns what columns are called: column, or channel of images.
func (r *Report) Kind() string {
	if r.Images {
		return "channel"
	}
	return "column"
}
