package emu

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// header starts a module of the newest form that the tests need.
const header = ".version 7.0\n.target sm_80\n.address_size 64\n.extern .shared .align 128 .b8 smem[];\n"

// kernel is a text with one entry "k" of one parameter, the address at, which is
// in %d0; there are registers enough of each kind.
func kernel(body string) string {
	return header + `.visible .entry k(.param .u64 at)
.maxntid 128, 1, 1
{
	.reg .pred %p<8>;
	.reg .b16 %h<8>;
	.reg .b32 %r<16>;
	.reg .b64 %d<16>;
	.reg .f32 %f<8>;
	.reg .f64 %g<8>;
	ld.param.u64 %d0, [at];
` + body + "\n\tret;\n}\n"
}

// run launches k of the text in one block, with the words at address at.
func run(t testing.TB, text string, threads int, words []uint64, l Launch) ([]uint64, *Stats, error) {
	t.Helper()
	m, err := Parse(text)
	require.NoError(t, err, text)
	var g Memory
	at := g.Alloc(8 * len(words))
	for i, v := range words {
		g.Write(at+uint64(8*i), binary.LittleEndian.AppendUint64(nil, v))
	}
	l.Grid = [3]uint32{max(l.Grid[0], 1), 1, 1}
	l.Block = [3]uint32{uint32(threads), 1, 1}
	l.Params = binary.LittleEndian.AppendUint64(nil, at)
	st, err := m.Kernels["k"].Run(&g, l)
	raw := g.Read(at, 8*len(words))
	out := make([]uint64, len(words))
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	return out, st, err
}

// runFails is run that must stop with a fault whose text matches.
func runFails(t testing.TB, body string, threads int, l Launch, text string) {
	t.Helper()
	_, _, err := run(t, kernel(body), threads, make([]uint64, 512), l)
	require.Error(t, err, body)
	require.Regexp(t, text, err.Error())
	require.IsType(t, &Fault{}, err)
}

// one runs one instruction of which kinds says the registers, result first:
// h b16, r b32, d b64, f f32, g f64, p predicate. tail is what follows them.
func one(t testing.TB, op, kinds, tail string, in []uint64) uint64 {
	t.Helper()
	var b strings.Builder
	args := "%" + kinds[:1] + "7"
	for i, k := range kinds[1:] {
		d := fmt.Sprintf("%%d%d", i+1)
		fmt.Fprintf(&b, "\tld.global.b64 %s, [%%d0+%d];\n", d, 8*i+8)
		r := fmt.Sprintf("%%%c%d", k, i+1)
		switch k {
		case 'h':
			fmt.Fprintf(&b, "\tcvt.u16.u64 %s, %s;\n", r, d)
		case 'r':
			fmt.Fprintf(&b, "\tcvt.u32.u64 %s, %s;\n", r, d)
		case 'f':
			fmt.Fprintf(&b, "\tcvt.u32.u64 %%r9, %s;\n\tmov.b32 %s, %%r9;\n", d, r)
		case 'g':
			fmt.Fprintf(&b, "\tmov.b64 %s, %s;\n", r, d)
		case 'p':
			fmt.Fprintf(&b, "\tsetp.ne.u64 %s, %s, 0;\n", r, d)
		}
		args += ", " + r
	}
	fmt.Fprintf(&b, "\t%s %s%s;\n", op, args, tail)
	switch kinds[0] {
	case 'h':
		b.WriteString("\tcvt.u64.u16 %d7, %h7;\n")
	case 'r':
		b.WriteString("\tcvt.u64.u32 %d7, %r7;\n")
	case 'f':
		b.WriteString("\tmov.b32 %r9, %f7;\n\tcvt.u64.u32 %d7, %r9;\n")
	case 'g':
		b.WriteString("\tmov.b64 %d7, %g7;\n")
	case 'p':
		b.WriteString("\tselp.b64 %d7, 1, 0, %p7;\n")
	}
	b.WriteString("\tst.global.b64 [%d0], %d7;\n")
	text := kernel(b.String())
	cover(t, text)
	out, _, err := run(t, text, 1, append([]uint64{0}, in...), Launch{})
	require.NoError(t, err, op)
	return out[0]
}

// covered collects, by opcode, a text with it that tests have run.
var covered = map[string]string{}

func cover(t testing.TB, text string) {
	t.Helper()
	m, err := Parse(text)
	require.NoError(t, err, text)
	for _, k := range m.Kernels {
		for _, o := range k.Ops {
			covered[o.Name] = text
		}
	}
}

func u32(f float32) uint64 { return uint64(math.Float32bits(f)) }
func u64(f float64) uint64 { return math.Float64bits(f) }
