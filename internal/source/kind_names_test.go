package source

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNames(t *testing.T) {
	require.Equal(t, `a, "b\n"`, Names([]string{"a", "b\n"}))
	require.Equal(t, "", OrNames(nil))
	require.Equal(t, ` or a name (a, "b,c")`, OrNames([]string{"a", "b,c"}))
	var many []string
	for i := range 21 {
		many = append(many, strconv.Itoa(i))
	}
	require.Regexp(t, "18, 19, …$", Names(many))
}
