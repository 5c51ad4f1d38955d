package bench

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A run gives every case once, and what is printed can be read and compared.
func TestRun(t *testing.T) {
	var text bytes.Buffer
	p := Printer{W: &text, JSON: true}
	require.NoError(t, Run(t.Context(), "unet", cpu("tiny"), p.Print))
	require.False(t, p.Matched())
	before, err := ReadEarlier(bytes.NewReader(text.Bytes()))
	require.NoError(t, err)
	text.Reset()
	p = Printer{W: &text, Before: before}
	require.NoError(t, Run(t.Context(), "unet", cpu("tiny"), p.Print))
	require.True(t, p.Matched())
	require.Equal(t, 1, strings.Count(text.String(), "\n"))
	require.Contains(t, text.String(), " ms before")
}

// A run that ends early says how much was timed; an error of emit is its own.
func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := cpu("mnist")
	o.Count = 1
	err := Run(ctx, "norm", o, func(r Result) error {
		require.Empty(t, r.Config, "norm times no network")
		cancel()
		return nil
	})
	var some *StoppedError
	require.ErrorAs(t, err, &some)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, [2]int{1, 8}, [2]int{some.Done, some.Of})
	full := errors.New("full")
	require.Equal(t, full, Run(t.Context(), "norm", o, func(Result) error { return full }))
	require.ErrorContains(t, Run(t.Context(), "x", o, nil), "no kind of benchmark")
}

// A machine tells of itself, with GPUs or why there are none.
func TestMachineText(t *testing.T) {
	var text strings.Builder
	n, err := Machine{Version: "1", Go: "go", CPU: "cpu", Level: "b", Levels: []string{"a", "b"}, Threads: 3, NoGPUs: "no driver"}.WriteTo(&text)
	require.NoError(t, err)
	require.Equal(t, text.Len(), int(n))
	require.Contains(t, text.String(), "level      b of a, b (")
	require.Contains(t, text.String(), "threads    3\nGPU        none: no driver\n")
}
