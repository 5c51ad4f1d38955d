package onnx

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is the model that testdata/small.py makes too.
func small() *Model {
	data := func(b ...byte) func() ([]byte, error) { return func() ([]byte, error) { return b, nil } }
	return &Model{
		Producer: "heavytail", Version: "1", Doc: "a model", Name: "network",
		Metadata: []Entry{{"heavytail", "{}"}, {"long", strings.Repeat("x", 300)}},
		Inputs:   []Value{{"x", Float, []Dim{{Name: "batch"}, {Size: 3}}, "the samples"}, {"s", Float, []Dim{{Size: 2}}, ""}},
		Outputs:  []Value{{"y", Float, []Dim{{Name: "batch"}, {Size: 2}}, ""}},
		Nodes: []Node{
			{"Gemm", "product", []string{"x", "w"}, []string{"g"}, []Attr{{"alpha", float32(0.5)}, {"transB", 1}}},
			{"Transpose", "", []string{"g"}, []string{"t"}, []Attr{{"perm", []int{0, 1}}}},
			{"Resize", "", []string{"t", "", "s"}, []string{"r"}, []Attr{{"mode", "nearest"}}},
			{"Cast", "", []string{"half"}, []string{"h"}, []Attr{{"to", int(Float)}}},
			{"Softmax", "", []string{"t"}, []string{"y"}, []Attr{{"axis", -1}}},
		},
		Tensors: []Tensor{
			{"w", Float, []int{2, 3}, data(0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40, 0, 0, 0xa0, 0x40)},
			{"shape", Int64, []int{2}, data(0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)},
			{"half", Float16, []int{1}, data(0, 0x38)},
		},
	}
}

// TestGolden compares with the bytes that ONNX's own package writes.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/small.onnx")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, small().Write(&b))
	require.Equal(t, want, b.Bytes())
}

// TestWriteErrors: a tensor that fails or is of another length, a writer that fails at
// any byte, and a model that Protocol Buffers cannot hold.
func TestWriteErrors(t *testing.T) {
	m := small()
	m.Tensors[1].Dims = []int{3}
	require.EqualError(t, m.Write(&bytes.Buffer{}), "shape: 16 bytes for elements [3] of 8 bytes")
	broken := errors.New("broken")
	m.Tensors[1].Data = func() ([]byte, error) { return nil, broken }
	require.ErrorIs(t, m.Write(&bytes.Buffer{}), broken)

	var b bytes.Buffer
	require.NoError(t, small().Write(&b))
	for n := range b.Len() {
		require.ErrorIs(t, small().Write(&full{n}), errFull, "%d bytes", n)
	}
	require.NoError(t, small().Write(&full{b.Len()}))

	m = small()
	m.Tensors[0].Dims = []int{1 << 15, 1 << 14} // the weights alone are 2 GiB
	b.Reset()
	err := m.Write(&b)
	require.ErrorIs(t, err, ErrSize)
	require.EqualError(t, err, "a model of 2048 MiB: an ONNX file holds less than 2 GiB")
	require.Zero(t, b.Len())
	require.PanicsWithValue(t, "onnx: attribute a of type bool", func() { (&Attr{"a", true}).encode() })
}

var errFull = errors.New("full")

// full takes left bytes.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.left {
		return 0, errFull
	}
	f.left -= len(b)
	return len(b), nil
}
