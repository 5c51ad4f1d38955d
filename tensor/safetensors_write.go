package tensor

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
)

// An Item is a tensor to be written: Data is called when its turn comes, once for
// the checksum and once for the values, and returns them in row-major order.
type Item struct {
	Name  string // its key in the header
	DType DType  // F32, F16 or BF16
	Shape []int  // row-major
	Data  func() []float32
}

// WriteSafetensors writes a file with the items in the given order and their
// checksums (SumsKey). The same arguments give the same bytes. It returns an error
// for a type that cannot be written, a value that it cannot hold, a name that is
// empty or appears twice, or Data of another length than Shape.
func WriteSafetensors(w io.Writer, metadata map[string]string, items []Item) error {
	text, err := sums(metadata, items)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	all := maps.Clone(metadata)
	if all == nil {
		all = map[string]string{}
	}
	all[SumsKey] = text
	header, err := safetensorsHeader(all, items)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, it := range items {
		raw, err := it.encode()
		if err != nil {
			return fmt.Errorf("safetensors: %w", err)
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

// encode returns the bytes of an item.
func (it Item) encode() ([]byte, error) {
	data := it.Data()
	if n, ok := Elements(it.Shape...); !ok || n != len(data) {
		return nil, fmt.Errorf("%s: %d values for shape %v", it.Name, len(data), it.Shape)
	}
	raw, err := Encode(it.DType, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", it.Name, err)
	}
	return raw, nil
}

// safetensorsHeader returns the JSON, padded with spaces so that the data
// starts at a multiple of Align bytes.
func safetensorsHeader(metadata map[string]string, items []Item) ([]byte, error) {
	out := []byte{'{'}
	put := func(name string, v any) error {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		val, err := json.Marshal(v) // maps are sorted by key
		if err != nil {
			return err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, key...), ':'), val...)
		return nil
	}
	if len(metadata) > 0 {
		if err := put("__metadata__", metadata); err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{"__metadata__": true, "": true}
	at := 0
	for _, it := range items {
		if seen[it.Name] {
			return nil, fmt.Errorf("the name %q appears twice", it.Name)
		}
		seen[it.Name] = true
		e := Entry{Shape: it.Shape}
		end := at + e.Len()*it.DType.Size()
		shape := it.Shape
		if shape == nil {
			shape = []int{}
		}
		err := put(it.Name, struct {
			DType   DType  `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{it.DType, shape, [2]int{at, end}})
		if err != nil {
			return nil, err
		}
		at = end
	}
	out = append(out, '}')
	for (len(out)+8)%Align != 0 {
		out = append(out, ' ')
	}
	return out, nil
}

// ErrRange is found by errors.Is in the error for a finite number that a type of storage
// would make infinite.
var ErrRange = errors.New("beyond the range of")

// Encode returns x as little-endian numbers of type F32, F16 or BF16. It returns
// an error that wraps ErrRange for a finite value that the type would make infinite.
func Encode(d DType, x []float32) ([]byte, error) {
	le := binary.LittleEndian
	out := make([]byte, 0, len(x)*d.Size())
	switch d {
	case F32:
		for _, v := range x {
			out = le.AppendUint32(out, math.Float32bits(v))
		}
	case F16:
		for i, v := range x {
			h := ToF16(v)
			if h&0x7fff == 0x7c00 && !math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("value %d is %v, %w F16 (65504); store it as BF16", i, v, ErrRange)
			}
			out = le.AppendUint16(out, h)
		}
	case BF16:
		for i, v := range x {
			h := ToBF16(v)
			if h&0x7fff == 0x7f80 && !math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("value %d is %v, %w BF16 (3.39e38); store it as F32", i, v, ErrRange)
			}
			out = le.AppendUint16(out, h)
		}
	default:
		return nil, fmt.Errorf("type %q cannot be written; want F32, F16 or BF16", d)
	}
	return out, nil
}
