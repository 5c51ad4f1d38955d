package nn

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/torchfile"
	"heavytail/kernels"
	"heavytail/tensor"
)

// The same weights, as programs wrap them: one result. The files came from
// PyTorch; testdata/README.md tells how.
func TestWrappedCheckpoints(t *testing.T) {
	b, err := os.ReadFile("testdata/mlp_small.pt")
	require.NoError(t, err)
	c, err := openBytes(b)
	require.NoError(t, err)
	plain, err := c.Net(kernels.New(1), "raw")
	require.NoError(t, err)
	for _, name := range []string{"modelkey", "lightning", "m_dtype", "deflated", "legacy", "bigendian"} {
		b, err := os.ReadFile("testdata/wrapped/" + name + ".pt")
		require.NoError(t, err)
		c, err := openBytes(b)
		require.NoError(t, err, name)
		net, err := c.Net(kernels.New(1), "")
		require.NoError(t, err, name)
		numtest.SameBits(t, plain.Params().Flat.Data(), net.Params().Flat.Data(), name)
	}
}

func TestWrappedNames(t *testing.T) {
	for name, cfg := range smallNets() {
		s := trained(t, cfg)
		p := s.Net.Params()
		for _, wrap := range []string{"", "module.", "_orig_mod.", "module._orig_mod.", "model.", "model._orig_mod.", "denoiser.", "a.b."} {
			rename := func(n string) string { return wrap + n }
			if strings.HasPrefix(wrap, "_orig") { // a layer may be compiled alone
				rename = func(n string) string { return strings.Replace(n, ".", "._orig_mod.", 1) }
			}
			var items []tensor.Item
			var pairs []torchfile.Pair
			for _, q := range p.List {
				items = append(items, p.item("", p.Flat, q, tensor.F32))
			}
			items = append(items, p.bufferItems("")...)
			for i := range items {
				items[i].Name = rename(items[i].Name)
			}
			if wrap != "" {
				items = append(items, tensor.Item{Name: "loss_fn.weight", DType: tensor.F32, Shape: []int{1}, Data: func() []float32 { return []float32{1} }})
			}
			if strings.HasPrefix(wrap, "_orig") {
				items = items[:len(items)-1] // beside unwrapped names it would be another network's
			}
			for _, it := range items {
				pairs = append(pairs, torchfile.Pair{Key: it.Name, Value: it})
			}
			meta, err := s.metadata()
			require.NoError(t, err)
			files := [][]byte{written(t, func(b *bytes.Buffer) error { return tensor.WriteSafetensors(b, meta, items) })}
			for _, keys := range [][]string{{"state_dict"}, {"model"}, {"checkpoint", "model"}, {"anything"}} {
				d := torchfile.NewDict(pairs...)
				for i := len(keys) - 1; i >= 0; i-- {
					d = torchfile.NewDict(torchfile.Pair{Key: keys[i], Value: d}, torchfile.Pair{Key: "epoch", Value: int64(3)}, torchfile.Pair{Key: "net", Value: "the network's name"})
				}
				d = torchfile.NewDict(append(d.Pairs, torchfile.Pair{Key: recipeKey, Value: meta[recipeKey]})...)
				files = append(files, written(t, func(b *bytes.Buffer) error { return torchfile.Write(b, d) }))
			}
			for i, b := range files {
				c, err := openBytes(b)
				require.NoError(t, err, "%s, %q, file %d", name, wrap, i)
				net, err := c.Net(kernels.New(1), "raw")
				require.NoError(t, err, "%s, %q, file %d", name, wrap, i)
				numtest.SameBits(t, p.Flat.Data(), net.Params().Flat.Data(), name)
			}
		}
	}
	one := tensor.Item{DType: tensor.F32, Shape: []int{1}, Data: func() []float32 { return []float32{1} }}
	file := func(names ...string) []byte {
		var items []tensor.Item
		for _, n := range names {
			it := one
			it.Name = n
			items = append(items, it)
		}
		return written(t, func(b *bytes.Buffer) error { return tensor.WriteSafetensors(b, nil, items) })
	}
	_, err := openBytes(file("student.linear_in.weight", "teacher.linear_in.weight"))
	require.ErrorContains(t, err, `several networks, below ["student." "teacher."]`)
	_, err = openBytes(file("a._orig_mod.b", "a.b"))
	require.ErrorContains(t, err, "twice")
}
