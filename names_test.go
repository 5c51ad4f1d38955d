package heavytail_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	testName = regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz)[A-Z]\w*`)
	linked   = regexp.MustCompile(`\]\(([^)\s#]+)[^)\s]*\)`) // of a Markdown link, the file
)

// TestNamesInDocs holds what Markdown and comments refer to: the tests that they name
// are there, and so are the files that Markdown links.
func TestNamesInDocs(t *testing.T) {
	texts, known := map[string]string{}, map[string]bool{}
	for path, src := range goFiles(t) {
		texts[path] = comments(src)
		for line := range strings.Lines(string(src)) {
			if f, ok := strings.CutPrefix(line, "func "); ok && strings.HasSuffix(path, "_test.go") {
				known[testName.FindString(f)] = true
			}
		}
	}
	files := 0
	for path, text := range markdown(t) {
		texts[path] = text
		for _, l := range linked.FindAllStringSubmatch(text, -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			files++
			_, err := os.Stat(filepath.Join(filepath.Dir(path), l[1]))
			require.NoError(t, err, "%s links %s", path, l[1])
		}
	}
	require.Greater(t, files, 50, "the check sees too few links")
	tests := 0
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		named, unknown := namedTests(texts[path], known)
		require.Empty(t, unknown, "%s names tests that are not there", path)
		tests += named
	}
	require.Greater(t, tests, 100, "the check sees too few tests")

	_, unknown := namedTests(comments([]byte("package x\n\n/* TestDocs, */ func f() string { return \"TestB\" } // TestC")), known)
	require.Equal(t, []string{"TestC"}, unknown)
}

// namedTests counts the tests that a text names and returns those that are not known.
func namedTests(text string, known map[string]bool) (n int, unknown []string) {
	for _, name := range testName.FindAllString(text, -1) {
		if n++; !known[name] {
			unknown = append(unknown, name)
		}
	}
	return n, unknown
}

// comments returns the comments of a Go file.
func comments(src []byte) string {
	var s scanner.Scanner
	var out strings.Builder
	s.Init(token.NewFileSet().AddFile("", -1, len(src)), src, nil, scanner.ScanComments)
	for {
		switch _, tok, text := s.Scan(); tok {
		case token.EOF:
			return out.String()
		case token.COMMENT:
			out.WriteString(text + "\n")
		}
	}
}

// markdown returns the texts of the Markdown files but the change log, which names
// what was there once.
func markdown(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "CHANGELOG.md" || !strings.HasSuffix(path, ".md") && !d.IsDir() {
			return err
		}
		if d.IsDir() {
			if path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "runs") {
				return fs.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(path)
		texts[path] = string(text)
		return err
	}))
	return texts
}
