package emu

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// matrices checks ldmatrix and mma by the layouts of the manual, written out
// here once more, and by a product of small integers, which is exact.
func matrices(t *testing.T) {
	for count, x := range map[int]string{1: "x1", 2: "x2", 4: "x4"} {
		for _, trans := range []string{"", ".trans"} {
			loadMatrix(t, count, x, trans)
		}
	}
	multiply(t, "m16n8k16.row.col.f32.bf16.bf16.f32", 16, 2)
	multiply(t, "m16n8k8.row.col.f32.tf32.tf32.f32", 8, 1)
}

// loadMatrix fills 4 matrices with 256·matrix + 8·row + column.
func loadMatrix(t *testing.T, count int, x, trans string) {
	var regs []string
	store := ""
	for i := range count {
		regs = append(regs, fmt.Sprintf("%%r%d", 4+i))
		store += fmt.Sprintf("\tst.global.b32 [%%d2+%d], %%r%d;\n", 4*i, 4+i)
	}
	text := kernel(`
	mov.u32 %r1, %laneid;
	mul.wide.u32 %d1, %r1, 16;
	add.u64 %d1, %d1, %d0;
	ld.global.v4.b32 {%r8, %r9, %r10, %r11}, [%d1];
	mov.u32 %r2, smem;
	mad.lo.u32 %r3, %r1, 16, %r2;
	st.shared.v4.b32 [%r3], {%r8, %r9, %r10, %r11};
	bar.sync 0;
	ldmatrix.sync.aligned.m8n8.` + x + trans + `.shared.b16 {` + strings.Join(regs, ", ") + `}, [%r3];
	add.u64 %d2, %d1, 512;
` + store)
	cover(t, text)
	in := make([]uint64, 128)
	for i := range 64 {
		for h := range 4 {
			e := 4*i + h // element of the 4·64
			in[i] |= uint64(e/64*256+e%64) << (16 * h)
		}
	}
	out, _, err := run(t, text, 32, in, Launch{Dynamic: 512})
	require.NoError(t, err)
	for l := range 32 {
		for i := range count {
			word := out[64+2*l+i/2] >> (32 * (i % 2)) & 0xffffffff
			row, col := l/4, l%4*2
			a, b := 8*row+col, 8*row+col+1
			if trans != "" {
				a, b = 8*col+row, 8*(col+1)+row
			}
			require.Equal(t, uint64(256*i+a|(256*i+b)<<16), word, "%s%s lane %d register %d", x, trans, l, i)
		}
	}
}

func multiply(t *testing.T, shape string, K, per int) {
	rnd := rand.New(rand.NewSource(6))
	var A, B, C [16][16]int
	for i := range 16 {
		for j := range 16 {
			A[i][j], B[i][j], C[i][j] = rnd.Intn(31)-15, rnd.Intn(31)-15, rnd.Intn(999)
		}
	}
	bf := func(v int) uint64 { return u32(float32(v)) >> 16 }
	in := make([]uint64, 32*8) // per lane 16 words: a0…a3 b0 b1 c0…c3 d0…d3
	put := func(l, w int, v uint64) { in[8*l+w/2] |= v << (32 * (w % 2)) }
	for l := range 32 {
		g, q := l>>2, l&3
		for r := range 4 {
			i, j := g+r%2*8, r/2*K/2
			if per == 2 {
				put(l, r, bf(A[i][j+2*q])|bf(A[i][j+2*q+1])<<16)
			} else {
				put(l, r, u32(float32(A[i][j+q]))|0x1fff) // low bits are dropped
			}
			put(l, 6+r, u32(float32(C[g+r/2*8][2*q+r%2])))
		}
		for r := range 2 {
			k := r * K / 2
			if per == 2 {
				put(l, 4+r, bf(B[k+2*q][g])|bf(B[k+2*q+1][g])<<16)
			} else {
				put(l, 4+r, u32(float32(B[k+q][g])))
			}
		}
	}
	text := kernel(`
	mov.u32 %r1, %laneid;
	mul.wide.u32 %d1, %r1, 64;
	add.u64 %d1, %d1, %d0;
	ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%d1];
	ld.global.v4.b32 {%r6, %r7, %r8, %r9}, [%d1+16];
	ld.global.v2.b32 {%r10, %r11}, [%d1+32];
	mov.b32 %f0, %r8; mov.b32 %f1, %r9; mov.b32 %f2, %r10; mov.b32 %f3, %r11;
	mma.sync.aligned.` + shape + ` {%f4, %f5, %f6, %f7}, {%r2, %r3, %r4, %r5}, {%r6, %r7}, {%f0, %f1, %f2, %f3};
	st.global.v2.f32 [%d1+40], {%f4, %f5};
	st.global.v2.f32 [%d1+48], {%f6, %f7};`)
	cover(t, text)
	out, _, err := run(t, text, 32, in, Launch{})
	require.NoError(t, err)
	for l := range 32 {
		for r := range 4 {
			i, j := l>>2+r/2*8, l&3*2+r%2
			want := C[i][j]
			for k := range K {
				want += A[i][k] * B[k][j]
			}
			w := 10 + r
			require.Equal(t, u32(float32(want)), out[8*l+w/2]>>(32*(w%2))&0xffffffff, "%s row %d column %d", shape, i, j)
		}
	}
}
