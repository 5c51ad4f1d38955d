package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

// TestHelpShowsDefaults: every flag of every command says what it is without
// it, as a default or in its sentence.
func TestHelpShowsDefaults(t *testing.T) {
	said := regexp.MustCompile(`\(default |\(off\)|[(;] ?empty: |\(0: |\(measured if|required|list the experiments`)
	flags := 0
	for _, c := range program.Commands {
		var b bytes.Buffer
		require.Zero(t, program.Run(t.Context(), env{Stdout: &b, Stderr: &b}, []string{c.Name, "-h"}))
		fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
		c.Flags(fs)
		fs.VisitAll(func(f *flag.Flag) {
			_, after, ok := strings.Cut(b.String(), "\n  -"+f.Name)
			require.True(t, ok, "%s -%s is not in the help", c.Name, f.Name)
			line := strings.SplitN(after, "\n", 3)[1]
			require.Regexp(t, said, line, "%s -%s does not say its default", c.Name, f.Name)
			flags++
		})
	}
	require.Greater(t, flags, 80)
}

func TestVersion(t *testing.T) {
	dir := t.TempDir()
	want := ok(t, dir, "version").stdout
	require.Regexp(t, `^heavytail \d+\.\d+\.\d+.*go1\.`, want)
	require.Equal(t, want, ok(t, dir, "-version").stdout)
	require.Equal(t, want, ok(t, dir, "--version").stdout)
}

// notRun are the examples that a test cannot run, with the reason.
var notRun = map[string]string{
	"bench cuda -config cifar10_lt -batch 64 -count 20": "needs a GPU",
}

// TestExamplesRun runs every example of the help and of the README, in the
// order of the commands' use, in a folder with the files they name. Flags added
// at the end make networks small and runs short: the last of two flags counts.
func TestExamplesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("some twenty seconds of small trainings")
	}
	dir := t.TempDir()
	exampleFiles(t, dir)
	lines := examples(t)
	ran := map[string]bool{}
	for _, name := range []string{"noise", "train", "convert", "sample", "merge", "tail", "eval", "rare", "density", "info", "bench", "version"} {
		for _, line := range lines {
			args := shellWords(line)
			if args[0] != name || ran[line] {
				continue
			}
			ran[line] = true
			why, skip := notRun[line]
			if strings.Contains(line, "-device cuda") {
				why, skip = "needs a GPU", true
			}
			if skip {
				t.Logf("not run: heavytail %s: %s", line, why)
				continue
			}
			runExample(t, dir, args)
		}
	}
	require.Len(t, ran, len(lines), "examples of a command that the list above lacks")
	for _, row := range cells(t) { // the table of which is another one
		require.NoError(t, os.WriteFile(filepath.Join(dir, "x.csv"), []byte(readFile(t, dir, "days.csv")), 0o644))
		for _, line := range row {
			runExample(t, dir, shellWords(line))
		}
	}
}

// runExample runs a command line, made quick.
func runExample(t *testing.T, dir string, args []string) {
	t.Helper()
	for i, a := range args {
		args[i] = strings.Replace(a, "/usr/share/datasets/fashion-mnist", "mnist", 1)
	}
	if at := slices.Index(args, "-out"); args[0] == "train" && !slices.Contains(args, "-resume") {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, args[at+1]))) // of the same run elsewhere
	}
	ok(t, dir, append(args, quickly(args)...)...)
}

// TestEveryRowHasACommand: each row of the README's table of methods has a
// command, is the row above again, or leads to Go code: no row is a dead end,
// and none escapes TestExamplesRun by the way it is written.
func TestEveryRowHasACommand(t *testing.T) {
	_, table, found := strings.Cut(readme(t), "| you have | command | method |\n|---|---|---|\n")
	require.True(t, found, "the README's table of methods")
	table, _, _ = strings.Cut(table, "\n\n")
	said := 0
	for row := range strings.Lines(table) {
		command := strings.Split(row, "|")[2]
		if strings.TrimSpace(command) == "the same" || strings.Contains(command, ".go)") {
			continue
		}
		require.NotEmpty(t, commandsIn(command), "%s", row)
		said++
	}
	require.Len(t, cells(t), said, "rows of this table, and of no other, have commands to be run")
}

// cells returns the command lines in each row of the README's tables, in their order.
func cells(t *testing.T) (rows [][]string) {
	t.Helper()
	for line := range strings.Lines(readme(t)) {
		if row := commandsIn(line); strings.HasPrefix(line, "|") && row != nil {
			rows = append(rows, row)
		}
	}
	return rows
}

// commandsIn returns the arguments of each command line of a program's name in a text.
func commandsIn(text string) (lines []string) {
	for _, c := range regexp.MustCompile("`heavytail ([a-z]+ [^`]+)`").FindAllStringSubmatch(text, -1) {
		lines = append(lines, c[1])
	}
	return lines
}

// The README shows what its commands print, with no line left out.
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	dir, shown := t.TempDir(), 0
	for _, block := range regexp.MustCompile("(?s)```\n(\\$ heavytail .*?)```").FindAllStringSubmatch(readme(t), -1) {
		for _, part := range strings.Split(block[1], "$ heavytail ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			require.Equal(t, want, ok(t, dir, shellWords(line)...).stdout, "%s", line)
			shown++
		}
	}
	require.Positive(t, shown)
}

// readme returns the text of README.md.
func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	return string(b)
}

// shellWords splits a command line at blanks outside of double quotes, as a shell does.
func shellWords(line string) (out []string) {
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part) // in quotes
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

// quickly returns the flags that make a command line short.
func quickly(args []string) []string {
	switch args[0] {
	case "train":
		if slices.Contains(args, "-resume") {
			return nil
		}
		out := []string{"-steps", "2", "-batch", "8", "-preview-every", "0"}
		if spec := args[2]; strings.HasPrefix(spec, "idx:") || strings.HasPrefix(spec, "images:") {
			out = append(out, "-width", "8", "-mult", "1,1", "-blocks", "1", "-attention", "none", "-heads", "2")
		}
		return out
	case "sample":
		if slices.Contains(args, "-seeds") {
			return []string{"-steps", "3"}
		}
		return []string{"-steps", "3", "-n", "4"}
	case "eval":
		if strings.HasPrefix(args[2], "model:") {
			return []string{"-n", "40", "-steps", "2"}
		}
	case "rare":
		return []string{"-steps", "3", "-n", "200"}
	case "density":
		return []string{"-steps", "3"}
	case "bench":
		return []string{"-count", "1"}
	}
	return nil
}

// examples returns the command lines in the help of all commands and in the
// README, less the program's name and the words that explain them.
func examples(t *testing.T) []string {
	t.Helper()
	var out []string
	add := func(text, prefix string) {
		for line := range strings.Lines(text) {
			if rest, ok := strings.CutPrefix(line, prefix+"heavytail "); ok {
				line, _, _ := strings.Cut(strings.TrimSpace(rest), "  ")
				if !slices.Contains(out, line) {
					out = append(out, line)
				}
			}
		}
	}
	for _, c := range program.Commands {
		before := len(out)
		add(c.Help, "  ")
		require.Greater(t, len(out), before, "%s has no example of its own", c.Name)
	}
	before := len(out)
	add(readme(t), "")
	require.Greater(t, len(out), before, "the README has no example of its own")
	return out
}

// exampleFiles makes what the examples name: tables, arrays, pictures, a
// folder of them and a zip, a set in the form of MNIST, models.
func exampleFiles(t *testing.T, dir string) {
	t.Helper()
	write := func(name string, b []byte) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, b, 0o644))
	}
	write("before.json", []byte(`{"name":"gemm 256","median_ms":1,"threads":1,"batch":1}`))
	table, values := "a,b\n", []float32{}
	for i := range 300 {
		x := math.Tan(2.8 * (float64(i*181%300)/300 - 0.5)) // heavy tails, no randomness
		table += fmt.Sprintf("%v,%v\n", x, float64(i%7))
		values = append(values, float32(x), float32(i%7), float32(i%11), float32(-x))
	}
	for _, name := range []string{"returns.csv", "drawn.csv", "x.csv", "held-out.csv"} {
		write(name, []byte(table))
	}
	write("days.csv", []byte(strings.Replace(table, "a,b", "r,vol", 1)))
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, values, 300, 4))
	write("table.npy", bytes.Clone(b.Bytes()))
	write("t3.npy", b.Bytes())
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for i := range 24 {
		p := squarePNG(t, 28, i)
		for _, name := range []string{"photos/%02d.png", "pictures/%02d.png"} {
			write(fmt.Sprintf(name, i), p)
		}
		w, err := z.Create(fmt.Sprintf("%02d.png", i))
		require.NoError(t, err)
		_, err = w.Write(p)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	write("photos.zip", archive.Bytes())
	for i, name := range []string{"shoe.png", "shirt.png", "hole.png"} {
		write(name, squarePNG(t, 28, i))
	}
	idxSet(t, filepath.Join(dir, "mnist"), 60)
	require.NoError(t, os.CopyFS(filepath.Join(dir, "ddpm-cifar10-32"), os.DirFS(diffusersFolder(t, "ddpm"))))
	ok(t, dir, "train", "-data", "csv:x.csv", "-process", "tedm", "-nu", "4", "-out", "runs/tedm", "-steps", "2", "-batch", "8", "-preview-every", "0")
	ok(t, dir, "convert", "runs/tedm/model.safetensors", "model.pt")
	write("net.pt", []byte(readFile(t, dir, "model.pt")))
}

// squarePNG is a grey PNG with a bright square.
func squarePNG(t *testing.T, size, i int) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, size, size))
	for k := range m.Pix {
		m.Pix[k] = byte(40 + (k*7+i*13)%30)
	}
	for y := 8; y < 18; y++ {
		for x := 4 + i%8; x < 14+i%8; x++ {
			m.SetGray(x, y, color.Gray{Y: 230})
		}
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// idxSet writes n images of ten classes as MNIST is.
func idxSet(t *testing.T, dir string, n int) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	head := func(dims ...uint32) []byte {
		b := []byte{0, 0, 8, byte(len(dims))}
		for _, d := range dims {
			b = binary.BigEndian.AppendUint32(b, d)
		}
		return b
	}
	images, labels := head(uint32(n), 28, 28), head(uint32(n))
	for i := range n {
		for k := range 28 * 28 {
			images = append(images, byte((k*(i%10+3)+i*11)%256))
		}
		labels = append(labels, byte(i%10))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train-images-idx3-ubyte"), images, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train-labels-idx1-ubyte"), labels, 0o644))
}
