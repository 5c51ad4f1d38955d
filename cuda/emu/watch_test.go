package emu

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// setup gives every thread its shared word in %r3 and the next one's in %r4.
const setup = `
	mov.u32 %r1, %tid.x;
	mov.u32 %r2, smem;
	mad.lo.u32 %r3, %r1, 4, %r2;
	add.u32 %r5, %r1, 32;
	and.b32 %r5, %r5, 127;
	mad.lo.u32 %r4, %r5, 4, %r2;
`

// Everything that a launch is watched for is seen, in the order of the warps
// that hides it too, and the kernel without the fault runs.
func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, body, text string }{
		{"global bounds", "ld.global.b32 %r1, [%d0+4096];", "outside of every allocation"},
		{"the end of global memory", "mov.b64 %d1, 0;\n\tadd.u64 %d2, %d0, 4088;\n\tst.global.v2.b64 [%d2+0], {%d1, %d1};", "misaligned"},
		{"global alignment", "add.u64 %d1, %d0, 4;\n\tld.global.b64 %d2, [%d1];", "misaligned global address"},
		{"vector alignment", "add.u64 %d1, %d0, 8;\n\tld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%d1];", "misaligned global address"},
		{"shared bounds", "mov.u32 %r1, smem;\n\tst.shared.b32 [%r1+512], 7;", "past the end"},
		{"shared alignment", "mov.u32 %r1, smem;\n\tadd.u32 %r1, %r1, 2;\n\tst.shared.b32 [%r1], 7;", "misaligned shared address"},
		{"shared word not written", "mov.u32 %r1, smem;\n\tld.shared.b32 %r2, [%r1];", "read before it was written"},
		{"write, read", setup + "st.shared.b32 [%r3], %r1;\n\tld.shared.b32 %r6, [%r4];", "race|read before it was written"},
		{"read, write", setup + "st.shared.b32 [%r3], %r1;\n\tbar.sync 0;\n\tld.shared.b32 %r6, [%r4];\n\tst.shared.b32 [%r3], %r6;", "race"},
		{"write, write", setup + "and.b32 %r1, %r1, 31;\n\tmad.lo.u32 %r3, %r1, 4, %r2;\n\tst.shared.b32 [%r3], %r1;", "race"},
		{"copy not waited for", "mov.u32 %r1, smem;\n\tcp.async.cg.shared.global [%r1], [%d0], 16;\n\tcp.async.commit_group;\n\tcp.async.wait_group 1;\n\tld.shared.b32 %r2, [%r1];", "in flight"},
		{"copy waited for by another warp", setup + "mov.u32 %r6, smem;\n\tsetp.eq.u32 %p1, %r1, 0;\n\tand.b32 %r7, %r1, 0;\n\t@%p1 cp.async.cg.shared.global [%r6], [%d0], 16;\n\tcp.async.wait_all;\n\tld.shared.b32 %r7, [%r6];", "race|read before it was written"},
		{"copy over what is read", setup + "st.shared.b32 [%r3], %r1;\n\tbar.sync 0;\n\tld.shared.b32 %r6, [%r4];\n\tmul.lo.u32 %r7, %r1, 16;\n\tadd.u32 %r7, %r7, %r2;\n\tsetp.lt.u32 %p1, %r1, 32;\n\t@%p1 cp.async.cg.shared.global [%r7], [%d0], 16;\n\tcp.async.wait_all;", "race"},
		{"copy of more than its size", "mov.u32 %r1, smem;\n\tmov.b32 %r2, 20;\n\tcp.async.cg.shared.global [%r1], [%d0], 16, %r2;", "reads 20 bytes of 16"},
		{"copy from outside", "mov.u32 %r1, smem;\n\tcp.async.cg.shared.global [%r1], [%d0+4096], 16;", "outside of every allocation"},
		{"barrier of a part of a warp", setup + "setp.lt.u32 %p1, %r1, 7;\n\t@%p1 bra SKIP;\n\tbar.sync 0;\nSKIP:", "a barrier reached by lanes"},
		{"barrier after the end of lanes", setup + "setp.lt.u32 %p1, %r1, 7;\n\t@%p1 ret;\n\tbar.sync 0;", "do not reach"},
		{"barrier that a warp misses", setup + "setp.lt.u32 %p1, %r1, 32;\n\t@%p1 ret;\n\tbar.sync 0;", "deadlock"},
		{"shuffle of a part", setup + "setp.lt.u32 %p1, %r1, 7;\n\t@%p1 shfl.sync.down.b32 %r6, %r1, 1, 31, -1;", "take part"},
		{"shuffle from outside", setup + "setp.lt.u32 %p1, %r1, 7;\n\t@%p1 shfl.sync.idx.b32 %r6, %r1, 9, 31, 0x7f;\n\tbar.sync 0;", "take part"},
		{"vote of a part", setup + "setp.lt.u32 %p1, %r1, 7;\n\t@%p1 vote.sync.ballot.b32 %r6, %p1, -1;", "take part"},
		{"ldmatrix of a part", setup + "st.shared.b32 [%r3], %r1;\n\tsetp.lt.u32 %p1, %r1, 7;\n\t@%p1 ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r6}, [%r2];", "needs all 32 lanes"},
		{"division by zero", "mov.b32 %r1, 0;\n\tdiv.u32 %r2, %r1, %r1;", "division by zero"},
		{"remainder by zero", "mov.b32 %r1, 0;\n\trem.s32 %r2, %r1, %r1;", "division by zero"},
		{"endless loop", "L:\n\tbra L;", "endless loop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range int64(4) {
				runFails(t, c.body, 128, Launch{Dynamic: 512, Seed: seed, Steps: 1 << 16}, c.text)
			}
		})
	}
}

// Two blocks that touch a word, one of them writing, race; so does reading what
// nobody wrote.
func TestGlobalWords(t *testing.T) {
	for _, c := range []struct{ body, text string }{
		{"mov.u32 %r1, %ctaid.x;\n\tst.global.b32 [%d0], %r1;", "race"},
		{"mov.u32 %r1, %ctaid.x;\n\tsetp.eq.u32 %p1, %r1, 1;\n\t@%p1 st.global.b32 [%d0], %r1;\n\t@!%p1 ld.global.b32 %r2, [%d0];", "race"},
	} {
		for seed := range int64(4) {
			runFails(t, c.body, 32, Launch{Grid: [3]uint32{3, 1, 1}, Seed: seed}, c.text)
		}
		_, _, err := run(t, kernel(c.body), 1, []uint64{0}, Launch{})
		require.NoError(t, err, "one block alone")
	}
	m, err := Parse(kernel("ld.global.b32 %r1, [%d0];"))
	require.NoError(t, err)
	var g Memory
	p := make([]byte, 8)
	store(p, 8, g.Alloc(16))
	_, err = m.Kernels["k"].Run(&g, Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{1, 1, 1}, Params: p})
	require.ErrorContains(t, err, "nobody wrote it")
}

// The counters, on accesses whose numbers are known.
func TestCounters(t *testing.T) {
	for _, c := range []struct {
		body                string
		waves, ideal, extra int64
	}{
		{"mad.lo.u32 %r3, %r1, 4, %r2;\n\tst.shared.b32 [%r3], %r1;", 1, 1, 0},
		{"mad.lo.u32 %r3, %r1, 8, %r2;\n\tst.shared.b32 [%r3], %r1;", 2, 1, 1},
		{"mad.lo.u32 %r3, %r1, 128, %r2;\n\tst.shared.b32 [%r3], %r1;", 32, 1, 31},
		{"mad.lo.u32 %r3, %r1, 16, %r2;\n\tst.shared.v4.b32 [%r3], {%r1, %r1, %r1, %r1};", 4, 4, 0},
		{"mad.lo.u32 %r3, %r1, 32, %r2;\n\tst.shared.v4.b32 [%r3], {%r1, %r1, %r1, %r1};", 8, 4, 4},
	} {
		_, st, err := run(t, kernel("mov.u32 %r1, %laneid;\n\tmov.u32 %r2, smem;\n\t"+c.body), 32, []uint64{0}, Launch{Dynamic: 4096, Count: true})
		require.NoError(t, err)
		require.Equal(t, []int64{1, c.waves, c.ideal}, []int64{st.SharedRequests, st.SharedWavefronts, st.SharedIdeal}, c.body)
		extra := int64(0)
		for _, n := range st.Conflicts {
			extra += n
		}
		require.Equal(t, c.extra, extra, c.body)
	}
	_, st, err := run(t, kernel("mov.u32 %r1, %laneid;\n\tmul.wide.u32 %d1, %r1, 16;\n\tadd.u64 %d1, %d1, %d0;\n\tld.global.b32 %r2, [%d1];"), 32, make([]uint64, 64), Launch{Count: true})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 16, 128}, []int64{st.GlobalRequests, st.GlobalSectors, st.GlobalBytes})
	require.Equal(t, int64(6), st.Total)
	require.Equal(t, int64(1), st.Issued["ld.global.b32"])
	// of one word that all lanes read, four bytes are used
	_, st, err = run(t, kernel("ld.global.b32 %r2, [%d0];"), 32, []uint64{0}, Launch{Count: true})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 1, 4}, []int64{st.GlobalRequests, st.GlobalSectors, st.GlobalBytes})
}

// The order of blocks and warps comes from the seed.
func TestOrder(t *testing.T) {
	text := kernel(`
	mov.u32 %r1, %tid.x;
	shr.u32 %r1, %r1, 5;
	mov.u32 %r2, smem;
	cvt.u64.u32 %d1, %r1;
	st.global.b64 [%d0], %d1;`)
	last := map[uint64]bool{}
	for seed := range int64(20) {
		out, _, err := run(t, text, 128, []uint64{0}, Launch{Seed: seed})
		require.NoError(t, err)
		last[out[0]] = true
	}
	require.Len(t, last, 4)
}
