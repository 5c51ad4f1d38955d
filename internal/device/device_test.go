package device

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/tensor"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Spec{
		"cpu": {}, "cuda": {GPU: true}, "cuda:0": {GPU: true}, "cuda:1": {GPU: true, Number: 1}, "cuda:1023": {GPU: true, Number: 1023},
		"cuda,tf32": {GPU: true, Mode: TF32}, "cuda:3,bf16": {GPU: true, Number: 3, Mode: BF16}, "cuda,exact": {GPU: true, Mode: Exact},
		"cuda:0+1": {GPU: true, More: []int{1}}, "cuda:3+0+2,bf16": {GPU: true, Number: 3, More: []int{0, 2}, Mode: BF16},
	} {
		got, err := Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := Parse(got.String())
		require.NoError(t, err, text)
		require.Equal(t, got.String(), again.String(), text)
	}
	for _, text := range []string{"", "gpu", "CPU", "cpu:0", "cpu,tf32", "cuda:", "cuda:-1", "cuda:+1", "cuda: 1", "cuda:1024", "cuda:x",
		"cuda,", "cuda,fp16", "cuda,tf32,bf16", ",tf32", "cuda:1:2", " cuda", "cuda:0+", "cuda:+", "cuda:0+0", "cuda:1+2+1", "cuda:0+1024", "cpu:0+1", "cuda+1"} {
		_, err := Parse(text)
		require.ErrorContains(t, err, "is no device: want cpu, or cuda", text)
	}
	require.Equal(t, "cuda:2,tf32", Spec{GPU: true, Number: 2, Mode: TF32}.String())
	require.Equal(t, "cuda", Spec{GPU: true, Mode: Exact}.String())
	for want, s := range map[string]Spec{"": {GPU: true, Mode: Exact}, "bf16": {GPU: true, Mode: BF16}} {
		require.Equal(t, want, s.Fast())
	}
	require.Empty(t, Spec{}.Fast())
}

func TestDefault(t *testing.T) {
	t.Setenv(EnvVar, "")
	s, err := Default()
	require.NoError(t, err)
	require.Equal(t, Spec{}, s)
	t.Setenv(EnvVar, "cuda:1")
	s, err = Default()
	require.NoError(t, err)
	require.Equal(t, Spec{GPU: true, Number: 1}, s)
	t.Setenv(EnvVar, "tpu")
	_, err = Default()
	require.ErrorContains(t, err, `HEAVYTAIL_DEVICE: "tpu" is no device`)
}

func TestOpen(t *testing.T) {
	dev, err := Spec{}.Open(1)
	require.NoError(t, err)
	require.IsType(t, (*kernels.CPU)(nil), dev)
	Close(dev)
	one := func(s Spec) (tensor.Device, error) { return s.Open(1) }
	all, err := Spec{}.OpenAll(one)
	require.NoError(t, err)
	require.Len(t, all, 1)
	Close(all...)
	_, err = Spec{GPU: true, Number: 2, More: []int{1}, Mode: TF32}.Open(1)
	require.ErrorContains(t, err, "give one, such as cuda:2,tf32")
	_, err = Spec{GPU: true, More: []int{1}}.OpenAll(one)
	require.NotContains(t, fmt.Sprint(err), "give one")
	// No machine has so many, and a program without the tag has none.
	for _, m := range []Mode{"", TF32, BF16} {
		_, err = Spec{GPU: true, Number: 1023, Mode: m}.Open(1)
		require.Error(t, err)
	}
}
