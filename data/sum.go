package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
)

// Sum returns what tells one set from another: the first 128 bits of SHA-256
// over all values, as they were read, classes and conditions, in hexadecimal. Names of
// files, columns and classes do not count.
func (s *Set) Sum() string {
	h := sha256.New()
	buf := make([]byte, 0, 1<<16)
	flush := func(least int) {
		if len(buf) > least {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	word := func(v uint64) {
		buf = binary.LittleEndian.AppendUint64(buf, v)
		flush(cap(buf) - 8)
	}
	word(uint64(len(s.Shape)))
	for _, d := range s.Shape {
		word(uint64(d))
	}
	for _, v := range s.Labels {
		word(uint64(v))
	}
	flush(0)
	h.Write(s.bytes)
	for _, v := range s.floats {
		word(uint64(math.Float32bits(v)))
	}
	for row, i := make([]float64, s.Per()), 0; s.own != nil && i < s.Len(); i++ {
		s.Float64(row, i)
		for _, v := range row {
			word(math.Float64bits(v))
		}
	}
	for _, v := range s.wide {
		word(math.Float64bits(v))
	}
	if len(s.given) > 0 {
		word(uint64(len(s.Given)))
	}
	for _, v := range s.given {
		word(math.Float64bits(v))
	}
	if s.Window > 0 {
		word(uint64(s.Window))
		for _, i := range s.starts {
			word(uint64(i))
		}
	}
	flush(0)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
