package simd

import "math/bits"

// Multipliers and key increments of Philox4x32 (Salmon et al., "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011).
const (
	philoxM0 = 0xD2511F53
	philoxM1 = 0xCD9E8D57
	philoxW0 = 0x9E3779B9
	philoxW1 = 0xBB67AE85
)

// Philox is the key and the upper three counter words of a Philox4x32-10
// generator, prepared for the kernels: block n is the cipher of the counter
// (n, c1, c2, c3). It is a value: it holds no position.
//
// Since only counter word 0 varies, half of round 1 and parts of rounds 2 and 3
// are the same for all blocks and are merged into constants here. The kernels
// read m as consecutive 64-bit words whose low halves count:
//
//	m[0] = c3^k1          round 1: x2 = hi(M0·n) ^ m[0]
//	m[1] = lo(M1·c2)^k0'  round 2: x0 = hi(M1·x2) ^ m[1]
//	m[2] = hi(M0·y)^k1'            x2 = lo(M0·n) ^ m[2], y = hi(M1·c2)^c1^k0
//	m[3] = k0''           round 3: x0 = hi(M1·x2) ^ x1 ^ m[3]
//	m[4] = lo(M0·y)^k1''           x2 = hi(M0·x0) ^ m[4]
//	m[5…18]               keys k0, k1 of rounds 4 to 10
type Philox struct {
	m          [19]uint64
	k0, k1     uint32
	c1, c2, c3 uint32
}

// NewPhilox prepares the generator with the 64-bit key (low word k0, high word
// k1) and the counter words c1, c2, c3.
func NewPhilox(key uint64, c1, c2, c3 uint32) Philox {
	p := Philox{k0: uint32(key), k1: uint32(key >> 32), c1: c1, c2: c2, c3: c3}
	k0, k1 := p.k0, p.k1
	p.m[0] = uint64(c3 ^ k1)
	h, l := bits.Mul32(philoxM1, c2)
	y := h ^ c1 ^ k0
	k0, k1 = k0+philoxW0, k1+philoxW1
	p.m[1] = uint64(l ^ k0)
	h, l = bits.Mul32(philoxM0, y)
	p.m[2] = uint64(h ^ k1)
	k0, k1 = k0+philoxW0, k1+philoxW1
	p.m[3] = uint64(k0)
	p.m[4] = uint64(l ^ k1)
	for i := 5; i < len(p.m); i += 2 {
		k0, k1 = k0+philoxW0, k1+philoxW1
		p.m[i], p.m[i+1] = uint64(k0), uint64(k1)
	}
	return p
}

// Block returns the four words of block n: Philox4x32-10 of (n, c1, c2, c3).
func (p *Philox) Block(n uint32) [4]uint32 {
	return PhiloxBlock([4]uint32{n, p.c1, p.c2, p.c3}, [2]uint32{p.k0, p.k1}, 10)
}

// words sets dst to the words of the blocks block, block+1, … or, if at is not
// nil, of the blocks block+at[listed(0)], block+at[listed(1)], …; it holds whole
// blocks.
func (p *Philox) words(dst []uint32, block uint32, at []uint64) {
	for i := philoxWordsAsm(dst, p, block, at); 4*i < len(dst); i++ {
		n := block + uint32(i)
		if at != nil {
			n = block + uint32(at[listed(i)])
		}
		*(*[4]uint32)(dst[4*i:]) = p.Block(n)
	}
}

// listed is the place of number i in a list of blocks: every eight stand in the
// order 0 4 1 5 2 6 3 7, from which the kernels make blocks in ascending order.
func listed(i int) int { return i&^7 | i<<1&6 | i>>2&1 }

// PhiloxBlock enciphers the counter c under the key k in the given number of
// rounds (10 everywhere in this project; 7 is the least that passes the usual
// batteries of tests).
func PhiloxBlock(c [4]uint32, k [2]uint32, rounds int) [4]uint32 {
	for range rounds {
		h0, l0 := bits.Mul32(philoxM0, c[0])
		h1, l1 := bits.Mul32(philoxM1, c[2])
		c = [4]uint32{h1 ^ c[1] ^ k[0], l1, h0 ^ c[3] ^ k[1], l0}
		k[0] += philoxW0
		k[1] += philoxW1
	}
	return c
}
