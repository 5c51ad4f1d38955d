package simd

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A loop of assembly text for arm64: the instructions from a label to the
// branch back to it, and how many of them are multiply-adds of vectors.
type neonLoop struct{ instructions, fmla int }

var (
	neonLabel  = regexp.MustCompile(`^(\w+):$`)
	neonBranch = regexp.MustCompile(`^\t(?:B|BNE|BGE|BGT|BLT|CBNZ) (?:R\d+, )?(\w+)$`)
	neonMain   = regexp.MustCompile(` (main|wide|across)$`)
	neonFMLA   = regexp.MustCompile(`^\t(?:VFMLA |WORD \$0x\w+ // FMLA )`)
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
			seen[m[1]] = neonLoop{}
		case strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "\t//"):
			for _, l := range open {
				c := seen[l]
				c.instructions++
				if neonFMLA.MatchString(line) {
					c.fmla++
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
// generated text: at least 85 % are multiply-adds in tiles of 16 and of 8 columns, for A
// as it is and, of 12 rows at 8, transposed. What is narrower, or of one row, has its own
// share, a load of a row of B having fewer of them beside it (results/neon.md).
func TestNeonProducts(t *testing.T) {
	text, err := os.ReadFile("gemm_neon_arm64.s")
	require.NoError(t, err)
	loops := neonLoops(string(text))
	least := map[string]float64{
		"tiles6x16NEON main": 0.85, "tiles6x16NEON across": 0.85,
		"tiles4x16NEON main": 0.85, "tiles4x16NEON across": 0.85,
		"tiles6x8NEON wide": 0.85, "tiles4x8NEON wide": 0.85, "tiles12x8BesideNEON across": 0.85,
		"tiles6x4NEON wide": 0.80, "tiles4x4NEON wide": 0.74, "tiles12x4BesideNEON across": 0.82,
		"tiles6x3NEON wide": 0.70, "tiles6x2NEON wide": 0.80, "tiles6x1NEON wide": 0.80,
		"tiles4x3NEON wide": 0.62, "tiles4x2NEON wide": 0.74, "tiles4x1NEON wide": 0.74,
		"tiles12x1BesideNEON across": 0.54, "tiles1x16NEON wide": 0.77,
		"peakNEON loop": 0.88,
	}
	// What is left of 8 or 16 terms, four at a time.
	for name, share := range map[string]float64{
		"6x8": 0.80, "4x8": 0.76, "6x4": 0.66, "4x4": 0.61, "6x3": 0.60, "4x3": 0.53, "6x2": 0.66, "4x2": 0.61,
		"6x1": 0.66, "4x1": 0.61, "1x16": 0.69,
	} {
		least["tiles"+name+"NEON main"] = share
	}
	for name, share := range least {
		l := loops[name]
		require.NotZero(t, l.instructions, "there is no loop %s", name)
		got := float64(l.fmla) / float64(l.instructions)
		t.Logf("%-22s %3d of %3d instructions are multiply-adds: %.1f %%", name, l.fmla, l.instructions, 100*got)
		require.GreaterOrEqual(t, got, share, name)
	}
	for name := range loops { // no main loop escapes the list
		if _, ok := least[name]; !ok && neonMain.MatchString(name) {
			t.Errorf("%s has no share", name)
		}
	}
}

// The counter must see what it counts.
func TestNeonLoopsCounts(t *testing.T) {
	text := "TEXT ·f(SB), NOSPLIT, $0-8\n\tMOVD R0, R1\n\nouter:\n\tADD $1, R2\n\nmain:\n\t// note\n" +
		"\tVFMLA V0.S4, V1.S4, V2.S4\n\tWORD $0x4f9a1000 // FMLA V0.4S, V0.4S, V26.S[0]\n\tSUBS $4, R1\n\tBGE main\n\tCBNZ R3, outer\n\tRET\n"
	require.Equal(t, fmt.Sprint(map[string]neonLoop{"f main": {4, 2}, "f outer": {6, 2}}), fmt.Sprint(neonLoops(text)))
}

// TestEveryLevelHasEveryKernel: what one level has in assembly, the others have, but
// for products, whose functions are of a level's shapes.
func TestEveryLevelHasEveryKernel(t *testing.T) {
	files, err := filepath.Glob("*.s")
	require.NoError(t, err)
	name := regexp.MustCompile(`(?m)^TEXT ·(\w+?)(AVX512|AVX2|NEON)\(SB\)`)
	shaped := regexp.MustCompile(`^(tiles|winoFew|winoMany)`) // by the registers of a level; others compute the products of the last two by tiles
	rows := regexp.MustCompile(`^(winoWeights\d)\w+`)         // of pairs of rows, or of one
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
