package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/modelfile"
	"heavytail/output"
	"heavytail/recipe"
)

// A process is trained, described, resumed and sampled by flags alone, of
// points and of images.
func TestEveryProcessByFlags(t *testing.T) {
	dir := t.TempDir()
	images(t, dir, 10)
	for kind, flags := range map[string]string{
		"dlpm": "-alpha 1.5 -T 30", "lim": "-alpha 1.5 -clamp-a 20 -isotropic=false", "edm": "-p-mean -0.5 -p-std 1", "tedm": "-nu 4", "flow": "-target data", "tflow": "-nu 4 -target noise", "jump": "-jump-rate 3 -jump-share 0.2",
	} {
		for out, args := range map[string][]string{
			"p" + kind: strings.Fields("-data toy:rings -points 200 -batch 20 -preview-every 3"),
			"i" + kind: append(strings.Fields("-data npy:images.npy"), smallNet...),
		} {
			train := append(strings.Fields("train -steps 3 -process "+kind+" "+flags+" -out "+out), args...)
			r := ok(t, dir, train...)
			require.Contains(t, r.stderr, kind)
			again := heavytailIn(t, dir, append(train, "-resume")...)
			require.Zero(t, again.status, "the flags of a run are those of its recipe: %s", again.stderr)

			var i modelfile.Info
			model := out + "/model.safetensors"
			require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", model).stdout), &i))
			require.Equal(t, kind, i.Recipe.Kind())
			require.Contains(t, i.Noise, kind)
			for _, m := range heavytail.Methods() {
				require.Equal(t, m.Fits(i.Recipe), slices.Contains(i.Methods, m.Name), m.Name)
			}
			require.Contains(t, ok(t, dir, "info", model).stdout, "samplers     "+i.Methods[0])
			for _, m := range i.Methods {
				png := filepath.Join(dir, out+m+".png")
				ok(t, dir, "sample", "-model", model, "-n", "3", "-steps", "3", "-method", m, "-o", png)
				var rec output.Recipe
				require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", png).stdout), &rec))
				require.Equal(t, m, rec.Method)
				require.Contains(t, rec.Process, kind)
				require.Equal(t, 3, rec.Steps, m)
				want := 3
				switch m {
				case "edm": // the last step is Euler's
					want = 5
				case "dlim2", "flow":
					want = 6
				}
				require.Equal(t, want, rec.Evaluations, m)
			}
		}
	}
	ok(t, dir, strings.Fields("sample -model itedm/model.safetensors -method edm -solver euler -churn 9,0.1,50,1.003 -sigma-max 40 -rho 5 -n 2 -steps 4 -o x.gif")...)
}

// The deviation of the data and the mean that a network of noise starts from
// are measured where they are not given.
func TestMeasuredScales(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.csv"), []byte("a,b,c\n1,10,7\n3,30,7\n"), 0o644))
	for flags, check := range map[string]func(recipe.Recipe){
		"-process edm":                                  func(r recipe.Recipe) { require.Equal(t, []float64{2, 2, 1}, r.EDM.SigmaData) }, // half IQRs are 0.5 and 5
		"-process edm -standardize std":                 func(r recipe.Recipe) { require.Equal(t, []float64{1, 1, 1}, r.EDM.SigmaData) },
		"-process edm -standardize none":                func(r recipe.Recipe) { require.Equal(t, []float64{1, 10, 1}, r.EDM.SigmaData) },
		"-process edm -sigma-data 0.7":                  func(r recipe.Recipe) { require.Equal(t, []float64{0.7}, r.EDM.SigmaData) },
		"-process flow -target noise":                   func(r recipe.Recipe) { require.Equal(t, []float64{0, 0, 0}, r.Flow.Mean) },
		"-process flow -target noise -standardize none": func(r recipe.Recipe) { require.Equal(t, []float64{2, 20, 7}, r.Flow.Mean) },
		"-process flow":                                 func(r recipe.Recipe) { require.Nil(t, r.Flow.Mean) },
		"-process tedm -nu 5,inf,7":                     func(r recipe.Recipe) { require.Len(t, r.EDM.Nu, 3) },
		"-process tedm -nu inf -loss root": func(r recipe.Recipe) {
			require.Equal(t, recipe.EDM, r.Kind())
			require.EqualValues(t, "root", r.Train.Loss.Kind)
		},
	} {
		out := strings.NewReplacer(" ", "", ",", "", "-process", "").Replace(flags)
		ok(t, dir, append(strings.Fields("train -data csv:x.csv -steps 1 -batch 2 -preview-every 0 "+flags), "-out", out)...)
		var i modelfile.Info
		require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", out+"/model.safetensors").stdout), &i))
		check(i.Recipe)
	}
}
