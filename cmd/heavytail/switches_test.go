package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/output"
)

// The switches of sample say what their old names said, and pictures tell of them.
func TestSwitches(t *testing.T) {
	dir := t.TempDir()
	draw := func(flags string) (bytes string, rec output.Recipe) {
		ok(t, dir, append(strings.Fields("sample -n 2 -steps 2 -o x.png"), strings.Fields(flags)...)...)
		require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "x.png").stdout), &rec))
		ok(t, dir, append(strings.Fields("sample -n 2 -steps 2 -o x.npy"), strings.Fields(flags)...)...)
		return readFile(t, dir+"/x.npy"), rec
	}
	plain, rec := draw("")
	require.True(t, rec.Clip)
	require.Equal(t, "consistent", rec.Start)
	for _, same := range []string{"-clip true", "-clip auto", "-clip false -clip auto", "-no-clip=false", "-consistent-start=true", "-consistent-start auto"} {
		x, r := draw(same)
		require.Equal(t, plain, x, same)
		require.Equal(t, rec, r, same)
	}
	for old, is := range map[string]string{"-no-clip": "-clip false", "-independent-start": "-consistent-start=false"} {
		x, was := draw(old)
		y, now := draw(is)
		require.Equal(t, x, y, is)
		require.Equal(t, was, now, is)
		require.NotEqual(t, plain, y, is)
		require.Equal(t, [2]bool{is == "-clip false", is != "-clip false"}, [2]bool{!now.Clip, now.Start == "independent"}, is)
	}
	for flags, want := range map[string]string{"-clip maybe": "want true, false or auto", "-no-clip=3x": "want true or false", "-grid cubic": `use "linear" or "quadratic"`,
		"-consistent-start true -method edm": "dlpm"} {
		require.Contains(t, fails(t, dir, 2, append([]string{"sample"}, strings.Fields(flags)...)...), want, flags)
	}
	_, rec = draw("-grid quadratic")
	require.Equal(t, "quadratic", string(rec.Grid))
}
