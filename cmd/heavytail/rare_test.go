package main

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// Events in words, and what is none.
func TestParseEvent(t *testing.T) {
	x := []float64{3, -4, 12}
	columns := []string{"loss", "a b", "norm2"}
	for text, want := range map[string][2]float64{ // value and threshold
		"loss > 100":                 {3, 100},
		"x1>-2e1":                    {-4, -20},
		`-"a b" + 2*loss > 5`:        {10, 5},
		"loss < -1":                  {-3, 1},
		"norm > 5":                   {13, 5},
		"norm<0.5":                   {-13, -0.5},
		"0.5*loss - 1e1*x2 + loss>0": {-115.5, 0},
		"norm2 > 1":                  {12, 1},
	} {
		e, err := parseEvent(text, columns, 3)
		require.NoError(t, err, text)
		require.Equal(t, want, [2]float64{e.Value(x), e.Threshold}, text)
		require.Equal(t, text == "norm<0.5", e.short, text)
	}
	for text, want := range map[string]string{
		"": "no column", "loss": "> or <", "loss > ": "a number", "loss > 1 2": "a number", "gain > 1": `no column "gain"`, "x3 > 1": `no column "x3"`,
		"2 loss > 1": `\*`, "norm + loss > 1": "alone", "2*norm > 1": "no column", "loss > inf": "a number", "loss = 1": "> or <", "x-1 > 2": "no column", "> 1": "no column",
		"loss > 1e400": `"1e400" where`, "1e400*loss > 1": "no column",
	} {
		_, err := parseEvent(text, columns, 3)
		require.Error(t, err, text)
		require.Regexp(t, want, err.Error(), text)
	}
}

// The length of a sample is finite where the sample is.
func TestLength(t *testing.T) {
	require.Equal(t, 13.0, length([]float64{3, -4, 12}))
	require.InEpsilon(t, 5e200, length([]float64{3e200, 4e200}), 1e-15)
	require.InEpsilon(t, 5e-200, length([]float64{3e-200, 4e-200, 0}), 1e-15)
	require.Zero(t, length([]float64{0, 0}))
}

// A model of Student data, through the command: the three estimates each with its
// effective number, and densities whose mean is near that of the data's law.
func TestRareAndDensity(t *testing.T) {
	dir := t.TempDir()
	x := studentValues(2000, 3)
	table(t, dir+"/x.csv", "loss", x)
	ok(t, dir, strings.Fields("train -data csv:x.csv -process tedm -nu 3 -steps 150 -batch 128 -preview-every 0 -out run")...)
	args := []string{"rare", "-model", "run/model.safetensors", "-event", "loss > 60", "-n", "1000", "-steps", "24", "-per", "100"}
	text := ok(t, dir, args...).stdout
	require.Equal(t, 3, strings.Count(text, "; effective samples "), text)
	require.Contains(t, text, "; too few effective samples to rely on") // sampling's
	var r rareReport
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, append(args, "-json")...).stdout), &r))
	require.Len(t, r.Estimates, 3)
	g := r.Estimates[1]
	require.Equal(t, "guided", g.By)
	require.True(t, g.Interval[0] < g.P && g.P < g.Interval[1])
	require.InEpsilon(t, 1/g.P/100, *g.ReturnPeriod, 1e-12)
	require.Greater(t, *g.VarianceReduction, 10.0)
	// the network is trained for seconds: within a factor of the law's 5e-6
	require.InDelta(t, 0, math.Log(g.P/stable.StudentT{Nu: 3, Scale: 1}.Survival(60)), math.Log(20))

	lines := strings.Split(strings.TrimSpace(ok(t, dir, "density", "x.csv", "-model", "run/model.safetensors", "-steps", "24").stdout), "\n")
	require.Equal(t, "line,log_density,std_error", lines[0])
	require.Len(t, lines, 1+len(x))
	mean, law := 0.0, 0.0
	for i, line := range lines[1:] {
		at, line, _ := strings.Cut(line, ",")
		require.Equal(t, strconv.Itoa(i+2), at) // below the header
		value, rest, _ := strings.Cut(line, ",")
		v, err := strconv.ParseFloat(value, 64)
		require.NoError(t, err)
		require.Equal(t, "0", rest) // the exact trace
		mean, law = mean+v/float64(len(x)), law+stable.StudentT{Nu: 3, Scale: 1}.LogDensity(x[i])/float64(len(x))
	}
	require.InDelta(t, law, mean, 0.15) // nats, after those seconds

	short := ok(t, dir, "rare", "-model", "run/model.safetensors", "-event", "norm < -1", "-n", "100", "-steps", "2").stdout
	require.Contains(t, short, "none: lengths end at 0") // and no tail makes them possible
	var none struct{ Estimates []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "rare", "-model", "run/model.safetensors", "-event", "norm < -1", "-n", "100", "-steps", "2", "-json").stdout), &none))
	require.Len(t, none.Estimates[2], 2, "%v", none) // by and error: no number stands beside an error

	table(t, dir+"/far.csv", "loss", append(append([]float64(nil), x[:1500]...), 1e300))
	far := heavytailIn(t, dir, "density", "far.csv", "-model", "run/model.safetensors", "-steps", "2")
	require.Contains(t, far.stderr, "line 1502, column \"loss\": 1e+300 is beyond float32 as the network sees it: leave the row out")

	for _, c := range []struct{ want, line string }{
		{"-event is required", "rare -model run/model.safetensors"},
		{"adds noise", "rare -model run/model.safetensors -method tedm-sde -event x0>1"},
		{"knows no classes", "rare -model run/model.safetensors -class 1 -event x0>1"},
		{"no column", "rare -model run/model.safetensors -event gain>1"},
		{"-n 5", "rare -model run/model.safetensors -event x0>1 -n 5"},
		{"probes", "density x.csv -model run/model.safetensors -probes 1"},
		{".csv", "density x.csv -model run/model.safetensors -o x.txt"},
		{"shape", "density toy:rings -model run/model.safetensors"},
	} {
		r := heavytailIn(t, dir, strings.Fields(c.line)...)
		require.NotZero(t, r.status, c.line)
		require.Contains(t, r.stderr, c.want, c.line)
	}
}
