package nn

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"heavytail/internal/onnx"
	"heavytail/tensor"
)

// ONNX says what WriteONNX cannot know from the state.
type ONNX struct {
	Height, Width int    // of the images; 0, 0: the configured size
	Version       string // of the program
	Doc           string // what the file says about itself, such as what the process makes of the output
}

// WriteONNX writes the network of s, with its weights as they are in s.Net, as an
// ONNX model of opset 17 that any runtime computes. Weights are stored as d (F32, F16
// or BF16), from which the model makes float32, in which it computes; the angles of
// embeddings and the magnitude of the input are float64. The inputs, the batch of
// any size:
//
//	x      float32 [batch, C, H, W], points [batch, Dim]
//	t      float32 [batch], the time that the process tells the network
//	class  int64 [batch], below 0 for none; where the network knows classes
//	cond   float32 [batch, CondChannels, H, W]; where it has conditioning images.
//	       [batch, Conditions] of points, where these have conditions
//
// and the output is y, of x's shape but for the number of channels; of points [batch,
// 2·Dim] where the network has a second output (MLPConfig.Spread), which follows the
// first in every row. It is Forward's but for rounding, and that images are channels
// first, as other programs have them: the process is around it, as for Forward.
// Extra.Augment is zero. The file's metadata_props hold the recipe under the key that
// safetensors files have it under. The same state gives the same bytes. It returns an
// error if the network takes no images of that size, and one that wraps tensor.ErrRange
// where d cannot hold a weight.
func (s *State) WriteONNX(w io.Writer, d tensor.DType, o ONNX) (err error) {
	defer tensor.Catch(&err)
	m, err := s.onnx(d, o)
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	if err := m.Write(w); err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	return nil
}

// onnxTypes are the types that weights may be stored as.
var onnxTypes = map[tensor.DType]onnx.Type{tensor.F32: onnx.Float, tensor.F16: onnx.Float16, tensor.BF16: onnx.BFloat16}

func (s *State) onnx(d tensor.DType, o ONNX) (*onnx.Model, error) {
	if onnxTypes[d] == 0 {
		return nil, fmt.Errorf("weights as %s: want F32, F16 or BF16", d)
	}
	meta, err := s.metadata()
	if err != nil {
		return nil, err
	}
	g := &graph{}
	h, wd := s.Net.size(o.Height, o.Width)
	if err := s.Net.model.record(g, h, wd); err != nil {
		return nil, err
	}
	e := &exporter{net: s.Net, dtype: d, names: map[*value]string{g.in: "x"}, known: map[string]string{}}
	e.m = onnx.Model{Producer: "heavytail", Version: o.Version, Doc: o.Doc, Name: "network",
		Metadata: []onnx.Entry{{Key: recipeKey, Value: meta[recipeKey]}}}
	e.inputs(g)
	for _, st := range g.steps {
		if st.onnx == nil {
			return nil, fmt.Errorf("%s: has no form in ONNX here", st.name)
		}
		st.onnx(e)
	}
	e.add("Identity", []string{"y"}, nil, e.at(g.out))
	e.m.Outputs = []onnx.Value{{Name: "y", Type: onnx.Float, Dims: batched(channelsFirst(g.out.shape)), Doc: "the network's output"}}
	return &e.m, nil
}

// An exporter writes the steps of a graph as nodes.
type exporter struct {
	net   *Net
	m     onnx.Model
	dtype tensor.DType
	names map[*value]string // of the results so far
	known map[string]string // names of constants and shared results, by what they are
	count int               // of the names made up so far
}

// inputs declares what the network is given.
func (e *exporter) inputs(g *graph) {
	add := func(name string, t onnx.Type, doc string, shape ...int) {
		e.m.Inputs = append(e.m.Inputs, onnx.Value{Name: name, Type: t, Dims: batched(shape), Doc: doc})
	}
	add("x", onnx.Float, "the samples; images channels first", channelsFirst(g.in.shape)...)
	add("t", onnx.Float, "the time that the process tells the network")
	if e.net.Classes() > 0 {
		add("class", onnx.Int64, fmt.Sprintf("0 to %d, or below 0 for none", e.net.Classes()-1))
	}
	if c := e.net.Conditions(); c > 0 {
		add("cond", onnx.Float, "the conditions; zeros are none of them but their middles", c)
	}
	if c := e.net.CondChannels(); c > 0 {
		add("cond", onnx.Float, "the conditioning images; zeros for none", c, g.in.shape[0], g.in.shape[1])
	}
}

// channelsFirst returns the shape [C,H,W] of [H,W,C]; others as they are.
func channelsFirst(s []int) []int {
	if len(s) != 3 {
		return s
	}
	return []int{s[2], s[0], s[1]}
}

// batched returns the shape with a free number of samples before it.
func batched(shape []int) []onnx.Dim {
	out := []onnx.Dim{{Name: "batch"}}
	for _, n := range shape {
		out = append(out, onnx.Dim{Size: n})
	}
	return out
}

// at returns the name of v.
func (e *exporter) at(v *value) string {
	name, ok := e.names[v]
	if !ok {
		panic(fmt.Sprintf("nn: WriteONNX: a value of shape %v is used before it is made", v.shape))
	}
	return name
}

// set notes that v is the result name.
func (e *exporter) set(v *value, name string) { e.names[v] = name }

// fresh returns a new name.
func (e *exporter) fresh(kind string) string {
	e.count++
	return fmt.Sprintf("%s_%d", strings.ToLower(kind), e.count)
}

// add appends a node with the results out.
func (e *exporter) add(op string, out []string, attrs []onnx.Attr, in ...string) {
	e.m.Nodes = append(e.m.Nodes, onnx.Node{Op: op, Name: "node_" + out[0], Inputs: in, Outputs: out, Attrs: attrs})
}

// op appends a node without attributes and returns the name of its result.
func (e *exporter) op(op string, in ...string) string { return e.with(op, nil, in...) }

// with appends a node and returns the name of its result.
func (e *exporter) with(op string, attrs []onnx.Attr, in ...string) string {
	out := e.fresh(op)
	e.add(op, []string{out}, attrs, in...)
	return out
}

// attr returns a list of one attribute.
func attr(name string, v any) []onnx.Attr { return []onnx.Attr{{Name: name, Value: v}} }

// cast converts x to type t.
func (e *exporter) cast(x string, t onnx.Type) string { return e.with("Cast", attr("to", int(t)), x) }

// once returns what make does the first time, under the key.
func (e *exporter) once(key string, make func() string) string {
	name, ok := e.known[key]
	if !ok {
		name = make()
		e.known[key] = name
	}
	return name
}

// constant returns the name of a constant tensor, equal ones being one.
func (e *exporter) constant(t onnx.Type, data []byte, dims ...int) string {
	return e.once(fmt.Sprint(t, dims, string(data)), func() string {
		name := e.fresh("constant")
		e.m.Tensors = append(e.m.Tensors, onnx.Tensor{Name: name, Type: t, Dims: dims, Data: func() ([]byte, error) { return data, nil }})
		return name
	})
}

// ints returns a constant row of integers.
func (e *exporter) ints(v ...int) string {
	var b []byte
	for _, i := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(int64(i)))
	}
	return e.constant(onnx.Int64, b, len(v))
}

// floats returns a constant of the shape dims, one number where there are none.
func (e *exporter) floats(v []float32, dims ...int) string {
	var b []byte
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return e.constant(onnx.Float, b, dims...)
}

// doubles is floats in float64.
func (e *exporter) doubles(v []float64, dims ...int) string {
	var b []byte
	for _, f := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return e.constant(onnx.Double, b, dims...)
}

// param returns the name of q, in PyTorch's order and of the shape dims, as float32.
// The outputs that are q, k and v of attention are in our order.
func (e *exporter) param(q *Param, dims ...int) string {
	return e.stored(q.Name, dims, func() []float32 {
		ours := *q
		ours.heads = 0
		return e.net.params.Get(e.net.params.Flat, &ours)
	})
}

// stored returns the name of the weights v as float32.
func (e *exporter) stored(name string, dims []int, v func() []float32) string {
	return e.once(name, func() string {
		e.m.Tensors = append(e.m.Tensors, onnx.Tensor{Name: name, Type: onnxTypes[e.dtype], Dims: dims,
			Data: func() ([]byte, error) { return tensor.Encode(e.dtype, v()) }})
		if e.dtype == tensor.F32 {
			return name
		}
		return e.cast(name, onnx.Float)
	})
}
