package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tree returns the contents of a file, or of the files of a folder.
func tree(t *testing.T, path string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[strings.TrimPrefix(p, path)] = readFile(t, p)
		return nil
	}))
	return out
}

// shares runs all shares of a command line, those that are killed until they are not,
// two at a time. kill is the chance of a kill within the time that the command takes.
func shares(t *testing.T, dir string, n int, kill float64, args ...string) {
	t.Helper()
	start, args := time.Now(), slices.Clip(args)
	ok(t, dir, append(args, "-shard", fmt.Sprintf("0/%d", n))...)
	long := time.Since(start)
	random := rand.New(rand.NewPCG(uint64(n), 1))
	var mu sync.Mutex
	killed := 0
	queue := make(chan int, n)
	for _, i := range random.Perm(n) {
		queue <- i
	}
	close(queue)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for i := range queue {
				for tries := 0; ; tries++ {
					mu.Lock()
					die, after := random.Float64() < kill && tries < 5, time.Duration(random.Float64()*float64(long))
					mu.Unlock()
					ctx, cancel := context.WithTimeout(t.Context(), longest)
					if die {
						ctx, cancel = context.WithTimeout(t.Context(), after)
					}
					c := process(dir, append(args, "-shard", fmt.Sprintf("%d/%d", i, n))...)
					var errs bytes.Buffer
					c.Stderr = &errs
					err := c.Start()
					if err == nil {
						stop := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
						err = c.Wait()
						stop()
					}
					cancel()
					if err == nil {
						break
					}
					if !die {
						t.Errorf("share %d of %d: %v: %s", i, n, err, errs.String())
						return
					}
					mu.Lock()
					killed++
					mu.Unlock()
				}
			}
		})
	}
	both.Wait()
	t.Logf("%d shares: %d were killed", n, killed)
}

// Shares of 1, 2, 7 and 64, killed at any time and started again, are together the bytes
// of one run, of samples and of noise.
func TestSharesThatAreKilled(t *testing.T) {
	dir := trained(t)
	sample := strings.Fields("sample -model run/model.safetensors -steps 30 -n 150 -seed 5")
	noise := strings.Fields("noise -law stable:1.5,0 -n 1e6 -seed 5 -type f64")
	ok(t, dir, append(sample, "-o", "whole.npy")...)
	ok(t, dir, append(noise, "-o", "noise.npy")...)
	many := 64
	if testing.Short() {
		many = 9
	}
	for _, n := range []int{1, 2, 7, many} {
		parts := fmt.Sprintf("parts%d", n)
		shares(t, dir, n, 0.3, append(sample, "-o", parts)...)
		ok(t, dir, "merge", parts, "-o", "merged.npy")
		require.True(t, readFile(t, dir, "whole.npy") == readFile(t, dir, "merged.npy"), "%d shares", n)
	}
	for _, n := range []int{1, 7} {
		parts := fmt.Sprintf("noise%d", n)
		shares(t, dir, n, 0.6, append(noise, "-o", parts)...)
		ok(t, dir, "merge", parts, "-o", "merged.npy")
		require.True(t, readFile(t, dir, "noise.npy") == readFile(t, dir, "merged.npy"), "%d shares", n)
	}
}

// Parts merge to the bytes of one run in every form that sample writes, and with
// everything that goes by the number of a sample: seeds, classes, images of an edit.
func TestMergedIsTheWhole(t *testing.T) {
	dir := trained(t)
	points := "3,4\n-1,2.5\n1e-3,0.1\n7,0.3\n0.5,-2\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "t.csv"), []byte("a,\"b,c\"\n"+strings.Repeat(points, 10)), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "five.csv"), []byte(points), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "known.csv"), []byte("-1,1\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "given.csv"), []byte("b\n1\n2\n3\n4\n5\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "u.csv"), []byte("a,b\n"+strings.Repeat(points, 10)), 0o644))
	ok(t, dir, "train", "-data", "csv:u.csv", "-given", "b", "-out", "given", "-steps", "3", "-batch", "9", "-preview-every", "0")
	ok(t, dir, "train", "-data", "csv:t.csv", "-window", "3", "-out", "window", "-steps", "3", "-batch", "9", "-preview-every", "0")
	ok(t, dir, "train", "-data", "csv:t.csv", "-standardize", "std", "-out", "scaled", "-steps", "3", "-batch", "9", "-preview-every", "0")
	for _, c := range []struct {
		args, forms string
	}{
		{"-model run/model.safetensors -n 5", "x.png x.npy x.gif pictures/"},
		{"-model run/model.safetensors -seeds 18446744073709551615,3,1-3 -batch 2", "x.png x.npy pictures/"},
		{"-n 5 -class 3,none,7 -guidance 2", "x.npy"},
		{"-n 5 -seed 18446744073709551613", "x.png x.npy"},
		{"-model run/model.safetensors -init images.npy -n 10 -strength 0.5", "x.npy x.gif"},
		{"-model toy/model.safetensors -n 5", "x.png x.npy x.csv x.gif"},
		{"-model toy/model.safetensors -n 5 -init five.csv -mask known.csv", "x.png x.npy x.csv x.gif"},
		{"-model scaled/model.safetensors -n 5", "x.png x.npy x.csv x.gif"},
		{"-model given/model.safetensors -given given.csv", "x.npy x.csv"},
		{"-model window/model.safetensors -n 5", "x.png x.npy x.csv"},
		{"-model scaled/model.safetensors -init five.csv -mask known.csv -n 5", "x.png x.npy x.csv x.gif"},
	} {
		plain := slices.Clip(strings.Fields("sample -steps 3 " + c.args))
		args := slices.Clip(append(plain, "-frames", "3"))
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "parts")))
		for i := range 3 {
			ok(t, dir, append(args, "-shard", fmt.Sprintf("%d/3", i), "-o", "parts")...)
		}
		for form := range strings.FieldsSeq(c.forms) {
			one := plain
			if form == "x.gif" {
				one = args
			}
			ok(t, dir, append(one, "-o", "whole-"+form)...)
			ok(t, dir, "merge", "parts", "-o", "merged-"+form)
			require.Equal(t, tree(t, filepath.Join(dir, "whole-"+form)), tree(t, filepath.Join(dir, "merged-"+form)), "%s to %s", c.args, form)
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "whole-"+form)))
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "merged-"+form)))
		}
	}
	// Without frames, and with a grid of one column.
	args := strings.Fields("sample -model run/model.safetensors -steps 3 -n 5")
	for _, i := range []string{"0/2", "1/2"} {
		ok(t, dir, append(args, "-shard", i, "-o", "plain")...)
	}
	ok(t, dir, append(args, "-cols", "1", "-o", "w.png")...)
	ok(t, dir, "merge", "plain", "-cols", "1", "-o", "m.png")
	require.Equal(t, readFile(t, dir, "w.png"), readFile(t, dir, "m.png"))
	require.Contains(t, fails(t, dir, 2, "merge", "plain", "-o", "m.gif"), "sample -frames with sample -shard")
	for _, law := range []string{"isotropic:1.5 -d 3", "normal -type f64", "stable:1.5,0.5 -param s0 -method table"} {
		args := strings.Fields("noise -n 11 -law " + law)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "parts")))
		for i := range 4 {
			ok(t, dir, append(args, "-shard", fmt.Sprintf("%d/4", i), "-o", "parts")...)
		}
		ok(t, dir, append(args, "-o", "w.npy")...)
		ok(t, dir, "merge", "parts", "-o", "m.npy")
		require.Equal(t, readFile(t, dir, "w.npy"), readFile(t, dir, "m.npy"), law)
		require.Equal(t, readFile(t, dir, "w.npy"), ok(t, dir, "merge", "parts", "-o", "-").stdout)
	}
}

// The command lines of examples/kubernetes, run as the pods of the job would be, each
// with its index, in any order and some twice.
func TestKubernetesExample(t *testing.T) {
	dir := trained(t)
	args := func(name string) (out []string) {
		_, list, ok := strings.Cut(readFile(t, "../../examples/kubernetes", name), "          args:\n")
		require.True(t, ok)
		for line := range strings.Lines(list) {
			arg, ok := strings.CutPrefix(line, "            - ")
			if !ok {
				break
			}
			arg, _, _ = strings.Cut(strings.TrimSpace(arg), " #")
			out = append(out, strings.Replace(strings.Replace(arg, "/data/model", "run/model", 1), "/data/", "", 1))
		}
		return out
	}
	sample, merge := append(args("sample.yaml"), "-steps", "2", "-n", "70"), args("merge.yaml")
	require.Contains(t, sample, "-shard=auto/64")
	require.Contains(t, readFile(t, "../../examples/kubernetes/sample.yaml"), "\n  completions: 64 ")
	if testing.Short() {
		sample[slices.Index(sample, "-shard=auto/64")] = "-shard=auto/6"
	}
	pod := func(index int) int {
		c := process(dir, sample...)
		c.Env = append(c.Env, fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index))
		_ = c.Run()
		return c.ProcessState.ExitCode()
	}
	n := 64
	if testing.Short() {
		n = 6
	}
	require.Zero(t, pod(n-1))
	require.Equal(t, 2, pod(n), "more completions than shares")
	require.Contains(t, fails(t, dir, 75, merge...), fmt.Sprintf("run again the shares 0-%d", n-2))
	for i := range n {
		require.Zero(t, pod(i))
	}
	ok(t, dir, merge...)
	ok(t, dir, strings.Fields("sample -model run/model.safetensors -steps 2 -n 70 -o one.npy")...)
	require.True(t, readFile(t, dir, "one.npy") == readFile(t, dir, "all.npy"))
}

// What is no part of a run is refused with status 2, what a retry brings with 75, in one
// line, and nothing is left behind.
func TestMergeRefuses(t *testing.T) {
	dir := trained(t)
	share := func(out, i string, more ...string) []string {
		return append(strings.Fields("sample -model run/model.safetensors -steps 2 -n 5 -o "+out+" -shard "+i), more...)
	}
	for _, i := range []string{"0/3", "2/3"} {
		ok(t, dir, share("parts", i)...)
		ok(t, dir, share("whole", i)...)
	}
	require.Contains(t, ok(t, dir, share("whole", "1/3")...).stderr+ok(t, dir, share("whole", "1/3")...).stderr, "share 1/3 is in whole, as it should be")
	ok(t, dir, "noise", "-n", "9", "-law", "normal", "-shard", "0/1", "-o", "noise")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "none"), 0o777))
	for name, change := range map[string][2]string{"shape": {"8,\n    8,\n    1", "8,\n    4,\n    2"}, "recipe": {`"method"`, `"methods"`}, "command": {`"command": "sample"`, `"command": "train"`}, "seeds": {`"seeds": "0-4"`, `"seeds": "0-3"`}} {
		for i := range 3 {
			for _, ext := range []string{"json", "f32"} {
				part := fmt.Sprintf("part-%05d-of-00003.%s", i, ext)
				b := readFile(t, dir, "whole", part)
				require.True(t, ext == "f32" || strings.Contains(b, change[0]), b)
				require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o777))
				require.NoError(t, os.WriteFile(filepath.Join(dir, name, part), []byte(strings.Replace(b, change[0], change[1], 1)), 0o644))
			}
		}
	}
	before := tree(t, dir)
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"merge", 2, "want one folder of parts"}, {"merge a b", 2, "want one folder"}, {"merge gone", 2, "gone"}, {"merge images.npy", 2, "images.npy"}, {"merge none -o x.npy", 2, "there are no parts in it"},
		{"merge parts", 75, "(missing: 1): run again the share 1"}, {"merge parts -o x.npy", 75, "run again the share 1"},
		{"merge whole -o x.jpg", 2, "want a name that ends in"}, {"merge whole -o no/x.png", 2, "make it first"}, {"merge whole -o x.csv", 2, "a table is for points"}, {"merge whole -o -", 2, "name a file or a folder"},
		{"merge whole -o x.npy -cols 2", 2, "holds no grid"}, {"merge whole -cols 3", 2, "without -o nothing is written"}, {"merge whole -cols -1", 2, "-cols -1"}, {"merge noise -o x.png", 2, "parts of noise"}, {"merge noise -o x/", 2, "parts of noise"},
		{"merge shape -o x.npy", 2, "want points, or images of 1 or 3 channels"}, {"merge recipe -o x.npy", 2, `unknown field "methods"`}, {"merge command", 2, `parts of the command "train"`}, {"merge seeds -o x/", 2, "4 seeds of 5 samples"},
		{"sample -shard 0/3", 2, "-o is missing"}, {"sample -shard 3/3 -o parts", 2, "-shard 3/3: index 3 of 3 shares; want 0 to 2"}, {"sample -shard auto -o parts", 2, "no task of a Slurm array"},
		{"sample -shard 0/3 -o x.png", 2, "heavytail merge FOLDER -o x.png writes"}, {"sample -shard 1/3 -cols 3 -o parts", 2, "-cols 3"},
		{"noise -shard 0/3 -o -", 2, "name the folder"}, {"noise -shard 0/3", 2, "-o is missing"},
		{"sample -model run/model.safetensors -steps 2 -n 5 -shard 1/4 -o parts", 2, "is one of 3 shares, this is one of 4"},
		{"sample -model run/model.safetensors -steps 2 -n 5 -seed 1 -shard 1/3 -o parts", 2, `seeds is "0-4" there, and "1-5" here`},
		{"noise -law normal -n 9 -shard 1/3 -o parts", 2, "is of another run: "},
	} {
		r := heavytailIn(t, dir, strings.Fields(c.args)...)
		require.Equal(t, c.status, r.status, "%s: %s", c.args, r.stderr)
		require.Contains(t, r.stderr, c.want, c.args)
		require.Equal(t, 1, strings.Count(r.stderr, "\n"), "%s: %s", c.args, r.stderr)
	}
	require.Equal(t, before, tree(t, dir))
	require.Equal(t, "whole: all 3 parts of 5 samples are there\n", ok(t, dir, "merge", "whole").stdout)
}
