package nn

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"heavytail/internal/onnx"
	"heavytail/tensor"
)

// A second reading of ONNX, by its specification and not by our encoder: a decoder of
// the messages, and an evaluator in float64 of the operators. Mistakes panic.

// fields calls f with every field of a message of Protocol Buffers.
func fields(b []byte, f func(field int, n uint64, v []byte)) {
	uvarint := func() uint64 {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			panic("no varint")
		}
		b = b[k:]
		return v
	}
	for len(b) > 0 {
		key := uvarint()
		switch key & 7 {
		case 0:
			f(int(key>>3), uvarint(), nil)
		case 1:
			f(int(key>>3), binary.LittleEndian.Uint64(b), nil)
			b = b[8:]
		case 2:
			n := uvarint()
			if n > uint64(len(b)) {
				panic("a field ends beyond its message")
			}
			f(int(key>>3), 0, b[:n])
			b = b[n:]
		case 5:
			f(int(key>>3), uint64(binary.LittleEndian.Uint32(b)), nil)
			b = b[4:]
		default:
			panic(fmt.Sprint("a field of form ", key&7))
		}
	}
}

type onnxNode struct {
	op, name string
	in, out  []string
	ints     map[string][]int
	float    map[string]float32
	text     map[string]string
}

type onnxValue struct {
	name  string
	kind  onnx.Type
	shape []int // −1: free
	free  []string
}

type onnxModel struct {
	ir, opset       int
	meta            map[string]string
	producer        string
	doc             string
	nodes           []onnxNode
	tensors         map[string]*array
	sizes           map[string]int // bytes of an element in the file
	inputs, outputs []onnxValue
}

// An array is a tensor of any type; floats and integers are exact in float64.
type array struct {
	kind  onnx.Type
	shape []int
	v     []float64
}

func decodeONNX(b []byte) (m onnxModel) {
	m.meta, m.tensors, m.sizes = map[string]string{}, map[string]*array{}, map[string]int{}
	fields(b, func(field int, n uint64, v []byte) {
		switch field {
		case 1:
			m.ir = int(n)
		case 2:
			m.producer = string(v)
		case 3, 5:
		case 6:
			m.doc = string(v)
		case 7:
			m.graph(v)
		case 8:
			fields(v, func(field int, n uint64, v []byte) {
				if field == 1 && len(v) > 0 {
					panic("an opset of another domain")
				}
				m.opset = int(n)
			})
		case 14:
			var kv [3]string
			fields(v, func(field int, _ uint64, v []byte) { kv[field] = string(v) })
			m.meta[kv[1]] = kv[2]
		default:
			panic(fmt.Sprint("ModelProto has no field ", field))
		}
	})
	return m
}

func (m *onnxModel) graph(b []byte) {
	fields(b, func(field int, _ uint64, v []byte) {
		switch field {
		case 1:
			m.nodes = append(m.nodes, decodeNode(v))
		case 2:
		case 5:
			name, t, size := decodeTensor(v)
			if m.tensors[name] != nil {
				panic(name + " is there twice")
			}
			m.tensors[name], m.sizes[name] = t, size
		case 11:
			m.inputs = append(m.inputs, decodeValue(v))
		case 12:
			m.outputs = append(m.outputs, decodeValue(v))
		default:
			panic(fmt.Sprint("GraphProto has no field ", field))
		}
	})
}

func decodeNode(b []byte) (n onnxNode) {
	n.ints, n.float, n.text = map[string][]int{}, map[string]float32{}, map[string]string{}
	fields(b, func(field int, _ uint64, v []byte) {
		switch field {
		case 1:
			n.in = append(n.in, string(v))
		case 2:
			n.out = append(n.out, string(v))
		case 3:
			n.name = string(v)
		case 4:
			n.op = string(v)
		case 5:
			var name string
			var kind uint64
			given := map[int]bool{}
			fields(v, func(field int, i uint64, v []byte) {
				given[field] = true
				switch field {
				case 1:
					name = string(v)
				case 2:
					n.float[name] = math.Float32frombits(uint32(i))
				case 3, 8:
					n.ints[name] = append(n.ints[name], int(int64(i)))
				case 4:
					n.text[name] = string(v)
				case 20:
					kind = i
				default:
					panic(fmt.Sprint("an attribute has field ", field))
				}
			})
			if value := map[uint64]int{1: 2, 2: 3, 3: 4, 7: 8}[kind]; !given[value] || len(given) != 3 {
				panic(fmt.Sprint(n.op, " ", name, ": fields ", given, " of an attribute of type ", kind))
			}
		default:
			panic(fmt.Sprint("NodeProto has no field ", field))
		}
	})
	return n
}

func decodeTensor(b []byte) (name string, t *array, size int) {
	t = &array{}
	var raw []byte
	fields(b, func(field int, n uint64, v []byte) {
		switch field {
		case 1:
			t.shape = append(t.shape, int(n))
		case 2:
			t.kind = onnx.Type(n)
		case 8:
			name = string(v)
		case 9:
			raw = v
		default:
			panic(fmt.Sprint("TensorProto has field ", field))
		}
	})
	le := binary.LittleEndian
	size = map[onnx.Type]int{onnx.Float: 4, onnx.Int64: 8, onnx.Float16: 2, onnx.Double: 8, onnx.BFloat16: 2}[t.kind]
	if len(raw) != size*count(t.shape) {
		panic(fmt.Sprintf("%s: %d bytes for %v", name, len(raw), t.shape))
	}
	for ; len(raw) > 0; raw = raw[size:] {
		switch t.kind {
		case onnx.Float:
			t.v = append(t.v, float64(math.Float32frombits(le.Uint32(raw))))
		case onnx.Int64:
			t.v = append(t.v, float64(int64(le.Uint64(raw))))
		case onnx.Float16:
			t.v = append(t.v, float64(tensor.FromF16(le.Uint16(raw))))
		case onnx.Double:
			t.v = append(t.v, math.Float64frombits(le.Uint64(raw)))
		case onnx.BFloat16:
			t.v = append(t.v, float64(tensor.FromBF16(le.Uint16(raw))))
		}
	}
	return name, t, size
}

func decodeValue(b []byte) (x onnxValue) {
	fields(b, func(field int, _ uint64, v []byte) {
		switch field {
		case 1:
			x.name = string(v)
		case 2:
			fields(v, func(field int, _ uint64, v []byte) {
				fields(v, func(field int, n uint64, v []byte) {
					if field == 1 {
						x.kind = onnx.Type(n)
						return
					}
					fields(v, func(_ int, _ uint64, v []byte) {
						fields(v, func(field int, n uint64, v []byte) {
							if field == 2 {
								x.free, n = append(x.free, string(v)), math.MaxUint64
							}
							x.shape = append(x.shape, int(int64(n)))
						})
					})
				})
			})
		}
	})
	return x
}

// run evaluates the model: every name is defined before it is used, and once.
func (m *onnxModel) run(inputs map[string]*array) *array {
	at := map[string]*array{}
	for _, in := range m.inputs {
		x := inputs[in.name]
		if x == nil || x.kind != in.kind || len(x.shape) != len(in.shape) {
			panic(fmt.Sprintf("input %s %v %v", in.name, in.kind, in.shape))
		}
		for i, n := range in.shape {
			if n >= 0 && n != x.shape[i] {
				panic(fmt.Sprintf("input %s %v given %v", in.name, in.shape, x.shape))
			}
		}
		at[in.name] = x
	}
	for name, t := range m.tensors {
		if at[name] != nil {
			panic(name + " is an input and a constant")
		}
		at[name] = t
	}
	used, names := map[string]bool{}, map[string]bool{}
	for i := range m.nodes {
		n := &m.nodes[i]
		var in []*array
		for _, name := range n.in {
			if name != "" && at[name] == nil {
				panic(fmt.Sprintf("%s uses %s before it is defined", n.op, name))
			}
			used[name] = true
			in = append(in, at[name])
		}
		if names[n.name] {
			panic("two nodes are " + n.name)
		}
		names[n.name] = true
		for k, y := range n.eval(in) {
			if at[n.out[k]] != nil {
				panic(n.out[k] + " is defined twice")
			}
			at[n.out[k]] = y
		}
	}
	for name := range at {
		if !used[name] && name != m.outputs[0].name {
			panic(name + " is not used")
		}
	}
	return at[m.outputs[0].name]
}

// one returns the integer attribute name.
func (n *onnxNode) one(name string, or int) int {
	if v := n.ints[name]; len(v) == 1 {
		return v[0]
	}
	return or
}

func (n *onnxNode) eval(in []*array) []*array {
	unary := func(f func(x float64) float64) []*array {
		y := &array{in[0].kind, in[0].shape, make([]float64, len(in[0].v))}
		for i, x := range in[0].v {
			y.v[i] = f(x)
		}
		return []*array{y}
	}
	binary := func(f func(a, b float64) float64) []*array { return []*array{broadcast(in[0], in[1], f)} }
	switch n.op {
	case "Identity":
		return in
	case "Sigmoid":
		return unary(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
	case "Sqrt":
		return unary(math.Sqrt)
	case "Log":
		return unary(math.Log)
	case "Sin":
		return unary(math.Sin)
	case "Cos":
		return unary(math.Cos)
	case "Round":
		return unary(math.RoundToEven)
	case "Add":
		return binary(func(a, b float64) float64 { return a + b })
	case "Sub":
		return binary(func(a, b float64) float64 { return a - b })
	case "Mul":
		return binary(func(a, b float64) float64 { return a * b })
	case "Div":
		return binary(func(a, b float64) float64 { return a / b })
	case "Max":
		return binary(func(a, b float64) float64 { return max(a, b) })
	case "Min":
		return binary(func(a, b float64) float64 { return min(a, b) })
	case "Equal":
		y := broadcast(in[0], in[1], func(a, b float64) float64 {
			if a == b {
				return 1
			}
			return 0
		})
		y.kind = 9 // BOOL
		return []*array{y}
	case "Cast": // without the rounding, to compare with float64
		return []*array{{onnx.Type(n.ints["to"][0]), in[0].shape, in[0].v}}
	case "Gemm":
		return []*array{n.gemm(in)}
	case "MatMul":
		return []*array{matMul(in[0], in[1])}
	case "Conv", "ConvTranspose":
		return []*array{n.conv(in)}
	case "Resize":
		return []*array{n.resize(in)}
	case "InstanceNormalization":
		return []*array{n.instanceNorm(in)}
	case "LayerNormalization":
		return []*array{n.layerNorm(in)}
	case "Softmax":
		return []*array{n.softmax(in[0])}
	case "ReduceSumSquare":
		return []*array{n.sumSquare(in[0])}
	case "Gather":
		return []*array{gather(in[0], in[1])}
	case "Transpose":
		return []*array{n.transpose(in[0])}
	case "Concat":
		return []*array{n.concat(in)}
	case "Split":
		return n.split(in[0])
	case "Reshape":
		return []*array{{in[0].kind, reshaped(in[0].shape, in[1]), in[0].v}}
	case "Unsqueeze":
		s := slices.Clone(in[0].shape)
		for _, a := range in[1].v {
			s = slices.Insert(s, int(a), 1)
		}
		return []*array{{in[0].kind, s, in[0].v}}
	}
	panic("no operator " + n.op)
}

func reshaped(was []int, to *array) (s []int) {
	rest := -1
	for i, v := range to.v {
		switch {
		case v == 0:
			v = float64(was[i])
		case v < 0:
			rest, v = i, 1
		}
		s = append(s, int(v))
	}
	if rest >= 0 {
		s[rest] = count(was) / count(s)
	}
	if count(s) != count(was) {
		panic(fmt.Sprintf("Reshape of %v to %v", was, to.v))
	}
	return s
}

// places calls f with the offset in each array of every element of shape.
func places(shape []int, f func(i int, at []int)) {
	at := make([]int, len(shape))
	for i := range count(shape) {
		f(i, at)
		for d := len(shape) - 1; d >= 0; d-- {
			if at[d]++; at[d] < shape[d] {
				break
			}
			at[d] = 0
		}
	}
}

func broadcast(a, b *array, f func(a, b float64) float64) *array {
	if a.kind != b.kind {
		panic(fmt.Sprintf("operands of types %v and %v", a.kind, b.kind))
	}
	n := max(len(a.shape), len(b.shape))
	padded := func(s []int) []int {
		out := slices.Repeat([]int{1}, n-len(s))
		return append(out, s...)
	}
	sa, sb := padded(a.shape), padded(b.shape)
	y := &array{kind: a.kind}
	for i := range n {
		if sa[i] != sb[i] && sa[i] != 1 && sb[i] != 1 {
			panic(fmt.Sprintf("operands of shapes %v and %v", a.shape, b.shape))
		}
		y.shape = append(y.shape, max(sa[i], sb[i]))
	}
	y.v = make([]float64, count(y.shape))
	places(y.shape, func(i int, at []int) {
		ia, ib := 0, 0
		for d, k := range at {
			ia, ib = ia*sa[d]+min(k, sa[d]-1), ib*sb[d]+min(k, sb[d]-1)
		}
		y.v[i] = f(a.v[ia], b.v[ib])
	})
	return y
}

func (n *onnxNode) gemm(in []*array) *array {
	x, w := in[0], in[1]
	if n.one("transB", 0) != 1 || x.shape[1] != w.shape[1] {
		panic(fmt.Sprintf("Gemm of %v and %v", x.shape, w.shape))
	}
	y := &array{onnx.Float, []int{x.shape[0], w.shape[0]}, nil}
	for i := range y.shape[0] {
		for o := range y.shape[1] {
			s := 0.0
			if len(in) > 2 {
				s = in[2].v[o]
			}
			for k := range x.shape[1] {
				s += x.v[i*x.shape[1]+k] * w.v[o*x.shape[1]+k]
			}
			y.v = append(y.v, s)
		}
	}
	return y
}

func matMul(a, b *array) *array {
	d := len(a.shape)
	m, k, n := a.shape[d-2], a.shape[d-1], b.shape[d-1]
	if !slices.Equal(a.shape[:d-2], b.shape[:d-2]) || b.shape[d-2] != k {
		panic(fmt.Sprintf("MatMul of %v and %v", a.shape, b.shape))
	}
	y := &array{a.kind, append(slices.Clone(a.shape[:d-1]), n), nil}
	for l := range count(a.shape[:d-2]) {
		for i := range m {
			for j := range n {
				s := 0.0
				for q := range k {
					s += a.v[(l*m+i)*k+q] * b.v[(l*k+q)*n+j]
				}
				y.v = append(y.v, s)
			}
		}
	}
	return y
}

// conv is a convolution, or the transpose of one of a channel a group.
func (n *onnxNode) conv(in []*array) *array {
	x, w, group := in[0], in[1], n.one("group", 1)
	p, st, k := n.ints["pads"], n.ints["strides"], n.ints["kernel_shape"]
	c, h, wd, o := x.shape[1], x.shape[2], x.shape[3], w.shape[0]
	up := n.op == "ConvTranspose"
	if c/group != w.shape[1] || !slices.Equal(k, w.shape[2:]) || up && (group != c || o != c) {
		panic(fmt.Sprintf("%s of %v by %v, groups %d", n.op, x.shape, w.shape, group))
	}
	y := &array{x.kind, []int{x.shape[0], o, (h+p[0]+p[2]-k[0])/st[0] + 1, (wd+p[1]+p[3]-k[1])/st[1] + 1}, nil}
	if up {
		y.shape[2], y.shape[3] = st[0]*(h-1)+k[0]-p[0]-p[2], st[1]*(wd-1)+k[1]-p[1]-p[3]
	}
	y.v = make([]float64, count(y.shape))
	places(y.shape, func(i int, at []int) {
		s := 0.0
		if len(in) > 2 {
			s = in[2].v[at[1]]
		}
		for ci := range c / group {
			ch := at[1]/(o/group)*(c/group) + ci
			for a := range k[0] {
				for b := range k[1] {
					r, q := at[2]*st[0]+a-p[0], at[3]*st[1]+b-p[1]
					if up { // at = st·i + a − p
						r, q = at[2]+p[0]-a, at[3]+p[1]-b
						if r%st[0] != 0 || q%st[1] != 0 {
							continue
						}
						r, q = r/st[0], q/st[1]
					}
					if r >= 0 && r < h && q >= 0 && q < wd {
						s += x.v[((at[0]*c+ch)*h+r)*wd+q] * w.v[((at[1]*(c/group)+ci)*k[0]+a)*k[1]+b]
					}
				}
			}
		}
		y.v[i] = s
	})
	return y
}

func (n *onnxNode) resize(in []*array) *array {
	if !slices.Equal(in[2].v, []float64{1, 1, 2, 2}) || n.text["mode"] != "nearest" || n.text["nearest_mode"] != "floor" || n.text["coordinate_transformation_mode"] != "asymmetric" {
		panic(fmt.Sprint("Resize ", n.text))
	}
	s := in[0].shape
	y := &array{in[0].kind, []int{s[0], s[1], 2 * s[2], 2 * s[3]}, nil}
	places(y.shape, func(i int, at []int) {
		y.v = append(y.v, in[0].v[((at[0]*s[1]+at[1])*s[2]+at[2]/2)*s[3]+at[3]/2])
	})
	return y
}

// normalRows is the normalisation of rows of n values.
func normalRows(x *array, n int, eps float64) *array {
	y := &array{x.kind, x.shape, slices.Clone(x.v)}
	for row := range slices.Chunk(y.v, n) {
		mean, sq := 0.0, 0.0
		for _, v := range row {
			mean += v / float64(n)
		}
		for _, v := range row {
			sq += (v - mean) * (v - mean) / float64(n)
		}
		for i := range row {
			row[i] = (row[i] - mean) / math.Sqrt(sq+eps)
		}
	}
	return y
}

func (n *onnxNode) instanceNorm(in []*array) *array {
	c := in[0].shape[1]
	y := normalRows(in[0], count(in[0].shape[2:]), float64(n.float["epsilon"]))
	channel := func(a *array) *array {
		return &array{a.kind, append([]int{c}, slices.Repeat([]int{1}, len(y.shape)-2)...), a.v}
	}
	y = broadcast(y, channel(in[1]), func(a, b float64) float64 { return a * b })
	return broadcast(y, channel(in[2]), func(a, b float64) float64 { return a + b })
}

func (n *onnxNode) layerNorm(in []*array) *array {
	y := normalRows(in[0], in[0].shape[len(in[0].shape)-1], float64(n.float["epsilon"]))
	y = broadcast(y, in[1], func(a, b float64) float64 { return a * b })
	return broadcast(y, in[2], func(a, b float64) float64 { return a + b })
}

func (n *onnxNode) softmax(x *array) *array {
	y := &array{x.kind, x.shape, slices.Clone(x.v)}
	for row := range slices.Chunk(y.v, x.shape[len(x.shape)-1]) {
		most, sum := slices.Max(row), 0.0
		for i := range row {
			row[i] = math.Exp(row[i] - most)
			sum += row[i]
		}
		for i := range row {
			row[i] /= sum
		}
	}
	return y
}

// sumSquare sums over all axes but the first.
func (n *onnxNode) sumSquare(x *array) *array {
	if len(n.ints["axes"]) != len(x.shape)-1 || slices.Contains(n.ints["axes"], 0) {
		panic(fmt.Sprint("ReduceSumSquare over ", n.ints["axes"]))
	}
	y := &array{x.kind, append([]int{x.shape[0]}, slices.Repeat([]int{1}, len(x.shape)-1)...), nil}
	for row := range slices.Chunk(x.v, count(x.shape[1:])) {
		s := 0.0
		for _, v := range row {
			s += v * v
		}
		y.v = append(y.v, s)
	}
	return y
}

func gather(x, i *array) *array {
	y := &array{x.kind, append(slices.Clone(i.shape), x.shape[1:]...), nil}
	n := count(x.shape[1:])
	for _, k := range i.v {
		y.v = append(y.v, x.v[int(k)*n:][:n]...)
	}
	return y
}

func (n *onnxNode) transpose(x *array) *array {
	perm := n.ints["perm"]
	y := &array{kind: x.kind}
	for _, p := range perm {
		y.shape = append(y.shape, x.shape[p])
	}
	places(y.shape, func(_ int, at []int) {
		was := make([]int, len(at))
		for d, p := range perm {
			was[p] = at[d]
		}
		k := 0
		for d, v := range was {
			k = k*x.shape[d] + v
		}
		y.v = append(y.v, x.v[k])
	})
	return y
}

func (n *onnxNode) concat(in []*array) *array {
	axis := n.one("axis", -1)
	y := &array{kind: in[0].kind, shape: slices.Clone(in[0].shape)}
	y.shape[axis] = 0
	for _, x := range in {
		y.shape[axis] += x.shape[axis]
	}
	for i := range count(y.shape[:axis]) {
		for _, x := range in {
			k := count(x.shape[axis:])
			y.v = append(y.v, x.v[i*k:][:k]...)
		}
	}
	if len(y.v) != count(y.shape) {
		panic(fmt.Sprint("Concat to ", y.shape))
	}
	return y
}

func (n *onnxNode) split(x *array) (out []*array) {
	axis, parts := n.one("axis", 0), len(n.out)
	s := slices.Clone(x.shape)
	if s[axis]%parts != 0 {
		panic(fmt.Sprintf("Split of %v in %d", s, parts))
	}
	s[axis] /= parts
	k := count(s[axis:])
	for p := range parts {
		y := &array{kind: x.kind, shape: s}
		for i := range count(s[:axis]) {
			y.v = append(y.v, x.v[(i*parts+p)*k:][:k]...)
		}
		out = append(out, y)
	}
	return out
}
