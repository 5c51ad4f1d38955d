package metrics

// A rng is splitmix64: a counter passed through a bijection of 64 bits.
type rng struct{ s uint64 }

// newRNG returns a generator that depends on seed and part alone.
func newRNG(seed, part uint64) rng { return rng{mix(seed ^ mix(part+1))} }

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func (r *rng) next() uint64 {
	r.s += 0x9E3779B97F4A7C15
	return mix(r.s)
}

// unit returns a uniform number in [0,1).
func (r *rng) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// below returns a uniform number in 0…n−1, to within n/2^53.
func (r *rng) below(n int) int { return int(r.unit() * float64(n)) }

// choose returns k of the numbers 0…n−1, each set of k as likely, in random
// order (the first k steps of Fisher and Yates' shuffle).
func (r *rng) choose(k, n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	for i := range k {
		j := i + r.below(n-i)
		all[i], all[j] = all[j], all[i]
	}
	return all[:k]
}
