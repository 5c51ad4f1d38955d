package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

// flagValues are values of each command's flags that are not their defaults; %s
// is the folder of the inputs that flagInputs makes, | stands between two of which
// one is a default.
var flagValues = map[string]map[string]string{
	"train": {
		"data": "toy:swiss_roll", "preset": "2d", "from": "%s/dlpm/model.safetensors", "dry-run": "true", "log-every": "1", "preview-every": "1",
		"size": "12", "channels": "1|3", "long-tail": "0.3", "points": "70", "process": "lim", "seed": "5", "standardize": "std", "transform": "asinh|softlog,none", "flip": "true", "alpha": "1.4", "isotropic": "false",
		"scale": "exploding", "T": "30", "clamp-a": "0.7", "clamp-eps": "0.4", "nu": "3", "sigma-data": "0.7", "p-mean": "0.5", "p-std": "0.6", "log-uniform": "true", "jump-rate": "7", "jump-share": "0.4", "target": "data",
		"steps": "4", "batch": "9", "lr": "0.002", "schedule": "linear", "warmup": "2", "lr-every": "2", "lr-gamma": "0.5", "beta1": "0.5", "beta2": "0.5", "eps": "0.01",
		"weight-decay": "0.5", "clip": "0.001", "ema": "0.05", "ema-warmup": "3", "label-drop": "0.9", "loss": "huber|squared", "p": "1.5", "median": "true", "outer": "3", "inner": "2",
		"columns": "1", "separator": "comma|semicolon", "decimal": "point|comma", "background": "black", "range": "-3,2", "missing": "drop|error", "given": "y|1", "window": "3", "held": "0.4",
		"spread": "true", "width": "16", "mult": "1,2", "blocks": "2", "attention": "2", "heads": "4", "dropout": "0.4", "fixed": "true",
	},
	"sample": {
		"model": "%s/lim/model.safetensors", "method": "dlpm", "n": "4", "seed": "3", "seeds": "7,9,11", "steps": "4", "class": "1", "guidance": "3", "alpha": "1.5", "weights": "raw", "size": "32x28", "given": "y=2|1",
		"cols": "1", "frames": "2", "clip": "true|false", "consistent-start": "true|false", "no-clip": "true", "independent-start": "true", "init": "%s/pictures/1/000203.png", "mask": "%s/pictures/1/000202.png", "strength": "0.3", "resample": "3",
		"eta": "0.8", "clamp-a": "1", "grid": "quadratic", "solver": "euler", "churn": "20", "independent-noise": "true", "sigma-min": "0.01", "sigma-max": "30", "rho": "3", "drop-factor": "true", "nu-coeff": "9", "shard": "1/2",
	},
	"merge": {"cols": "1"},
	"eval": {
		"n": "25", "steps": "4", "method": "tedm-sde", "seed": "3", "pairs": "25", "k": "3", "xi": "0.8", "q": "0.8", "columns": "1", "size": "20", "channels": "1|3", "weights": "raw", "held-out": "true", "extractor": "fashion|random",
		"separator": "comma|semicolon", "decimal": "point|comma", "background": "black", "range": "-3,2", "missing": "drop|error",
	},
	"rare": {
		"model": "%s/dlpm/model.safetensors", "weights": "raw", "class": "1", "event": "x0>0.5", "n": "150", "given": "y=2", "seed": "4", "per": "3", "method": "dlim|flow", "steps": "5", "json": "true",
	},
	"density": {
		"model": "%s/dlpm/model.safetensors", "weights": "raw", "class": "1", "steps": "5", "probes": "3", "seed": "4", "o": "x.csv", "held-out": "true",
		"separator": "comma|semicolon", "decimal": "point|comma", "background": "black", "range": "-3,2", "missing": "drop|error",
	},
	"noise":   {"law": "normal", "n": "7", "d": "2", "seed": "4", "param": "s1", "type": "f64", "method": "table", "shard": "1/2"},
	"tail":    {"background": "black", "range": "-3,2", "separator": "comma|semicolon", "decimal": "point|comma", "missing": "drop|error", "columns": "1", "n": "100", "json": "true", "o": "plot.svg"},
	"convert": {"ema": "true", "rate": "0.5", "type": "f16", "weights-only": "true", "size": "32x28"},
	"info":    {"json": "true"},
}

// flagBases are command lines that work, of each command, to which a flag is added.
var flagBases = map[string][]string{
	"train": {
		flagToy, flagToy + " -process lim", flagToy + " -process edm", flagToy + " -process tedm", flagToy + " -process tflow", flagToy + " -process jump",
		flagToy + " -schedule step -lr-every 3 -lr-gamma 0.9", flagToy + " -loss p -p 2", flagToy + " -outer 2",
		"-data csv:%s/x.csv -steps 4 -batch 8 -warmup 1 -out run",
		"-data images:%s/pictures -steps 4 -batch 8 -warmup 1 -width 8 -mult 1,1 -blocks 1 -attention none -heads 2 -out run",
		"-data npy:%s/images.npy -steps 4 -batch 8 -warmup 1 -width 8 -mult 1,1 -blocks 1 -attention none -heads 2 -out run",
	},
	"sample": {
		"-model %s/small/model.safetensors -n 3 -steps 3 -o x.npy", "-model %s/small/model.safetensors -n 3 -steps 3 -o x.png",
		"-model %s/small/model.safetensors -n 2 -steps 3 -o x.gif", "-model %s/small/model.safetensors -n 3 -steps 3 -method dlpm -o x.npy",
		"-model %s/small/model.safetensors -n 1 -steps 3 -init %s/pictures/0/000100.png -o x.npy",
		"-model %s/small/model.safetensors -n 1 -steps 3 -init %s/pictures/0/000100.png -mask %s/pictures/0/000101.png -o x.npy",
		"-model %s/edm/model.safetensors -n 3 -steps 3 -o x.npy", "-model %s/tedm/model.safetensors -method tedm-ancestral -n 3 -steps 3 -o x.npy",
		"-model %s/tedm/model.safetensors -churn 20 -n 3 -steps 3 -o x.npy", "-model %s/tedm/model.safetensors -method tedm-sde -n 3 -steps 3 -o x.npy", "-model %s/tflow/model.safetensors -n 3 -steps 3 -o x.npy", "-model %s/jump/model.safetensors -n 3 -steps 3 -method jump -o x.npy",
		"-model %s/lim/model.safetensors -n 3 -steps 3 -o x.npy", "-model %s/bare.pt -steps 3 -seeds 1-3 -o x.npy", "-model %s/given/model.safetensors -n 3 -steps 3 -given y=-1 -o x.npy",
		"-model %s/small/model.safetensors -n 3 -steps 3 -shard 0/2 -o parts",
	},
	"merge": {"%s/parts -o x.png"},
	"eval":  {"csv:%s/x.csv model:%s/held/model.safetensors -n 40 -steps 3 -json e.json", "toy:rings model:%s/tedm/model.safetensors -n 40 -steps 3 -json e.json", "images:%s/pictures images:%s/others -channels 1 -json e.json", "csv:%s/x.csv csv:%s/y.csv -json e.json", "npy:%s/images.npy npy:%s/images.npy -json e.json"},
	"rare": {"-model %s/tedm/model.safetensors -event norm>0.1 -n 200 -steps 3", "-model %s/small/model.safetensors -event norm>47 -n 100 -steps 1",
		"-model %s/given/model.safetensors -event x0>0 -n 100 -steps 2 -given y=-1"},
	"density": {"csv:%s/x.csv -model %s/held/model.safetensors -steps 1", "csv:%s/x.csv -model %s/table/model.safetensors -steps 3", "csv:%s/x.csv -model %s/table/model.safetensors -steps 3 -probes 2",
		"images:%s/few -model %s/small/model.safetensors -steps 1 -probes 2", "npy:%s/few.npy -model %s/small/model.safetensors -steps 1 -probes 2"},
	"noise": {"-law stable:1.5,0.3,1.1,0.1 -param s0 -n 5 -o x.npy", "-law stable:1.5,0 -n 5 -o x.npy", "-law isotropic:1.5 -d 3 -n 5 -o x.npy", "-law stable:1.5,0 -n 5 -shard 0/2 -o parts"},
	"tail":  {"csv:%s/x.csv", "images:%s/pictures", "npy:%s/images.npy"}, "convert": {"%s/tedm/model.safetensors x.safetensors", "%s/tedm/model.safetensors x.safetensors -ema", "%s/small/model.safetensors x.onnx"}, "info": {"%s/tedm/model.safetensors"},
}

const flagToy = "-data toy:rings -points 60 -steps 4 -batch 8 -warmup 1 -out run"

// idleFlags change no byte, for the reason given.
var idleFlags = map[string]string{
	"train -out": "where the run is", "sample -o": "where samples go; its ending is what they are", "noise -o": "where numbers go", "merge -o": "the same", "eval -json": "where results go",
	"train -threads": "any number gives the same bytes", "sample -threads": "the same", "noise -threads": "the same", "eval -threads": "the same", "rare -threads": "the same", "density -threads": "the same", "sample -batch": "the same",
	"train -device": "any device gives the same bytes, but in fast modes of GPUs, which are not here", "sample -device": "the same", "noise -device": "the same", "eval -device": "the same",
	"train -micro": "the same bytes with less memory", "train -save-every": "how much a killed run loses", "train -resume": "goes on where there is a run; without one it begins",
}

// idleAfter are flags that change nothing after one base, for the reason given.
var idleAfter = map[string]string{
	"convert %s/tedm/model.safetensors x.safetensors -ema: -weights-only":    "-ema keeps weights only, which is what it asks for",
	"convert %s/small/model.safetensors x.onnx: -ema":                        "an ONNX model has the weights that sample takes, the averaged",
	"density csv:%s/x.csv -model %s/held/model.safetensors -steps 1: -seed":  "the same",
	"density csv:%s/x.csv -model %s/table/model.safetensors -steps 3: -seed": "the exact trace takes no directions",
	"noise -law stable:1.5,0 -n 5 -shard 0/2 -o parts: -param":               "the same",
	"noise -law stable:1.5,0 -n 5 -o x.npy: -param":                          "the parametrisations of a symmetric law are one, and a script that goes through beta passes 0",
}

// idleCommands are left out as a whole.
var idleCommands = map[string]string{"bench": "it prints times", "version": "it has no flags"}

// TestEveryFlagActs: each flag of each command, alone after a command line that
// works, changes what is computed or is an error, and is no error everywhere. What
// a file says about the settings does not count: recipes, and log lines of time.
func TestEveryFlagActs(t *testing.T) {
	if testing.Short() {
		t.Skip("some six hundred command lines")
	}
	inputs := flagInputs(t)
	for _, c := range program.Commands {
		if idleCommands[c.Name] != "" {
			continue
		}
		fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
		c.Flags(fs)
		worked := map[string]bool{}
		for _, base := range flagBases[c.Name] {
			args := strings.Fields(strings.ReplaceAll(base, "%s", inputs))
			want, err := flagOutcome(t, c.Name, args)
			require.NoError(t, err, base)
			fs.VisitAll(func(f *flag.Flag) {
				value, ok := flagValues[c.Name][f.Name]
				if idleFlags[c.Name+" -"+f.Name] != "" {
					require.False(t, ok, "%s -%s has a value and a reason to be idle", c.Name, f.Name)
					return
				}
				require.True(t, ok, "%s -%s has no value in flagValues", c.Name, f.Name)
				acts := slices.Contains(args, "-"+f.Name) // the base may have the value
				for v := range strings.SplitSeq(strings.ReplaceAll(value, "%s", inputs), "|") {
					got, err := flagOutcome(t, c.Name, append(slices.Clone(args), "-"+f.Name+"="+v))
					worked[f.Name] = worked[f.Name] || err == nil
					acts = acts || err != nil || !maps.Equal(want, got)
				}
				if _, idle := idleAfter[c.Name+" "+base+": -"+f.Name]; acts == idle {
					t.Errorf("heavytail %s %s: -%s %s acts: %v, listed as idle: %v", c.Name, base, f.Name, value, acts, idle)
				}
			})
		}
		for name := range flagValues[c.Name] {
			require.NotNil(t, fs.Lookup(name), "%s has no flag -%s", c.Name, name)
			if !worked[name] {
				t.Errorf("heavytail %s -%s is an error after every base", c.Name, name)
			}
		}
	}
}

// flagInputs makes the files that the command lines read, and returns their folder.
func flagInputs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, kind := range []string{"dlpm", "lim", "edm", "tedm", "tflow", "jump"} {
		ok(t, dir, "train", "-data", "toy:rings", "-points", "100", "-steps", "30", "-batch", "16", "-process", kind, "-ema", "0.5,0.9", "-preview-every", "0", "-out", kind)
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 28, 28))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "pictures/0"), 0o777))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "few/0"), 0o777))
	for _, name := range []string{"pictures/0/clear.png", "few/0/clear.png"} {
		f, err := os.Create(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, clear))
		require.NoError(t, f.Close())
	}
	foreign, err := os.ReadFile("../../nn/testdata/mlp_small.pt")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bare.pt"), foreign, 0o644))
	for i, name := range []string{"x.csv", "y.csv"} {
		path := filepath.Join(dir, name)
		writePoints(t, path, uint64(i), 400, 3, 0.1)
		require.NoError(t, os.WriteFile(path, []byte(readFile(t, path)+"3,\n"), 0o644)) // a row with an empty cell
	}
	ok(t, dir, "train", "-data", "csv:x.csv", "-steps", "30", "-batch", "16", "-process", "tedm", "-ema", "0.5,0.9", "-preview-every", "0", "-out", "table")
	ok(t, dir, "train", "-data", "csv:x.csv", "-given", "y", "-steps", "30", "-batch", "16", "-process", "tedm", "-ema", "0.5,0.9", "-preview-every", "0", "-out", "given")
	ok(t, dir, "train", "-data", "csv:x.csv", "-window", "2", "-held", "0.3", "-steps", "30", "-batch", "16", "-process", "tedm", "-ema", "0.5,0.9", "-preview-every", "0", "-out", "held")
	images(t, dir, 30)
	ok(t, dir, "sample", "-n", "15", "-steps", "2", "-seed", "100", "-o", "pictures/0/")
	ok(t, dir, "sample", "-n", "15", "-steps", "2", "-seed", "200", "-o", "pictures/1/")
	ok(t, dir, "sample", "-n", "30", "-steps", "3", "-seed", "300", "-o", "others/")
	few := make([]float32, 2*28*28*3)
	for i := range few {
		few[i] = float32(i%17)/8 - 1
	}
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, few, 2, 28, 28, 3))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "few.npy"), b.Bytes(), 0o644))
	ok(t, dir, append([]string{"train", "-data", "images:pictures", "-steps", "20", "-out", "small"}, smallNet...)...)
	ok(t, dir, "sample", "-n", "3", "-steps", "2", "-shard", "0/1", "-o", "parts")
	return dir
}

// flagOutcome runs a command line in a new folder and returns what it computed.
func flagOutcome(t *testing.T, command string, args []string) (map[string]string, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	if status := program.Run(t.Context(), env{Stdout: &stdout, Stderr: &stderr}, append([]string{command}, args...)); status != 0 {
		return nil, fmt.Errorf("status %d: %s", status, stderr.String())
	}
	out := map[string]string{}
	if command != "eval" {
		out["stdout"] = stdout.String()
	}
	model := filepath.Join("run", "model.safetensors")
	if _, err := os.Stat(model); err == nil {
		draw := []string{"sample", "-model", model, "-n", "3", "-steps", "3", "-o", "drawn.npy"}
		if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-given=") }) {
			draw = append(draw, "-given", "y=0.5")
		}
		status := program.Run(t.Context(), env{Stdout: io.Discard, Stderr: &stderr}, draw)
		require.Zero(t, status, "%v: %s", args, stderr.String())
	}
	require.NoError(t, filepath.Walk(".", func(path string, st os.FileInfo, err error) error {
		if err == nil && !st.IsDir() {
			out[path] = essence(t, path)
		}
		return err
	}))
	return out, nil
}

// essence returns what was computed of a file: numbers, pixels, lines.
func essence(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	switch filepath.Ext(path) {
	case ".safetensors":
		n := binary.LittleEndian.Uint64(b)
		var head map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(b[8:8+n], &head))
		delete(head, "__metadata__")
		return fmt.Sprint(slices.Sorted(maps.Keys(head)), string(b[8+n:]))
	case ".png":
		img, err := png.Decode(bytes.NewReader(b))
		require.NoError(t, err)
		return fmt.Sprint(img)
	case ".gif":
		img, err := gif.DecodeAll(bytes.NewReader(b))
		require.NoError(t, err)
		return fmt.Sprint(len(img.Image), img.Image[0].Pix, img.Image[len(img.Image)-1].Pix)
	case ".json": // of eval
		var e struct{ Metrics, Columns any }
		require.NoError(t, json.Unmarshal(b, &e))
		return fmt.Sprint(e)
	case ".csv", ".jsonl", ".svg": // logs, which have times
		return fmt.Sprint(bytes.Count(b, []byte("\n")))
	}
	return string(b)
}
