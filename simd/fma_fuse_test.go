//go:build amd64.v3 || arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x

package simd

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// A compiler that no longer fuses changes no bits, but somebody should hear of
// it: products take three times as long.
func TestCompilerFuses(t *testing.T) {
	require.True(t, fuses)
	require.Equal(t, runtime.GOARCH != "amd64", fusesLanes)
}
