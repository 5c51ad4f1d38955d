package heavytail_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heavytail/internal/isa"
)

// A mutant is a fault put into the code on purpose: its test must turn red, or
// else nothing would notice somebody making that mistake.
type mutant struct {
	name     string
	dir      string // of the package that is changed
	old, new string
	pkg      string // of the tests that must fail
	test     string // one of their names must fail; a pattern for go test -run
	level    string // the instruction set whose code is changed, which its tests run with; empty: any
}

// mutants reads testdata/mutants.txt, which says what its lines mean.
func mutants(t *testing.T) (out []mutant) {
	t.Helper()
	text, err := os.ReadFile("testdata/mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for l := range strings.Lines(string(text)) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			lines = append(lines, l)
		}
	}
	for i := 0; i < len(lines); i += 4 {
		if i+4 > len(lines) {
			t.Fatalf("mutants.txt: %q is not four lines", lines[i])
		}
		code := func(line, key string) string {
			s, ok := strings.CutPrefix(line, key)
			if s = strings.TrimSpace(s); ok && strings.HasPrefix(s, `"`) {
				var err error
				if s, err = strconv.Unquote(s); err != nil {
					ok = false
				}
			}
			if !ok {
				t.Fatalf("mutants.txt: %q: want %q and code", line, key)
			}
			return s
		}
		dir, name, ok := strings.Cut(lines[i], ": ")
		pkg, test, ok2 := strings.Cut(code(lines[i+3], "must fail"), " ")
		test, level, _ := strings.Cut(test, " with ")
		if !ok || !ok2 {
			t.Fatalf("mutants.txt: %q, %q: want PACKAGE: NAME and must fail PACKAGE TEST [with LEVEL]", lines[i], lines[i+3])
		}
		out = append(out, mutant{name, dir, code(lines[i+1], "- "), code(lines[i+2], "+"), pkg, test, level})
	}
	return out
}

// overlay writes the mutant's files to a folder of its own, with what go test
// -overlay wants to know of them, and returns the name of that file. It fails
// where the old text is no longer in the package.
func (m mutant) overlay(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	to, replace := t.TempDir(), map[string]string{}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") || !bytes.Contains(src, []byte(m.old)) {
			continue
		}
		abs, err := filepath.Abs(f)
		if err != nil {
			t.Fatal(err)
		}
		replace[abs] = filepath.Join(to, filepath.Base(f))
		if err := os.WriteFile(replace[abs], bytes.ReplaceAll(src, []byte(m.old), []byte(m.new)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if len(replace) == 0 || m.old == m.new {
		t.Fatalf("%q is not in package %s, or nothing is changed: bring testdata/mutants.txt up to date", m.old, m.dir)
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(to, "overlay.json")
	if err := os.WriteFile(list, text, 0o666); err != nil {
		t.Fatal(err)
	}
	return list
}

// failed matches what go test -v says of a test that failed.
var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^panic: `)

// here reports whether this processor runs the code that is changed.
func (m mutant) here() bool {
	return m.level == "" || slices.ContainsFunc(isa.Available(), func(l isa.Level) bool { return l.String() == m.level })
}

// judge runs the mutant's tests and returns an error unless one of them fails:
// to compile is not to fail.
func (m mutant) judge(t *testing.T) error {
	cmd := exec.Command("go", "test", "-count=1", "-vet=off", "-timeout=10m", "-run", m.test, "-overlay", m.overlay(t), "./"+m.pkg)
	if m.level != "" {
		cmd.Env = append(os.Environ(), isa.EnvVar+"="+m.level)
	}
	out, err := cmd.CombinedOutput()
	tail := out[max(0, len(out)-1500):]
	switch {
	case err == nil:
		return fmt.Errorf("%s stays green:\n%s", m.test, tail)
	case !failed.Match(out) || bytes.Contains(out, []byte("panic: test timed out")):
		return fmt.Errorf("no test failed, something else did:\n%s", tail)
	}
	return nil
}

// TestMutantsAreUpToDate: every mutant still changes something.
func TestMutantsAreUpToDate(t *testing.T) {
	list := mutants(t)
	if len(list) < 20 {
		t.Errorf("%d mutants: the check sees too little", len(list))
	}
	names := map[string]bool{}
	for _, m := range list {
		if names[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
		t.Run(m.name, func(t *testing.T) { m.overlay(t) })
	}
}

// TestMutantsCompile: what does not compile shows nothing. Faults of different files
// are built together, for speed.
func TestMutantsCompile(t *testing.T) {
	if os.Getenv("HEAVYTAIL_MUTANTS") == "" {
		t.Skip("set HEAVYTAIL_MUTANTS: it builds much")
	}
	type batch struct {
		replace map[string]string
		pkgs    map[string]bool
		names   []string
	}
	var batches []*batch
next:
	for _, m := range mutants(t) {
		var o struct{ Replace map[string]string }
		text, err := os.ReadFile(m.overlay(t))
		if err == nil {
			err = json.Unmarshal(text, &o)
		}
		if err != nil {
			t.Fatal(err)
		}
	fit:
		for i := 0; ; i++ {
			if i == len(batches) {
				batches = append(batches, &batch{map[string]string{}, map[string]bool{}, nil})
			}
			b := batches[i]
			for f := range o.Replace {
				if _, there := b.replace[f]; there {
					continue fit
				}
			}
			maps.Copy(b.replace, o.Replace)
			b.pkgs["./"+m.dir] = true
			b.names = append(b.names, m.name)
			continue next
		}
	}
	for _, b := range batches {
		text, err := json.Marshal(map[string]any{"Replace": b.replace})
		if err != nil {
			t.Fatal(err)
		}
		list := filepath.Join(t.TempDir(), "overlay.json")
		if err := os.WriteFile(list, text, 0o666); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"build", "-overlay", list}, slices.Collect(maps.Keys(b.pkgs))...)
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Errorf("one of %q: %v\n%s", b.names, err, out)
		}
	}
}

// TestMutants makes sure that tests fail where code is wrong. HEAVYTAIL_MUTANTS is
// how many seconds it may take: mutants are tried in a random order, of a seed
// that it names, until they are over (0: this test is skipped, as it builds much).
// With HEAVYTAIL_EXHAUSTIVE all are tried.
func TestMutants(t *testing.T) {
	seconds, _ := strconv.Atoi(os.Getenv("HEAVYTAIL_MUTANTS"))
	all := os.Getenv("HEAVYTAIL_EXHAUSTIVE") != ""
	if seconds == 0 {
		t.Skip("set HEAVYTAIL_MUTANTS to some seconds")
	}
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("HEAVYTAIL_SEED"), 10, 64); err == nil {
		seed = s
	}
	list, tried, begin := mutants(t), 0, time.Now()
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, m := range list {
		if !all && time.Since(begin) > time.Duration(seconds)*time.Second {
			break
		}
		tried++
		t.Run(m.name, func(t *testing.T) {
			if !m.here() {
				t.Skipf("this processor has no %s, whose code this is", m.level)
			}
			if err := m.judge(t); err != nil {
				t.Error(err)
			}
		})
	}
	t.Logf("%d of %d mutants tried, HEAVYTAIL_SEED=%d", tried, len(list), seed)
}

// TestMutantsThatLive makes sure that TestMutants can fail: a change of nothing
// leaves its test green, and one that does not compile is no failing test.
func TestMutantsThatLive(t *testing.T) {
	if os.Getenv("HEAVYTAIL_MUTANTS") == "" {
		t.Skip("set HEAVYTAIL_MUTANTS")
	}
	m := mutant{"", "internal/dmath", "package dmath", "package dmath // still", "internal/dmath", "TestSpecialValues", ""}
	if err := m.judge(t); err == nil || !strings.Contains(err.Error(), "stays green") {
		t.Errorf("a comment: %v", err)
	}
	m.new = "package dmath; var x int = nil"
	if err := m.judge(t); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("what does not compile: %v", err)
	}
}
