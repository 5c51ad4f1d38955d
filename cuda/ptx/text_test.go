package ptx

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/cuda/gen"
)

// The committed texts are those that the generator writes, all of them and no
// others.
func TestGenerated(t *testing.T) {
	want := gen.All()
	entries, err := files.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".ptx")
		text, err := Text(name)
		require.NoError(t, err)
		require.True(t, text == want[name], "%s is not what the generator writes: go generate ./cuda", e.Name())
		delete(want, name)
	}
	require.Empty(t, want, "not committed")
	_, err = Text("nothing")
	require.ErrorContains(t, err, `no module "nothing"`)
}

// Every kernel passes the verifier, and holds nothing that could change a bit
// unless its name says that it uses tensor cores.
func TestExact(t *testing.T) {
	entries := map[string]string{}
	for name := range gen.All() {
		for _, k := range parsed(t, name).Kernels {
			require.Empty(t, entries[k.Name], "%s is an entry of two modules", k.Name)
			entries[k.Name] = name
			if strings.HasPrefix(name, "mma_") {
				require.NotEmpty(t, k.Inexact(), name)
				continue
			}
			require.Empty(t, k.Inexact(), "%s: not allowed in a kernel that promises the CPU's bits", k.Name)
		}
	}
	for _, ban := range []struct{ old, new string }{{"add.rn.f32", "add.f32"}, {"mul.rn.f32", "mul.rn.ftz.f32"}, {"div.rn.f32", "div.approx.f32"}, {"neg.f32", "ex2.approx.f32"}} {
		text, err := Text("silu")
		require.NoError(t, err)
		require.Contains(t, text, ban.old)
		m, err := emu.Parse(strings.Replace(text, ban.old, ban.new, 1))
		seen := err != nil
		if !seen {
			for _, k := range m.Kernels {
				seen = seen || len(k.Inexact()) > 0
			}
		}
		require.True(t, seen, ban.new)
	}
}
