package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A message is one of Protocol Buffers, of the fields appended so far.
type message []byte

// The forms of a field's value.
const (
	varint  = 0
	counted = 2 // a length, then so many bytes
	fixed32 = 5
)

func (m *message) key(field, form int) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(form))
}

func (m *message) int(field int, v int64) {
	m.key(field, varint)
	*m = binary.AppendUvarint(*m, uint64(v))
}

func (m *message) float(field int, v float32) {
	m.key(field, fixed32)
	*m = binary.LittleEndian.AppendUint32(*m, math.Float32bits(v))
}

// begin appends what stands before a value of n bytes.
func (m *message) begin(field int, n int64) {
	m.key(field, counted)
	*m = binary.AppendUvarint(*m, uint64(n))
}

func (m *message) bytes(field int, v []byte) {
	m.begin(field, int64(len(v)))
	*m = append(*m, v...)
}

// text appends a string; an empty one is what a reader takes for none.
func (m *message) text(field int, v string) {
	if v != "" {
		m.bytes(field, []byte(v))
	}
}

// The numbers of fields below are those of onnx.proto, in whose words they are
// named.

// around returns the fields of ModelProto before and after those of a graph of
// that size.
func (m *Model) around(size int64) (before, after message) {
	before.int(1, irVersion)
	before.text(2, m.Producer)
	before.text(3, m.Version)
	before.text(6, m.Doc)
	before.begin(7, size)
	var opset message   // OperatorSetIdProto
	opset.bytes(1, nil) // the domain of ONNX itself
	opset.int(2, Opset)
	after.bytes(8, opset)
	for _, e := range m.Metadata {
		var entry message // StringStringEntryProto
		entry.text(1, e.Key)
		entry.text(2, e.Value)
		after.bytes(14, entry)
	}
	return before, after
}

// graph returns the fields of GraphProto before and after the initializers.
func (m *Model) graph() (before, after message) {
	for i := range m.Nodes {
		before.bytes(1, m.Nodes[i].encode())
	}
	before.text(2, m.Name)
	for i := range m.Inputs {
		after.bytes(11, m.Inputs[i].encode())
	}
	for i := range m.Outputs {
		after.bytes(12, m.Outputs[i].encode())
	}
	return before, after
}

// encode returns a NodeProto.
func (n *Node) encode() (b message) {
	for _, name := range n.Inputs {
		b.bytes(1, []byte(name)) // an empty name is an input left out
	}
	for _, name := range n.Outputs {
		b.bytes(2, []byte(name))
	}
	b.text(3, n.Name)
	b.text(4, n.Op)
	for i := range n.Attrs {
		b.bytes(5, n.Attrs[i].encode())
	}
	return b
}

// encode returns an AttributeProto.
func (a *Attr) encode() (b message) {
	b.text(1, a.Name)
	switch v := a.Value.(type) {
	case float32:
		b.float(2, v)
		b.int(20, 1) // FLOAT
	case int:
		b.int(3, int64(v))
		b.int(20, 2) // INT
	case string:
		b.bytes(4, []byte(v))
		b.int(20, 3) // STRING
	case []int:
		for _, i := range v {
			b.int(8, int64(i))
		}
		b.int(20, 7) // INTS
	default:
		panic(fmt.Sprintf("onnx: attribute %s of type %T", a.Name, v))
	}
	return b
}

// encode returns a ValueInfoProto of a tensor.
func (v *Value) encode() (b message) {
	var shape message // TensorShapeProto
	for _, d := range v.Dims {
		var dim message
		if d.Name != "" {
			dim.text(2, d.Name)
		} else {
			dim.int(1, int64(d.Size))
		}
		shape.bytes(1, dim)
	}
	var tensor, kind message // TypeProto.Tensor, TypeProto
	tensor.int(1, int64(v.Type))
	tensor.bytes(2, shape)
	kind.bytes(1, tensor)
	b.text(1, v.Name)
	b.bytes(2, kind)
	b.text(3, v.Doc)
	return b
}

// head returns the graph's field of t, a TensorProto, up to its elements.
func (t *Tensor) head() (b message) {
	var inner message
	for _, d := range t.Dims {
		inner.int(1, int64(d))
	}
	inner.int(2, int64(t.Type))
	inner.text(8, t.Name)
	inner.begin(9, t.bytes())
	b.begin(5, int64(len(inner))+t.bytes())
	return append(b, inner...)
}
