package diffusion

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// An OptionError says that a field of a sampler, a process, an edit or a request
// has a value that is impossible: bad input, and no fault of the program or the
// machine. Validate returns them, and so does whatever samples.
//
//	var bad *diffusion.OptionError
//	errors.As(err, &bad)                                   // an impossible option
//	errors.Is(err, &diffusion.OptionError{Field: "Steps"}) // the steps are
type OptionError struct {
	Field string // as the struct names it, such as "Eta" or "Churn.S"
	Value any    // what it is
	Want  string // what is possible, or what to do instead
	Text  string // the whole message; empty: made of the others
}

// Error returns Text, or the field, its value and what is possible.
func (e *OptionError) Error() string {
	if e.Text != "" {
		return e.Text
	}
	return fmt.Sprintf("%s is %s; want %s", e.Field, quoted(e.Value), e.Want)
}

// Is tells whether target is an OptionError of the same field, or of none.
func (e *OptionError) Is(target error) bool {
	t, ok := target.(*OptionError)
	return ok && (t.Field == "" || t.Field == e.Field)
}

// impossible returns the error of a field of a sampler or a process, which the
// message names as JSON does, without the struct that it is in.
func impossible(of, field string, value any, remedy string, args ...any) error {
	remedy = fmt.Sprintf(remedy, args...)
	return &OptionError{
		Field: field, Value: value, Want: strings.TrimPrefix(remedy, "use "),
		Text: fmt.Sprintf("diffusion: %s: %s is %s: %s", of, snake(field[strings.LastIndexByte(field, '.')+1:]), quoted(value), remedy),
	}
}

// quoted returns a value for a message, words in quotation marks.
func quoted(v any) string {
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return fmt.Sprintf("%.40q", r.String())
	}
	return fmt.Sprint(v)
}

// snake returns the name in JSON of a field: sigma_min of SigmaMin.
func snake(field string) string {
	var b strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
