package rare

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/source"
)

// An eventParser reads what ParseEvent does.
type eventParser struct {
	text    string // what is left
	columns []string
	dim     int
}

// ParseEvent returns the event of a text for samples of dim values: "loss > 100",
// "norm > 5", "2*a - 0.5*b < -3".
//
//	event = form ('>' | '<') number
//	form  = ['+' | '-'] term {('+' | '-') term}
//	term  = [number '*'] name
//
// A name is a column's, in double quotes where it holds other signs than letters,
// digits, _ and points, or x0, x1, … by number; norm, alone, is the length of a sample.
// The error says where the text is no event.
func ParseEvent(text string, columns []string, dim int) (Event, error) {
	p := &eventParser{text: text, columns: columns, dim: dim}
	return p.event()
}

func (p *eventParser) event() (e Event, err error) {
	sign := 1.0
	weights := make([]float64, p.dim)
	norm := false
	for first := true; ; first = false {
		f := 1.0
		switch next := p.sign("+-"); {
		case next == '-':
			f = -1
		case next == 0 && !first:
			switch p.sign("<>") {
			case '<':
				sign = -1
			case '>':
			default:
				return e, p.expected("+, -, > or <")
			}
			c, ok := p.number()
			if !ok || p.text != "" {
				return e, p.expected("a number at the end")
			}
			e.Threshold = sign * c
			e.Value = func(x []float64) float64 { return sign * form(weights, x) }
			if norm {
				e.Short = sign < 0
				e.Value = func(x []float64) float64 { return sign * length(x) }
			}
			return e, nil
		}
		if c, ok := p.number(); ok {
			f *= c
			if p.sign("*") == 0 {
				return e, p.expected("*")
			}
		}
		name := p.name()
		j := p.column(name)
		switch {
		case j < 0 && name == "norm" && first && f == 1:
			if t := strings.TrimSpace(p.text); t == "" || !strings.ContainsRune("<>", rune(t[0])) {
				return e, p.expected("> or < after norm, which stands alone")
			}
			norm = true
		case j < 0:
			last := ""
			if p.dim > 1 {
				last = fmt.Sprintf(" to x%d", p.dim-1)
			}
			return e, fmt.Errorf("no column %q: want x0%s, norm alone%s", name, last, source.OrNames(p.columns))
		default:
			weights[j] += f
		}
	}
}

func (p *eventParser) expected(what string) error {
	if p.text == "" {
		return fmt.Errorf("it ends where %s should stand", what)
	}
	return fmt.Errorf("%q where %s should stand", p.text, what)
}

// sign takes one of the signs, 0 for none.
func (p *eventParser) sign(of string) byte {
	p.text = strings.TrimSpace(p.text)
	if p.text == "" || !strings.Contains(of, p.text[:1]) {
		return 0
	}
	c := p.text[0]
	p.text = strings.TrimSpace(p.text[1:])
	return c
}

// number takes the longest finite number.
func (p *eventParser) number() (float64, bool) {
	p.text = strings.TrimSpace(p.text)
	if p.text == "" || !strings.Contains("0123456789.+-", p.text[:1]) {
		return 0, false
	}
	end := 0
	for end < len(p.text) && strings.Contains("0123456789.eE+-", p.text[end:end+1]) {
		end++
	}
	for ; end > 0; end-- {
		v, err := strconv.ParseFloat(p.text[:end], 64)
		if errors.Is(err, strconv.ErrRange) {
			return 0, false // not the number that is left without its last digit
		}
		if err == nil {
			p.text = strings.TrimSpace(p.text[end:])
			return v, true
		}
	}
	return 0, false
}

// name takes a name.
func (p *eventParser) name() string {
	if rest, ok := strings.CutPrefix(p.text, `"`); ok {
		if name, after, ok := strings.Cut(rest, `"`); ok {
			p.text = strings.TrimSpace(after)
			return name
		}
	}
	end := strings.IndexAny(p.text, " \t+-*<>\"")
	if end < 0 {
		end = len(p.text)
	}
	name := p.text[:end]
	p.text = strings.TrimSpace(p.text[end:])
	return name
}

// column returns the place of a name, −1 for none.
func (p *eventParser) column(name string) int {
	if j := slices.Index(p.columns, name); j >= 0 {
		return j
	}
	if digits, ok := strings.CutPrefix(name, "x"); ok {
		if j, err := strconv.Atoi(digits); err == nil && j >= 0 && j < p.dim {
			return j
		}
	}
	return -1
}

// form returns the linear form of x.
func form(weights, x []float64) float64 {
	sum := 0.0
	for j, w := range weights {
		if w != 0 {
			sum += float64(w * x[j])
		}
	}
	return sum
}

// length returns |x|, of values whose squares are beyond float64 too.
func length(x []float64) float64 {
	most, sum := 0.0, 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	if most == 0 {
		return 0
	}
	_, e := math.Frexp(most)
	for _, v := range x {
		v = math.Ldexp(v, -e) // a power of 2 changes no digit
		sum += float64(v * v)
	}
	return math.Ldexp(math.Sqrt(sum), e)
}
