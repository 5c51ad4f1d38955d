package heavytail_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocs demands a comment of every exported name of the packages that programs
// import, fields and methods of interfaces too: before it, behind it, before the line
// above it, or its name in that of its type.
func TestDocs(t *testing.T) {
	for path, src := range goFiles(t) {
		dir := filepath.ToSlash(filepath.Dir(path)) + "/"
		if strings.HasSuffix(path, "_test.go") || strings.Contains("/"+dir, "/internal/") || strings.HasPrefix(dir, "cmd/") ||
			strings.HasPrefix(dir, "asm/") || strings.HasPrefix(dir, "tools/") || strings.HasPrefix(dir, "examples/") || strings.HasPrefix(dir, "cuda/") && dir != "cuda/" || generated(src) {
			continue
		}
		for _, name := range undocumented(t, path, src) {
			t.Errorf("%s has no comment", name)
		}
	}
}

func TestDocsSeesGaps(t *testing.T) {
	src := `package x

type A struct {
	B, C int // both
	D    int // known
	E    int
	f    int

	G int
}

// An H has an I.
type H struct {
	I int
	J int
}

func K() {}

// L is.
func L() {}

func (a *A) M() {}

func (h hidden) N() {}

type O interface{ P() }

const Q = 1

// What follows is one group.
const (
	R = 1
	S = 2
)
`
	want := "type A, A.G, H.J, K, M, type O, O.P, Q"
	if got := strings.Join(undocumented(t, "", []byte(src)), ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// undocumented returns the exported names of a file that have no comment.
func undocumented(t *testing.T, path string, src []byte) (names []string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	where := func(name string) string {
		if path == "" {
			return name
		}
		return path + ": " + name
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || receiverExported(d.Recv)) {
				names = append(names, where(d.Name.Name))
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					for _, n := range undocumentedType(set, d, s) {
						names = append(names, where(n))
					}
				case *ast.ValueSpec:
					if s.Names[0].IsExported() && s.Doc == nil && d.Doc == nil && s.Comment == nil {
						names = append(names, where(s.Names[0].Name))
					}
				}
			}
		}
	}
	return names
}

// undocumentedType returns the exported names of a type and its fields that have none.
func undocumentedType(set *token.FileSet, d *ast.GenDecl, s *ast.TypeSpec) (names []string) {
	if !s.Name.IsExported() {
		return nil
	}
	doc := d.Doc.Text() + s.Doc.Text()
	if doc == "" {
		names = append(names, "type "+s.Name.Name)
	}
	var fields *ast.FieldList
	switch typ := s.Type.(type) {
	case *ast.StructType:
		fields = typ.Fields
	case *ast.InterfaceType:
		fields = typ.Methods
	default:
		return names
	}
	above := -1 // the last line of the field before, if it has a comment
	for _, field := range fields.List {
		known := field.Doc != nil || field.Comment != nil || set.Position(field.Pos()).Line == above+1
		for _, n := range field.Names {
			if n.IsExported() && !known && !hasWord(doc, n.Name) {
				names = append(names, s.Name.Name+"."+n.Name)
			}
		}
		above = -1
		if known {
			above = set.Position(field.End()).Line
		}
	}
	return names
}

// hasWord reports whether text has the name as a word.
func hasWord(text, name string) bool {
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') }) {
		if w == name {
			return true
		}
	}
	return false
}

// receiverExported reports whether a method is that of an exported type.
func receiverExported(recv *ast.FieldList) bool {
	typ := recv.List[0].Type
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	if g, ok := typ.(*ast.IndexExpr); ok {
		typ = g.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

// twice returns the lines of a text, tables and code left out, that stand in it before.
func twice(text string) (lines []string) {
	seen := map[string]bool{}
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) < 60 || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") {
			continue
		}
		if seen[line] {
			lines = append(lines, line)
		}
		seen[line] = true
	}
	return lines
}

// A change is listed once: one that is moved to another version is easily left where it was.
func TestDocsSayOnce(t *testing.T) {
	for _, path := range []string{"CHANGELOG.md", "README.md", "CONTRIBUTING.md", "docs/speed.md", "docs/cuda.md", "results/neon.md"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Empty(t, twice(string(text)), path)
	}
	line := "- A change of which somebody has written at some length, so that it is no heading.\n"
	require.Len(t, twice(line+"\n## 0.1.0\n\n"+line), 1)
	require.Empty(t, twice(line+strings.Replace(line, "change", "model", 1)))
}
