// Contraction lists the places where the compiler made one fused multiply-add
// of a product and a sum that the source rounds separately. Go may do so on
// arm64, ppc64, riscv64, s390x, loong64 and amd64 from GOAMD64=v3 on, not on
// plain amd64: each such place gives other bits on other processors.
//
//	go run ./internal/contraction [PACKAGES]
//
// It compiles this module for arm64 twice, as usual and with contraction
// switched off, and disassembles both: the multiply-adds that only the first
// has are contractions. Those of math.FMA and simd.FMA are in both. Looked at are
// the packages and what they depend on; without arguments, everything that is
// not below internal, so that test helpers are left out. Tests are, too: they judge
// within tolerances for the most part (stable, diffusion and tails have 253 contractions
// in theirs), and those that compare bits are run on arm64 by CI. It fails if a
// contraction is not in the list allowed, and if an entry of that is not needed.
package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// allowed holds functions whose contractions reach no result, with the reason.
var allowed = map[string]string{
	"heavytail/simd.FMA":               "is to be one instruction; init looks whether it is",
	"heavytail/simd.(*lanes).fmaFused": "is to be one instruction; init looks whether it is",
	"heavytail/simd.blockFused":        "is to be one instruction each; init looks whether they are",
}

func main() {
	packages := os.Args[1:]
	if len(packages) == 0 {
		var err error
		if packages, err = public("."); err != nil {
			fatal(err)
		}
	}
	r, err := look(".", packages)
	if err != nil {
		fatal(err)
	}
	bad := r.judge(allowed)
	for _, line := range bad {
		fmt.Println(line)
	}
	if len(bad) > 0 {
		fatal(fmt.Errorf("%d places; write simd.FMA or dmath.FMA, or round the product: float64(x*y) + z", len(bad)))
	}
	fmt.Printf("contraction: %d packages for arm64: %d multiply-adds that the source asks for, %d allowed, no other\n", r.packages, r.asked, len(allowed))
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "contraction:", err)
	os.Exit(1)
}

// public returns the packages of the module in dir that are not internal, without
// the helpers of tests, which judge results and make none.
func public(dir string) ([]string, error) {
	out, err := goTool(dir, "list", "./...")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Fields(string(out)), func(p string) bool {
		return strings.Contains(p+"/", "/internal/") || strings.HasSuffix(p, "/devicetest") || strings.HasSuffix(p, "/cudatest")
	}), nil
}

// A site is a line of the source within a compiled function; where a function
// was inlined the line is that of the callee, the function the caller.
type site struct{ function, line string }

// A report counts multiply-adds.
type report struct {
	packages   int
	asked      int          // they are there without contraction
	contracted map[site]int // they are there with contraction only
}

// look compiles packages twice and compares.
func look(dir string, packages []string) (report, error) {
	with, n, err := fused(dir, packages)
	if err != nil {
		return report{}, err
	}
	without, _, err := fused(dir, packages, "-gcflags=./...=-d=fmahash=n") // n: contract nowhere
	if err != nil {
		return report{}, err
	}
	r := report{packages: n, contracted: map[site]int{}}
	for _, c := range without {
		r.asked += c
	}
	for s, c := range with {
		if c > without[s] {
			r.contracted[s] = c - without[s]
		}
	}
	return r, nil
}

// judge returns a line for each contraction that is not allowed and for each
// allowed function without one.
func (r report) judge(allowed map[string]string) []string {
	var bad []string
	used := map[string]bool{}
	for s, n := range r.contracted {
		if used[s.function] = true; allowed[s.function] == "" {
			bad = append(bad, fmt.Sprintf("%s: %d contracted, in %s", s.line, n, s.function))
		}
	}
	for f := range maps.Keys(allowed) {
		if !used[f] {
			bad = append(bad, fmt.Sprintf("%s is allowed and has no contraction; take it off the list", f))
		}
	}
	slices.Sort(bad)
	return bad
}

// fused compiles the packages and what they need of their module for arm64,
// and counts the scalar multiply-adds of each line of Go; assembly is written
// by hand. It returns the number of packages too.
func fused(dir string, packages []string, flags ...string) (map[site]int, int, error) {
	const format = "{{with .Module}}{{if .Main}}{{$.Export}}{{end}}{{end}}"
	out, err := goTool(dir, slices.Concat([]string{"list", "-deps", "-export", "-f", format}, flags, packages)...)
	if err != nil {
		return nil, 0, err
	}
	count, archives := map[site]int{}, strings.Fields(string(out))
	for _, archive := range archives {
		text, err := goTool(dir, "tool", "objdump", archive)
		if err != nil {
			return nil, 0, err
		}
		read(text, count)
	}
	return count, len(archives), nil
}

var multiplyAdd = regexp.MustCompile(`^\s+(\S+\.go:\d+)\s.*\sFN?M(ADD|SUB)[SD]\s`)

// read counts the multiply-adds in the output of go tool objdump.
func read(text []byte, count map[site]int) {
	function := ""
	for line := range bytes.Lines(text) {
		if name, ok := bytes.CutPrefix(line, []byte("TEXT ")); ok {
			name, _, _ = bytes.Cut(name, []byte("(SB)"))
			function = string(name)
		} else if m := multiplyAdd.FindSubmatch(line); m != nil {
			count[site{function, string(m[1])}]++
		}
	}
}

// goTool runs the go command for arm64 and returns what it prints.
func goTool(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes()[max(0, stderr.Len()-2000):])
	}
	return out, nil
}
