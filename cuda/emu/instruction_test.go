package emu

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every opcode of the table is run and its result is compared.
func TestInstructions(t *testing.T) {
	t.Run("integers", wholeNumbers)
	t.Run("floats", finite)
	t.Run("shifts", shifts)
	t.Run("conversions", conversions)
	t.Run("comparisons", comparisons)
	t.Run("single", single)
	t.Run("pack", packs)
	t.Run("memory", memory)
	t.Run("parameters", parameters)
	t.Run("warp", warpWide)
	t.Run("copies", copies)
	t.Run("control", control)
	t.Run("matrices", matrices)
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // only a part was run
	}
	for _, op := range slices.Sorted(maps.Keys(opcodes)) {
		if covered[op] == "" {
			t.Errorf("%s is in the table and in no test", op)
		}
	}
	t.Run("assembler", assembled)
}

func packs(t *testing.T) {
	text := kernel(`
	ld.global.b64 %d1, [%d0];
	mov.b64 {%r1, %r2}, %d1;
	mov.b32 {%h1, %h2}, %r1;
	mov.b32 %r3, {%h2, %h1};
	mov.b64 %d2, {%r2, %r3};
	st.global.b64 [%d0], %d2;
	mov.b64 {%h1, %h2, %h3, %h4}, %d1;
	mov.b64 %d3, {%h4, %h3, %h2, %h1};
	st.global.b64 [%d0+8], %d3;`)
	out, _, err := run(t, text, 1, []uint64{0x1111222233334444, 0}, Launch{})
	require.NoError(t, err)
	require.Equal(t, []uint64{0x4444333311112222, 0x4444333322221111}, out)
}

// memory copies through every load and store: global to registers to shared to
// registers to global.
func memory(t *testing.T) {
	for _, op := range slices.Sorted(maps.Keys(opcodes)) {
		part := strings.Split(op, ".")
		if part[0] != "ld" && part[0] != "st" || part[1] == "param" {
			continue
		}
		ty, n := types[part[len(part)-1]], 1
		for i, v := range []string{"v2", "v4"} {
			if part[len(part)-2] == v {
				n = 2 << i
			}
		}
		k := kindOf(ty)
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("%%%s%d", k, i+1))
		}
		regs := "{" + strings.Join(list, ", ") + "}"
		if n == 1 {
			regs = list[0]
		}
		tail := strings.TrimPrefix(strings.TrimPrefix(op[3:], "global"), "shared")
		st := strings.TrimPrefix(tail, ".nc")
		text := kernel(fmt.Sprintf(`
	mov.u32 %%r9, %%tid.x;
	mul.lo.u32 %%r9, %%r9, %d;
	cvt.u64.u32 %%d9, %%r9;
	add.u64 %%d9, %%d9, %%d0;
	mov.u32 %%r10, smem;
	add.u32 %%r9, %%r9, %%r10;
	ld.global%s %s, [%%d9];
	st.shared%s [%%r9+64], %s;
	ld.shared%s %s, [%%r9+64];
	st.global%s [%%d9+1024], %s;`, n*ty.size, tail, regs, st, regs, st, regs, st, regs))
		cover(t, text)
		in := make([]uint64, 256)
		for i := range in[:128] {
			in[i] = uint64(i+1) * 0x0101010101010101
		}
		out, _, err := run(t, text, 32, in, Launch{Dynamic: 4096})
		require.NoError(t, err, op)
		words := 32 * n * ty.size / 8
		require.Equal(t, in[:words], out[128:128+words], op)
		require.Zero(t, out[128+words], op)
	}
}

func parameters(t *testing.T) {
	text := header + `.entry k(.param .u64 at, .param .u32 a, .param .f32 b, .param .f64 c, .param .s64 d, .param .b64 e, .param .s32 f, .param .b32 g)
.reqntid 32
{
	.reg .b32 %r<4>; .reg .b64 %d<4>; .reg .f32 %f; .reg .f64 %g;
	ld.param.u64 %d0, [at];
	ld.param.u32 %r0, [a];   st.global.u32 [%d0], %r0;
	ld.param.f32 %f, [b];    st.global.f32 [%d0+4], %f;
	ld.param.f64 %g, [c];    st.global.f64 [%d0+8], %g;
	ld.param.s64 %d1, [d];   st.global.b64 [%d0+16], %d1;
	ld.param.b64 %d1, [e];   st.global.b64 [%d0+24], %d1;
	ld.param.s32 %r0, [f];   st.global.b32 [%d0+32], %r0;
	ld.param.b32 %r0, [g];   st.global.b32 [%d0+36], %r0;
	ret;
}`
	cover(t, text)
	m, err := Parse(text)
	require.NoError(t, err)
	k := m.Kernels["k"]
	require.Equal(t, 48, k.ParamBytes)
	require.Equal(t, Param{"f64", "c", 16}, k.Params[3])
	var g Memory
	at := g.Alloc(40)
	p := make([]byte, 48)
	store(p, 8, at)
	for i := 8; i < 48; i++ {
		p[i] = byte(i)
	}
	_, err = k.Run(&g, Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{1, 1, 1}, Params: p})
	require.NoError(t, err)
	require.Equal(t, p[8:], g.Read(at, 40))
	_, err = k.Run(&g, Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{1, 1, 1}, Params: p[:40]})
	require.ErrorContains(t, err, "40 bytes of parameters, want 48")
	_, err = k.Run(&g, Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{64, 1, 1}, Params: p})
	require.ErrorContains(t, err, "64 threads")
}

// lanes runs a body that leaves %r7 per lane.
func lanes(t *testing.T, body string) []uint64 {
	t.Helper()
	text := kernel(`
	mov.u32 %r1, %laneid;
	add.u32 %r2, %r1, 100;
	cvt.u64.u32 %d1, %r1;
	shl.b64 %d1, %d1, 3;
	add.u64 %d1, %d1, %d0;` + body + `
	cvt.u64.u32 %d2, %r7;
	st.global.b64 [%d1], %d2;`)
	cover(t, text)
	out, _, err := run(t, text, 32, make([]uint64, 32), Launch{})
	require.NoError(t, err)
	return out
}

func warpWide(t *testing.T) {
	for _, c := range []struct {
		op   string
		by   int
		seg  string
		want func(l int) int // the lane that lane l reads; out of range: none
	}{
		{"up", 3, "0", func(l int) int { return l - 3 }},
		{"down", 5, "31", func(l int) int { return l + 5 }},
		{"bfly", 9, "31", func(l int) int { return l ^ 9 }},
		{"idx", 6, "31", func(int) int { return 6 }},
		{"idx", 6, "5", func(int) int { return 6 + 99 }},                    // past the clamp
		{"down", 8, "0x100F", func(l int) int { return l + 8 + l%16/8*99 }}, // halves of a warp
		{"idx", 2, "0x100F", func(l int) int { return l&16 + 2 }},
	} {
		out := lanes(t, fmt.Sprintf("\n\tshfl.sync.%s.b32 %%r7|%%p1, %%r2, %d, %s, 0xFFFFFFFF;\n\t@!%%p1 add.u32 %%r7, %%r7, 1000;", c.op, c.by, c.seg))
		for l, v := range out {
			want := 100 + c.want(l)
			if c.want(l) < 0 || c.want(l) > 31 { // its own, and no predicate
				want = 1100 + l
			}
			require.Equal(t, uint64(want), v, "%s lane %d", c.op, l)
		}
	}
	require.Equal(t, uint64(7), lanes(t, "\n\tsetp.lt.u32 %p1, %r1, 3;\n\tvote.sync.ballot.b32 %r7, %p1, -1;")[9])
	for lim, want := range map[int][2]uint64{0: {0, 0}, 5: {1, 0}, 32: {1, 1}} {
		for i, mode := range []string{"any", "all"} {
			out := lanes(t, fmt.Sprintf("\n\tsetp.lt.u32 %%p1, %%r1, %d;\n\tvote.sync.%s.pred %%p2, %%p1, -1;\n\tselp.u32 %%r7, 1, 0, %%p2;", lim, mode))
			require.Equal(t, want[i], out[31], "%s %d", mode, lim)
		}
	}
	out := lanes(t, "\n\tsetp.lt.u32 %p1, %r1, 4;\n\tmov.u32 %r7, 5;\n\t@%p1 activemask.b32 %r7;")
	require.Equal(t, []uint64{15, 5}, []uint64{out[3], out[4]})
}

func copies(t *testing.T) {
	for _, c := range []struct {
		op   string
		size int
		read string
	}{{"ca", 4, ""}, {"ca", 8, ", 8"}, {"ca", 16, ", 12"}, {"cg", 16, ", 0"}, {"cg", 16, ""}} {
		for _, wait := range []string{"cp.async.wait_group 0;", "cp.async.wait_all;"} {
			text := kernel(fmt.Sprintf(`
	mov.u32 %%r1, smem;
	cp.async.%s.shared.global [%%r1+32], [%%d0], %d%s;
	cp.async.commit_group;
	%s
	ld.shared.b32 %%r2, [%%r1+32];
	st.global.b32 [%%d0+32], %%r2;
	ld.shared.b32 %%r2, [%%r1+%d];
	st.global.b32 [%%d0+36], %%r2;`, c.op, c.size, c.read, wait, 32+c.size-4))
			cover(t, text)
			in := []uint64{0x2222222211111111, 0x4444444433333333, 0, 0, 0}
			out, _, err := run(t, text, 1, in, Launch{Dynamic: 64})
			require.NoError(t, err)
			first, last := uint64(0x11111111), map[int]uint64{4: 0x11111111, 8: 0x22222222, 16: 0x44444444}[c.size]
			switch c.read {
			case ", 0":
				first, last = 0, 0
			case ", 12":
				last = 0
			}
			require.Equal(t, first|last<<32, out[4], "%+v", c)
		}
	}
}

func control(t *testing.T) {
	// a loop that every lane leaves at another time, and what comes after it
	out := lanes(t, `
	mov.u32 %r7, 0;
	mov.u32 %r3, 0;
LOOP:
	setp.ge.u32 %p1, %r3, %r1;
	@%p1 bra DONE;
	add.u32 %r7, %r7, %r3;
	add.u32 %r3, %r3, 1;
	bra.uni LOOP;
DONE:
	mov.u32 %r4, 0;`)
	for l, v := range out {
		require.Equal(t, uint64(l*(l-1)/2), v)
	}
	// exit of some lanes, the others go on
	text := kernel(`
	mov.u32 %r1, %tid.x;
	setp.ne.u32 %p1, %r1, 37;
	@%p1 exit;
	mov.b64 %d1, 9;
	st.global.b64 [%d0], %d1;`)
	cover(t, text)
	got, _, err := run(t, text, 64, []uint64{0}, Launch{})
	require.NoError(t, err)
	require.Equal(t, uint64(9), got[0])
	// warps exchange words over a barrier
	text = kernel(`
	mov.u32 %r1, %tid.x;
	mov.u32 %r2, smem;
	mad.lo.u32 %r3, %r1, 4, %r2;
	st.shared.u32 [%r3], %r1;
	bar.sync 0;
	xor.b32 %r4, %r1, 33;
	mad.lo.u32 %r3, %r4, 4, %r2;
	ld.shared.u32 %r5, [%r3];
	cvt.u64.u32 %d1, %r5;
	mul.wide.u32 %d2, %r1, 8;
	add.u64 %d2, %d2, %d0;
	st.global.b64 [%d2], %d1;`)
	cover(t, text)
	for seed := range int64(4) {
		got, _, err = run(t, text, 64, make([]uint64, 64), Launch{Dynamic: 256, Seed: seed})
		require.NoError(t, err)
		for i, v := range got {
			require.Equal(t, uint64(i^33), v)
		}
	}
}
