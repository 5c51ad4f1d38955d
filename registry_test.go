package heavytail

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/recipe"
)

var update = flag.Bool("update", false, "write the tables of the documents anew")

// Every kind of process has one method that its models are drawn with, which
// fits them; every method fits some kind, accepts its own defaults and has no
// setting that Settings does not know.
func TestRegistry(t *testing.T) {
	for _, kind := range kinds {
		r := of(t, kind)
		defaults := 0
		for _, m := range methods {
			if slices.Contains(m.DefaultOf(), r.Kind()) {
				defaults++
			}
		}
		require.Equal(t, 1, defaults, kind)
		require.Contains(t, methodsOf(r), defaultMethod(r), kind)
	}
	known := []string{"ConsistentStart", "Resample"} // of Options and Edit
	for _, s := range (Settings{}).given() {
		known = append(known, s.field)
	}
	for i, m := range methods {
		require.Equal(t, i, slices.IndexFunc(methods, func(o Method) bool { return o.Name == m.Name }), "two of a name")
		require.Subset(t, known, m.Settings(), m.Name)
		fits := 0
		for _, kind := range append(slices.Clone(kinds), withSpread) {
			if r := of(t, kind); m.of.fits(r) {
				fits++
				_, err := modelOf(network(t), r).Resolve(Options{Method: m.Name})
				require.NoError(t, err, "%s %s", m.Name, kind)
			}
		}
		require.NotZero(t, fits, m.Name)
	}
	for _, name := range known {
		require.NotEmpty(t, owners(name), "a setting of no method: %s", name)
	}
}

// The network is asked as often as Evaluations says, with guidance too.
func TestEvaluations(t *testing.T) {
	for _, kind := range kinds {
		net, r := classes(t, kind)
		for _, method := range methodsOf(r) {
			for _, guidance := range []float64{0, 3} {
				o := Options{Method: method, Steps: 4, Batch: 1, Guidance: guidance, Classes: []int{1}}
				ws, err := net.NewWorkspace(1, 0, 0, false)
				require.NoError(t, err)
				calls := 0
				den := func(labels []int) diffusion.Denoiser {
					inner := predict(net, ws, labels, nil)
					return func(ctx context.Context, out, x, times []float32) error {
						calls++
						return inner(ctx, out, x, times)
					}
				}
				f := den([]int{1})
				if o.guided() {
					f = diffusion.Guide(f, den(nil), guidance)
				}
				for _, err := range o.trajectory(t.Context(), r, f, nil, make([]float32, 16), []uint64{3}) {
					require.NoError(t, err)
				}
				require.Equal(t, modelOf(net, r).Evaluations(o), calls, "%s %s guidance %v", kind, method, guidance)
			}
		}
	}
}

// The tables of the documents are those of the registry. With -update they are
// written anew.
func TestTables(t *testing.T) {
	const docs, readme = "docs/methods.md", "README.md"
	head := "| `-method` | type of package diffusion | asks for | evaluations in N steps | models | steps by default | settings |"
	replace(t, docs, head, append([]string{head, "|---|---|---|---|---|---|---|"}, rows(t)...))
	var names []string
	for _, m := range methods {
		names = append(names, "`"+m.Name+"`")
	}
	replace(t, readme, "| samplers |", []string{"| samplers | " + strings.Join(names, ", ") + " |"})
}

// flagless are settings that the command has no flags for.
var flagless = []string{"Constant", "LIMClamps", "PublishedStart"}

// flagOf is the flag of a setting: ClampA is -clamp-a.
func flagOf(setting string) string {
	var b strings.Builder
	for i, c := range setting {
		if i > 0 && unicode.IsUpper(c) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return "-" + b.String()
}

func rows(t *testing.T) []string {
	var out []string
	for _, m := range methods {
		var fits, steps []string
		typed, asks, cost := "", "", ""
		same := map[string][]string{}
		for _, kind := range append(slices.Clone(kinds), withSpread) {
			r := of(t, kind)
			if !m.of.fits(r) || kind == withSpread && len(fits) > 0 {
				continue
			}
			fits = append(fits, kind)
			o := modelOf(network(t), r).defaults(Options{Method: m.Name})
			s, err := m.make(o, r)
			require.NoError(t, err)
			typed, asks, cost = s.goType(), s.asks(), evaluationsIn(t, o, r, cost)
			require.Equal(t, o.Steps, s.Moves(), m.Name)
			text := fmt.Sprintf("%d: %d evaluations", o.Steps, s.Evaluations())
			if same[text] == nil {
				steps = append(steps, text)
			}
			same[text] = append(same[text], kind)
		}
		for i, text := range steps {
			if len(steps) > 1 {
				steps[i] = strings.Join(same[text], ", ") + " " + text
			}
		}
		var uses []string
		for _, name := range m.Settings() {
			if !slices.Contains(flagless, name) {
				uses = append(uses, flagOf(name))
			}
		}
		out = append(out, fmt.Sprintf("| `%s` | `%s` | `%s` | %s | %s | %s | %s |", m.Name, strings.TrimPrefix(typed, "diffusion."), asks, cost,
			strings.Join(fits, ", "), strings.Join(steps, "; "), strings.Join(uses, " ")))
	}
	return out
}

// evaluationsIn is how often a method asks in N steps, a multiple of N and what is
// left, the same for models of every kind: was is what others gave, if not empty.
func evaluationsIn(t *testing.T, o Options, r recipe.Recipe, was string) string {
	t.Helper()
	count := func(n int) int {
		o.Steps = n
		return modelOf(network(t), r).Evaluations(o)
	}
	each := count(11) - count(10)
	rest := count(10) - 10*each
	require.Equal(t, 1000*each+rest, count(1000), o.Method)
	text := "N"
	if each > 1 {
		text = fmt.Sprintf("%dN", each)
	}
	if rest != 0 {
		text += strings.Replace(fmt.Sprintf(" %+d", rest), "-", "− ", 1)
	}
	if was != "" {
		require.Equal(t, was, text, o.Method)
	}
	return text
}

// replace compares the lines of a table that begins with head with the one that
// is right, or writes it.
func replace(t *testing.T, path, head string, table []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(string(b), "\n")
	first := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, head) })
	require.GreaterOrEqual(t, first, 0, "%s has no table that begins with %s", path, head)
	end := first + 1
	if strings.Count(head, "|") > 2 { // a whole table, not a row of one
		for end < len(lines) && strings.HasPrefix(lines[end], "|") {
			end++
		}
	}
	if !*update {
		require.Equal(t, table, lines[first:end], "%s: run go test . -run TestTables -update", path)
		return
	}
	lines = slices.Replace(lines, first, end, table...)
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644))
}
