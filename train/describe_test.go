package train

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/recipe"
)

// Describe tells the data, the network and the recipe, writes no file and ends with its
// context.
func TestDescribe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	s := Start{Data: "toy:rings", Values: recipe.Values{"steps": "3", "batch": "8", "points": "60", "warmup": "1"}}
	b, err := s.Dry(t.Context(), dir)
	require.NoError(t, err)
	var text bytes.Buffer
	r := Run{Dir: dir, SaveEvery: 1, LogEvery: 20}
	require.NoError(t, r.Describe(t.Context(), &text, b.Trainer))
	for _, want := range []string{"data        toy:rings: 60 samples of [2], sum ", "steps       3 of 8 samples, 0.4 times through the data\n", "time        ", "which is not there yet: model.safetensors every 1 step, log.csv"} {
		require.Contains(t, text.String(), want)
	}
	_, after, _ := strings.Cut(text.String(), "\nrecipe\n")
	var rec recipe.Recipe
	require.NoError(t, json.Unmarshal([]byte(after), &rec))
	require.Equal(t, 3, rec.Train.Steps)
	require.NoDirExists(t, dir)
	r.Dir = ""
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b, err = s.Dry(t.Context(), dir)
	require.NoError(t, err)
	text.Reset()
	require.ErrorIs(t, r.Describe(ctx, &text, b.Trainer), context.Canceled)
	require.NotContains(t, text.String(), "writes")
}

// OtherRows tells of another table than that of the training, and of no other data.
func TestOtherRows(t *testing.T) {
	dir := t.TempDir()
	table := func(name string, last string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("a\n"+strings.Repeat("1\n2\n5\n7\n", 5)+last), 0o600))
		return "csv:" + path
	}
	own, other := table("x.csv", "8\n9\n"), table("y.csv", "8\n9\n10\n11\n")
	rec, err := recipe.Preset("toy")
	require.NoError(t, err)
	rec.Data.Spec, rec.Data.Held = own, 0.1
	set, err := Open(t.Context(), &rec)
	require.NoError(t, err)
	rec.Data.Sum = set.Sum()
	for spec, says := range map[string]bool{own: false, other: true} {
		for _, held := range []bool{true, false} {
			o, err := Reading(rec.Data, spec, data.Options{HeldOut: held})
			require.NoError(t, err)
			note, err := OtherRows(t.Context(), spec, o, rec.Data)
			require.NoError(t, err)
			require.Equal(t, says && held, strings.Contains(note, "this is not the table of the training"), "%s %v: %s", spec, held, note)
		}
	}
	_, err = OtherRows(t.Context(), "csv:"+dir+"/no.csv", data.Options{HeldOut: true}, rec.Data)
	require.Error(t, err)
}
