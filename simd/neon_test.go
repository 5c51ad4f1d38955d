package simd

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A loop of assembly text for arm64: the instructions from a label to the
// branch back to it, how many of them are multiply-adds of vectors, and to which
// registers these add.
type neonLoop struct {
	instructions, fmla int
	sums               map[string]int
}

var (
	neonLabel  = regexp.MustCompile(`^(\w+):$`)
	neonBranch = regexp.MustCompile(`^\t(?:B|BNE|BGE|BGT|BLT|CBNZ) (?:R\d+, )?(\w+)$`)
	neonFMLA   = regexp.MustCompile(`^\t(?:VFMLA .*, (V\d+)\.S4|WORD \$0x\w+ // FMLA (V\d+)\.4S, .*)$`)
	neonTiles  = regexp.MustCompile(`^tiles(\d+)x(\d+)(?:Beside)?NEON (wide|main|across)$`)
)

// neonLoops returns the innermost loops of each function of a text, by
// function and label.
func neonLoops(text string) map[string]neonLoop {
	out, function := map[string]neonLoop{}, ""
	var open []string
	seen := map[string]neonLoop{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch m := neonLabel.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "TEXT ·"):
			function, open = line[len("TEXT ·"):strings.Index(line, "(SB)")], nil
		case m != nil:
			open = append(open, m[1])
			seen[m[1]] = neonLoop{sums: map[string]int{}}
		case strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "\t//"):
			for _, l := range open {
				c := seen[l]
				c.instructions++
				if m := neonFMLA.FindStringSubmatch(line); m != nil {
					c.fmla++
					c.sums[m[1]+m[2]]++
				}
				seen[l] = c
			}
			if b := neonBranch.FindStringSubmatch(line); b != nil {
				for i, l := range open {
					if l == b[1] {
						out[function+" "+l] = seen[l]
						open = open[:i] // what began later lies inside and is done
						break
					}
				}
			}
		}
	}
	return out
}

// TestNeonProducts counts the instructions of the products' inner loops in the
// generated text: at least 85 % of the widest ones are multiply-adds, but for four sizes
// of tiles that have too few rows, or one column, for that (results/neon.md has the
// arithmetic). Every sum has as many of them as the loop has terms, so that none of what
// is counted does nothing.
func TestNeonProducts(t *testing.T) {
	text, err := os.ReadFile("gemm_neon_arm64.s")
	require.NoError(t, err)
	loops := neonLoops(string(text))
	list := map[string]struct {
		share float64
		terms int
	}{
		"tiles6x16NEON wide": {0.85, 8}, "tiles6x16NEON across": {0.85, 4}, "tiles6x16NEON main": {0.85, 4},
		"tiles4x16NEON wide": {0.90, 8}, "tiles4x16NEON across": {0.85, 4}, "tiles4x16NEON main": {0.85, 4},
		"tiles6x8NEON wide": {0.85, 8}, "tiles4x8NEON wide": {0.85, 16}, "tiles12x4NEON wide": {0.85, 16},
		"tiles12x8BesideNEON across": {0.91, 8}, "tiles12x4BesideNEON across": {0.85, 32},
		"tiles8x4NEON wide": {0.83, 16}, "tiles4x4NEON wide": {0.74, 16}, "tiles1x16NEON wide": {0.77, 16}, "tiles12x1BesideNEON across": {0.57, 8},
		// What is left of more terms, four at a time.
		"tiles1x16NEON main": {0.69, 4}, "tiles6x8NEON main": {0.80, 4}, "tiles4x8NEON main": {0.76, 4},
		"tiles12x4NEON main": {0.72, 4}, "tiles8x4NEON main": {0.69, 4}, "tiles4x4NEON main": {0.61, 4},
		"tiles12x8BesideNEON main": {0.90, 4}, "tiles12x4BesideNEON main": {0.82, 4}, "tiles12x1BesideNEON main": {0.54, 4},
	}
	for name, want := range list {
		l := loops[name]
		require.NotZero(t, l.instructions, "there is no loop %s", name)
		got := float64(l.fmla) / float64(l.instructions)
		t.Logf("%-26s %3d of %3d instructions are multiply-adds: %.1f %%", name, l.fmla, l.instructions, 100*got)
		require.GreaterOrEqual(t, got, want.share, name)
		require.Len(t, l.sums, neonSums(t, name), name)
		for r, n := range l.sums {
			require.Equal(t, want.terms, n, "%s: %s", name, r)
		}
	}
	for name := range loops { // no loop escapes the list
		if _, ok := list[name]; !ok && neonTiles.MatchString(name) {
			t.Errorf("%s has no share", name)
		}
	}
	peak := loops["peakNEON loop"]
	require.Equal(t, 16, peak.fmla)
	require.Equal(t, 18, peak.instructions)
}

// neonSums returns how many registers the sums of a kernel fill, by its name.
func neonSums(t *testing.T, name string) int {
	m := neonTiles.FindStringSubmatch(name)
	require.NotNil(t, m, name)
	rows, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	cols, err := strconv.Atoi(m[2])
	require.NoError(t, err)
	return rows * cols / 4
}

// Pairs of rows of taps fetch each of the nine that come next once.
func TestNeonFetchesTapsOnce(t *testing.T) {
	text, err := os.ReadFile("wino_neon_arm64.s")
	require.NoError(t, err)
	n := map[string]int{}
	for function := range strings.SplitSeq(string(text), "\nTEXT ·") {
		if form, ok := strings.CutPrefix(function, "winoWeights"); ok {
			n[form[:1]] += strings.Count(form, "PRFM")
		}
	}
	require.Equal(t, map[string]int{"2": 9, "4": 9}, n)
}

// The counter must see what it counts.
func TestNeonLoopsCounts(t *testing.T) {
	text := "TEXT ·f(SB), NOSPLIT, $0-8\n\tMOVD R0, R1\n\nouter:\n\tADD $1, R2\n\nmain:\n\t// note\n" +
		"\tVFMLA V0.S4, V1.S4, V2.S4\n\tWORD $0x4f9a1000 // FMLA V0.4S, V0.4S, V26.S[0]\n\tSUBS $4, R1\n\tBGE main\n\tCBNZ R3, outer\n\tRET\n"
	sums := map[string]int{"V0": 1, "V2": 1}
	require.Equal(t, map[string]neonLoop{"f main": {4, 2, sums}, "f outer": {6, 2, sums}}, neonLoops(text))
}

// TestEveryLevelHasEveryKernel: what one level has in assembly, the others have, but
// for products, whose functions are of a level's shapes.
func TestEveryLevelHasEveryKernel(t *testing.T) {
	files, err := filepath.Glob("*.s")
	require.NoError(t, err)
	name := regexp.MustCompile(`(?m)^TEXT ·(\w+?)(AVX512|AVX2|NEON)\(SB\)`)
	shaped := regexp.MustCompile(`^(tiles|winoFew|winoMany|points)`) // by the registers of a level; others compute the products of the last three by tiles
	rows := regexp.MustCompile(`^(winoWeights\d)\w+`)                // of pairs of rows, or of one
	levels := map[string][]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			if k := rows.ReplaceAllString(m[1], "$1"); !shaped.MatchString(k) && !slices.Contains(levels[k], m[2]) {
				levels[k] = append(levels[k], m[2])
			}
		}
	}
	for k, has := range levels {
		require.ElementsMatch(t, []string{"AVX512", "AVX2", "NEON"}, has, k)
	}
	t.Logf("%d kernels at three levels", len(levels))
	require.Greater(t, len(levels), 60)
}
