package heavytail

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
)

// Every setting by name sets the field that it names, and its help begins with the
// methods that have it.
func TestTextSettings(t *testing.T) {
	want := map[string]struct {
		text  string
		value any
		bad   string
	}{
		"method": {"edm", "edm", ""}, "steps": {"7", 7, "1.5"}, "eta": {"0.5", 0.5, "NaN"}, "clamp-a": {"3", 3.0, "x"},
		"grid": {"quadratic", diffusion.Grid("quadratic"), ""}, "solver": {"euler", "euler", ""},
		"churn":             {"40,0.05,50,1.003", diffusion.Churn{S: 40, Min: 0.05, Max: 50, Noise: 1.003}, "1,2"},
		"independent-noise": {"true", true, "yes"},
		"sigma-min":         {"0.1", 0.1, "inf"}, "sigma-max": {"80", 80.0, "1e999"}, "rho": {"7", 7.0, ""}, "drop-factor": {"true", true, "yes"},
		"nu-coeff": {"5,inf", diffusion.Nu{5, math.Inf(1)}, "none"}, "consistent-start": {"false", Off, "no"}, "clip": {"true", On, "x"}, "guidance": {"2", 2.0, "x"},
	}
	all := TextSettings()
	require.Len(t, all, len(want))
	for _, s := range all {
		c, known := want[s.Name]
		require.True(t, known, s.Name)
		o := Options{}
		require.NoError(t, s.Set(&o, c.text), s.Name)
		require.Equal(t, c.value, reflect.ValueOf(s.Of(&o)).Elem().Interface(), s.Name)
		field := reflect.ValueOf(&o).Elem().FieldByName(s.Field())
		require.Equal(t, field.Addr().Interface(), s.Of(&o), s.Name)
		field.SetZero()
		require.Zero(t, o, "%s sets another field too", s.Name)
		if c.bad != "" {
			require.ErrorContains(t, s.Set(&o, c.bad), "want ", s.Name)
		}
		if of := MethodsWith(s.Field()); of != nil {
			require.True(t, strings.HasPrefix(s.Help, strings.Join(of, ", ")+": "), s.Help)
		}
	}
	require.NoError(t, all[len(all)-2].Set(&Options{}, "auto"))
	for _, f := range (Settings{}).given() { // what one value does not say
		switch f.field {
		case "Constant", "LIMClamps", "PublishedStart":
			continue
		}
		require.True(t, strings.Contains(fieldsOf(all), " "+f.field+" "), "%s has no name", f.field)
	}
}

// fieldsOf are the fields of settings with blanks between them.
func fieldsOf(all []Setting) string {
	text := " "
	for _, s := range all {
		text += s.Field() + " "
	}
	return text
}
