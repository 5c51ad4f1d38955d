package torchfile

import (
	"strings"

	"heavytail/tensor"
)

// An Opaque is a value of an allowed kind that no model needs, such as a dtype
// or a device among a checkpoint's arguments: known by its kind only.
type Opaque struct{ Kind string }

// storageTypes maps the pickled types of storages to those of package tensor,
// which reads the first four. Older files name the device as well (torch.cuda.…).
var storageTypes = map[global]tensor.DType{
	"torch.FloatStorage": tensor.F32, "torch.HalfStorage": tensor.F16, "torch.BFloat16Storage": tensor.BF16, "torch.DoubleStorage": tensor.F64,
	"torch.LongStorage": "I64", "torch.IntStorage": "I32", "torch.ShortStorage": "I16", "torch.CharStorage": "I8",
	"torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL", "torch.storage.UntypedStorage": "U8",
	"torch.QInt8Storage": "I8", "torch.QUInt8Storage": "U8", "torch.QInt32Storage": "I32", "torch.QUInt4x2Storage": "U8", "torch.QUInt2x4Storage": "U8",
	"torch.ComplexFloatStorage": complex64s, "torch.ComplexDoubleStorage": complex128s,
}

// Types that package tensor does not know; their tensors cannot be read.
const (
	complex64s  tensor.DType = "C64"
	complex128s tensor.DType = "C128"
)

// width returns the bytes of one number.
func width(d tensor.DType) int64 {
	switch d {
	case complex64s:
		return 8
	case complex128s:
		return 16
	}
	return int64(d.Size())
}

// order returns the bytes of what is swapped in files of big-endian machines: a
// complex number is two.
func order(d tensor.DType) int {
	if d == complex64s || d == complex128s {
		return int(width(d)) / 2
	}
	return int(width(d))
}

// The functions whose results are used.
const (
	orderedDict       = global("collections.OrderedDict")
	rebuildTensor1    = global("torch._utils._rebuild_tensor")
	rebuildTensor     = global("torch._utils._rebuild_tensor_v2")
	rebuildParameter  = global("torch._utils._rebuild_parameter")
	rebuildParameter2 = global("torch._utils._rebuild_parameter_with_state")
	rebuildFromType   = global("torch._tensor._rebuild_from_type_v2")
)

// allowed are the other names that torch.load(weights_only=True) accepts
// (_get_allowed_globals of torch/_weights_only_unpickler.py, PyTorch 2.15). What
// they make is Opaque here; nothing is called.
var allowed = names(`collections.Counter builtins.bytearray builtins.set builtins.complex _codecs.encode
	torch.nn.parameter.Parameter torch.serialization._get_layout torch.Size torch.Tensor torch.device torch.storage.TypedStorage
	torch.per_tensor_affine torch.per_tensor_symmetric torch.per_channel_affine torch.per_channel_symmetric torch.per_channel_affine_float_qparams
	torch._utils._rebuild_tensor_v3 torch._utils._rebuild_qtensor torch._utils._rebuild_sparse_tensor torch._utils._rebuild_meta_tensor_no_storage
	torch._utils._rebuild_wrapper_subclass torch._utils._rebuild_device_tensor_from_numpy torch._utils._rebuild_device_tensor_from_cpu_tensor`,
	// dtypes
	`torch.float64 torch.float32 torch.float16 torch.bfloat16 torch.bool torch.complex128 torch.complex64 torch.complex32 torch.bcomplex32
	torch.uint1 torch.uint2 torch.uint3 torch.uint4 torch.uint5 torch.uint6 torch.uint7 torch.uint8 torch.uint16 torch.uint32 torch.uint64
	torch.int1 torch.int2 torch.int3 torch.int4 torch.int5 torch.int6 torch.int7 torch.int8 torch.int16 torch.int32 torch.int64
	torch.qint8 torch.qint32 torch.quint8 torch.quint4x2 torch.quint2x4 torch.bits1x8 torch.bits2x4 torch.bits4x2 torch.bits8 torch.bits16
	torch.float8_e4m3fn torch.float8_e4m3fnuz torch.float8_e5m2 torch.float8_e5m2fnuz torch.float8_e8m0fnu torch.float4_e2m1fn_x2`,
	// classes of tensors
	`torch.FloatTensor torch.DoubleTensor torch.HalfTensor torch.BFloat16Tensor torch.LongTensor torch.IntTensor torch.ShortTensor
	torch.CharTensor torch.ByteTensor torch.BoolTensor torch.sparse.FloatTensor torch.sparse.DoubleTensor torch.sparse.HalfTensor
	torch.sparse.BFloat16Tensor torch.sparse.LongTensor torch.sparse.IntTensor torch.sparse.ShortTensor torch.sparse.CharTensor torch.sparse.ByteTensor`)

func names(lists ...string) map[global]bool {
	out := map[global]bool{}
	for _, g := range []global{orderedDict, rebuildTensor1, rebuildTensor, rebuildParameter, rebuildParameter2, rebuildFromType} {
		out[g] = true
	}
	for g := range storageTypes {
		out[g] = true
	}
	for _, list := range lists {
		for _, name := range strings.Fields(list) {
			out[global(name)] = true
		}
	}
	return out
}

// maxName bounds the names that a pickle may refer to and those of storages,
// which are looked up and put together: in a hostile file each could be long and
// there many times.
const maxName = 256

// allow returns the name that a pickle refers to if it is on the list.
func (m *machine) allow(module, name string) global {
	if len(module)+len(name) > maxName {
		m.fail("a name of %d bytes", len(module)+len(name))
	}
	if module == "__builtin__" { // what Python 2 called it
		module = "builtins"
	}
	g := global(strings.Replace(module, "torch.cuda", "torch", 1) + "." + name)
	if m.storage != nil && (objectNames[g] || containers[g] != "") {
		return g
	}
	if !allowed[g] {
		hint := "save a plain state_dict instead"
		if m.storage != nil {
			hint += ": docs/edm.md tells how with Python"
		}
		m.fail("the file refers to %q, which is not on the list of what a checkpoint may contain; %s", string(g), hint)
	}
	return g
}

// reduce returns what the function f of a pickle makes of args.
func (m *machine) reduce(f global, args Tuple) any {
	if v, ok := m.object(f, args); ok {
		return v
	}
	switch f {
	case orderedDict:
		return m.ordered(args)
	case rebuildParameter, rebuildParameter2:
		if len(args) > 0 {
			switch args[0].(type) {
			case *Tensor, *Opaque:
				return args[0]
			}
		}
	case rebuildFromType: // (function, type, arguments, attributes)
		if len(args) == 4 {
			inner, named := args[0].(global)
			rest, ok := args[2].(Tuple)
			if named && ok && inner != rebuildFromType {
				return m.reduce(inner, rest)
			}
		}
	case rebuildTensor1, rebuildTensor:
		t, err := rebuild(args)
		if err != nil {
			m.fail("%v", err)
		}
		return t
	default:
		if storageTypes[f] == "" {
			return &Opaque{string(f)}
		}
	}
	m.fail("a call of %s with wrong arguments", string(f))
	return nil
}

// ordered makes an OrderedDict, of a list of pairs or empty.
func (m *machine) ordered(args Tuple) *Dict {
	d := &Dict{}
	if len(args) == 0 {
		return d
	}
	l, ok := args[0].(*List)
	if !ok {
		m.fail("OrderedDict of something that is not a list")
	}
	m.work(len(l.Items))
	for _, it := range l.Items {
		pair, ok := it.(Tuple)
		if p, list := it.(*List); list {
			pair, ok = p.Items, true
		}
		if !ok || len(pair) != 2 {
			m.fail("OrderedDict of something that is not a list of pairs")
		}
		d.set(pair[0], pair[1])
	}
	return d
}
