package torchfile

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"

	"heavytail/tensor"
)

// Write writes a checkpoint that torch.load, with weights_only or not, reads.
// root is made of nil, bool, int64, float64, string, Tuple, *List, *Dict and
// tensor.Item (F32, F16 or BF16). The same root gives the same bytes.
func Write(w io.Writer, root any) error {
	p := &pickler{out: []byte{0x80, 2}}
	if err := p.value(root, 0); err != nil {
		return fmt.Errorf("torch checkpoint: %w", err)
	}
	p.out = append(p.out, '.')
	z := zip.NewWriter(w)
	members := []string{"data.pkl", "byteorder", "version"}
	contents := [][]byte{p.out, []byte("little"), []byte("3\n")}
	for i, name := range members {
		if err := store(z, name, contents[i]); err != nil {
			return err
		}
	}
	for i, it := range p.items {
		raw, err := tensor.Encode(it.DType, it.Data())
		if err != nil {
			return fmt.Errorf("torch checkpoint: %s: %w", it.Name, err)
		}
		if len(raw) != it.DType.Size()*numel(it.Shape) {
			return fmt.Errorf("torch checkpoint: %s: %d bytes for shape %v", it.Name, len(raw), it.Shape)
		}
		if err := store(z, "data/"+strconv.Itoa(i), raw); err != nil {
			return err
		}
	}
	return z.Close()
}

// store adds an uncompressed member whose sizes stand in front of it, as
// PyTorch's reader wants.
func store(z *zip.Writer, name string, data []byte) error {
	h := &zip.FileHeader{Name: "archive/" + name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data))}
	w, err := z.CreateRaw(h)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

func numel(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

type pickler struct {
	out   []byte
	items []tensor.Item
}

func (p *pickler) op(b ...byte) { p.out = append(p.out, b...) }

func (p *pickler) str(s string) {
	p.op('X')
	p.out = append(binary.LittleEndian.AppendUint32(p.out, uint32(len(s))), s...)
}

func (p *pickler) num(v int64) {
	p.op(0x8a, 8)
	p.out = binary.LittleEndian.AppendUint64(p.out, uint64(v))
}

func (p *pickler) value(v any, depth int) error {
	if depth > 32 {
		return fmt.Errorf("nested too deeply")
	}
	switch v := v.(type) {
	case nil:
		p.op('N')
	case bool:
		if v {
			p.op(0x88)
		} else {
			p.op(0x89)
		}
	case int64:
		p.num(v)
	case float64:
		p.op('G')
		p.out = binary.BigEndian.AppendUint64(p.out, math.Float64bits(v))
	case string:
		p.str(v)
	case Tuple:
		return p.group('(', 't', v, depth)
	case *List:
		p.op(']')
		return p.group('(', 'e', v.Items, depth)
	case *Dict:
		p.op('}')
		var flat []any
		for _, kv := range v.Pairs {
			flat = append(flat, kv.Key, kv.Value)
		}
		return p.group('(', 'u', flat, depth)
	case tensor.Item:
		return p.tensor(v)
	default:
		return fmt.Errorf("a value of type %T cannot be written", v)
	}
	return nil
}

func (p *pickler) group(open, end byte, items []any, depth int) error {
	p.op(open)
	for _, it := range items {
		if err := p.value(it, depth+1); err != nil {
			return err
		}
	}
	p.op(end)
	return nil
}

// tensor writes _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict()).
func (p *pickler) tensor(it tensor.Item) error {
	kind := map[tensor.DType]string{tensor.F32: "FloatStorage", tensor.F16: "HalfStorage", tensor.BF16: "BFloat16Storage"}[it.DType]
	if kind == "" {
		return fmt.Errorf("%s: type %q cannot be written; want F32, F16 or BF16", it.Name, it.DType)
	}
	p.out = append(p.out, "ctorch._utils\n_rebuild_tensor_v2\n(("...)
	p.str("storage")
	p.out = append(p.out, "ctorch\n"+kind+"\n"...)
	p.str(strconv.Itoa(len(p.items)))
	p.str("cpu")
	p.num(int64(numel(it.Shape)))
	p.op('t', 'Q')
	p.num(0)
	p.op('(')
	for _, d := range it.Shape {
		p.num(int64(d))
	}
	p.op('t', '(')
	for i := range it.Shape {
		p.num(int64(numel(it.Shape[i+1:])))
	}
	p.op('t', 0x89)
	p.out = append(p.out, "ccollections\nOrderedDict\n)RtR"...)
	p.items = append(p.items, it)
	return nil
}

// NewDict returns a dictionary of the pairs.
func NewDict(pairs ...Pair) *Dict {
	d := &Dict{}
	for _, p := range pairs {
		d.set(p.Key, p.Value)
	}
	return d
}
