package train

// mix is the finaliser of splitmix64: a bijection of 64 bits whose output
// looks random.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Uses of a sample's random bits; a changed use takes a new tag.
const (
	tagOrder = iota + 1
	tagFlip
	tagDrop
	tagMask
)

// bits returns 64 random bits for one use of one sample.
func bits(seed, tag, sample uint64) uint64 { return mix(seed ^ mix(tag<<56^mix(sample))) }

// unit maps bits to [0,1).
func unit(b uint64) float64 { return float64(b>>11) / (1 << 53) }

// A shuffle orders the n samples of a set anew in every epoch without keeping
// the order: a Feistel network of six rounds permutes the smallest power of
// four above n, and indices beyond n are sent through again until they fall
// below it (fewer than four times on average).
type shuffle struct {
	seed uint64
	n    uint64
	half uint // bits in each half
}

func newShuffle(seed uint64, n int) shuffle {
	s := shuffle{seed: seed, n: uint64(n)}
	for uint64(1)<<(2*s.half) < s.n {
		s.half++
	}
	return s
}

// at returns which sample of the set is number k of the whole training.
func (s shuffle) at(k uint64) int {
	key := bits(s.seed, tagOrder, k/s.n)
	i := k % s.n
	for {
		if i = s.permute(i, key); i < s.n {
			return int(i)
		}
	}
}

func (s shuffle) permute(i, key uint64) uint64 {
	mask := uint64(1)<<s.half - 1
	l, r := i>>s.half, i&mask
	for round := range uint64(6) {
		l, r = r, l^mix(key^mix(r<<8|round))&mask
	}
	return l<<s.half | r
}
