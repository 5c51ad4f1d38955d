package experiment

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// pairedT is the two-sided p-value of the t-test that the mean is 0.
func pairedT(s Summary) float64 {
	if s.N < 2 || s.Std == 0 {
		return math.NaN()
	}
	t := s.Mean / (s.Std / math.Sqrt(float64(s.N)))
	return 2 * stable.StudentT{Nu: float64(s.N - 1), Scale: 1}.Survival(math.Abs(t))
}

// tInterval is the geometric mean of numbers given by their logarithms with the 95 %
// interval of Student's t over them, and the p-value against 1.
func tInterval(logs []float64) (interval, p string) {
	s := Summarise(logs)
	if s.N == 0 {
		return "–", "–"
	}
	if s.N < 3 {
		return fmt.Sprintf("%.2f", dmath.Exp(s.Mean)), "–"
	}
	half := stable.StudentT{Nu: float64(s.N - 1), Scale: 1}.Quantile(0.975) * s.Std / math.Sqrt(float64(s.N))
	return fmt.Sprintf("%.2f (%.2f to %.2f)", dmath.Exp(s.Mean), dmath.Exp(s.Mean-half), dmath.Exp(s.Mean+half)), fmt.Sprintf("%.2g", pairedT(s))
}

// welchCell is the p-value of Welch's test in brackets, to be put behind s; nothing where
// one of the two has fewer than two runs.
func welchCell(s, other Summary) string {
	if p := Welch(s, other); p <= 1 {
		return fmt.Sprintf(" (%.2g)", p)
	}
	return ""
}

// pairs are ln of a column of a method's setting over another's, by the runs that both
// have; what is not finite is left out.
func (r *Results) pairs(method, setting, other, otherSetting, column string) (logs []float64) {
	for _, k := range r.keys {
		if k.Method != method || k.Setting != setting {
			continue
		}
		if v := dmath.Log(r.value(k, column) / r.value(Key{other, otherSetting, k.Run}, column)); v-v == 0 {
			logs = append(logs, v)
		}
	}
	return logs
}

// pairedCell is the p-value of the t-test that logs have the mean 0, in brackets; nothing
// for fewer than three.
func pairedCell(logs []float64) string {
	if p := pairedP(logs); p != "–" {
		return " (" + p + ")"
	}
	return ""
}

// pairedP is pairedCell without brackets, or a dash.
func pairedP(logs []float64) string {
	s := Summarise(logs)
	if p := pairedT(s); s.N >= 3 && p <= 1 {
		return fmt.Sprintf("%.2g", p)
	}
	return "–"
}
