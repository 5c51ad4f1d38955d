package kernels

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

var attnShapes = []ref64.AttnShape{
	{N: 1, T: 1, C: 1, Heads: 1}, {N: 2, T: 16, C: 32, Heads: 2}, {N: 1, T: 64, C: 16, Heads: 1},
	{N: 2, T: 50, C: 21, Heads: 3}, {N: 1, T: 101, C: 64, Heads: 1}, {N: 1, T: 265, C: 40, Heads: 2}, {N: 1, T: 258, C: 32, Heads: 1},
	{N: 1, T: 258, C: 32, Heads: 2}, {N: 1, T: 96, C: 24, Heads: 1},
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

// What working memory holds of the keys of an earlier pass, behind those of this one,
// takes no part: its scores would be above all others here.
func TestAttentionOldKeys(t *testing.T) {
	const d, tokens = 16, 48
	c := New(1)
	pass := func(n int, key float32) []float32 {
		qkv, y := c.New(1, n, 3*d), c.New(1, n, d)
		for i := range n {
			row := qkv.Data()[i*3*d:]
			for k := range d {
				row[k], row[d+k], row[2*d+k] = 1, key, float32(i)
			}
		}
		c.Attention(y, qkv, 1)
		return y.Data()
	}
	for n := tokens - 11; n < tokens; n++ { // the last tile is full with 48
		pass(tokens, 1e4)
		for _, v := range pass(n, -1e4) {
			require.InDelta(t, float64(n-1)/2, v, 1e-4, "the mean of all values of %d", n)
		}
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

func TestAttentionAllocates(t *testing.T) {
	r := numtest.NewRand(1)
	c := New(2)
	qkv, y, d := view(r, 0, 2, 64, 96), view(r, 0, 2, 64, 32), view(r, 0, 2, 64, 96)
	numtest.NoAllocs(t, func() {
		c.Attention(y, qkv, 2)
		c.AttentionBackward(d, y, qkv, 2)
	})
}

// Equal scores average the values; equal values come out whatever the scores.
func TestAttentionLaws(t *testing.T) {
	r := numtest.NewRand(1)
	c := New(1)
	const T, d = 40, 8
	qkv, y := view(r, 0, 1, T, 3*d), c.New(1, T, d)
	mean := make([]float64, d)
	for i := range T {
		row := qkv.Data()[i*3*d:]
		clear(row[:d])
		for j := range d {
			mean[j] += float64(row[2*d+j]) / T
		}
	}
	c.Attention(y, qkv, 1)
	for i := range T {
		numtest.Within(t, mean, y.Data()[i*d:][:d], 1e-6, 0, "mean of the values")
	}
	r.Fill(qkv.Data(), 5)
	for i := range T {
		for j := range d {
			qkv.Data()[i*3*d+2*d+j] = 1
		}
	}
	c.Attention(y, qkv, 1)
	for _, v := range y.Data() {
		require.InDelta(t, 1, v, 1e-6)
	}
}

// A stop ends attention between blocks of rows, forward and backward.
func TestAttentionStops(t *testing.T) {
	const n, c = 16384, 64 // some tenths of a second
	var stop tensor.Stop
	dev := New(1).Until(&stop)
	qkv, y := dev.New(1, n, 3*c), dev.New(1, n, c)
	for _, run := range []func() []float32{
		func() []float32 { dev.Fill(y, 7); dev.Attention(y, qkv, 1); return y.Data() },
		func() []float32 {
			dqkv := dev.New(1, n, 3*c)
			dev.Fill(dqkv, 7)
			dev.AttentionBackward(dqkv, y, qkv, 1)
			return dqkv.Data()[:len(dqkv.Data())-2*c] // dq, the first third of a row, of the last one
		},
	} {
		done := make(chan struct{})
		stop.Set(done)
		time.AfterFunc(20*time.Millisecond, func() { close(done) })
		x := run()
		require.EqualValues(t, 7, x[len(x)-1], "the last row was computed")
		x = run() // stopped before it began
		require.EqualValues(t, 7, x[0])
	}
	stop.Set(nil)
	require.False(t, stop.Now())
}
