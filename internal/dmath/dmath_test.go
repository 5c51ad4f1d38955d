package dmath

import (
	"bufio"
	"hash/fnv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

var one = map[string]func(float64) float64{
	"Exp": Exp, "Expm1": Expm1, "Log": Log, "Log2": Log2, "Log1p": Log1p,
	"Sin": Sin, "Cos": Cos, "Tan": Tan, "SinPi": SinPi, "CosPi": CosPi, "Atan": Atan,
	"LogErfc": LogErfc, "LogErfcInv": LogErfcInv,
}

// TestReference compares with values computed in many digits.
func TestReference(t *testing.T) {
	f, err := os.Open("testdata/ref.txt")
	require.NoError(t, err)
	defer f.Close()
	worst, seen := map[string]float64{}, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		w := strings.Fields(s.Text())
		if w[0] == "#" {
			continue
		}
		var v [4]float64
		for i := range v {
			v[i], err = strconv.ParseFloat(w[i+1], 64)
			require.NoError(t, err)
		}
		got := 0.0
		if w[0] == "Pow" {
			got = Pow(v[0], v[1])
		} else {
			got = one[w[0]](v[0])
		}
		ulp := math.Nextafter(math.Abs(v[2]), math.Inf(1)) - math.Abs(v[2])
		e := math.Abs((got-v[2])-v[3]) / ulp
		limit := 0.56
		switch w[0] {
		case "Tan":
			limit = 0.7
		case "LogErfc", "LogErfcInv": // what their doc comments say
			limit = 2
		}
		require.LessOrEqual(t, e, limit, "%s: got %x", s.Text(), got)
		worst[w[0]] = max(worst[w[0]], e)
		seen++
	}
	require.Greater(t, seen, 2000)
	t.Log("worst error in ulp:", worst)
}

// TestAgainstMath compares with package math over wide random inputs, where
// that package is itself good to about 1 ulp.
func TestAgainstMath(t *testing.T) {
	r := numtest.NewRand(1)
	near := func(name string, x, got, want float64) {
		ulp := math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want)
		require.LessOrEqual(t, math.Abs(got-want), 2*ulp, "%s(%x) = %x, want %x", name, x, got, want)
	}
	for range 20000 {
		x := r.Float64()
		near("Exp", x*700, Exp(x*700), math.Exp(x*700))
		near("Expm1", x, Expm1(x), math.Expm1(x))
		near("Sin", x*50, Sin(x*50), math.Sin(x*50))
		near("Cos", x*50, Cos(x*50), math.Cos(x*50))
		near("Atan", x*20, Atan(x*20), math.Atan(x*20))
		p := math.Ldexp(1+math.Abs(x), int(r.Uint64()%2000)-1000)
		near("Log", p, Log(p), math.Log(p))
		near("Log2", p, Log2(p), math.Log2(p))
		near("Log1p", p, Log1p(p), math.Log1p(p))
	}
}

// TestBits pins the bits of every function on every architecture.
func TestBits(t *testing.T) {
	require.Len(t, pinned, len(one)+1)
	for n, w := range pinned {
		h, r := fnv.New64a(), numtest.NewRand(7)
		for range 4096 {
			x := math.Ldexp(r.Float64(), int(r.Uint64()%40)-20)
			var y float64
			switch n {
			case "Pow":
				y = Pow(math.Abs(x), 8*r.Float64())
			case "Log", "Log2", "Log1p", "LogErfc":
				y = one[n](math.Abs(x))
			case "LogErfcInv":
				y = one[n](-math.Abs(x))
			default:
				y = one[n](x)
			}
			var b [8]byte
			for i := range b {
				b[i] = byte(math.Float64bits(y) >> (8 * i))
			}
			h.Write(b[:])
		}
		if h.Sum64() != w {
			t.Errorf("%q: %#x, want %#x", n, h.Sum64(), w)
		}
	}
}

func TestSpecialValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	type c struct{ got, want float64 }
	for i, c := range []c{
		{Exp(inf), inf}, {Exp(-inf), 0}, {Exp(nan), nan}, {Exp(0), 1}, {Exp(710), inf}, {Exp(-746), 0},
		{Exp(-744), math.Exp(-744)},
		{Expm1(-inf), -1}, {Expm1(inf), inf}, {Expm1(0), 0}, {Expm1(nan), nan},
		{Log(0), -inf}, {Log(-1), nan}, {Log(inf), inf}, {Log(nan), nan}, {Log(1), 0}, {Log(0x1p-1074), -0x1.74385446d71c3p9},
		{Log2(0x1p-1074), -1074}, {Log2(8), 3}, {Log1p(-1), -inf}, {Log1p(-2), nan}, {Log1p(inf), inf}, {Log1p(0), 0},
		{Sin(inf), nan}, {Sin(0), 0}, {Cos(-inf), nan}, {Cos(0), 1}, {Tan(nan), nan}, {Tan(0), 0},
		{SinPi(1), 0}, {SinPi(0.5), 1}, {SinPi(-0.5), -1}, {SinPi(1e300), 0}, {CosPi(0.5), 0}, {CosPi(1), -1}, {CosPi(inf), nan},
		{Atan(inf), math.Pi / 2}, {Atan(-inf), -math.Pi / 2}, {Atan(1), math.Pi / 4}, {Atan(nan), nan},
		{Pow(2, 10), 1024}, {Pow(0, 2), 0}, {Pow(0, -1), inf}, {Pow(inf, 2), inf}, {Pow(inf, -2), 0}, {Pow(-1, 2), nan},
		{Pow(1, nan), 1}, {Pow(nan, 0), 1}, {Pow(nan, 1), nan}, {Pow(2, 2000), inf}, {Pow(2, -2000), 0}, {Pow(0.5, inf), 0},
		{Pow(0.5, -inf), inf}, {Pow(10, 2), 100}, {Pow(9, 0.5), 3},
		{LogErfc(0), 0}, {LogErfc(inf), -inf}, {LogErfc(-1), nan}, {LogErfc(nan), nan}, {LogErfcInv(0), 0}, {LogErfcInv(-inf), inf}, {LogErfcInv(1), nan}, {LogErfcInv(nan), nan},
	} {
		if c.got != c.want && !(c.got != c.got && c.want != c.want) {
			t.Errorf("case %d: got %v, want %v", i, c.got, c.want)
		}
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { Pow(Exp(Sin(1e300)), Log(3)) }))
}

// pinned is the FNV-1a hash of 4096 results of each function.
var pinned = map[string]uint64{
	"Atan":       0x9ebddfa7edf4ecf,
	"Cos":        0xf5024d5ee8f6a340,
	"CosPi":      0xd072c3a242d5947f,
	"Exp":        0x1230f2719e35b43c,
	"Expm1":      0xce2bd020b370e8d9,
	"Log":        0x74f260551f002ef5,
	"Log1p":      0xfee9def567eccafd,
	"Log2":       0x82337b286483,
	"LogErfc":    0x46755b77f586817a,
	"LogErfcInv": 0xd9d7978dcabfcae9,
	"Pow":        0x8d076377b2b806e0,
	"Sin":        0x5a1d584c439645f9,
	"SinPi":      0x17bd609618df17ef,
	"Tan":        0x20dba02de9003b22,
}
