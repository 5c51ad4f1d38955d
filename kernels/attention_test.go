package kernels

import (
	"testing"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
)

var attnShapes = []ref64.AttnShape{
	{N: 1, T: 1, C: 1, Heads: 1}, {N: 2, T: 16, C: 32, Heads: 2}, {N: 1, T: 64, C: 16, Heads: 1},
	{N: 2, T: 50, C: 21, Heads: 3}, {N: 1, T: 101, C: 64, Heads: 1},
}

func TestAttention(t *testing.T) {
	for i, s := range attnShapes {
		r := numtest.NewRand(uint64(i))
		qkv, y := view(r, 3, s.N, s.T, 3*s.C), view(r, 2, s.N, s.T, s.C)
		around := frame(y)
		want := make([]float64, y.Len())
		ref64.Attention(want, values(qkv), s)
		bitsOf(t, func(c *CPU) []float32 {
			c.Attention(y, qkv, s.Heads)
			numtest.Within(t, want, dense(y), 2e-6, 0, "y")
			return dense(y)
		})
		numtest.SameBits(t, around, frame(y), "values between the rows of y")
	}
}

func TestAttentionBackward(t *testing.T) {
	for i, s := range attnShapes {
		r := numtest.NewRand(uint64(i))
		qkv, dy, dqkv := view(r, 3, s.N, s.T, 3*s.C), view(r, 2, s.N, s.T, s.C), view(r, 5, s.N, s.T, 3*s.C)
		around := frame(dqkv)
		want := make([]float64, qkv.Len())
		ref64.AttentionBackward(want, values(dy), values(qkv), s)
		bitsOf(t, func(c *CPU) []float32 {
			c.AttentionBackward(dqkv, dy, qkv, s.Heads)
			numtest.Within(t, want, dense(dqkv), 4e-6, 0, "dqkv")
			return dense(dqkv)
		})
		numtest.SameBits(t, around, frame(dqkv), "values between the rows of dqkv")
	}
}
