package diffusion

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"heavytail/internal/parse"
	"heavytail/stable"
)

// Nu holds the degrees of freedom ν of Student-t noise n = z/√κ with
// z ~ N(0, I) and κ ~ χ²(ν)/ν. Nu{3} draws one κ for the whole sample: n is a
// multivariate t of d elements. Nu{20, 4} draws one for each channel (element j
// belongs to channel j mod 2), which makes the noise a product of two laws.
// +Inf is Gaussian, and so is an empty Nu, with the same bits.
//
// ν must exceed 2, where the variance ν/(ν−2) exists. In JSON +Inf is "inf".
type Nu []float64

// ParseNu reads degrees of freedom, inf for Gaussian noise, or a list of them with
// commas, one for each channel. That they are above 2 the Validate of the process checks.
func ParseNu(text string) (Nu, error) {
	nu, err := parse.List(parse.Extended)(text)
	if text == "none" || slices.ContainsFunc(nu, func(v float64) bool { return v != v }) {
		return nil, errors.New("want degrees of freedom, inf for Gaussian noise")
	}
	return nu, err
}

func (nu Nu) groups() int { return max(len(nu), 1) }

// group returns the group of channel c.
func (nu Nu) group(c int) int { return c % nu.groups() }

func (nu Nu) at(g int) float64 {
	if len(nu) == 0 {
		return math.Inf(1)
	}
	return nu[g]
}

// gaussian tells whether every ν is infinite.
func (nu Nu) gaussian() bool {
	for _, v := range nu {
		if !math.IsInf(v, 1) {
			return false
		}
	}
	return true
}

// Inflation returns a = ν/(ν−2) of group g, the variance of an element of n; 1
// for ν = ∞. It panics if there is no such group.
func (nu Nu) Inflation(g int) float64 {
	if g < 0 || g >= nu.groups() {
		panic(fmt.Sprintf("diffusion: Nu.Inflation of group %d: there are %d, numbered from 0", g, nu.groups()))
	}
	v := nu.at(g)
	if math.IsInf(v, 1) {
		return 1
	}
	return v / (v - 2)
}

func (nu Nu) validate(of, field string) error {
	for _, v := range nu {
		if !(v > 2) {
			return impossible(of, field, v, "use a value above 2, where the variance exists, or +Inf for Gaussian noise")
		}
	}
	return nil
}

// Noise sets the row x to scale·n, the noise of one sample at s, computed in
// float64 from float32 normals. It panics if the channels do not divide the
// row.
func (nu Nu) Noise(x []float64, s stable.Key, scale float64) {
	checkChannels("Nu.Noise", nu.groups(), len(x))
	fillNormals(x, s)
	G := nu.groups()
	for g := range G {
		w := scale * nu.mix(s, g)
		for j := g; j < len(x); j += G {
			x[j] = float64(x[j] * w)
		}
	}
}

// fillNormals sets x to the float32 normals at s.
func fillNormals(x []float64, s stable.Key) {
	var z [256]float32
	for at := 0; at < len(x); at += len(z) {
		part := z[:min(len(z), len(x)-at)]
		s.Normal(part, at)
		for j, v := range part {
			x[at+j] = float64(v)
		}
	}
}

// mix returns 1/√κ of group g.
func (nu Nu) mix(s stable.Key, g int) float64 { return 1 / math.Sqrt(s.Kappa(nu.at(g), g)) }

func checkChannels(name string, channels, d int) {
	if d%channels != 0 {
		panic(fmt.Sprintf("diffusion: %s: %d elements do not divide into %d channels", name, d, channels))
	}
}

// distance returns δ² = |x − D|²/σ² over the elements of one group of a row, of
// which there are groups.
func distance(x, D []float64, g, groups int, sigma float64) float64 {
	sum := 0.0
	for j := g; j < len(x); j += groups {
		r := (x[j] - D[j]) / sigma
		sum += float64(r * r)
	}
	return sum
}

// posteriorScale returns √((ν+δ²)/(ν+d)) for finite ν, the scale of the
// posterior of x_s given x_t at squared distance δ² over d elements, in units of
// its σ̄.
func posteriorScale(nu, delta2, d float64) float64 {
	return math.Sqrt((nu + delta2) / (nu + d))
}

// posteriorDeviation returns √((ν+δ²)/(ν+d−2)), the standard deviation of that
// posterior in units of its σ̄.
func posteriorDeviation(nu, delta2, d float64) float64 {
	if math.IsInf(nu, 1) {
		return 1
	}
	return math.Sqrt((nu + delta2) / (nu + d - 2))
}

// MarshalJSON writes +Inf as "inf".
func (nu Nu) MarshalJSON() ([]byte, error) {
	out := make([]any, len(nu))
	for i, v := range nu {
		out[i] = v
		if math.IsInf(v, 1) {
			out[i] = "inf"
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (nu *Nu) UnmarshalJSON(data []byte) error {
	var in []any
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("diffusion: nu: want a list of numbers: %w", err)
	}
	out := make(Nu, 0, len(in))
	for _, v := range in {
		switch v := v.(type) {
		case float64:
			out = append(out, v)
		case string:
			if v != "inf" {
				return fmt.Errorf("diffusion: nu: %q is no number: use one above 2, or \"inf\"", v)
			}
			out = append(out, math.Inf(1))
		default:
			return fmt.Errorf("diffusion: nu: %v is no number: use one above 2, or \"inf\"", v)
		}
	}
	*nu = out
	return nil
}
