package output

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/recipe"
	"heavytail/train"
)

// trained returns a tiny model of images, run, and one of points, toy.
func trained(t *testing.T) map[string]*heavytail.Model {
	t.Helper()
	out := map[string]*heavytail.Model{}
	x := make([]float64, 10*8*8)
	for i := range x {
		x[i] = float64(i%13)/6 - 1
	}
	pixels, err := data.From(images(x), []int{8, 8, 1}, nil)
	require.NoError(t, err)
	points, err := data.Open(t.Context(), "toy:rings", data.Options{N: 60})
	require.NoError(t, err)
	for name, set := range map[string]*data.Set{"run": pixels, "toy": points} {
		preset := "toy"
		values := recipe.Values{"steps": "3", "batch": "4"}
		if name == "run" {
			preset = "fashion"
			values = recipe.Values{"steps": "3", "batch": "4", "width": "8", "mult": "1,1", "blocks": "1", "attention": "none", "heads": "2"}
		}
		r, err := recipe.Preset(preset)
		require.NoError(t, err)
		require.NoError(t, values.Set(&r))
		_, err = train.Prepare(&r, set)
		require.NoError(t, err)
		tr, err := train.Fit(t.Context(), r, set, train.Options{Threads: 1})
		require.NoError(t, err)
		b, err := tr.Model()
		require.NoError(t, err)
		out[name], err = heavytail.Loader{Threads: 1}.Open(b)
		require.NoError(t, err)
	}
	return out
}

// images are pictures of 64 values.
type images []float64

func (x images) Len() int { return len(x) / 64 }

func (x images) Sample(dst []float64, i int) int {
	copy(dst, x[i*64:])
	return -1
}

func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

// What no disk has room for is refused before the first sample, and leaves nothing, in
// every form of output; what there is room for to the byte is written.
func TestOutputsThatDoNotFit(t *testing.T) {
	dir := t.TempDir()
	models := trained(t)
	begun := false
	write := func(model, out string, seeds string, room int64) error {
		t.Helper()
		t.Setenv("HEAVYTAIL_DISK", strconv.FormatInt(room, 10))
		path := filepath.Join(dir, out)
		if out == "pictures" {
			path += "/"
		}
		o := heavytail.Options{N: 64, Batch: 32, Steps: 2, Step64: func(int, int, []float64) error { begun = true; return nil }}
		if seeds != "" {
			var err error
			o.Seeds, err = heavytail.ParseSeeds(seeds)
			require.NoError(t, err)
			o.N = 0
		}
		f, err := To(path)
		require.NoError(t, err)
		begun = false
		s, err := Of(models[model], o)
		require.NoError(t, err)
		s.Film(3)
		return f.Write(t.Context(), s)
	}
	before := listing(t, dir)
	for _, c := range []struct {
		model, out string
		least      int64 // bytes that are too few
	}{
		{"toy", "x.csv", 64*2*2 - 1}, {"toy", "x.npy", 64*2*4 - 1}, {"toy", "x.png", 512 * 513 / 1032}, {"toy", "x.gif", 3 * 512 * 512 / 4096 * 3 / 2},
		{"run", "x.npy", 64*8*8*4 - 1}, {"run", "x.png", 200}, {"run", "x.gif", 14 + 3*12 - 1}, {"run", "pictures", 64 * 150},
	} {
		err := write(c.model, c.out, "", c.least)
		require.ErrorContains(t, err, "the disk has room for", "%s %s", c.model, c.out)
		require.False(t, begun, "%s %s", c.model, c.out)
		require.Equal(t, before, listing(t, dir), "%s %s", c.model, c.out)
	}
	for _, c := range [][2]string{{"toy", "x.csv"}, {"toy", "x.npy"}, {"toy", "x.png"}, {"toy", "x.gif"}, {"run", "x.npy"}, {"run", "x.png"}, {"run", "x.gif"}} {
		require.NoError(t, write(c[0], c[1], "", 1<<40), "%v", c)
		require.True(t, begun, "%v", c)
		st, err := os.Stat(filepath.Join(dir, c[1]))
		require.NoError(t, err)
		require.NoError(t, write(c[0], c[1], "", st.Size()), "%v of %d bytes", c, st.Size())
	}
	// A folder has one picture of a seed that is given twice, and the new ones in place of the old.
	require.NoError(t, write("run", "pictures", "7", 1<<40))
	st, err := os.Stat(filepath.Join(dir, "pictures/000007.png"))
	require.NoError(t, err)
	require.NoError(t, write("run", "pictures", "7,8,7,8,7,8", st.Size()))
	require.Error(t, write("run", "pictures", "0-63", st.Size()))
	require.False(t, begun)
	require.NoError(t, write("run", "pictures", "0-63", 1<<40))
	require.NoError(t, write("run", "pictures", "0-63", 1), "what is there gives way")
}

// The parts of samples give every file the bytes of the whole, and say what is wrong
// with a path, samples or parts.
func TestParts(t *testing.T) {
	models := trained(t)
	for name, files := range map[string][]string{"run": {"x.npy", "x.png", "x.gif", "p/"}, "toy": {"x.npy", "x.csv", "x.png"}} {
		dir := t.TempDir()
		o := heavytail.Options{N: 7, Batch: 2, Steps: 3, Seed: 5}
		of := func() *Samples {
			s, err := Of(models[name], o)
			require.NoError(t, err)
			return s
		}
		parts := filepath.Join(dir, "parts")
		for i := range 3 {
			_, err := Open(t.Context(), parts)
			require.Error(t, err)
			done, err := of().WritePart(t.Context(), parts, Share{Index: i, Of: 3}, true)
			require.NoError(t, err)
			require.True(t, done)
		}
		done, err := of().WritePart(t.Context(), parts, Share{Index: 1, Of: 3}, true)
		require.NoError(t, err)
		require.False(t, done, "it is there")
		require.True(t, IsParts(parts))
		merged, err := Open(t.Context(), parts)
		require.NoError(t, err)
		require.Equal(t, 3, merged.Parts)
		for _, file := range files {
			var got [2]map[string]string
			for k, s := range []*Samples{of(), merged} {
				at := filepath.Join(dir, name+strconv.Itoa(k))
				require.NoError(t, os.MkdirAll(at, 0o777))
				f, err := To(filepath.Join(at, file) + file[len(strings.TrimSuffix(file, "/")):])
				require.NoError(t, err)
				require.NoError(t, f.Write(t.Context(), s))
				got[k] = contents(t, at)
			}
			require.Equal(t, got[0], got[1], "%s %s", name, file)
		}
		var rows []float64
		require.NoError(t, merged.Rows(t.Context(), []int{1, 6}, func(x []float64) error {
			rows = append(rows, x...)
			return nil
		}))
		whole, err := models[name].Sample(t.Context(), o)
		require.NoError(t, err)
		d := merged.per()
		require.Equal(t, append(whole.Float64()[d:2*d:2*d], whole.Float64()[6*d:]...), rows)
		require.NoError(t, os.Remove(filepath.Join(parts, "part-00001-of-00003.json")))
		missing := (*IncompleteError)(nil)
		_, err = Open(t.Context(), parts)
		require.ErrorAs(t, err, &missing)
		require.Equal(t, []int{1}, missing.Missing)
	}
	s, err := Of(models["toy"], heavytail.Options{N: 2, Steps: 2})
	require.NoError(t, err)
	require.ErrorContains(t, (&File{"x/", folder{"x/"}}).Check(s), "x/: the samples are points, not pictures")
	s, err = Of(models["run"], heavytail.Options{N: 2, Steps: 2})
	require.NoError(t, err)
	require.ErrorContains(t, (&File{"x.csv", table{"x.csv"}}).Check(s), "x.csv: a table is for points")
	require.Panics(t, func() { _ = s.Rows(t.Context(), nil, nil) })
	_, err = To(filepath.Join(t.TempDir(), "x.doc"))
	require.ErrorContains(t, err, "want a name that ends in .png")
	_, err = To(filepath.Join(t.TempDir(), "none", "x.png"))
	require.ErrorContains(t, err, "make it first")
	_, err = Of(models["run"], heavytail.Options{N: -1})
	require.Error(t, err)
}

// contents returns the files of a folder and below.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err == nil && !st.IsDir() {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			name, err := filepath.Rel(dir, path)
			require.NoError(t, err)
			out[name] = string(b)
		}
		return err
	}))
	return out
}
