package torchfile

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The values of a pickle: nil, bool, int64, float64, string, Tuple, *List,
// *Dict, and what the functions on the allow-list make (*Tensor, *Opaque); in
// plain pickles also *Object, and bytes that storages lie in.

// A Tuple is an immutable sequence.
type Tuple []any

// A List is a sequence that pickle operations append to.
type List struct{ Items []any }

// A Dict holds pairs in the order of their insertion. Keys that are not
// strings, integers or bools are kept only in Pairs, and so are strings longer
// than maxKey: a hostile file may use one of megabytes very often.
type Dict struct {
	Pairs []Pair
	index map[any]int
}

// A Pair is a key and its value.
type Pair struct{ Key, Value any }

// Get returns the value of a string or int64 key.
func (d *Dict) Get(key any) (any, bool) {
	i, ok := d.index[key]
	if !ok {
		return nil, false
	}
	return d.Pairs[i].Value, true
}

func (d *Dict) set(key, value any) {
	text, _ := key.(string)
	switch key.(type) {
	case string, int64, bool:
		if len(text) > maxKey {
			break
		}
		if i, ok := d.index[key]; ok {
			d.Pairs[i].Value = value
			return
		}
		if d.index == nil {
			d.index = map[any]int{}
		}
		d.index[key] = len(d.Pairs)
	}
	d.Pairs = append(d.Pairs, Pair{key, value})
}

// global is a name that a pickle refers to; only those on the allow-list get
// this far.
type global string

// Limits that no checkpoint comes near; they bound the memory that a hostile
// pickle can take.
const (
	maxPickle = 32 << 20 // bytes
	maxSteps  = 1 << 20  // operations
	maxStack  = 1 << 20
	maxMarks  = 1 << 10
	maxKey    = 1 << 10 // bytes of a key that can be looked up
	maxWork   = 1 << 22 // elements of lists that are gone through, on top of operations
)

type machine struct {
	in    []byte
	at    int
	stack []any
	marks []int
	memo  map[uint32]any
	done  int                         // of maxWork
	load  func(id Tuple) (any, error) // resolves a persistent id

	storage func(b []byte) (*storage, error) // reads a storage of a plain pickle; nil in others, which have no objects
}

// unpickle runs a pickle of protocol 2 to 5 whose globals are all on the
// allow-list. It can call nothing else. n is the length of the pickle, which
// other bytes may follow.
func unpickle(in []byte, load func(id Tuple) (any, error)) (v any, n int, err error) {
	return (&machine{in: in, memo: map[uint32]any{}, load: load}).run(maxSteps)
}

// run runs the pickle, of at most that many operations.
func (m *machine) run(steps int) (v any, n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			v, n, err = nil, 0, fmt.Errorf("pickle: byte %d: %s", m.at, string(f))
		}
	}()
	for range steps {
		if done := m.step(); done {
			return m.pop(), m.at, nil
		}
		if len(m.stack) > maxStack || len(m.marks) > maxMarks {
			m.fail("nested too deeply")
		}
	}
	m.fail("more than %d operations", steps)
	return nil, 0, nil
}

// work notes that an operation goes through n elements.
func (m *machine) work(n int) {
	if m.done += n; m.done > maxWork {
		m.fail("lists of more than %d elements in all", maxWork)
	}
}

// failure is the panic that ends a run; unpickle turns it into an error.
type failure string

func (m *machine) fail(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

func (m *machine) take(n int) []byte {
	if n < 0 || n > len(m.in)-m.at {
		m.fail("cut off")
	}
	m.at += n
	return m.in[m.at-n : m.at]
}

func (m *machine) u8() int     { return int(m.take(1)[0]) }
func (m *machine) u16() int    { return int(binary.LittleEndian.Uint16(m.take(2))) }
func (m *machine) u32() uint32 { return binary.LittleEndian.Uint32(m.take(4)) }

// length reads a count of n bytes that must fit in what is left.
func (m *machine) length(v uint64) int {
	if v > uint64(len(m.in)-m.at) {
		m.fail("a length of %d in the last %d bytes", v, len(m.in)-m.at)
	}
	return int(v)
}

// line reads up to a newline, of at most 256 bytes.
func (m *machine) line() string {
	for i := m.at; i < len(m.in) && i < m.at+256; i++ {
		if m.in[i] == '\n' {
			b := m.take(i + 1 - m.at)
			return string(b[:len(b)-1])
		}
	}
	m.fail("a name without an end")
	return ""
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

// floor is the lowest element that the operations since the last mark may
// take.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() any {
	if len(m.stack) <= m.floor() {
		m.fail("the stack is empty")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v
}

func (m *machine) top() any {
	v := m.pop()
	m.push(v)
	return v
}

// popMark returns a copy of everything above the last mark.
func (m *machine) popMark() []any {
	if len(m.marks) == 0 {
		m.fail("no mark")
	}
	lo := m.floor()
	out := append([]any(nil), m.stack[lo:]...)
	m.stack = m.stack[:lo]
	m.marks = m.marks[:len(m.marks)-1]
	return out
}

func (m *machine) tuple(n int) {
	t := make(Tuple, n)
	for i := n - 1; i >= 0; i-- {
		t[i] = m.pop()
	}
	m.push(t)
}

// step runs one operation and reports whether it was the last.
func (m *machine) step() bool {
	switch op := m.u8(); op {
	case '.': // STOP
		return true
	case 0x80: // PROTO
		if p := m.u8(); p < 2 || p > 5 {
			m.fail("protocol %d; want 2 to 5", p)
		}
	case 0x95: // FRAME
		m.take(8)
	case '(': // MARK
		m.marks = append(m.marks, len(m.stack))
	case '0': // POP
		m.pop()
	case 'q', 'r', 0x94: // BINPUT, LONG_BINPUT, MEMOIZE
		m.put(op)
	case 'h':
		m.get(uint32(m.u8()))
	case 'j':
		m.get(m.u32())
	default:
		if !m.scalar(op) && !m.container(op) {
			m.call(op)
		}
	}
	return false
}

func (m *machine) put(op int) {
	key := uint32(len(m.memo))
	switch op {
	case 'q':
		key = uint32(m.u8())
	case 'r':
		key = m.u32()
	}
	m.memo[key] = m.top()
}

func (m *machine) get(key uint32) {
	v, ok := m.memo[key]
	if !ok {
		m.fail("memo %d is not set", key)
	}
	m.push(v)
}

// scalar runs the operations that push a number, string, bool or None.
func (m *machine) scalar(op int) bool {
	switch op {
	case 'N':
		m.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		m.push(op == 0x88)
	case 'K':
		m.push(int64(m.u8()))
	case 'M':
		m.push(int64(m.u16()))
	case 'J':
		m.push(int64(int32(m.u32())))
	case 0x8a: // LONG1
		m.push(long(m.take(m.u8())))
	case 'G':
		m.push(math.Float64frombits(binary.BigEndian.Uint64(m.take(8))))
	case 'X', 'T': // BINUNICODE, BINSTRING
		m.push(string(m.take(m.length(uint64(m.u32())))))
	case 0x8c, 'U': // SHORT_BINUNICODE, SHORT_BINSTRING
		m.push(string(m.take(m.u8())))
	case 'B', 'C', 0x8e: // BINBYTES, SHORT_BINBYTES, BINBYTES8: as they lie in the file
		if m.storage == nil {
			return false
		}
		m.push(m.bytes(op))
	default:
		return false
	}
	return true
}

func (m *machine) bytes(op int) []byte {
	n := uint64(0)
	switch op {
	case 'B':
		n = uint64(m.u32())
	case 'C':
		n = uint64(m.u8())
	default:
		n = binary.LittleEndian.Uint64(m.take(8))
	}
	return m.take(m.length(n))
}

// long returns an integer of any size; those beyond int64 are Opaque.
func long(b []byte) any {
	if len(b) > 8 {
		return &Opaque{"int"}
	}
	v := int64(0)
	for i, x := range b {
		v |= int64(x) << (8 * i)
	}
	if n := len(b); n > 0 && n < 8 && b[n-1] >= 0x80 {
		v -= 1 << (8 * n)
	}
	return v
}

// container runs the operations on tuples, lists and dictionaries.
func (m *machine) container(op int) bool {
	switch op {
	case ')':
		m.push(Tuple{})
	case 't':
		m.push(Tuple(m.popMark()))
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		m.tuple(op - 0x84)
	case ']':
		m.push(&List{})
	case 'a', 'e': // APPEND, APPENDS
		var items []any
		if op == 'a' {
			items = []any{m.pop()}
		} else {
			items = m.popMark()
		}
		l, ok := m.top().(*List)
		if !ok {
			m.fail("append to something that is not a list")
		}
		l.Items = append(l.Items, items...)
	case '}':
		m.push(&Dict{})
	case 0x8f: // EMPTY_SET
		m.push(&Opaque{"set"})
	case 0x90: // ADDITEMS
		m.popMark()
		if s, ok := m.top().(*Opaque); !ok || s.Kind != "set" {
			m.fail("add items to something that is not a set")
		}
	case 's', 'u': // SETITEM, SETITEMS
		var items []any
		if op == 's' {
			v := m.pop()
			items = []any{m.pop(), v}
		} else {
			items = m.popMark()
		}
		d, ok := m.top().(*Dict)
		if !ok || len(items)%2 != 0 {
			m.fail("set items of something that is not a dictionary")
		}
		for i := 0; i < len(items); i += 2 {
			d.set(items[i], items[i+1])
		}
	default:
		return false
	}
	return true
}

// call runs the operations that name globals and use them.
func (m *machine) call(op int) {
	switch op {
	case 'c': // GLOBAL
		module := m.line()
		m.push(m.allow(module, m.line()))
	case 0x93: // STACK_GLOBAL
		name, _ := m.pop().(string)
		module, _ := m.pop().(string)
		m.push(m.allow(module, name))
	case 'R': // REDUCE
		args, ok := m.pop().(Tuple)
		f, named := m.pop().(global)
		if !ok || !named {
			m.fail("a call of something that is not a function")
		}
		m.push(m.reduce(f, args))
	case 0x81: // NEWOBJ
		m.pop()
		f, named := m.pop().(global)
		if !named {
			m.fail("an object of something that is not a class")
		}
		if o, ok := m.made(f); ok {
			m.push(o)
		} else {
			m.push(&Opaque{string(f)})
		}
	case 'b': // BUILD: attributes of an OrderedDict, such as _metadata, or of what is not used
		state := m.pop()
		switch o := m.top().(type) {
		case *Dict, *Opaque:
		case *Object:
			m.attribute(o, state)
		default:
			m.fail("attributes for something that is not a dictionary")
		}
	case 'Q': // BINPERSID
		id, ok := m.pop().(Tuple)
		if !ok {
			m.fail("a persistent id that is not a tuple")
		}
		v, err := m.load(id)
		if err != nil {
			m.fail("%v", err)
		}
		m.push(v)
	default:
		m.fail("operation %#x is not allowed in a checkpoint", op)
	}
}
