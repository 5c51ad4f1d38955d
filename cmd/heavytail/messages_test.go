package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A message names each thing once, in the words of the command: no packages of the
// library, no file twice, no call of the system, no exponents where people count.
func TestMessagesAreInTheWordsOfTheCommand(t *testing.T) {
	dir := trained(t)
	write := func(name string, b []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o644))
	}
	var z, zipped bytes.Buffer
	g := gzip.NewWriter(&z)
	_, err := g.Write([]byte(strings.Repeat("1.5\n2\n", 1000)))
	require.NoError(t, err)
	require.NoError(t, g.Close())
	archive := zip.NewWriter(&zipped)
	_, err = archive.Create("a.txt")
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	ok(t, dir, "sample", "-n", "1", "-steps", "2", "-o", "a.png")
	ok(t, dir, "sample", "-n", "1", "-steps", "2", "-o", "a.gif")
	picture, err := os.ReadFile(filepath.Join(dir, "a.png"))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "cut"), 0o755))
	write("cut/a.png", picture[:100])
	write("cut.csv.gz", z.Bytes()[:z.Len()-9])
	write("x.csv", []byte("a\n"+strings.Repeat("1.5\n2\n", 40)))
	write("ab.csv", []byte("a,b\n"+strings.Repeat("1.5,2\n", 40)))
	write("x.zip", zipped.Bytes())
	write("empty", nil)
	write("random", bytes.Repeat([]byte{0x93, 7, 200, 1}, 50))
	write("labels", append([]byte{0, 0, 8, 1, 0, 0, 0, 9}, make([]byte, 9)...))
	model := "run/model.safetensors"
	for args, want := range map[string]string{
		"tail csv:folder": "tail: folder is a folder; give a file", "tail npy:folder": "tail: folder is a folder; give a file", "train -data csv:folder -out o": "folder is a folder",
		"tail csv:images.npy": "images.npy: an array of numbers (.npy), no table", "tail csv:a.gif": "a.gif: a GIF picture, no table", "tail csv:run/model.safetensors": "model.safetensors: a file of safetensors, no table",
		"tail csv:cut.csv.gz": "cut.csv.gz: the file is cut off", "tail images:cut": "cut: a.png: the file is cut off", "sample -n 1 -init cut/a.png": "-init cut/a.png: the file is cut off",
		"tail npy:x.zip": "x.zip: there is no array in it", "tail gone.csv": "tail: gone.csv: no such file", "train -data gone.npy -out o": "train: gone.npy: no such file",
		"tail what.ever": `tail: data "what.ever": want idx:DIR`,
		"info a.gif":     "info: a.gif: a GIF picture, no model", "info images.npy": "info: images.npy: an array of numbers (.npy), no model", "info x.csv": "info: x.csv: a text, no model",
		"info empty": "info: empty: an empty file, no model", "info labels": "info: labels: an array of MNIST's form (IDX), no model", "info x.zip": "info: x.zip: a zip", "info random": "info: random: neither safetensors nor",
		"sample -model a.gif": "sample: model a.gif: a GIF picture, no model", "convert x.csv o.pt": "convert: x.csv: a text, no model", "eval images.npy model:a.png": "eval: model a.png: a PNG picture, no model",
		"train -data toy:rings -out o -from a.gif": "train: -from: a.gif: a GIF picture, no model",
		"convert " + model + " no/o.pt":            "convert: write no/o.pt: there is no folder no; make it first",
		"train -data x.csv -out x.csv":             "-out: x.csv: not a directory",
		"sample -steps 99999999":                   "sample: 99999999 sampling steps; want 1 to 1048575", "sample -method foo": `sample: method "foo"; want`,
		"sample -guidance 1e9":                                     "guidance 1000000000; want 1 (none) or more, at most 100",
		"noise -law normal -n 1e99 -o o.npy":                       "-n 1e99: want a whole number from 1 to 1000000000000",
		"noise -law stable:1.5 -n 9 -o o.npy":                      "1 parameter; want stable:ALPHA,BETA",
		"train -data toy:rings -out o -alpha 3":                    "train: -alpha 3: process: alpha is 3: use",
		"train -data toy:rings -out o -schedule step":              "-lr-every gives the steps between two reductions, -lr-gamma their factor",
		"train -data toy:rings -process edm -sigma-data -1 -out o": "-sigma-data -1: edm: -sigma-data is -1: use",
		"noise -device cuda,tf32 -n 5 -o o.npy":                    "and no mode tf32",
		"train -data toy:rings -out o -threads 1e3":                `invalid value "1e3" for flag -threads: want a whole number, in digits alone`, "tail -json=x x.csv": "-json: want true or false",
		"train -data toy:rings -out o -threads 5000": "-threads 5000: want 0 (all processors) to 4096",
		"bench unet -config no":                      `no network named "no"; there are 2d, cifar10,`, "bench": "bench: want gemm, conv",
		"eval x.csv": "eval: 1 argument: want REAL and GENERATED", "eval x.csv ab.csv": "x.csv has points of 1 column, ab.csv of 2: give sets of the same columns; beside model:FILE", "eval toy:rings folder": "folder: no .png",
	} {
		r := heavytailIn(t, dir, strings.Fields(args)...)
		require.Equal(t, 2, r.status, args)
		lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
		text := lines[len(lines)-1]
		require.Contains(t, text, want, args)
		_, text, _ = strings.Cut(text, ": ")
		seen := map[string]bool{}
		for _, part := range strings.Split(text, ": ") {
			require.False(t, seen[part], "%s: %q is there twice: %s", args, part, text)
			seen[part] = true
		}
		for _, no := range []string{"heavytail: ", "diffusion: ", "checkpoint: ", "stable: ", "open ", "stat ", "read ", "mkdir", "e+", "unexpected EOF", "parse error", "context"} {
			require.NotContains(t, text, no, args)
		}
	}
}

// Data are named by their file alone where its ending says what they are.
func TestDataByTheirEnding(t *testing.T) {
	dir := t.TempDir()
	images(t, dir, 30)
	for _, name := range []string{"x.csv", "x.tsv", "x.CSV"} {
		table(t, filepath.Join(dir, name), "a", studentValues(200, 3))
	}
	for _, args := range []string{"tail x.csv", "tail x.tsv", "tail x.CSV", "tail images.npy", "train -data x.csv -out run -steps 1 -batch 4 -preview-every 0", "train -resume -data x.csv -out run", "eval x.csv run"} {
		ok(t, dir, strings.Fields(args)...)
	}
	require.Equal(t, "csv:x.csv", recipeOf(t, dir, "run/model.safetensors").Data.Spec)
	require.Equal(t, report(t, dir, "csv:x.csv"), report(t, dir, "x.csv"))
}
