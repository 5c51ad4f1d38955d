package laws

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/cudatest"
	"heavytail/kernels"
	"heavytail/tensor"
)

// made returns the variates of a law, made on the device if there is one.
func made(t *testing.T, flags string, on tensor.Device) (x []float32, x64 []float64, err error) {
	t.Helper()
	o, n, wide := Options{}, 300, false
	for _, f := range strings.Fields(flags)[1:] {
		switch f {
		case "s0", "s1":
			o.Param = f
		case "table":
			o.Table = true
		case "f64":
			wide = true
		case "rows":
			o.Rows, n = 7, 11
		}
	}
	if on != nil {
		o.On = OnDevice(on)
	}
	m, err := New(strings.Fields(flags)[0], o)
	require.NoError(t, err)
	v := Values{Maker: m, Rows: o.Rows, Seed: 5, Threads: 2}
	if wide {
		err = v.Stream64(t.Context(), 0, n, func(_ int, part []float64) error {
			x64 = append(x64, part...)
			return nil
		})
		return x, x64, err
	}
	err = v.Stream(t.Context(), 0, n, func(_ int, part []float32) error {
		x = append(x, part...)
		return nil
	})
	return x, x64, err
}

// Every law gives the values of the processor when a GPU makes it, here the
// interpreter of its kernels.
func TestOnDevice(t *testing.T) {
	dev := cudatest.Open(t, cudatest.Config{})
	seen := map[string]bool{}
	for _, flags := range []string{"stable:1.7,0", "stable:0.6,0 f64", "stable:1.2,0.5,2,1 s1", "stable:1,1,2,1 s0", "stable:0.8,-1 s1 f64", "stable:1.5,0.3,2 s0 table",
		"positive:0.4", "positive:1", "student:3", "student:0.7,2,1 f64", "chi2:2.5 f64", "chi2:0.01", "gamma:0.3,2 f64", "normal:2,1", "normal f64",
		"exponential", "exponential:3 f64", "uniform", "uniform f64", "isotropic:1.7,2 rows", "isotropic:2 rows", "isotropic-student:3 rows"} {
		name, _, _ := strings.Cut(strings.Fields(flags)[0], ":")
		seen[name] = true
		want, want64, err := made(t, flags, nil)
		require.NoError(t, err)
		before := dev.Launches()
		got, got64, err := made(t, flags, dev)
		require.NoError(t, err)
		require.True(t, slices.Equal(want, got) && slices.Equal(want64, got64) && len(got)+len(got64) > 0, flags)
		require.True(t, dev.Launches() > before || flags == "positive:1", flags)
	}
	for _, l := range All() {
		require.True(t, seen[l.Name], l.Name)
	}
}

// A GPU that fails is an error, not the end of the program.
func TestOnDeviceFails(t *testing.T) {
	broken := errors.New("the cable came out")
	dev := cudatest.Open(t, cudatest.Config{Fail: func(call string) error {
		if call == "Launch" {
			return broken
		}
		return nil
	}})
	_, _, err := made(t, "stable:1.7,0", dev)
	require.ErrorIs(t, err, broken)
}

// What makes no variates is none, and a stream is the same in any parts.
func TestStream(t *testing.T) {
	require.Nil(t, OnDevice(kernels.New(1)))
	for _, law := range []string{"student:3", "isotropic:1.5"} {
		o := Options{}
		if law != "student:3" {
			o.Rows = 100_001 // a row is more than a part
		}
		m, err := New(law, o)
		require.NoError(t, err)
		read := func(threads, lo, hi int) (x []float32) {
			at := lo
			require.NoError(t, Values{Maker: m, Rows: o.Rows, Seed: 1, Threads: threads}.Stream(t.Context(), lo, hi, func(first int, part []float32) error {
				require.Equal(t, at, first)
				at += len(part) / max(o.Rows, 1)
				x = append(x, part...)
				return nil
			}))
			require.Equal(t, hi, at)
			return x
		}
		n := 200_000
		if o.Rows > 0 {
			n = 3
		}
		whole := read(1, 0, n)
		require.Len(t, whole, n*max(o.Rows, 1))
		require.True(t, slices.Equal(whole, append(read(3, 0, n/3), read(2, n/3, n)...)))
		require.Empty(t, read(1, 2, 2))
	}
	m, err := New("stable:1.5,0", Options{Table: true})
	require.NoError(t, err)
	require.Panics(t, func() { _ = Values{Maker: m}.Stream64(t.Context(), 0, 1, nil) })
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, Values{Maker: m}.Stream(ctx, 0, 1, nil), context.Canceled)
}
