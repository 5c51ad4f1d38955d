package recipe

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A setting has one name and a help, and its default is a value of it.
func TestSettings(t *testing.T) {
	seen := map[string]bool{}
	reading := true
	for _, s := range Settings() {
		require.False(t, seen[s.Name], s.Name)
		seen[s.Name] = true
		require.NotEmpty(t, s.Help, s.Name)
		require.False(t, s.Reading && !reading, "%s is read after others that depend on the data", s.Name)
		reading = s.Reading
		for part := range strings.SplitSeq(s.Default, " for images, ") {
			text, _, _ := strings.Cut(strings.TrimSuffix(part, " for points"), " for ")
			if text != "" {
				require.NoError(t, s.Check(text), "%s %q", s.Name, text)
			}
		}
		require.Equal(t, s.Name, SettingOf(s.Name).Name)
	}
	require.Greater(t, len(seen), 50)
	require.Panics(t, func() { SettingOf("none") })
	Settings()[0].Name = "other"
	require.NotEqual(t, "other", Settings()[0].Name)
}

// Values change a recipe by name, those that say how data are read apart from the
// others, and say what is wrong with them.
func TestValues(t *testing.T) {
	r, err := Preset("toy")
	require.NoError(t, err)
	v := Values{"process": "tedm", "nu": "4", "steps": "7", "ema": "none", "window": "3", "flip": "true"}
	require.NoError(t, v.Check())
	require.NoError(t, v.Read(&r))
	require.Equal(t, TEDM, r.Kind())
	require.Equal(t, 3, r.Data.Window)
	require.NotEqual(t, 7, r.Train.Steps)
	require.NoError(t, v.Set(&r))
	require.Equal(t, 7, r.Train.Steps)
	require.Equal(t, 4.0, r.EDM.Nu[0])
	require.Empty(t, r.Train.EMA)
	require.True(t, r.Data.Flip)

	require.ErrorContains(t, Values{"steps": "x"}.Check(), "setting steps x: want a number in range")
	require.ErrorContains(t, Values{"stepps": "1"}.Check(), `there is no setting "stepps": want size, channels`)
	require.ErrorContains(t, Values{"alpha": "1.5"}.Set(&r), "setting alpha: the process is tedm, which has no such setting; leave it out, or choose setting process dlpm or lim")
	require.ErrorContains(t, Values{"width": "8"}.Set(&r), "setting width: the network for points has no such setting")
	require.ErrorContains(t, Values{"standardize": "no"}.Check(), "want robust")
	require.ErrorContains(t, Values{"transform": "asinh,x"}.Check(), "one of these for each column")
	require.ErrorContains(t, Values{"p-std": "0"}.Check(), "use a positive value")
	require.ErrorContains(t, Values{"nu": "none"}.Check(), "want degrees of freedom")
}

// What a recipe holds in another form is known all the same.
func TestSettingHolds(t *testing.T) {
	r, err := Preset("toy")
	require.NoError(t, err)
	holds := func(name, text string) bool { return SettingOf(name).Holds(r, text) }
	require.True(t, holds("process", "dlpm"))
	require.False(t, holds("process", "edm"))
	require.True(t, holds("standardize", None))
	require.False(t, holds("standardize", Robust))
	require.True(t, holds("transform", "none,none"))
	require.False(t, holds("steps", "1"), "which Diff tells")
	r.Data.Transform = []Transform{{Kind: Asinh}, {Kind: None}}
	require.True(t, holds("transform", "asinh,none"))
	require.False(t, holds("transform", "asinh"))
	require.True(t, holds("given", "none"))
	r.Data.Given = &Given{Select: []string{"a"}}
	require.True(t, holds("given", "a"))
	require.False(t, holds("given", "b"))
	require.True(t, holds("fixed", "false"))
	require.False(t, holds("fixed", "maybe"), "no value at all")
}
