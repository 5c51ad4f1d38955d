package nn

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// songGolden is the network of the golden forward pass: 8×8 images of two
// channels.
func songGolden(ncsnpp bool) Config {
	c := songPreset(ncsnpp, 8, 2, 8, []int{1, 2}, 1)
	c.AttentionRes = []int{4}
	return Config{Song: c}
}

// songFill fills parameter k of the list with 0.1·sin(0.37·i + 0.11·k), plus 1
// for the weights of normalisations, and the frequencies with (i+1)/2.
func songFill(p *Params) {
	fixture(p) // sets the frequencies to (i+1)/2
	for k, q := range p.List {
		buf := make([]float32, q.n)
		for i := range buf {
			v := 0.1 * math.Sin(0.37*float64(i)+0.11*float64(k))
			if strings.Contains(q.Name, "norm") && strings.HasSuffix(q.Name, ".weight") {
				v++
			}
			buf[i] = float32(v)
		}
		p.Set(p.Flat, q, buf)
	}
	p.Touch()
}

// A goldenSong is what the EDM code printed of a network, through its
// preconditioner D = c_skip·x + c_out·F(c_in·x, ln σ/4) for σ_data = 1.
type goldenSong struct {
	ncsnpp          bool
	params, tensors int
	sumF, absF      float64
	f               [4]float64
	sumD, absD      float64
	d               [4]float64
	d1177           float64
}

var goldenSongs = []goldenSong{
	{false, 48130, 142, -17.46951, 93.77522, [4]float64{-0.02074, 0.01675, 0.13066, 0.23174},
		-12.02285, 110.43342, [4]float64{0.65925, 0.67991, 0.74272, 0.7965}, 0.07263},
	{true, 48538, 144, -7.49329, 91.26707, [4]float64{-0.35369, -0.77653, -0.94873, -0.70441},
		-1.95909, 110.57579, [4]float64{0.46831, 0.22499, 0.12373, 0.25965}, 0.00369},
}

func TestGoldenSong(t *testing.T) {
	for _, g := range goldenSongs {
		for name, dev := range devices() {
			t.Run(fmt.Sprint(name, " ncsnpp=", g.ncsnpp), func(t *testing.T) {
				net, err := New(dev, songGolden(g.ncsnpp))
				require.NoError(t, err)
				songFill(net.Params())
				g.check(t, net)
			})
		}
	}
}

// check compares the network of songGolden and songFill with what was printed.
func (g goldenSong) check(t *testing.T, net *Net) {
	require.Equal(t, g.params, net.Params().Count())
	require.Len(t, net.Params().List, g.tensors)
	const n, c, side = 2, 2, 8
	x, in := make([]float32, n*c*side*side), make([]float32, n*c*side*side)
	sigma, times := []float64{0.7, 5}, make([]float32, n)
	for i := range x { // i counts as PyTorch does: sample, channel, row, column
		s := i / (c * side * side)
		at := s*c*side*side + i%(side*side)*c + i/(side*side)%c
		x[at] = float32(math.Cos(0.05 * float64(i)))
		in[at] = x[at] / float32(math.Sqrt(sigma[s]*sigma[s]+1))
		times[s] = float32(math.Log(sigma[s]) / 4)
	}
	f := make([]float32, len(x))
	net.Predict(workspace(t, net, n, false), f, in, times, nil)
	var sumF, absF, sumD, absD float64
	d := make([]float64, len(x))
	for i, v := range f {
		sg := sigma[i/(c*side*side)]
		d[i] = (float64(x[i]) + sg*math.Sqrt(sg*sg+1)*float64(v)) / (sg*sg + 1)
		sumF, absF = sumF+float64(v), absF+math.Abs(float64(v))
		sumD, absD = sumD+d[i], absD+math.Abs(d[i])
	}
	// Five decimals are given; sums of 256 float32 are off by a few 1e-6 each.
	near(t, g.sumF, sumF, 1e-4, "sum F")
	near(t, g.absF, absF, 1e-4, "sum |F|")
	near(t, g.sumD, sumD, 1e-4, "sum D")
	near(t, g.absD, absD, 1e-4, "sum |D|")
	for i := range 4 {
		near(t, g.f[i], float64(f[i*c]), 1e-5, fmt.Sprint("F", i))
		near(t, g.d[i], d[i*c], 1e-5, fmt.Sprint("D", i))
	}
	near(t, g.d1177, d[len(d)-1], 1e-5, "D[1,1,7,7]")
}

// TestSongCounts compares the published networks' parameters, without memory
// for them.
func TestSongCounts(t *testing.T) {
	preset := func(name string) *SongConfig {
		c, err := Preset(name)
		require.NoError(t, err)
		return c.Song
	}
	conditional := preset("cifar10-ddpmpp")
	conditional.NumClasses = 10
	ffhq := func(ncsnpp bool) *SongConfig {
		return songPreset(ncsnpp, 64, 3, 128, []int{1, 2, 2, 2}, 4).published(0.05)
	}
	for _, c := range []struct {
		cfg             *SongConfig
		params, tensors int
	}{
		{preset("cifar10-ddpmpp"), 55733891, 417}, {preset("cifar10-ncsnpp"), 56397827, 421}, {conditional, 55735299, 419},
		{ffhq(false), 61805571, 541}, {ffhq(true), 62761091, 547},
	} {
		require.NoError(t, Config{Song: c.cfg}.Validate())
		p, _ := describe(Config{Song: c.cfg})
		require.Equal(t, c.params, p.Count())
		require.Len(t, p.List, c.tensors)
	}
}
