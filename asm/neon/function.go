package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A param is a parameter of a function: where it lies in the frame, and its
// type.
type param struct {
	off int
	typ string
}

// layout returns the places of parameters like those of a Go signature, "dst, x
// []float32, s float32", and the size of all.
func layout(params string) (map[string]param, int) {
	out, off := map[string]param{}, 0
	var names []string
	for _, p := range strings.Split(params, ",") {
		f := strings.Fields(p)
		names = append(names, f[0])
		if len(f) == 1 {
			continue
		}
		size := 8
		switch {
		case strings.HasPrefix(f[1], "[]"):
			size = 24
		case f[1] == "float32" || f[1] == "uint32":
			size = 4
		}
		for _, n := range names {
			off = (off + min(size, 8) - 1) &^ (min(size, 8) - 1)
			out[n] = param{off, f[1]}
			off += size
		}
		names = nil
	}
	return out, off
}

// begin starts the function nameNEON; result is "" or " float32".
func (m *machine) begin(name, params, result, doc string) {
	var size int
	m.params, size = layout(params)
	if result != "" {
		size = (size + 7) &^ 7
		m.params["ret"] = param{size, "float32"}
		size += 4
	}
	m.name = name + "NEON"
	m.sig = fmt.Sprintf("\n// func %s(%s)%s\n//\n// %s\nTEXT ·%s(SB), NOSPLIT, $%%d-%d\n", m.name, params, result, doc, m.name, size)
	m.frame, m.loaded, m.table = 0, map[uint64]vec{}, gp{}
}

// end returns and prints.
func (m *machine) end() {
	m.ins("RET")
	m.raw(m.sig, m.frame)
	m.print()
}

// arg loads an integer or pointer, or what part of a slice says: "x_base",
// "x_len".
func (m *machine) arg(name string) gp {
	r := m.gp()
	m.ins("MOVD %s, %s", m.place(name), r)
	return r
}

// place returns how the assembler names a parameter.
func (m *machine) place(name string) string {
	base, part, _ := strings.Cut(name, "_")
	p, ok := m.params[base]
	if !ok {
		panic("neon: " + m.name + " has no parameter " + name)
	}
	if part == "len" {
		p.off += 8
	}
	return fmt.Sprintf("%s+%d(FP)", name, p.off)
}

func (m *machine) base(name string) gp   { return m.arg(name + "_base") }
func (m *machine) length(name string) gp { return m.arg(name + "_len") }

// bytes is arg of a number of float32, in bytes.
func (m *machine) bytes(name string) gp {
	r := m.arg(name)
	m.ins("LSL $2, %s, %s", r, r)
	return r
}

// copyOf returns a new register with the value of r.
func (m *machine) copyOf(r gp) gp {
	c := m.gp()
	m.ins("MOVD %s, %s", r, c)
	return c
}

// spread loads a float32 or uint32 parameter into all lanes.
func (m *machine) spread(name string) vec {
	v := m.vec()
	if m.params[name].typ == "uint32" {
		r := m.gp()
		m.ins("MOVWU %s, %s", m.place(name), r)
		m.ins("VDUP %s, %s", r, v)
		return v
	}
	m.ins("FMOVS %s, %s", m.place(name), v.f())
	m.ins("VDUP %s, %s", v.lane(0), v)
	return v
}

// result stores lane 0 as the result.
func (m *machine) result(v vec) { m.ins("FMOVS %s, %s", v.f(), m.place("ret")) }

// bits returns a constant of 32 bits in all lanes, loaded here: outside loops.
func (m *machine) bits(b uint32) vec { return m.bits64(uint64(b)<<32 | uint64(b)) }

// bits64 is that of 64 bits.
func (m *machine) bits64(b uint64) vec {
	if v, ok := m.loaded[b]; ok {
		return v
	}
	i := slices.Index(m.consts, b)
	if i < 0 {
		i = len(m.consts)
		m.consts = append(m.consts, b)
	}
	if m.table.register == nil {
		m.table = m.gp()
		m.ins("MOVD $%sConstants<>(SB), %s", m.family, m.table)
	}
	v := m.vec()
	m.ins("FMOVQ %d(%s), %s", 16*i, m.table, v.f())
	m.loaded[b] = v
	return v
}

func (m *machine) float(f float32) vec { return m.bits(math.Float32bits(f)) }

func (m *machine) floats(f ...float32) (out []vec) {
	for _, x := range f {
		out = append(out, m.float(x))
	}
	return out
}

// tables writes the constants, at the end of the file.
func (m *machine) tables() {
	if m.masked {
		m.raw("\n// The first 1, 2 and 3 lanes.\n")
		for i, w := range []uint64{1<<32 - 1, 0, 1<<64 - 1, 0, 1<<64 - 1, 1<<32 - 1} {
			m.raw("DATA %sTails<>+%d(SB)/8, $%#016x\n", m.family, 8*i, w)
		}
		m.raw("GLOBL %sTails<>(SB), RODATA|NOPTR, $48\n", m.family)
	}
	if len(m.consts) == 0 {
		return
	}
	m.raw("\n")
	for i, b := range m.consts {
		for j := range 2 {
			m.raw("DATA %sConstants<>+%d(SB)/8, $%#016x\n", m.family, 16*i+8*j, b)
		}
	}
	m.raw("GLOBL %sConstants<>(SB), RODATA|NOPTR, $%d\n", m.family, 16*len(m.consts))
}
