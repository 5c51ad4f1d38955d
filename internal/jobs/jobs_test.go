package jobs

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The shares of any run follow each other without gaps and are of equal length to 1.
func TestShares(t *testing.T) {
	for _, n := range []int{0, 1, 2, 6, 7, 63, 64, 1000, 1 << 30} {
		for _, of := range []int{1, 2, 7, 64, 1000} {
			end := 0
			for i := range of {
				lo, hi := Share{i, of}.Range(n)
				require.Equal(t, end, lo, "%d/%d of %d", i, of, n)
				require.Contains(t, []int{n / of, n/of + 1}, hi-lo, "%d/%d of %d", i, of, n)
				end = hi
			}
			require.Equal(t, n, end)
		}
	}
	lo, hi := Share{MaxShares - 1, MaxShares}.Range(1<<31 - 1)
	require.Equal(t, 1<<31-1, hi)
	require.Equal(t, 2048, hi-lo)
	for _, s := range []Share{{}, {1, 1}, {-1, 2}, {0, MaxShares + 1}} {
		require.Panics(t, func() { s.Range(1) }, "%v", s)
	}
}

func TestParse(t *testing.T) {
	slurm := "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=10 SLURM_ARRAY_TASK_COUNT=10 SLURM_ARRAY_TASK_STEP=1"
	for _, c := range []struct {
		text, env string
		want      Share
		err       string
	}{
		{"3/64", "", Share{3, 64}, ""}, {"0/1", slurm, Share{0, 1}, ""}, {"auto", slurm, Share{6, 10}, ""}, {"auto/64", slurm, Share{7, 64}, ""},
		{"auto", "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=6 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=2", Share{2, 4}, ""},
		{"auto", "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=2", Share{1, 2}, ""},
		{"auto/5", "JOB_COMPLETION_INDEX=4", Share{4, 5}, ""},
		{"auto", "JOB_COMPLETION_INDEX=4", Share{}, "not of how many"}, {"auto/4", "JOB_COMPLETION_INDEX=4", Share{}, "JOB_COMPLETION_INDEX 4 of 4 shares; want 0 to 3"},
		{"auto", "", Share{}, "no task of a Slurm array"}, {"auto/4", "", Share{}, "no task of an array"}, {"auto/9", slurm + " JOB_COMPLETION_INDEX=4", Share{}, "say which"},
		{"auto", "SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=9 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_STEP=1", Share{}, "gaps: give auto/N"},
		{"auto", "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=9 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_STEP=1", Share{}, "gaps: give auto/N"},
		{"auto", "SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=2", Share{}, `ID is "x"`},
		{"auto", "SLURM_ARRAY_TASK_ID=1", Share{}, `MIN is ""`},
		{"", "", Share{}, "want I/N"}, {"3", "", Share{}, "want I/N"}, {"3/3", "", Share{}, "want 0 to 2"}, {"-1/3", "", Share{}, "want 0 to 2"}, {"1/0", "", Share{}, "want 1 to"},
		{"0/9999999", "", Share{}, "want 1 to"}, {"1/2/3", "", Share{}, "want 1 to"}, {"x/3", "", Share{}, "index x"},
	} {
		env := map[string]string{}
		for word := range strings.FieldsSeq(c.env) {
			name, value, _ := strings.Cut(word, "=")
			env[name] = value
		}
		got, err := Parse(c.text, func(name string) string { return env[name] })
		if c.err != "" {
			require.ErrorContains(t, err, c.err, "%s %s", c.text, c.env)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%s %s", c.text, c.env)
	}
}

// a run of samples of two numbers: i and i².
func squares(n int) Run {
	return Run{Program: "test 1", Command: "sample", Recipe: json.RawMessage(`{"seeds":"0-9"}`), Samples: n, Shape: []int{2}, Type: "f64"}
}

func fillSquares(w io.Writer, lo, hi int) error {
	for i := lo; i < hi; i++ {
		if err := binary.Write(w, binary.LittleEndian, []float64{float64(i), float64(i * i)}); err != nil {
			return err
		}
	}
	return nil
}

// part writes one of the shares of run r.
func part(t *testing.T, dir string, r Run, i, of int) bool {
	t.Helper()
	done, err := Write(t.Context(), dir, r, Share{i, of}, fillSquares)
	require.NoError(t, err)
	return done
}

// whole reads all samples of a folder.
func whole(t *testing.T, f *Folder) []byte {
	t.Helper()
	var all []byte
	require.NoError(t, f.Stream(t.Context(), func(first int, rows []byte) error {
		require.Equal(t, first*f.Row(), len(all))
		all = append(all, rows...)
		return nil
	}))
	return all
}

// Parts in any order are the whole; those that are there and right stay, and those that
// are not are made again.
func TestPartsAreTheWhole(t *testing.T) {
	for _, n := range []int{1, 5, 200000} {
		var want bytes.Buffer
		require.NoError(t, fillSquares(&want, 0, n))
		for _, of := range []int{1, 2, 7} {
			dir := filepath.Join(t.TempDir(), "a", "parts")
			for i := of - 1; i >= 0; i-- {
				require.True(t, part(t, dir, squares(n), i, of))
				require.False(t, part(t, dir, squares(n), i, of), "it is there")
			}
			f, err := Open(t.Context(), dir)
			require.NoError(t, err)
			require.Equal(t, of, f.Shards())
			require.Equal(t, 16, f.Row())
			require.True(t, bytes.Equal(want.Bytes(), whole(t, f)), "%d samples in %d shares", n, of)
		}
	}
}

// Where runs differ is said by their values and not by how these are written down: a
// manifest has a setting of several values in several lines.
func TestDifference(t *testing.T) {
	there, here := squares(9), squares(9)
	there.Recipe = json.RawMessage("{\n  \"churn\": {\n    \"s\": 40\n  },\n  \"steps\": 3\n}")
	here.Recipe = json.RawMessage(`{"churn":{"s":40},"steps":4}`)
	require.Equal(t, "steps is 3 there, and 4 here", difference(there, here))
}

// What was done to a folder is named, and the share mends what is its own.
func TestWhatIsNotRightIsRefused(t *testing.T) {
	name := func(i int, ext string) string { return fmt.Sprintf("part-%05d-of-00003.%s", i, ext) }
	edit := func(t *testing.T, dir, name string, change func(b []byte) []byte) {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, change(b), 0o644))
	}
	replace := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return []byte(strings.Replace(string(b), old, new, 1)) }
	}
	other := squares(9)
	other.Recipe = json.RawMessage(`{"seeds":"5-13"}`)
	for what, c := range map[string]struct {
		do                 func(t *testing.T, dir string)
		missing, damaged   []int
		stranger           string
		madeAgain, refused bool // by the share 1 itself
	}{
		"a manifest is missing": {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, name(1, "json")))) }, []int{1}, nil, "", true, false},
		"values are missing":    {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, name(1, "f64")))) }, []int{1}, nil, "", true, false},
		"values are cut off": {func(t *testing.T, dir string) {
			require.NoError(t, os.Truncate(filepath.Join(dir, name(1, "f64")), 40))
		}, nil, []int{1}, "", true, false},
		"a bit of the values is turned": {func(t *testing.T, dir string) {
			edit(t, dir, name(1, "f64"), func(b []byte) []byte { b[5] ^= 1; return b })
		}, nil, []int{1}, "", true, false},
		"a manifest is cut off": {func(t *testing.T, dir string) {
			require.NoError(t, os.Truncate(filepath.Join(dir, name(1, "json")), 40))
		}, nil, []int{1}, "", true, false},
		"a manifest is empty": {func(t *testing.T, dir string) {
			require.NoError(t, os.Truncate(filepath.Join(dir, name(1, "json")), 0))
		}, nil, []int{1}, "", true, false},
		"a checksum is another": {func(t *testing.T, dir string) { edit(t, dir, name(1, "json"), replace(`"sha256": "`, `"sha256": "00`)) }, nil, []int{1}, "", true, false},
		"a range is another":    {func(t *testing.T, dir string) { edit(t, dir, name(1, "json"), replace(`"first": 3`, `"first": 2`)) }, nil, []int{1}, "", true, false},
		"a part is of other seeds": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, name(1, "json"))))
			away := t.TempDir()
			require.True(t, part(t, away, other, 1, 3))
			for _, ext := range []string{"json", "f64"} {
				require.NoError(t, os.Rename(filepath.Join(away, name(1, ext)), filepath.Join(dir, name(1, ext))))
			}
		}, nil, nil, `seeds is "0-9" there, and "5-13" here`, false, true},
		"a part has another's name": {func(t *testing.T, dir string) {
			for _, ext := range []string{"json", "f64"} {
				require.NoError(t, os.Rename(filepath.Join(dir, name(2, ext)), filepath.Join(dir, name(1, ext))))
			}
		}, nil, nil, "holds share 2 of 3: it has another's name", true, false},
		"a part of other shares": {func(t *testing.T, dir string) {
			away := t.TempDir()
			require.True(t, part(t, away, squares(9), 0, 2))
			require.NoError(t, os.CopyFS(dir, os.DirFS(away)))
		}, nil, nil, "they overlap", false, true},
		"a name that is none": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "part-1"), nil, 0o644))
		}, nil, nil, "is not named as a part", false, false},
		"files of others": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "slurm-1.out"), nil, 0o644))
		}, nil, nil, "", false, false},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			for i := range 3 {
				part(t, dir, squares(9), i, 3)
			}
			c.do(t, dir)
			_, err := Open(t.Context(), dir)
			var lack *IncompleteError
			var stranger *StrangerError
			switch {
			case c.missing != nil || c.damaged != nil:
				require.ErrorAs(t, err, &lack)
				require.Equal(t, c.missing, lack.Missing)
				require.Equal(t, c.damaged, lack.Damaged)
				require.ErrorContains(t, err, "run again the share 1")
			case c.stranger != "":
				require.ErrorAs(t, err, &stranger)
				require.ErrorContains(t, err, c.stranger)
			default:
				require.Equal(t, what == "files of others", err == nil, err)
			}
			done, err := Write(t.Context(), dir, squares(9), Share{1, 3}, fillSquares)
			if c.refused {
				require.ErrorAs(t, err, &stranger)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.madeAgain, done)
			if c.missing != nil || c.damaged != nil {
				_, err = Open(t.Context(), dir)
				require.NoError(t, err, "it is mended")
			}
		})
	}
}

// An error within a part, or the end of a context, leaves no part; what killed processes
// left goes with the next.
func TestPartsAreWholeOrNotThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "parts")
	gone := errors.New("gone")
	_, err := Write(t.Context(), dir, squares(9), Share{0, 2}, func(w io.Writer, lo, hi int) error {
		return errors.Join(fillSquares(w, lo, hi-1), gone)
	})
	require.ErrorIs(t, err, gone)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.Panics(t, func() {
		_, _ = Write(t.Context(), dir, squares(9), Share{0, 2}, func(w io.Writer, lo, hi int) error { return fillSquares(w, lo, hi-1) })
	})
	left := []string{".part-00000-of-00002.f64.x1y2.tmp", ".part-00000-of-00002.json.3.tmp", ".part-00001-of-00002.f64.x1y2.tmp", ".part-00000-of-00002.f64.X-.tmp"}
	for _, name := range left {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	part(t, dir, squares(9), 0, 2)
	for i, name := range left {
		_, err := os.Stat(filepath.Join(dir, name))
		require.Equal(t, i >= 2, err == nil, name)
	}
	part(t, dir, squares(9), 1, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Open(ctx, dir)
	require.ErrorIs(t, err, context.Canceled)
	_, err = Open(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "no parts in it")
	_, err = Write(t.Context(), dir, Run{Type: "f64", Recipe: json.RawMessage(`"` + strings.Repeat("1,", maxManifest/4) + `"`)}, Share{0, 1}, nil)
	require.ErrorContains(t, err, "give seeds as a range")
}

// Of two processes that make one share at once, the first finds that of the second.
func TestTwoOfOneShare(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "parts")
	for _, late := range []bool{false, true} {
		done, err := Write(t.Context(), dir, squares(9), Share{0, 1}, func(w io.Writer, lo, hi int) error {
			if late {
				require.NoError(t, os.RemoveAll(dir))
				require.NoError(t, os.Mkdir(dir, 0o777))
			} else {
				require.True(t, part(t, dir, squares(9), 0, 1))
			}
			return fillSquares(w, lo, hi)
		})
		require.False(t, done)
		require.Equal(t, late, errors.Is(err, syscall.EBUSY), err)
		require.Equal(t, late, err != nil)
		require.NoError(t, os.RemoveAll(dir))
	}
}

func TestList(t *testing.T) {
	require.Equal(t, "0-3,7,9-10", List([]int{0, 1, 2, 3, 7, 9, 10}))
	require.Equal(t, "5", List([]int{5}))
}

// FuzzManifest: no manifest makes a part that does not fit its values, and what is
// accepted is written as it was read.
func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	if _, err := Write(f.Context(), dir, squares(9), Share{1, 3}, fillSquares); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "part-00001-of-00003.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	for _, c := range [][2]string{{`"f64"`, `"f32"`}, {"[\n    2\n  ]", "[9223372036854775807,2]"}, {`"samples": 9`, `"samples": 1099511627776`}, {`"first": 3`, `"first": -3`}, {`"version": 1`, `"version": 2`}} {
		if !bytes.Contains(text, []byte(c[0])) {
			f.Fatal(c[0])
		}
		f.Add(bytes.Replace(text, []byte(c[0]), []byte(c[1]), 1))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		if err != nil {
			return
		}
		if m.Row() < 4 || m.Row() > maxRow || m.Count < 0 || m.First < 0 || m.First+m.Count > m.Samples {
			t.Fatalf("%+v", m)
		}
		if lo, hi := (Share{m.Shard, m.Shards}).Range(m.Samples); lo != m.First || hi-lo != m.Count {
			t.Fatalf("%+v", m)
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		n, err := parse(again)
		if err != nil || !n.same(m.Run) || n.SHA256 != m.SHA256 {
			t.Fatalf("%v: %s", err, again)
		}
	})
}
