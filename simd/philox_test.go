package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// TestPhiloxKnownAnswers: the vectors of Random123's kat_vectors and of the
// C++ standard (philox4x32, seed 20111115, 10 000th output).
func TestPhiloxKnownAnswers(t *testing.T) {
	const f = 0xffffffff
	pi := [4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}
	for _, c := range []struct {
		rounds int
		ctr    [4]uint32
		key    [2]uint32
		want   [4]uint32
	}{
		{10, [4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{10, [4]uint32{f, f, f, f}, [2]uint32{f, f}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{10, pi, [2]uint32{0xa4093822, 0x299f31d0}, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
		{7, [4]uint32{}, [2]uint32{}, [4]uint32{0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48}},
		{7, [4]uint32{f, f, f, f}, [2]uint32{f, f}, [4]uint32{0x5207ddc2, 0x45165e59, 0x4d8ee751, 0x8c52f662}},
		{7, pi, [2]uint32{0xa4093822, 0x299f31d0}, [4]uint32{0x4dfccaba, 0x190a87f0, 0xc47362ba, 0xb6b5242a}},
	} {
		require.Equal(t, c.want, PhiloxBlock(c.ctr, c.key, c.rounds), "%d rounds of %x", c.rounds, c.ctr)
	}
}

// TestPhiloxWords: known answers through the kernels, at every level.
func TestPhiloxWords(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for seed, want := range map[uint64][8]uint32{
			42:                 {0x9ceaf053, 0x77f5493b, 0x12bf50ad, 0x5742b3d7, 0xfcdb2127, 0x53ba6cfd, 0x838f5a6e, 0x744e06fb},
			0xdeadbeefcafef00d: {0x1166cd2e, 0xa515d74e, 0x4ddb17c2, 0x2ca62098, 0xceb65dbf, 0x33defe48, 0x6a03d4c4, 0xd2867fd5},
		} {
			p := NewPhilox(seed, 0, 0, 0)
			var got [8]uint32
			Uint32s(got[:], &p, 0)
			require.Equal(t, want, got)
		}
		p := NewPhilox(20111115, 0, 0, 0)
		out := make([]uint32, 10000)
		Uint32s(out, &p, 0)
		require.Equal(t, uint32(1955073260), out[9999])

		// Every word of the key and of the counter, up to the last block.
		for _, c := range [][3]uint32{{0, 0, 0}, {1, 2, 3}, {0xffffffff, 0xffffffff, 0xffffffff}, {0x80000000, 0x12345678, 0x9abcdef0}} {
			for _, key := range []uint64{0, 1 << 63, 0x0123456789abcdef, 1<<64 - 1} {
				p := NewPhilox(key, c[0], c[1], c[2])
				for _, first := range []uint64{0, 1<<32 - 32, 1<<31 - 16} {
					got := make([]uint32, 128)
					Uint32s(got, &p, 4*first)
					for i := range uint64(32) {
						require.Equal(t, p.Block(uint32(first+i)), [4]uint32(got[4*i:]), "key %x counter %x block %d", key, c, first+i)
					}
				}
			}
		}
	})
}

// TestPhiloxLists: the blocks of a list, of any number, are those of the cipher,
// and nothing outside the words is written.
func TestPhiloxLists(t *testing.T) {
	p := NewPhilox(0x0123456789abcdef, 1, 2, 3)
	r := rand.New(rand.NewPCG(1, 2))
	at := make([]uint64, 128)
	for i := range at {
		at[i] = uint64(r.Uint32())
	}
	seen := map[int]bool{}
	for i := range at {
		require.Equal(t, i&^7, listed(i)&^7)
		seen[listed(i)] = true
	}
	require.Len(t, seen, len(at))
	numtest.EachLevel(t, func(t *testing.T) {
		for _, blocks := range []int{0, 1, 7, 8, 31, 32, 33, 64, 100, 128} {
			for _, first := range []uint32{0, 5, math.MaxUint32} {
				got := make([]uint32, 4*blocks+1)
				p.words(got[:4*blocks], first, at)
				for i := range blocks {
					require.Equal(t, p.Block(first+uint32(at[listed(i)])), [4]uint32(got[4*i:]), "block %d of %d", i, blocks)
				}
				p.words(got[:4*blocks], first, nil)
				for i := range blocks {
					require.Equal(t, p.Block(first+uint32(i)), [4]uint32(got[4*i:]), "block %d of %d", i, blocks)
				}
				require.Zero(t, got[4*blocks])
			}
		}
	})
}
