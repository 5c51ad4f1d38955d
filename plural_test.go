package heavytail_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/cli"
)

// plural finds what a format counts: a number and a word that ends in s, less verbs.
var (
	plural = regexp.MustCompile(`(?:^|[^=])%d ([a-z]+s)\b`)
	verbs  = []string{"is", "has", "does", "was", "as", "takes", "stands", "holds", "begins", "makes", "differs"}
)

// TestNumbersOfOne makes sure that nothing says "1 samples". What the programs print
// goes past words.Singular, so that there numbers with their nouns are made by words.Counted;
// errors and notes of every package go through it, and it must know their nouns.
func TestNumbersOfOne(t *testing.T) {
	seen := 0
	for path, src := range goFiles(t) {
		path = filepath.ToSlash(path)
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "asm/") || strings.HasPrefix(path, "cuda/") || strings.HasPrefix(path, "internal/contraction/") {
			continue
		}
		bad := uncounted(t, path, src)
		seen += len(plural.FindAll(src, -1))
		for _, b := range bad {
			t.Errorf("%s", b)
		}
	}
	require.Greater(t, seen, 100, "the check sees too little")
}

// TestNumbersOfOneSees makes sure that the check above can fail.
func TestNumbersOfOneSees(t *testing.T) {
	for call, want := range map[string]int{
		`fmt.Fprintf(w, "%s: %d samples", a, n)`: 1, `fmt.Fprintf(w, "a %d samples, %d" + " %d steps", n)`: 2, `r.Log("%d rows", n)`: 1, `cli.Left(err, "%d rows", n)`: 1,
		`fmt.Fprintln(w, fmt.Sprintf("%d rows", n))`: 1, `fmt.Errorf("%d wugs", n)`: 1, `note("%d wugs", n)`: 1, `fmt.Fprintf(w, cli.Singular(fmt.Sprintf("%d wugs", n)))`: 1,
		`fmt.Errorf("%d rows", n)`: 0, `panic(fmt.Sprintf("%d wugs", n))`: 0, `fmt.Fprintf(w, "row %d is bad", n)`: 0, `cli.Usage("%d rows", n)`: 0, `fmt.Fprintf(w, "%s", cli.Counted(n, "row"))`: 0,
		`fmt.Fprintf(w, cli.Singular(fmt.Sprintf("%d rows", n)))`: 0,
	} {
		require.Len(t, uncounted(t, "cmd/heavytail/x.go", []byte("package x\nfunc f() { "+call+" }\n")), want, call)
	}
	for from, want := range map[string]int{"x": 0, "x/internal/words": 1} {
		require.Len(t, uncounted(t, "x/x.go", []byte("package x\nimport _ \""+from+"\"\nfunc f() { fmt.Fprintf(w, \"%d rows\", n) }\n")), want, from)
	}
}

// uncounted returns the places of a file that may print a 1 before a plural.
func uncounted(t *testing.T, path string, src []byte) (bad []string) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, src, 0)
	require.NoError(t, err)
	printed := strings.HasPrefix(path, "cmd/") || slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { // it writes for people
		return strings.HasSuffix(i.Path.Value, `internal/words"`)
	})
	main := strings.HasPrefix(path, "cmd/") && !strings.Contains(path, "/internal/") // the experiments' settings and reports have numbers of theirs
	var calls []string                                                               // around the node, "" for nodes of other kinds
	ast.Inspect(f, func(n ast.Node) bool {
		if n == nil {
			calls = calls[:len(calls)-1]
			return true
		}
		name := ""
		if c, ok := n.(*ast.CallExpr); ok {
			switch fn := c.Fun.(type) {
			case *ast.Ident:
				name = fn.Name
			case *ast.SelectorExpr:
				name = fn.Sel.Name
			}
		}
		calls = append(calls, name)
		text, ok := n.(*ast.BasicLit)
		if !ok || text.Kind != token.STRING || slices.Contains(calls, "panic") {
			return true
		}
		within := func(names ...string) bool {
			return slices.ContainsFunc(calls, func(c string) bool { return slices.Contains(names, c) })
		}
		s, err := strconv.Unquote(text.Value)
		require.NoError(t, err)
		for _, m := range plural.FindAllStringSubmatch(s, -1) {
			switch {
			case slices.Contains(verbs, m[1]):
			case !within("Errorf", "Usage", "Singular") && (printed && within("Fprintf", "Printf", "Log", "Left") || main):
				bad = append(bad, fset.Position(text.Pos()).String()+": prints 1 "+m[1]+": say it by cli.Counted")
			case (!printed || main) && cli.Singular("1 "+m[1]) == "1 "+m[1]:
				bad = append(bad, fset.Position(text.Pos()).String()+": cli.Singular does not know one of the "+m[1]+": add it")
			}
		}
		return true
	})
	return bad
}
