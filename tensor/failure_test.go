package tensor

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// Catch turns a Failure into an error, in place of another too; every other panic
// goes on, and nothing is no error.
func TestCatch(t *testing.T) {
	cause := errors.New("no memory")
	f := &Failure{"gpu", "Conv2D", cause}
	run := func(v any) (err error) {
		defer Catch(&err)
		if v != nil {
			panic(v)
		}
		return errors.New("own")
	}
	require.Same(t, f, run(f))
	require.ErrorIs(t, run(f), cause)
	require.EqualError(t, run(f), "gpu: Conv2D: no memory")
	require.EqualError(t, run(nil), "own")
	require.PanicsWithValue(t, "shapes", func() { _ = run("shapes") })
}
