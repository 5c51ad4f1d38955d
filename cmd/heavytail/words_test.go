package main

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/modelfile"
	"heavytail/output"
	"heavytail/train"
)

// Every setting of fields has its flag in a command, and a field with its struct is one.
func TestFlagWords(t *testing.T) {
	flags := map[string]bool{}
	for _, c := range program.Commands {
		fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
		c.Flags(fs)
		fs.VisitAll(func(f *flag.Flag) { flags[f.Name], flags[c.Name+" "+f.Name] = true, true })
	}
	structs := map[string][]any{"Options": {data.Options{}, heavytail.Options{}, train.Options{}}, "Start": {train.Start{}}, "Conversion": {modelfile.Conversion{}}, "Edit": {output.Edit{}}, "Samples": {output.Samples{}}}
	for name, f := range fields {
		require.NotEqual(t, name, f)
		require.True(t, flags[f], "no command has a flag -%s", f)
		words := strings.Split(name, ".")
		if len(words) < 2 || name == "output.Share" {
			continue
		}
		of, field := structs[words[len(words)-2]], words[len(words)-1]
		require.True(t, slices.ContainsFunc(of, func(s any) bool { _, ok := reflect.TypeOf(s).FieldByName(field); return ok }), "there is no field %s", name)
	}
	require.Contains(t, fails(t, t.TempDir(), 2, "train", "-data", "toy:rings", "-process", "edm", "-sigma-data", "-1", "-out", "o"), "-sigma-data is -1: use")
}

// foreign is a flag that an error names, with the command before it that has it.
var foreign = regexp.MustCompile(`(?:(train|sample) |^|[ (])-([a-z][a-z-]*)`)

// An error of a command names flags that the command has, and others by a command that has
// them: whatever setting or field the library says.
func TestErrorsNameFlagsOfTheirCommand(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sizes"), 0o755))
	writePNG(t, filepath.Join(dir, "sizes", "a.png"), func(x, y int) byte { return 0 })
	wide := image.NewGray(image.Rect(0, 0, 9, 8))
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, wide))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sizes", "b.png"), b.Bytes(), 0o644))
	for name, text := range map[string]string{"x.csv": "a,b\n" + strings.Repeat("1.5,2\n2.5,1\n3,0\n", 20), "inf.csv": "a,b\n1,inf\n2,3\n", "far.csv": "a,b\n1,3\n2,3\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	ok(t, dir, strings.Fields("train -data x.csv -out m -steps 1 -batch 2 -preview-every 0")...)
	for _, args := range []string{"tail sizes", "density inf.csv -model m/model.safetensors", "eval inf.csv inf.csv", "eval sizes sizes", "tail inf.csv", "sample -model m/model.safetensors -init inf.csv -n 2 -o z.npy", "density x.csv -model m/model.safetensors -separator no"} {
		words := strings.Fields(args)
		r := heavytailIn(t, dir, words...)
		require.NotZero(t, r.status, args)
		for _, c := range program.Commands {
			if c.Name != words[0] {
				continue
			}
			fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
			c.Flags(fs)
			for _, m := range foreign.FindAllStringSubmatch(r.stderr, -1) {
				require.True(t, m[1] != "" || fs.Lookup(m[2]) != nil, "%s names -%s, which it has not: %s", args, m[2], r.stderr)
			}
		}
	}
	require.Contains(t, heavytailIn(t, dir, "tail", "sizes").stderr, "scale all with train -size N")
}

// What fails before a line is written is no failure to write.
func TestDensityFailsByName(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.csv"), []byte("a,b\n"+strings.Repeat("1.5,7\n2.5,7\n3,7\n", 20)), 0o644))
	ok(t, dir, strings.Fields("train -data c.csv -out m -steps 1 -batch 2 -preview-every 0")...)
	r := heavytailIn(t, dir, strings.Fields("density c.csv -model m/model.safetensors -o d.csv")...)
	require.NotZero(t, r.status)
	require.NotContains(t, r.stderr, "write ")
	require.NoFileExists(t, filepath.Join(dir, "d.csv"))
}

// Every command that takes a model or none knows the one inside by its name.
func TestBuiltInByItsName(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, strings.Fields("sample -n 1 -steps 2 -o a.npy")...)
	ok(t, dir, strings.Fields("sample -model built-in -n 1 -steps 2 -o b.npy")...)
	ok(t, dir, strings.Fields("convert built-in c.safetensors")...)
	ok(t, dir, strings.Fields("sample -model c.safetensors -n 1 -steps 2 -o c.npy")...)
	require.Equal(t, readFile(t, filepath.Join(dir, "a.npy")), readFile(t, filepath.Join(dir, "b.npy")))
	require.Equal(t, readFile(t, filepath.Join(dir, "a.npy")), readFile(t, filepath.Join(dir, "c.npy")))
	require.Contains(t, fails(t, dir, 2, "eval", "toy:rings", "model:built-in"), "the model built-in makes [28 28 1]")
	require.Contains(t, fails(t, dir, 2, "train", "-data", "toy:rings", "-from", "built-in", "-out", "x"), "heavytail convert built-in")
}

// What stands in the way of an output is named: no folder, or a file in its place.
func TestFoldersOfOutputs(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f.csv"), []byte("a\n"+strings.Repeat("1.5\n2\n", 40)), 0o644))
	for args, flag := range map[string]string{"noise -n 5 -o %s/x.npy": "-o", "sample -n 1 -o %s/x.png": "-o", "tail f.csv -o %s/x.svg": "-o", "eval f.csv f.csv -json %s/e.json": "-json", "bench unet -layers -roofline %s/x.svg": "-roofline"} {
		for place, want := range map[string]string{"no": "there is no folder no; make it first", "f.csv": "f.csv is a file; name a folder"} {
			r := heavytailIn(t, dir, strings.Fields(strings.ReplaceAll(args, "%s", place))...)
			require.Equal(t, 2, r.status, args)
			require.Contains(t, r.stderr, flag+" "+place+"/", args)
			require.Contains(t, r.stderr, want, args)
		}
	}
	require.Equal(t, []string{"f.csv"}, listing(t, dir))
}
