package emu

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rejected are texts that must not pass. NVIDIA's assembler refuses the first
// bothReject of them too (assembler_test.go); with the others this package is
// stricter.
var rejected = []struct{ name, body, text string }{
	{"register not declared", "mov.b32 %r99, 0;", "not declared"},
	{"register of another size", "mov.b32 %d1, 0;", "another type"},
	{"float where an integer must be", "add.u32 %r1, %f1, 2;", "another type"},
	{"integer where a float must be", "add.rn.f32 %f1, %f1, 2;", "does not fit"},
	{"predicate where a number must be", "add.u32 %r1, %p1, 2;", "another type"},
	{"operand missing", "add.u32 %r1, %r1;", "2 operands, want 3"},
	{"operand too many", "not.b32 %r1, %r1, %r1;", "3 operands, want 2"},
	{"no such label", "bra NOWHERE;", "no label NOWHERE"},
	{"label twice", "A:\nA:\n\tmov.b32 %r1, 0;", "a second label"},
	{"unknown instruction", "frob.u32 %r1, 2;", "not in the table"},
	{"unknown form", "add.u32.b7 %r1, %r1, 2;", "not in the table"},
	{"vector of the wrong length", "ld.global.v2.b32 {%r1, %r2, %r3, %r4}, [%d0];", "a list of 2"},
	{"no parameter", "ld.param.u32 %r1, [other];", "no parameter other"},
	{"too much shared memory", ".shared .align 16 .b8 big[50000];\n\tmov.b32 %r1, 0;", "not a number of at most"},
	{"sum of shared memory", ".shared .align 16 .b8 a[30000];\n\t.shared .align 16 .b8 b[30000];\n\tmov.b32 %r1, 0;", "at most 49152"},
	{"copy of three bytes", "mov.u32 %r1, smem;\n\tcp.async.ca.shared.global [%r1], [%d0], 3;", "a size of 3"},
	{"copy of 8 bytes past the cache", "mov.u32 %r1, smem;\n\tcp.async.cg.shared.global [%r1], [%d0], 8;", "a size of 8"},
	{"lop3 without its table", "lop3.b32 %r1, %r1, %r1, %r1, %r1;", "table must be a number"},
	{"shared array twice", ".shared .align 16 .b8 a[16];\n\t.shared .align 16 .b8 a[16];\n\tmov.b32 %r1, 0;", "second shared array"},
	{"register twice", ".reg .b32 %r1;\n\tmov.b32 %r1, 0;", "declared twice"},
	// stricter
	{"number too large", "add.u32 %r1, %r1, 0x100000000;", "does not fit"},
	{"float add that may be fused", "add.f32 %f1, %f1, %f1;", "without .rn"},
	{"multiplication that flushes", "mul.rn.ftz.f32 %f1, %f1, %f1;", ".ftz"},
	{"atomic", "atom.global.add.u32 %r1, [%d0], 1;", "its order differs"},
	{"offset that is not aligned", "ld.global.b64 %d1, [%d0+4];", "no multiple of the 8 bytes"},
	{"register never written", "add.u32 %r1, %r2, 1;", "never written"},
	{"predicated barrier", "setp.eq.u32 %p1, 0, 0;\n\t@%p1 bar.sync 0;", "cannot have a predicate"},
}

const bothReject = 20

func TestRejects(t *testing.T) {
	for _, c := range rejected {
		_, err := Parse(kernel(c.body))
		require.ErrorContains(t, err, c.text, c.name)
		require.ErrorContains(t, err, "ptx line ", c.name)
	}
	whole := kernel("mov.b32 %r1, 0;")
	_, err := Parse(whole)
	require.NoError(t, err)
	for _, c := range []struct{ old, new, text string }{
		{".version 7.0", "", "before .version"},
		{".version 7.0", ".version x", "not a version"},
		{".target sm_80", "", "before .version and .target"},
		{".maxntid 128, 1, 1", "", ".maxntid must give"},
		{"ret;", "", "without ret"},
		{"}", "", "early"},
		{".u64 at", ".b8 at", "parameter of type"},
		{".b32 %r<16>", ".b32 %r<99999999>", "not a number of at most"},
		{"smem[]", "smem[2", "where"},
		{"mov.b32", "mov.b32 #", "the character"},
		{"mov.b32", "/* mov.b32", "comment without end"},
	} {
		require.Contains(t, whole, c.old)
		_, err := Parse(strings.Replace(whole, c.old, c.new, 1))
		require.ErrorContains(t, err, c.text, "%s -> %s", c.old, c.new)
	}
	_, err = Parse(strings.Replace(kernel("mov.u32 %r1, smem;\n\tcp.async.cg.shared.global [%r1], [%d0], 16;"), "sm_80", "sm_75", 1))
	require.ErrorContains(t, err, "needs .version 7.0 and .target sm_80")
}

func TestInexact(t *testing.T) {
	m, err := Parse(kernel("mov.b32 %f1, 0f3F800000;\n\tex2.approx.ftz.f32 %f2, %f1;\n\tadd.rn.f32 %f3, %f2, %f1;"))
	require.NoError(t, err)
	require.Equal(t, []Op{{"ex2.approx.ftz.f32", 16}}, m.Kernels["k"].Inexact())
}

// FuzzParse: whatever the text, Parse returns a module or an error. The seeds
// are short, because shortening what it finds costs the fuzzer most of its time.
func FuzzParse(f *testing.F) {
	f.Add("mov.b64 {%r1, %r2}, %d0; @!%p1 mov.f32 %f1, 0f3F800000; L: bra L;")
	f.Add(".version 7.0 .target sm_80 .entry k(.param .u64 a) .maxntid 1 { .reg .b32 %r<2>; ret; }")
	for _, c := range rejected {
		f.Add(c.body)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range []string{text, kernel(text)} {
			if m, err := Parse(s); (m == nil) == (err == nil) {
				t.Fatal("neither a module nor an error, or both")
			}
		}
	})
}

// Every beginning of a text is an error, or a module without the kernel.
func TestCutOff(t *testing.T) {
	text, err := os.ReadFile("testdata/triton_mm_bf16_90.ptx")
	require.NoError(t, err)
	whole, err := Parse(string(text))
	require.NoError(t, err)
	require.Len(t, whole.Kernels, 1)
	for i := 0; i < len(text)-2; i += 13 {
		if m, err := Parse(string(text[:i])); err == nil {
			require.Empty(t, m.Kernels)
		}
	}
}
