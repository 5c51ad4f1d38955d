package heavytail

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// A modelFile is a model as its file says: the recipe, and tensors.
type modelFile struct {
	recipe any // decoded JSON; nil: weights only
	items  []tensor.Item
}

func (f modelFile) bytes(t testing.TB) []byte {
	t.Helper()
	var meta map[string]string
	if f.recipe != nil {
		text, err := json.Marshal(f.recipe)
		require.NoError(t, err)
		meta = map[string]string{"heavytail": string(text), "heavytail.state": `{"step":1}`}
	}
	var b bytes.Buffer
	require.NoError(t, tensor.WriteSafetensors(&b, meta, f.items))
	return b.Bytes()
}

// smallModels are models of every network and process, too small to be good.
func smallModels(t testing.TB) map[string]modelFile {
	t.Helper()
	unet := nn.Config{UNet: &nn.UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 4, ChannelMult: []int{1, 2}, NumResBlocks: 1,
		AttentionDS: []int{2}, NumHeads: 2, NumClasses: 3, TimeScale: 1000, ImageSize: 4, Magnitude: true}}
	song := nn.Config{Song: &nn.SongConfig{ImageSize: 4, InChannels: 3, OutChannels: 3, NumClasses: 2, ModelChannels: 4, ChannelMult: []int{1, 1}, EmbMult: 1,
		NumBlocks: 1, AttentionRes: []int{2}, NumHeads: 1, Embedding: "positional", NoiseMult: 1, Encoder: "residual", Filter: []int{1, 1}, SkipScale: 1, TimeScale: 1}}
	mlp := nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 4, Blocks: 1, TimeEmb: 4, TimeScale: 1000, Magnitude: true, TailRadius: 4}}
	given := nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 4, Blocks: 1, TimeEmb: 4, TimeScale: 1000, Conditions: 2}}
	plain := nn.Config{MLP: &nn.MLPConfig{Dim: 3, Hidden: []int{4, 4}}}
	out := map[string]modelFile{}
	for i, c := range []struct {
		net   nn.Config
		kind  string
		shape []int
	}{
		{unet, recipe.DLPM, []int{4, 4, 1}}, {unet, recipe.TEDM, []int{4, 4, 1}}, {song, recipe.EDM, []int{4, 4, 3}}, {song, recipe.TFlow, []int{4, 4, 3}},
		{mlp, recipe.DLPM, []int{2}}, {mlp, recipe.LIM, []int{2}}, {plain, recipe.Flow, []int{3}}, {plain, recipe.TEDM, []int{3}}, {given, recipe.TEDM, []int{2}},
	} {
		r, err := recipe.Preset("toy")
		require.NoError(t, err)
		r.Network = c.net
		r.Data = recipe.Data{Spec: "x", Samples: 10, Shape: c.shape}
		if len(c.shape) == 3 {
			k := 3
			if c.net.Song != nil {
				k = 2
			}
			r.Data.Classes, r.Data.Names, r.Train.LabelDrop = k, []string{"a"}, 0.1
		}
		if len(c.shape) == 1 {
			r.Data.Scaling = &recipe.Scaling{Kind: recipe.Robust, Center: make([]float64, c.shape[0]), Scale: slices.Repeat([]float64{2}, c.shape[0])}
		}
		if c.net.MLP != nil && c.net.MLP.Conditions > 0 {
			r.Data.Given = &recipe.Given{Select: []string{"a", "1"}, Columns: []string{"a", "b"}, Scaling: &recipe.Scaling{Kind: recipe.Std, Center: []float64{0, 3}, Scale: []float64{1, 4}}}
		}
		require.NoError(t, r.Use(c.kind))
		r.Train.Rate.Total = r.Train.Steps
		if c.kind == recipe.DLPM && i > 0 {
			r.Process.Alpha = 2 // DDPM, which more samplers drive
		}
		require.NoError(t, r.Validate())
		net, err := nn.New(kernels.New(1), r.Network)
		require.NoError(t, err)
		net.Params().Init(1)
		f := modelFile{items: itemsOf(t, net)}
		require.NoError(t, json.Unmarshal(r.JSON(), &f.recipe))
		out[fmt.Sprintf("%d-%s", i, c.kind)] = f
	}
	for _, name := range []string{"0-dlpm", "2-edm", "4-dlpm"} {
		out["weights of "+name] = modelFile{nil, out[name].items}
	}
	return out
}

// itemsOf returns the tensors of a network as its file holds them.
func itemsOf(t testing.TB, net *nn.Net) []tensor.Item {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, (&nn.State{Net: net}).Write(&b, tensor.F32))
	f, err := tensor.OpenSafetensors(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	var out []tensor.Item
	for i := range f.Entries {
		e := &f.Entries[i]
		x, err := f.Float32s(e)
		require.NoError(t, err)
		out = append(out, tensor.Item{Name: e.Name, DType: tensor.F32, Shape: e.Shape, Data: func() []float32 { return x }})
	}
	return out
}

// A mutant is a decoded JSON value with one change.
type mutant struct {
	what  string
	value any
}

// mutants returns v, which is decoded to type t, with every one of its parts
// changed and every part that it lacks added, one at a time.
func mutants(v any, t reflect.Type) []mutant {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var out []mutant
	add := func(what string, values ...any) {
		for _, x := range values {
			text, _ := json.Marshal(x)
			out = append(out, mutant{what + " = " + string(text), x})
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			less := maps.Clone(v)
			delete(less, k)
			out = append(out, mutant{"no " + k, less})
			for _, m := range mutants(v[k], fields(t)[k]) {
				changed := maps.Clone(v)
				changed[k] = m.value
				out = append(out, mutant{k + "." + m.what, changed})
			}
		}
		for k := range fields(t) {
			if _, there := v[k]; !there {
				for _, x := range []any{map[string]any{}, true, 1.0, 0.5, 7.0, -1.0, "x", "quadratic", "exploding", []any{1.0}, []any{4.0, 4.0}, []any{"a", "b", "c", "d"}} {
					more := maps.Clone(v)
					more[k] = x
					out = append(out, mutant{fmt.Sprintf("%s added: %v", k, x), more})
				}
			}
		}
	case []any:
		for i := range v {
			for _, m := range mutants(v[i], nil) {
				changed := slices.Clone(v)
				changed[i] = m.value
				out = append(out, mutant{fmt.Sprintf("[%d].%s", i, m.what), changed})
			}
		}
		if len(v) > 0 {
			add("", v[:len(v)-1], append(slices.Clone(v), v[len(v)-1]), slices.Concat(v, v, v), []any{})
		}
	case float64:
		add("", 0.0, -v, v+1, v-1, v*2, v/2, 3.0, 5000.0, 1e9, 1e-9, 1e300, -1e300)
	case bool:
		add("", !v)
	case string:
		add("", "", v+"x", "velocity", "data", "noise", "exploding", "root", "squared", "huber")
	}
	add("", nil, "x", []any{}, map[string]any{})
	return out
}

// fields returns the types of a struct's fields by their JSON names.
func fields(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	if t == nil || t.Kind() != reflect.Struct {
		return out
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			out[name] = t.Field(i).Type
		}
	}
	return out
}

// tensorMutants returns the tensors with one left out, one more, one of another
// shape, one of other values.
func tensorMutants(items []tensor.Item) []modelFile {
	one := func() []float32 { return []float32{1} }
	out := []modelFile{{items: append(slices.Clone(items), tensor.Item{Name: "extra", DType: tensor.F32, Shape: []int{1}, Data: one})}}
	for i, it := range items {
		with := func(shape []int) {
			n := 1
			for _, d := range shape {
				n *= d
			}
			x := make([]float32, n)
			copy(x, it.Data())
			items := slices.Clone(items)
			items[i] = tensor.Item{Name: it.Name, DType: it.DType, Shape: shape, Data: func() []float32 { return x }}
			out = append(out, modelFile{items: items})
		}
		out = append(out, modelFile{items: slices.Delete(slices.Clone(items), i, i+1)})
		for d := range it.Shape {
			for _, n := range []int{0, it.Shape[d] + 1, 2 * it.Shape[d]} {
				shape := slices.Clone(it.Shape)
				shape[d] = n
				with(shape)
			}
		}
		with(append(slices.Clone(it.Shape), 1))
		with(append([]int{1}, it.Shape...))
		for _, v := range []float32{1e30, float32(math.NaN())} {
			items := slices.Clone(items)
			items[i].Data = func() []float32 {
				x := slices.Clone(it.Data())
				if len(x) > 0 {
					x[0] = v
				}
				return x
			}
			out = append(out, modelFile{items: items})
		}
	}
	return out
}

// try opens a file and draws a sample by every method; refused is true if Open
// returned an error. Anything else than a sample of the promised shape and
// numbers, or an error because these stop being finite, is an error.
func try(file []byte) (refused bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	m, err := Loader{Threads: 1}.Open(file)
	if err != nil {
		return true, nil
	}
	steps := 2
	if m.Recipe().Process.IntegerTime {
		steps = 0 // it takes its own number only
	}
	for _, method := range m.Methods() {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		s, err := m.Sample(ctx, Options{N: 1, Steps: steps, Method: method, Classes: []int{m.Classes() - 1}, Given: make([]float64, len(m.Given()))})
		cancel()
		if err != nil {
			if !strings.Contains(err.Error(), "finite") {
				return false, fmt.Errorf("%s: %w", method, err)
			}
			continue
		}
		if want := append([]int{1}, m.Shape()...); !slices.Equal(s.Shape(), want) {
			return false, fmt.Errorf("%s: samples of %v, want %v", method, s.Shape(), want)
		}
		for i, v := range s.Float64() { // of scaled points beyond float32 the float32 values are infinite
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return false, fmt.Errorf("%s: value %d is %v", method, i, v)
			}
		}
		if len(m.Shape()) == 3 {
			s.Grid(0)
		}
	}
	return false, nil
}

// What Open accepts runs in every sampler that it lists: each field of recipe and
// configuration and each tensor of small models is changed, one at a time.
func TestOpenRefusesContradictions(t *testing.T) {
	for name, f := range smallModels(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused, err := try(f.bytes(t))
			require.False(t, refused)
			require.NoError(t, err)
			var files []modelFile
			var what []string
			for _, m := range mutants(f.recipe, reflect.TypeFor[recipe.Recipe]()) {
				files, what = append(files, modelFile{m.value, f.items}), append(what, m.what)
			}
			for i, m := range tensorMutants(f.items) {
				if f.recipe != nil && !slices.Contains([]string{"0-dlpm", "2-edm", "4-dlpm", "6-flow"}, name) {
					break // the networks are the same
				}
				m.recipe = f.recipe
				files, what = append(files, m), append(what, fmt.Sprint("tensors ", i))
			}
			accepted := 0
			for i, m := range files {
				if testing.Short() && i%7 != len(name)%7 {
					continue
				}
				refused, err := try(m.bytes(t))
				if err != nil {
					t.Errorf("%s: %v", what[i], err)
				}
				if !refused {
					accepted++
				}
			}
			t.Logf("%d of %d accepted", accepted, len(files))
		})
	}
}

// Models that others wrote and that contradict themselves.
func TestOpenRefusesCases(t *testing.T) {
	for name, want := range map[string]string{"learn_sigma": "makes 2 channels of 1", "two_channels": "images of 2 channels; pictures have 1 (grey) or 3"} {
		_, err := OpenFile("recipe/testdata/" + name + ".safetensors")
		require.ErrorContains(t, err, want)
		require.False(t, errors.Is(err, os.ErrNotExist))
	}
}
