package emu

import (
	"fmt"
	"strconv"
	"strings"
)

// A Module is a parsed and verified PTX text.
type Module struct {
	Version int // of PTX, times ten: 70
	Target  int // of sm_80: 80
	Kernels map[string]*Kernel

	dynamic string // name of the extern shared array
}

// A Kernel is one entry of a module.
type Kernel struct {
	Name   string
	Params []Param
	// ParamBytes is the length of the parameters with their alignment, and
	// MaxThreads what .maxntid or .reqntid allows in a block.
	ParamBytes, MaxThreads int
	// SharedBytes is the static shared memory, rounded up to 128: dynamic
	// shared memory starts there.
	SharedBytes int
	Ops         []Op

	ins    []inst
	regs   map[string]int
	types  []typ
	seen   []use
	shared map[string]int
}

// A Param is one parameter of a kernel: its type without the dot, its name and
// where it lies.
type Param struct {
	Type, Name string
	Offset     int
}

// An Op is one instruction's opcode with its line in the text.
type Op struct {
	Name string
	Line int
}

// use says where a register is first read, and whether anything writes it.
type use struct {
	read    int
	written bool
}

// A typ is the kind of a register or an operand: 'b' bits, 'u' unsigned, 's'
// signed, 'f' float, 'p' predicate; and its size in bytes.
type typ struct {
	class byte
	size  int
}

var types = map[string]typ{"pred": {'p', 1},
	"b16": {'b', 2}, "b32": {'b', 4}, "b64": {'b', 8}, "u16": {'u', 2}, "u32": {'u', 4}, "u64": {'u', 8},
	"s16": {'s', 2}, "s32": {'s', 4}, "s64": {'s', 8}, "f32": {'f', 4}, "f64": {'f', 8}}

// Caps of what a text may ask for.
const (
	maxRegisters = 1 << 16
	maxParams    = 4096
	maxShared    = 48 << 10
)

// A mistake is what the parser and the decoder panic with; Parse returns it.
type mistake string

func fail(f string, a ...any) { panic(mistake(fmt.Sprintf(f, a...))) }

type parser struct {
	toks []token
	at   int
	m    *Module
}

// Parse verifies a module, or says in which line it is wrong or not of the
// subset that this package knows.
func Parse(src string) (m *Module, err error) {
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{toks: toks, m: &Module{Kernels: map[string]*Kernel{}}}
	defer func() {
		if r := recover(); r != nil {
			text, ok := r.(mistake)
			if !ok {
				panic(r)
			}
			m, err = nil, fmt.Errorf("ptx line %d: %s", p.line(), string(text))
		}
	}()
	p.module()
	return p.m, nil
}

// line is the line of the last token that was taken.
func (p *parser) line() int {
	if len(p.toks) == 0 {
		return 1
	}
	return p.toks[max(0, min(p.at, len(p.toks))-1)].line
}

func (p *parser) peek() string {
	if p.at < len(p.toks) {
		return p.toks[p.at].text
	}
	return ""
}

func (p *parser) next() string {
	if p.at >= len(p.toks) {
		fail("the text ends early")
	}
	p.at++
	return p.toks[p.at-1].text
}

func (p *parser) take(text string) {
	if got := p.next(); got != text {
		fail("%q where %q should be", got, text)
	}
}

func (p *parser) accept(text string) bool {
	if p.peek() != text {
		return false
	}
	p.at++
	return true
}

func (p *parser) number(most int) int {
	s := p.next()
	n, err := strconv.ParseInt(s, 0, 32)
	if err != nil || n < 0 || int(n) > most {
		fail("%q is not a number of at most %d", s, most)
	}
	return int(n)
}

func (p *parser) name() string {
	s := p.next()
	if !wordByte(s[0]) || '0' <= s[0] && s[0] <= '9' || s[0] == '.' {
		fail("%q is not a name", s)
	}
	return s
}

func (p *parser) module() {
	for p.at < len(p.toks) {
		switch d := p.next(); d {
		case ".version":
			major, minor, ok := strings.Cut(p.next(), ".")
			a, err := strconv.Atoi(major)
			b, err2 := strconv.Atoi(minor)
			if !ok || err != nil || err2 != nil || a < 0 || a > 99 || b < 0 || b > 9 {
				fail("not a version of PTX")
			}
			p.m.Version = 10*a + b
		case ".target":
			sm := strings.TrimPrefix(p.next(), "sm_")
			n, err := strconv.Atoi(strings.TrimSuffix(sm, "a"))
			if err != nil {
				fail("not a target")
			}
			p.m.Target = n
		case ".address_size":
			p.take("64")
		case ".extern":
			p.take(".shared")
			name, _ := p.array()
			if p.m.dynamic != "" {
				fail("a second extern shared array")
			}
			p.m.dynamic = name
		case ".visible", ".weak":
		case ".entry":
			if p.m.Version == 0 || p.m.Target == 0 {
				fail("an entry before .version and .target")
			}
			p.kernel()
		default:
			fail("%q outside of an entry", d)
		}
	}
}

// array parses ".align 16 .b8 name[n];" and returns n, which may be missing.
func (p *parser) array() (name string, n int) {
	p.take(".align")
	if a := p.number(128); a < 16 || a&(a-1) != 0 {
		fail("an array's alignment must be 16, 32, 64 or 128")
	}
	p.take(".b8")
	name = p.name()
	p.take("[")
	if p.peek() != "]" {
		n = p.number(maxShared)
	}
	p.take("]")
	p.take(";")
	return name, n
}

func (p *parser) kernel() {
	k := &Kernel{Name: p.name(), regs: map[string]int{}, shared: map[string]int{}}
	if p.m.Kernels[k.Name] != nil {
		fail("a second entry %s", k.Name)
	}
	p.take("(")
	for !p.accept(")") {
		p.param(k)
		if p.peek() != ")" {
			p.take(",")
		}
	}
	for p.peek() != "{" {
		switch d := p.next(); d {
		case ".maxntid", ".reqntid":
			k.MaxThreads = p.number(1024)
			for p.accept(",") {
				k.MaxThreads *= p.number(1024)
			}
		case ".minnctapersm":
			p.number(32)
		default:
			fail("the directive %q", d)
		}
	}
	if k.MaxThreads < 1 || k.MaxThreads > 1024 {
		fail("%s: .maxntid must give 1 to 1024 threads", k.Name)
	}
	p.take("{")
	p.body(k)
	p.m.Kernels[k.Name] = k
}

func (p *parser) param(k *Kernel) {
	p.take(".param")
	name := strings.TrimPrefix(p.next(), ".")
	t, ok := types[name]
	if !ok || t.class == 'p' || t.size < 4 {
		fail("a parameter of type %q", name)
	}
	if p.accept(".ptr") {
		p.take(".global")
		p.take(".align")
		p.number(512)
	}
	at := (k.ParamBytes + t.size - 1) / t.size * t.size
	k.Params = append(k.Params, Param{name, p.name(), at})
	if k.ParamBytes = at + t.size; k.ParamBytes > maxParams {
		fail("more than %d bytes of parameters", maxParams)
	}
}
