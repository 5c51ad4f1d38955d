// Package words writes numbers as people read them: counts with what they count, rates
// and durations.
package words

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// oneOfMany finds one of what the library counts in the plural.
var oneOfMany = regexp.MustCompile(`(^|[^-\w.,×])1 (sample|image|picture|class|column|row|value|channel|level|point|mask|parameter|thread|seed|step|dimension|name|cop|coordinate|pixel|average|evaluation|neighbour|byte|center|condition|digit|element|epoch|extreme|group|letter|number|operation|other|pilot|process|scale|sweep|tensor|transform|part|share|frame)(s|es|ies)\b`)

// Singular mends what counts one in the plural.
func Singular(text string) string {
	return oneOfMany.ReplaceAllStringFunc(text, func(m string) string {
		m = strings.TrimSuffix(m, "s")
		switch {
		case strings.HasSuffix(m, "copie"):
			return strings.TrimSuffix(m, "ie") + "y"
		case strings.HasSuffix(m, "sse"):
			return strings.TrimSuffix(m, "e")
		}
		return m
	})
}

// Counted returns a number with what it counts, in the plural unless it is 1.
func Counted(n int, what string) string {
	end := "s"
	switch {
	case n == 1:
		end = ""
	case strings.HasSuffix(what, "s"):
		end = "es"
	}
	return strconv.Itoa(n) + " " + what + end
}

// Rate returns a positive number to four digits, or whole.
func Rate(v float64) string {
	if v < 1000 {
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// Short formats a duration to the second, below a minute to a tenth of it.
func Short(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second / 10).String()
	}
	return d.Round(time.Second).String()
}
