package main

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion/rare"
	"heavytail/stable"
)

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
	var r rare.Report
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
