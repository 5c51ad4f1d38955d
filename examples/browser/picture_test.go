//go:build !js

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/fashion"
)

func model(t *testing.T) *heavytail.Model {
	t.Helper()
	m, err := fashion.Model()
	require.NoError(t, err)
	return m
}

// sample builds the command heavytail, and returns a function that runs it with the
// flags of a command line as the page shows it, and returns the .npy file.
func sample(t *testing.T) func(line string) []byte {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	run := func(name string, args ...string) {
		text, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
		require.NoError(t, err, "%s %v: %s", name, args, text)
	}
	program := filepath.Join(dir, "heavytail.exe") // the name that Windows wants does not hurt elsewhere
	run("go", "build", "-o", program, "../../cmd/heavytail")
	return func(line string) []byte {
		words := strings.Fields(line)
		require.Equal(t, "heavytail", words[0])
		out := filepath.Join(dir, "x.npy")
		run(program, append(words[1:], "-o", out)...)
		file, err := os.ReadFile(out)
		require.NoError(t, err)
		return file
	}
}

// What the page hashes are the bytes of the file that the command beside the hash
// writes, for every method and kind of class.
func TestSameAsCommand(t *testing.T) {
	m, file := model(t), sample(t)
	forms := []form{
		{Seed: "7", Class: "9", Steps: "3"},
		{Seed: "18446744073709551615", Class: "none", Steps: "2"},
		{Seed: " 12 ", Steps: "1"},
	}
	for _, method := range m.Methods() {
		forms = append(forms, form{Seed: "3", Class: "0", Steps: "2", Method: method})
	}
	for _, f := range forms {
		o, err := f.options(m)
		require.NoError(t, err)
		r, err := draw(t.Context(), m, o, func(int, *heavytail.Images) {})
		require.NoError(t, err)
		want := file(command(o))
		require.Equal(t, want, r.npy, command(o))
		require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(want)), r.sha256)
		picture, err := png.Decode(bytes.NewReader(r.png))
		require.NoError(t, err)
		require.Equal(t, 28, picture.Bounds().Dx())
	}
}

func TestForm(t *testing.T) {
	m := model(t)
	standard, err := m.Resolve(heavytail.Options{})
	require.NoError(t, err)
	o, err := form{Seed: "0"}.options(m)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("heavytail sample -n 1 -seed 0 -method %s -steps %d", standard.Method, standard.Steps), command(o))
	for _, c := range []struct {
		f           form
		field, text string
	}{
		{form{}, "seed", `"" is no seed`},
		{form{Seed: "-1"}, "seed", `"-1" is no seed`},
		{form{Seed: "18446744073709551616"}, "seed", "is no seed"},
		{form{Seed: "1e3"}, "seed", "is no seed"},
		{form{Seed: "1", Steps: "0"}, "steps", "want 1 or more"},
		{form{Seed: "1", Steps: "2.5"}, "steps", "want 1 or more"},
		{form{Seed: "1", Steps: "1000000000000"}, "steps", "steps"},
		{form{Seed: "1", Class: "10"}, "class", "want 0 to 9, or none"},
		{form{Seed: "1", Class: "-1"}, "class", "want 0 to 9, or none"},
		{form{Seed: "1", Class: "boots"}, "class", "want 0 to 9, or none"},
		{form{Seed: "1", Method: "edm"}, "method", "edm"},
	} {
		_, err := c.f.options(m)
		var bad *mistake
		require.ErrorAs(t, err, &bad, "%+v", c.f)
		require.Equal(t, c.field, bad.field, "%+v: %v", c.f, err)
		require.Contains(t, bad.text, c.text)
		require.NotContains(t, bad.text, "heavytail:")
	}
}

// The hash in docs/page.md is that of the command above it.
func TestDocumentedHash(t *testing.T) {
	m := model(t)
	text, err := os.ReadFile("../../docs/page.md")
	require.NoError(t, err)
	o, err := form{Seed: "7", Class: "9", Steps: "10"}.options(m)
	require.NoError(t, err)
	r, err := draw(t.Context(), m, o, func(int, *heavytail.Images) {})
	require.NoError(t, err)
	require.Contains(t, string(text), command(o)+" -o 7.npy\nsha256sum 7.npy\n"+r.sha256+"\n")
}

// The page sees the noise, an estimate after every step, which is held to the range
// of pictures, and at the end the sample; a context ends the drawing in between.
func TestDrawShowsEveryStep(t *testing.T) {
	m := model(t)
	o, err := form{Seed: "7", Class: "9", Steps: "4"}.options(m)
	require.NoError(t, err)
	beyond := func(x *heavytail.Images) (n int) {
		for _, v := range x.Float32() {
			if v < -1 || v > 1 {
				n++
			}
		}
		return n
	}
	var lefts []int
	_, err = draw(t.Context(), m, o, func(left int, x *heavytail.Images) {
		lefts = append(lefts, left)
		if left == 4 {
			require.NotZero(t, beyond(x), "noise with heavy tails")
		} else {
			require.Zero(t, beyond(x), "%d steps left", left)
		}
	})
	require.NoError(t, err)
	require.Equal(t, []int{4, 3, 2, 1, 0}, lefts)

	ctx, cancel := context.WithCancel(t.Context())
	lefts = nil
	_, err = draw(ctx, m, o, func(left int, _ *heavytail.Images) {
		if lefts = append(lefts, left); left == 3 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []int{4, 3}, lefts)
}

// Every file that the page names is there.
func TestPageIsWhole(t *testing.T) {
	text, err := files.ReadFile("page/index.html")
	require.NoError(t, err)
	for _, name := range []string{"style.css", "page.js"} {
		require.Contains(t, string(text), `"`+name+`"`)
	}
	script, err := files.ReadFile("page/page.js")
	require.NoError(t, err)
	for _, part := range strings.Split(string(script), `$("`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		require.Contains(t, string(text), `id="`+id+`"`)
	}
	for _, name := range []string{"index.html", "page.js", "style.css", "worker.js"} {
		b, err := files.ReadFile("page/" + name)
		require.NoError(t, err)
		require.NotContains(t, string(b), "://", "%s loads nothing from elsewhere", name)
	}
}
