// Package onnx writes models in the form of ONNX (https://onnx.ai): the messages
// of its onnx.proto that a network needs, encoded as Protocol Buffers. The weights
// are asked for while they are written, so a model takes the memory of one tensor.
package onnx

import (
	"errors"
	"fmt"
	"io"
)

// Opset is the version of the operators that the nodes are of: the first with
// LayerNormalization, of 2022, which what runs ONNX today knows.
const Opset = 17

// irVersion is the version of the form that came with Opset.
const irVersion = 8

// MaxSize is the most bytes that a Protocol Buffers message may have, 2 GiB less one.
const MaxSize = 1<<31 - 1

// ErrSize is what the error of a model beyond MaxSize wraps.
var ErrSize = errors.New("an ONNX file holds less than 2 GiB")

// A Type is that of a tensor's elements, by its number in onnx.proto.
type Type int

const (
	Float    Type = 1
	Int64    Type = 7
	Float16  Type = 10
	Double   Type = 11
	BFloat16 Type = 16
)

// Size returns the bytes of an element.
func (t Type) Size() int {
	switch t {
	case Float16, BFloat16:
		return 2
	case Float:
		return 4
	}
	return 8
}

// A Model is one graph with what is said about it.
type Model struct {
	Producer, Version string // the program that wrote it
	Doc               string
	Metadata          []Entry
	Name              string // of the graph
	Inputs, Outputs   []Value
	Nodes             []Node // each after those whose results it takes
	Tensors           []Tensor
}

// An Entry is one of a model's metadata_props.
type Entry struct{ Key, Value string }

// A Value is an input or output of the graph.
type Value struct {
	Name string
	Type Type
	Dims []Dim
	Doc  string
}

// A Dim is a size, or, by its name, one that is free.
type Dim struct {
	Size int
	Name string
}

// A Node is one operation.
type Node struct {
	Op, Name        string
	Inputs, Outputs []string
	Attrs           []Attr
}

// An Attr is an attribute of a node: Value is an int, a float32, a string or an []int.
type Attr struct {
	Name  string
	Value any
}

// A Tensor is a constant, an initializer of the graph. Data gives its elements,
// little-endian.
type Tensor struct {
	Name string
	Type Type
	Dims []int
	Data func() ([]byte, error)
}

// bytes returns the length of what Data must give.
func (t *Tensor) bytes() int64 {
	n := int64(t.Type.Size())
	for _, d := range t.Dims {
		n *= int64(d)
	}
	return n
}

// Write writes the model. The same model gives the same bytes. It returns an error
// that wraps ErrSize, and writes nothing, where there would be more than MaxSize of
// them, and one if a tensor's Data fails or has another length than its Dims.
func (m *Model) Write(w io.Writer) error {
	graph, tail := m.graph()
	size := int64(len(graph) + len(tail))
	heads := make([][]byte, len(m.Tensors))
	for i := range m.Tensors {
		heads[i] = m.Tensors[i].head()
		size += int64(len(heads[i])) + m.Tensors[i].bytes()
	}
	head, rest := m.around(size)
	if all := int64(len(head)+len(rest)) + size; all > MaxSize {
		return fmt.Errorf("a model of %d MiB: %w", all>>20, ErrSize)
	}
	if _, err := w.Write(append(head, graph...)); err != nil {
		return err
	}
	for i := range m.Tensors {
		if err := m.Tensors[i].write(w, heads[i]); err != nil {
			return err
		}
	}
	_, err := w.Write(append(tail, rest...))
	return err
}

// write writes head, which ends where the elements begin, and these.
func (t *Tensor) write(w io.Writer, head []byte) error {
	data, err := t.Data()
	if err == nil && int64(len(data)) != t.bytes() {
		err = fmt.Errorf("%d bytes for elements %v of %d bytes", len(data), t.Dims, t.Type.Size())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}
