//go:build !cuda

package device

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithoutTag(t *testing.T) {
	_, err := Spec{GPU: true}.Open(0)
	require.ErrorContains(t, err, "this program was built without -tags cuda")
	_, err = GPUs()
	require.ErrorContains(t, err, "built without -tags cuda")
}
