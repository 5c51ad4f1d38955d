package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// planted has contractions on the lines marked so, among them one beside a
// math.FMA on the same line, one across statements, one of a difference and one
// in a function that is inlined.
const planted = `package planted

import "math"

func Asked(x, y, z float64) float64 { return math.FMA(x, y, z) }

func Rounded(x, y, z float64) float64 { return float64(x*y) + z }

func Planted(x, y, z float32) float32 { return x*y + z } // contracted

func Beside(x, y, z float64) float64 {
	p := x * y
	return math.FMA(x, z, y) + p // contracted
}

func Difference(x, y, z float64) float64 {
	return z - x*y // contracted
}

func Caller(x float64) float64 { return Difference(x, x, 1) }
`

func TestContractionsAreFound(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
	}
	write("go.mod", "module planted\n\ngo 1.26\n")
	write("planted.go", planted)
	t.Setenv("GOWORK", "off")
	packages, err := public(dir)
	require.NoError(t, err)
	r, err := look(dir, packages)
	require.NoError(t, err)
	require.Equal(t, map[site]int{
		{"planted.Planted", "planted.go:9"}:     1,
		{"planted.Beside", "planted.go:13"}:     1,
		{"planted.Difference", "planted.go:17"}: 1,
		{"planted.Caller", "planted.go:17"}:     1,
	}, r.contracted)
	require.Equal(t, 2, r.asked)
	require.Equal(t, 1, r.packages)

	require.Equal(t, []string{
		"planted.Gone is allowed and has no contraction; take it off the list",
		"planted.go:17: 1 contracted, in planted.Caller",
		"planted.go:9: 1 contracted, in planted.Planted",
	}, r.judge(map[string]string{"planted.Beside": "why", "planted.Difference": "why", "planted.Gone": "why"}))
}

// TestReadDisassembly: forms of lines that go tool objdump prints.
func TestReadDisassembly(t *testing.T) {
	count := map[site]int{}
	read([]byte("TEXT p.f[go.shape.struct { A int }](SB) gofile..p/a.go\n"+
		"  a.go:36\t0x4055c\t\t1f400c23\t\tFMADDD F0, F3, F1, F3\t\n"+
		"  a.go:36\t0x4055c\t\t1f400c23\t\tFMULD F0, F3, F1\t\n"+
		"  a.go:7\t\t0x4055c\t\t1f608821\t\tFNMSUBS F0, F2, F1, F1\t\n"+
		"  a_arm64.s:8\t0x4055c\t\t1f608821\t\tFMADDD F0, F2, F1, F1\t\n"), count)
	f := "p.f[go.shape.struct { A int }]"
	require.Equal(t, map[site]int{{f, "a.go:36"}: 1, {f, "a.go:7"}: 1}, count)
}
