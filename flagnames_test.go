package heavytail_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// flagName is a flag of a command line in a text: -lr, -%s.
var flagName = regexp.MustCompile(`(^|[^\pL\pN_\-%])-([a-zT]|%[sqv])`)

// flagTexts are how many texts of a file may name flags, none of them an error of a
// setting, and what they are.
var flagTexts = map[string]struct {
	n    int
	what string
}{
	"bench/compare.go": {2, "files that heavytail bench -json wrote"}, "cuda/internal/cudrv/untagged.go": {1, "go build -tags"}, "internal/device/none.go": {1, "go build -tags"},
	"data/columns.go": {3, "notes, which train prints"}, "data/images.go": {1, "the same"}, "data/range.go": {3, "the same"}, "output/edit.go": {2, "notes, which sample prints"},
	"data/number.go": {1, "words for a cell without value"}, "stable/laws/laws.go": {1, "a formula"}, "registry.go": {1, "the help of sample"},
	"recipe/settings_data.go": {2, "the help of train"}, "recipe/settings_train.go": {3, "the same"},
	"tails/notes.go": {1, "what tail prints: advice for train"}, "tails/report.go": {5, "the same"}, "tails/text.go": {2, "the same"},
	"train/given.go": {1, "notes, which train prints"}, "train/measure.go": {1, "the same"}, "train/prepare.go": {2, "the same"}, "train/reading.go": {1, "the same"}, "train/resume.go": {1, "the same"}, "train/start_from.go": {7, "the same"},
	"internal/jobs/part.go": {1, "names of files"}, "examples/browser/main.go": {3, "go build"}, "examples/browser/picture.go": {3, "the command line that draws the same"}, "internal/contraction/main.go": {4, "go list"}, "internal/numtest/device.go": {1, "mknod"},
}

// TestErrorsNameFields: what a program imports calls a setting in its errors by its name or
// by its field, setting lr, Options.Missing, which internal/cli makes the command's flags: a
// program has no flags.
func TestErrorsNameFields(t *testing.T) {
	require.Equal(t, []string{"-lr 3", "give -%s: ", " (-held)"},
		flagsIn(t, "x.go", []byte("package x\nvar a = f(\"-lr 3\", \"give -%s: \")\nvar b = []string{` (-held)`, \"α-stable %-3d, -1, log-uniform, --\"}\n")))
	for path, src := range goFiles(t) {
		path = filepath.ToSlash(path)
		command := strings.HasPrefix(path, "cmd/") || strings.HasPrefix(path, "internal/cli/") || strings.HasPrefix(path, "asm/") || strings.HasPrefix(path, "tools/")
		if command || generated(src) || strings.HasSuffix(path, "_test.go") {
			continue
		}
		if texts := flagsIn(t, path, src); len(texts) != flagTexts[path].n {
			t.Errorf("%s: %d texts name flags, %d are known (%s): in an error name the field or write setting NAME (internal/cli/words.go): %q", path, len(texts), flagTexts[path].n, flagTexts[path].what, texts)
		}
	}
}

// flagsIn are the texts in a file that name flags.
func flagsIn(t *testing.T, path string, src []byte) (out []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, src, 0)
	require.NoError(t, err)
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, _ := strconv.Unquote(l.Value); flagName.MatchString(text) {
				out = append(out, text)
			}
		}
		return true
	})
	return out
}
