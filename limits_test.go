package heavytail_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/diffusion"
	"heavytail/fashion"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// caught calls f and returns what it panicked with, nil if it did not. It fails if
// that is an error of the runtime, an index or a nil pointer, which tells whoever
// called nothing.
func caught(t *testing.T, what string, f func()) (p any) {
	t.Helper()
	defer func() {
		if p = recover(); p != nil {
			if e, raw := p.(runtime.Error); raw {
				t.Errorf("%s: a panic without words: %v", what, e)
			}
		}
	}()
	f()
	return nil
}

// modelOf returns a model of the process with random weights, of points, or of
// images with classes.
func modelOf(t *testing.T, kind, preset string) *heavytail.Model {
	t.Helper()
	return open(t, heavytail.Loader{}, fileOf(t, preset, func(r *recipe.Recipe) { require.NoError(t, r.Use(kind)) }))
}

// fileOf is the file of such a model, of a recipe that was changed.
func fileOf(t *testing.T, preset string, change func(r *recipe.Recipe)) []byte {
	t.Helper()
	r, err := recipe.Preset(preset)
	require.NoError(t, err)
	change(&r)
	r.Data = recipe.Data{Spec: "x", Samples: 9, Shape: []int{2}}
	if u := r.Network.UNet; u != nil {
		u.ModelChannels, u.ChannelMult, u.AttentionDS, u.NumHeads = 8, []int{1, 2}, nil, 2
		r.Data.Shape, r.Data.Classes = []int{8, 8, 1}, 3
	} else {
		r.Network.MLP.Units, r.Network.MLP.Blocks = 8, 1
	}
	r.Train.Rate.Total = r.Train.Steps
	require.NoError(t, r.Fit())
	net, err := nn.New(kernels.New(1), r.Network)
	require.NoError(t, err)
	numtest.NewRand(3).Fill(net.Params().Flat.Data(), 0.2)
	net.Params().Touch()
	var b bytes.Buffer
	require.NoError(t, (&nn.State{Net: net, Recipe: r.JSON()}).Write(&b, tensor.F32))
	return b.Bytes()
}

// extremes are values of a type at its limits.
func extremes(v reflect.Type) (out []any) {
	inf := math.Inf(1)
	switch v {
	case reflect.TypeFor[int]():
		return []any{-1, math.MinInt, math.MaxInt, math.MaxInt32, 1, 3, 1 << 20}
	case reflect.TypeFor[uint64]():
		return []any{uint64(1), uint64(math.MaxUint64), uint64(1) << 63}
	case reflect.TypeFor[float64]():
		return []any{-1.0, math.NaN(), inf, -inf, math.MaxFloat64, 5e-324, 1e300, 1e-300, 1.0, 1e6}
	case reflect.TypeFor[bool]():
		return []any{true}
	case reflect.TypeFor[heavytail.Switch]():
		return []any{heavytail.On, heavytail.Off, heavytail.Switch(-128), heavytail.Switch(3)}
	case reflect.TypeFor[string]():
		return []any{"x", "dlpm", "euler", "rk4", "flow", "tedm-sde", "tedm-ancestral", "dpm", "edm", "jump", "lim", strings.Repeat("x", 1<<20), "\x00\xff"}
	case reflect.TypeFor[diffusion.Grid]():
		return []any{diffusion.Linear, diffusion.Quadratic, diffusion.Grid("x"), diffusion.Grid(strings.Repeat("x", 1<<20)), diffusion.Grid("\x00\xff")}
	case reflect.TypeFor[[]uint64]():
		return []any{[]uint64{}, []uint64{math.MaxUint64}, []uint64{0, 0, 7}}
	case reflect.TypeFor[[]int]():
		return []any{[]int{}, []int{-1}, []int{-2}, []int{math.MaxInt}, []int{math.MinInt}, []int{0, -1, 1}}
	case reflect.TypeFor[[]float64]():
		return []any{[]float64{}, []float64{inf}, []float64{math.NaN()}, []float64{1, 2}, make([]float64, 64)}
	case reflect.TypeFor[diffusion.Nu]():
		return []any{diffusion.Nu{}, diffusion.Nu{inf}, diffusion.Nu{math.NaN()}, diffusion.Nu{-3}, diffusion.Nu{3, 3, 3}, diffusion.Nu{1e300}}
	case reflect.TypeFor[*heavytail.Edit]():
		for _, n := range []int{0, 1, 2, 64, 65} {
			for _, k := range []int{0, 2, 64, 3} {
				for _, s := range []float64{0, 0.5, 1, 1e-300, 2} {
					out = append(out, &heavytail.Edit{Image: make([]float32, n), Known: make([]bool, k), Strength: s})
				}
			}
			out = append(out, &heavytail.Edit{Image: make([]float32, n), Known: make([]bool, n), Resample: math.MaxInt}, &heavytail.Edit{Image: make([]float32, n), Resample: -1})
		}
		return append(out, &heavytail.Edit{Image: []float32{float32(inf), 1}}, &heavytail.Edit{Image: []float32{math.MaxFloat32, 1}, Strength: 0.5})
	case reflect.TypeFor[*diffusion.LIMClamps]():
		return []any{&diffusion.LIMClamps{}, &diffusion.LIMClamps{A: inf, Eps: inf, Norm: inf}, &diffusion.LIMClamps{A: math.NaN()}, &diffusion.LIMClamps{Norm: -1}, &diffusion.LIMClamps{Eps: 5e-324}}
	}
	return nil
}

// each calls f with o after every field of *v, and of the structs in it, has had
// each of its extreme values.
func each(t *testing.T, path string, v reflect.Value, f func(path string)) {
	for i := range v.NumField() {
		field, name := v.Field(i), path+v.Type().Field(i).Name
		if field.Kind() == reflect.Struct {
			each(t, name+".", field, f)
			continue
		}
		if field.Kind() == reflect.Func {
			continue
		}
		values := extremes(field.Type())
		require.NotEmpty(t, values, "no extremes for %s %s", name, field.Type())
		old := reflect.ValueOf(field.Interface())
		for _, x := range values {
			field.Set(reflect.ValueOf(x))
			f(name)
		}
		field.Set(old)
	}
}

// TestOptionsAtTheirLimits: whatever a request asks for, of every process and
// method, it gets samples, or an error that says what is wrong with it, at once; no
// panic, no memory, no numbers that are not finite.
func TestOptionsAtTheirLimits(t *testing.T) {
	enough := errors.New("enough")
	for _, kind := range recipe.Kinds() {
		for _, preset := range []string{"toy", "fashion"} {
			if preset == "fashion" && kind != recipe.DLPM && kind != recipe.TEDM {
				continue // images differ from points in the same way
			}
			m := modelOf(t, kind, preset)
			for _, method := range m.Methods() {
				o := heavytail.Options{Method: method, Steps: 3}
				each(t, "", reflect.ValueOf(&o).Elem(), func(path string) {
					o := o
					calls := 0
					o.Step = func(int, int, []float32) error {
						if calls++; calls > 5 {
							return enough
						}
						return nil
					}
					what := kind + " " + preset + " " + method + ": " + path
					check := func(call string, f func() error) {
						var err error
						if p := caught(t, what+": "+call, func() { err = f() }); p != nil {
							t.Errorf("%s: %s panics: %v", what, call, p)
						}
						if err != nil {
							require.Less(t, len(err.Error()), 1000, what)
						}
					}
					check("Resolve", func() error { _, err := m.Resolve(o); return err })
					if o.Steps == 1<<20 {
						return // seconds of drawing, which the context ends
					}
					check("Stream", func() error {
						return m.Stream(t.Context(), o, func(_ int, x []float32) error {
							for _, v := range x {
								require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0), "%s %+v", what, o)
							}
							return enough
						})
					})
					if o.N < 1000 {
						check("Sample", func() error { _, err := m.Sample(t.Context(), o); return err })
					}
					caught(t, what+": Moves", func() { m.Moves(o) })
					caught(t, what+": SampleShape", func() { m.SampleShape(o) })
				})
			}
		}
	}
}

// TestNoRawPanics: every exported function with arguments that cannot be meant
// answers with an error or a panic of its own words.
func TestNoRawPanics(t *testing.T) {
	images, points := modelOf(t, recipe.DLPM, "fashion"), modelOf(t, recipe.TEDM, "toy")
	var noModel *heavytail.Model
	var noImages *heavytail.Images
	pictures, err := images.Sample(t.Context(), heavytail.Options{N: 3, Steps: 3})
	require.NoError(t, err)
	none, err := images.Sample(t.Context(), heavytail.Options{Seeds: []uint64{}})
	require.NoError(t, err)
	drawn, err := points.Sample(t.Context(), heavytail.Options{N: 3, Steps: 3})
	require.NoError(t, err)
	numbers := map[string]any{"int": []int{0, -1, 1, 3, math.MinInt, math.MaxInt}, "int64": []int64{0, -1, math.MinInt64, math.MaxInt64}}
	for name, x := range map[string]any{"zero Model": &heavytail.Model{}, "nil Model": noModel, "images": images, "points": points,
		"zero Images": &heavytail.Images{}, "nil Images": noImages, "pictures": pictures, "no pictures": none, "drawn points": drawn,
		"zero Options": heavytail.Options{}, "seeds": heavytail.Options{Seeds: []uint64{7}}, "zero Loader": heavytail.Loader{},
		"odd Loader": heavytail.Loader{Threads: -1, Weights: "x", Alpha: math.NaN()}} {
		v := reflect.ValueOf(x)
		for i := range v.NumMethod() {
			method := v.Type().Method(i).Name
			f := v.Method(i)
			for _, args := range arguments(t, f.Type(), numbers) {
				caught(t, name+"."+method, func() {
					for _, out := range f.Call(args) { // what holds memory gives it back
						if way, ok := out.Interface().(*heavytail.Way); ok && way != nil {
							way.Close()
						}
					}
				})
			}
		}
	}
	functions := []any{heavytail.Open, heavytail.OpenFile, heavytail.OpenReader, heavytail.ImagesOf, fashion.File, fashion.Model}
	for _, f := range functions {
		for _, args := range arguments(t, reflect.TypeOf(f), numbers) {
			caught(t, runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name(), func() { reflect.ValueOf(f).Call(args) })
		}
	}
	for want, f := range map[string]func(){
		"Image(3) of 3 samples":        func() { pictures.Image(3) },
		"Image(-1) of 3 samples":       func() { pictures.Image(-1) },
		"Image(0) of 0 samples":        func() { none.Image(0) },
		"samples of shape [2]":         func() { drawn.Image(0) },
		"SeedOf(-1) of options":        func() { heavytail.Options{}.SeedOf(-1) },
		"SeedOf(1) of options":         func() { heavytail.Options{Seeds: []uint64{7}}.SeedOf(1) },
		"OpenReader of nil":            func() { _, _ = heavytail.OpenReader(nil, 9) },
		`Moves: method "x"; want dlpm`: func() { images.Moves(heavytail.Options{Method: "x"}) },
		"Moves: method edm with":       func() { images.Moves(heavytail.Options{Method: "edm"}) },
		"Moves: -4 sampling":           func() { images.Moves(heavytail.Options{Steps: -4}) },
		"Evaluations: -4 sampling":     func() { images.Evaluations(heavytail.Options{Steps: -4}) },
	} {
		require.Contains(t, panicText(f), want)
	}
	require.Equal(t, 24, images.Moves(heavytail.Options{}), "the steps that Sample makes by default")
	require.Equal(t, 48, images.Evaluations(heavytail.Options{Guidance: 2}), "with the class and without")
	for _, o := range []heavytail.Options{{N: -1}, {N: math.MinInt}} {
		_, err = images.Sample(t.Context(), o)
		require.ErrorContains(t, err, "heavytail: N is -")
		require.ErrorContains(t, err, "want the number of samples")
	}
}

// arguments returns lists of arguments that cannot be meant, for a function.
func arguments(t *testing.T, f reflect.Type, numbers map[string]any) [][]reflect.Value {
	lists := [][]reflect.Value{nil}
	for i := range f.NumIn() {
		var values []reflect.Value
		switch in := f.In(i); in {
		case reflect.TypeFor[context.Context]():
			values = []reflect.Value{reflect.ValueOf(t.Context()), reflect.Zero(in)}
		case reflect.TypeFor[io.ReaderAt]():
			values = []reflect.Value{reflect.Zero(in), reflect.ValueOf((*os.File)(nil)), reflect.ValueOf(bytes.NewReader(nil)), reflect.ValueOf(oddReader(-1)), reflect.ValueOf(oddReader(0)), reflect.ValueOf(oddReader(1 << 40))}
		case reflect.TypeFor[heavytail.Options]():
			values = []reflect.Value{reflect.Zero(in), reflect.ValueOf(heavytail.Options{N: -1, Batch: -1, Steps: -1, Height: -1, Width: math.MinInt, Method: "x"})}
		default:
			values = []reflect.Value{reflect.Zero(in)}
			if n := numbers[in.String()]; n != nil {
				for j := range reflect.ValueOf(n).Len() {
					values = append(values, reflect.ValueOf(n).Index(j))
				}
			}
		}
		var longer [][]reflect.Value
		for _, l := range lists {
			for _, v := range values {
				longer = append(longer, append(append([]reflect.Value(nil), l...), v))
			}
		}
		lists = longer
	}
	return lists
}

// An oddReader says that it read so many bytes more than it was asked for.
type oddReader int64

func (r oddReader) ReadAt(p []byte, _ int64) (int, error) {
	return len(p) + int(min(int64(r), math.MaxInt32)), nil
}

// TestEmbeddedModelsHaveChecksums: a changed byte of a model that the program
// carries is an error when it is opened, as of every file that it writes.
func TestEmbeddedModelsHaveChecksums(t *testing.T) {
	file := fashion.File()
	for _, at := range []int{100, len(file) / 3, len(file) / 2, len(file) - 1} {
		bad := bytes.Clone(file)
		bad[at] ^= 1
		_, err := heavytail.Open(bad)
		require.ErrorContains(t, err, "checksum", "byte %d", at)
	}
	found := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".safetensors" {
			return nil
		}
		found++
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		f, err := tensor.OpenSafetensors(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err, path)
		_, err = f.Float32s(&f.Entries[0])
		require.NoError(t, err, path)
		b[len(b)-1] ^= 1
		_, err = f.Float32s(&f.Entries[len(f.Entries)-1])
		require.ErrorContains(t, err, "checksum", path)
		return nil
	}))
	require.GreaterOrEqual(t, found, 2)
}

// TestAModelOutlivesItsCallers: many requests at once, of which some are cancelled,
// some fail and some panic in the functions that they were given, or sample again
// in them, change nothing for the others and leave no goroutine behind.
func TestAModelOutlivesItsCallers(t *testing.T) {
	for _, m := range []*heavytail.Model{modelOf(t, recipe.DLPM, "fashion"), modelOf(t, recipe.TEDM, "toy")} {
		o := heavytail.Options{N: 6, Steps: 4, Batch: 2, Seed: 7}
		want := values(t, m, o)
		boom := errors.New("boom")
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				o, calls := o, 0
				defer func() {
					if p := recover(); p != nil && p != any(boom) {
						t.Errorf("request %d: %v", i, p)
					}
				}()
				o.Step = func(_, left int, x []float32) error {
					calls++
					switch i % 6 {
					case 0: // as it is
					case 1:
						cancel()
					case 2:
						if calls == 7 {
							panic(boom)
						}
					case 3:
						return boom
					case 4:
						if calls == 3 {
							again, err := m.Sample(ctx, heavytail.Options{N: 6, Steps: 4, Batch: 5, Seed: 7})
							if err != nil || !bytes.Equal(raw(again.Float32()), raw(want)) {
								t.Errorf("request %d within another: other samples (%v)", i, err)
							}
						}
					}
					return nil
				}
				if i%6 == 5 {
					_ = m.Stream(ctx, heavytail.Options{N: 6, Steps: 4}, func(int, []float32) error { panic(boom) })
				}
				got, err := m.Sample(ctx, o)
				switch i % 6 {
				case 1:
					if !errors.Is(err, context.Canceled) {
						t.Errorf("request %d was cancelled: %v", i, err)
					}
				case 2:
					t.Errorf("request %d did not panic: %v", i, err)
				case 3:
					if !errors.Is(err, boom) {
						t.Errorf("request %d failed: %v", i, err)
					}
				default:
					if err != nil || !bytes.Equal(raw(got.Float32()), raw(want)) {
						t.Errorf("request %d: other samples (%v)", i, err)
					}
				}
			})
		}
		wg.Wait()
		require.Equal(t, want, values(t, m, o))
	}
}

// A panicking reader, or one that breaks off, fails the opening of its model alone.
func TestOddReaders(t *testing.T) {
	file := small(t, unet())
	for at := 0; at < len(file); at += 1 + len(file)/40 {
		_, err := heavytail.OpenReader(brokenReader{bytes.NewReader(file), int64(at)}, int64(len(file)))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "from byte %d on", at)
	}
	for _, size := range []int64{0, 1, 7, 8, 100, int64(len(file)) - 1, int64(len(file)) + 1, math.MaxInt64} {
		_, err := heavytail.OpenReader(bytes.NewReader(file), size)
		require.Error(t, err, "%d bytes", size)
	}
	for _, odd := range []int64{-1, 1, 1 << 40} {
		_, err := heavytail.OpenReader(oddReader(odd), 1000)
		require.ErrorContains(t, err, "io.ReaderAt", "%d", odd)
	}
}

// A brokenReader fails where it would read byte at or a later one.
type brokenReader struct {
	io.ReaderAt
	at int64
}

func (r brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > r.at {
		return 0, io.ErrUnexpectedEOF
	}
	return r.ReaderAt.ReadAt(p, off)
}
