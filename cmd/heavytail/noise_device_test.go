package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/cudatest"
	"heavytail/stable/laws"
)

// noiseFile is the file of a law, made on the device if there is one.
func noiseFile(t *testing.T, flags string, on noiseDevice) ([]byte, error) {
	t.Helper()
	o := noiseOptions{law: strings.Fields(flags)[0], n: 300, method: "map", kind: "f32", seed: 5, threads: 2}
	for _, f := range strings.Fields(flags)[1:] {
		switch f {
		case "s0", "s1":
			o.param = f
		case "table":
			o.method = f
		case "f64":
			o.kind = f
		case "rows":
			o.d, o.n = 7, 11
		}
	}
	src, err := o.source()
	require.NoError(t, err)
	o.place.on, src.gpu = on, on != nil
	var b bytes.Buffer
	err = src.write(context.Background(), &b)
	return b.Bytes(), err
}

// Every law gives the file that the processor writes when a GPU makes it, here the
// interpreter of its kernels.
func TestNoiseDevice(t *testing.T) {
	dev := cudatest.Open(t, cudatest.Config{})
	seen := map[string]bool{}
	for _, flags := range []string{"stable:1.7,0", "stable:0.6,0 f64", "stable:1.2,0.5,2,1 s1", "stable:1,1,2,1 s0", "stable:0.8,-1 s1 f64", "stable:1.5,0.3,2 s0 table",
		"positive:0.4", "positive:1", "student:3", "student:0.7,2,1 f64", "chi2:2.5 f64", "chi2:0.01", "gamma:0.3,2 f64", "normal:2,1", "normal f64",
		"exponential", "exponential:3 f64", "uniform", "uniform f64", "isotropic:1.7,2 rows", "isotropic:2 rows", "isotropic-student:3 rows"} {
		name, _, _ := strings.Cut(strings.Fields(flags)[0], ":")
		seen[name] = true
		want, err := noiseFile(t, flags, nil)
		require.NoError(t, err)
		before := dev.Launches()
		got, err := noiseFile(t, flags, dev)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), flags)
		require.True(t, dev.Launches() > before || flags == "positive:1", flags)
	}
	for _, l := range laws.All() {
		require.True(t, seen[l.Name], l.Name)
	}
}

// A GPU that fails is an error, not the end of the program.
func TestNoiseDeviceFails(t *testing.T) {
	broken := errors.New("the cable came out")
	dev := cudatest.Open(t, cudatest.Config{Fail: func(call string) error {
		if call == "Launch" {
			return broken
		}
		return nil
	}})
	_, err := noiseFile(t, "stable:1.7,0", dev)
	require.ErrorIs(t, err, broken)
}
