package emu

import (
	"maps"
	"math"
	"math/big"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// words are the values that integer instructions are tried with.
func words(n int, rnd *rand.Rand) []uint64 {
	w := []uint64{0, 1, 2, 7, 0x7f, 0x80, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 62, 1<<63 - 1, 1 << 63, math.MaxUint64}
	for range 16 {
		w = append(w, rnd.Uint64()>>rnd.Intn(64))
	}
	for i := range w {
		w[i] = cut(w[i], n)
	}
	return w
}

// number is x as the type reads it, word is the low n bytes of v.
func number(x uint64, t typ) *big.Int {
	v := new(big.Int).SetUint64(x)
	if t.class == 's' && x>>(8*t.size-1)&1 == 1 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*t.size)))
	}
	return v
}

func word(v *big.Int, n int) uint64 {
	m := new(big.Int).Lsh(big.NewInt(1), uint(8*n))
	return new(big.Int).Mod(v, m).Uint64()
}

// kindOf is the kind of register of so many bytes.
func kindOf(t typ) string {
	switch {
	case t.class == 'p':
		return "p"
	case t.class == 'f':
		return map[int]string{4: "f", 8: "g"}[t.size]
	}
	return map[int]string{2: "h", 4: "r", 8: "d"}[t.size]
}

// wholeNumbers checks the instructions on integers against math/big.
func wholeNumbers(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for _, op := range slices.Sorted(maps.Keys(opcodes)) {
		part := strings.Split(op, ".")
		ty := types[part[len(part)-1]]
		f := map[string]func(z, x, y *big.Int) *big.Int{"add": (*big.Int).Add, "sub": (*big.Int).Sub, "mul": (*big.Int).Mul, "mad": (*big.Int).Mul,
			"div": (*big.Int).Quo, "rem": (*big.Int).Rem, "and": (*big.Int).And, "or": (*big.Int).Or, "xor": (*big.Int).Xor,
			"min": least, "max": most}[part[0]]
		if f == nil || ty.class == 'f' || ty.class == 'p' {
			continue
		}
		k := kindOf(ty)
		out := k
		wide := len(part) == 3 && part[1] == "wide"
		if wide {
			out = map[string]string{"h": "r", "r": "d"}[k]
		}
		ws := words(ty.size, rnd)
		for i := range 40 {
			x, y := ws[rnd.Intn(len(ws))], ws[rnd.Intn(len(ws))]
			if i < 8 {
				x, y = ws[len(ws)-1-i], ws[len(ws)-1-i]
			}
			if y == 0 && (part[0] == "div" || part[0] == "rem") {
				y = 1
			}
			v := f(new(big.Int), number(x, ty), number(y, ty))
			n := ty.size
			if wide {
				n *= 2
			} else if len(part) == 3 && part[1] == "hi" {
				v.Rsh(v, uint(8*n))
			}
			in, kinds := []uint64{x, y}, out+k+k
			if part[0] == "mad" {
				z := cut(rnd.Uint64(), n)
				v.Add(v, new(big.Int).SetUint64(z))
				in, kinds = append(in, z), kinds+out
			}
			require.Equal(t, word(v, n), one(t, op, kinds, "", in), "%s %#x %#x", op, x, y)
		}
	}
}

func least(z, x, y *big.Int) *big.Int {
	if x.Cmp(y) < 0 {
		return z.Set(x)
	}
	return z.Set(y)
}

func most(z, x, y *big.Int) *big.Int {
	if x.Cmp(y) > 0 {
		return z.Set(x)
	}
	return z.Set(y)
}

// floats are the values that float instructions are tried with.
func floats(rnd *rand.Rand) []float64 {
	f := []float64{0, math.Copysign(0, -1), 1, -1, 1.5, 3, 1e-39, -3e-45, 0x1p-126, 0x1.fffffep127, 0x1p-1050, 1e300, -7e30, 0.1, 1 / 3.0}
	for range 24 {
		f = append(f, rnd.NormFloat64()*math.Ldexp(1, rnd.Intn(60)-30))
	}
	return f
}

// finite checks +, −, ×, ÷ and fma on finite numbers against exact fractions.
func finite(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	fs := floats(rnd)
	pick := func(single bool) (float64, uint64) {
		v := fs[rnd.Intn(len(fs))]
		if !single {
			return v, u64(v)
		}
		s := float32(v)
		if math.IsInf(float64(s), 0) {
			s = 2
		}
		return float64(s), u32(s)
	}
	for _, op := range expand("{add.rn,sub.rn,mul.rn,div.rn,fma.rn}.{f32,f64}") {
		single := strings.HasSuffix(op, "f32")
		k := kindOf(types[op[len(op)-3:]])
		for range 80 {
			x, ux := pick(single)
			y, uy := pick(single)
			z, uz := pick(single)
			if y == 0 && op[:3] == "div" {
				continue
			}
			a, b := new(big.Rat).SetFloat64(x), new(big.Rat).SetFloat64(y)
			r := new(big.Rat)
			in, kinds := []uint64{ux, uy}, k+k+k
			switch op[:3] {
			case "add":
				r.Add(a, b)
			case "sub":
				r.Sub(a, b)
			case "mul":
				r.Mul(a, b)
			case "div":
				r.Quo(a, b)
			case "fma":
				r.Add(r.Mul(a, b), new(big.Rat).SetFloat64(z))
				in, kinds = append(in, uz), kinds+k
			}
			if r.Sign() == 0 { // its sign is not in the fraction; see cases
				continue
			}
			got := one(t, op, kinds, "", in)
			if single {
				want, _ := r.Float32()
				require.Equal(t, u32(want), got, "%s %v %v %v", op, x, y, z)
			} else {
				want, _ := r.Float64()
				require.Equal(t, u64(want), got, "%s %v %v %v", op, x, y, z)
			}
		}
	}
}

// shifts checks what moves bits against loops over bits.
func shifts(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	for _, op := range slices.Sorted(maps.Keys(opcodes)) {
		part := strings.Split(op, ".")
		ty := types[part[len(part)-1]]
		n := uint(8 * ty.size)
		if part[0] == "shl" || part[0] == "shr" {
			for _, by := range []uint64{0, 1, 5, uint64(n) - 1, uint64(n), uint64(n) + 1, 64, 255, 1 << 31} {
				x := cut(rnd.Uint64()|1<<(n-1), ty.size)
				v := number(x, ty)
				s := uint(min(by, 200))
				if part[0] == "shl" {
					v.Lsh(v, s)
				} else {
					v.Rsh(v, s)
				}
				k := kindOf(ty)
				require.Equal(t, word(v, ty.size), one(t, op, k+k+"r", "", []uint64{x, by}), "%s %#x %d", op, x, by)
			}
		}
		if part[0] == "bfe" || part[0] == "bfi" {
			for range 40 {
				a, b := cut(rnd.Uint64(), ty.size), cut(rnd.Uint64(), ty.size)
				pos, length := uint64(rnd.Intn(int(n)+4)), uint64(rnd.Intn(int(n)+4))
				field := func(i uint64) bool { return i < length && pos+i < uint64(n) }
				var want uint64
				if part[0] == "bfe" {
					for i := range uint64(n) {
						bit := uint64(0)
						if field(i) {
							bit = a >> (pos + i) & 1
						} else if ty.class == 's' && length > 0 {
							bit = a >> min(pos+length-1, uint64(n)-1) & 1
						}
						want |= bit << i
					}
					k := kindOf(ty)
					require.Equal(t, want, one(t, op, k+k+"rr", "", []uint64{a, pos, length}), "%s %#x %d %d", op, a, pos, length)
					continue
				}
				want = b
				for i := range uint64(n) {
					if field(i) {
						want = want&^(1<<(pos+i)) | a>>i&1<<(pos+i)
					}
				}
				k := kindOf(ty)
				require.Equal(t, want, one(t, op, k+k+k+"rr", "", []uint64{a, b, pos, length}), "%s", op)
			}
		}
	}
}

// conversions checks cvt against math/big.
func conversions(t *testing.T) {
	rnd := rand.New(rand.NewSource(4))
	for _, op := range slices.Sorted(maps.Keys(opcodes)) {
		part := strings.Split(op, ".")
		if part[0] != "cvt" || strings.Contains(op, "tf32") || strings.Contains(op, "bf16") {
			continue
		}
		from, into := types[part[len(part)-1]], types[part[len(part)-2]]
		kinds := kindOf(into) + kindOf(from)
		if from.class != 'f' {
			for _, x := range words(from.size, rnd) {
				v := number(x, from)
				want := uint64(0)
				switch {
				case into.class != 'f':
					want = word(v, into.size)
				case into.size == 4:
					f, _ := new(big.Rat).SetInt(v).Float32()
					want = u32(f)
				default:
					f, _ := new(big.Rat).SetInt(v).Float64()
					want = u64(f)
				}
				require.Equal(t, want, one(t, op, kinds, "", []uint64{x}), "%s %#x", op, x)
			}
			continue
		}
		for _, v := range append(floats(rnd), 0.5, 1.5, 2.5, -0.5, -2.5, -1e19, 1e19, math.NaN(), math.Inf(1), math.Inf(-1)) {
			in := u64(v)
			if from.size == 4 {
				v = float64(float32(v))
				in = u32(float32(v))
			}
			r := math.Trunc(v)
			if strings.Contains(op, "rni") {
				r = math.RoundToEven(v)
			}
			require.Equal(t, wantConversion(v, r, from, into), one(t, op, kinds, "", []uint64{in}), "%s %v", op, v)
		}
	}
}

// wantConversion is v, or its rounding r to an integer, as the type has it.
func wantConversion(v, r float64, from, into typ) uint64 {
	if into.class == 'f' {
		if from.size == into.size {
			v = r
		}
		switch {
		case v != v && into.size == 4:
			return nan32
		case v != v:
			return nan64
		case into.size == 4:
			return u32(float32(v))
		}
		return u64(v)
	}
	if v != v {
		return 0
	}
	n := uint(8 * into.size)
	lo, hi := new(big.Int), new(big.Int).Lsh(big.NewInt(1), n)
	if into.class == 's' {
		hi.Rsh(hi, 1)
		lo.Neg(hi)
	}
	hi.Sub(hi, big.NewInt(1))
	i := new(big.Int).Set(hi)
	switch {
	case math.IsInf(r, -1):
		i.Set(lo)
	case !math.IsInf(r, 1):
		i, _ = big.NewFloat(r).Int(nil)
	}
	return word(least(new(big.Int), most(new(big.Int), i, lo), hi), into.size)
}

// comparisons checks setp with its joins, and selp.
func comparisons(t *testing.T) {
	rnd := rand.New(rand.NewSource(5))
	for _, op := range slices.Sorted(maps.Keys(opcodes)) {
		part := strings.Split(op, ".")
		ty := types[part[len(part)-1]]
		k := kindOf(ty)
		if part[0] == "selp" {
			for p := range uint64(2) {
				require.Equal(t, 22-11*p, one(t, op, k+k+k+"p", "", []uint64{11, 22, p}), op)
			}
		}
		if part[0] != "setp" {
			continue
		}
		values := words(ty.size, rnd)[:16]
		if ty.class == 'f' {
			values = nil
			for _, v := range []float64{0, math.Copysign(0, -1), 1, -2, math.NaN(), math.Inf(1)} {
				if ty.size == 4 {
					values = append(values, u32(float32(v)))
				} else {
					values = append(values, u64(v))
				}
			}
		}
		for range 30 {
			x, y, q := values[rnd.Intn(len(values))], values[rnd.Intn(len(values))], uint64(rnd.Intn(2))
			c, un := number(x, ty).Cmp(number(y, ty)), false
			if ty.class == 'f' {
				u, v := f64(x), f64(y)
				if ty.size == 4 {
					u, v = float64(f32(x)), float64(f32(y))
				}
				un = u != u || v != v
				c = map[bool]int{true: 1}[u > v] - map[bool]int{true: 1}[u < v]
			}
			want := map[string]bool{"eq": c == 0, "ne": c != 0, "lt": c < 0, "le": c <= 0, "gt": c > 0, "ge": c >= 0, "nu": true}[part[1][:2]] && !un || un && (len(part[1]) == 3 && part[1] != "num")
			if part[1] == "nan" {
				want = un
			}
			in, kinds := []uint64{x, y}, "p"+k+k
			if len(part) == 4 {
				in, kinds = append(in, q), kinds+"p"
				want = part[2] == "and" && want && q == 1 || part[2] == "or" && (want || q == 1)
			}
			require.Equal(t, want, one(t, op, kinds, "", in) == 1, "%s %#x %#x %d", op, x, y, q)
		}
	}
}

// single are instructions with one source and those with traps, against values
// from the manual.
func single(t *testing.T) {
	inf, nan := float32(math.Inf(1)), uint64(nan32)
	minus0 := u32(float32(math.Copysign(0, -1)))
	for _, c := range []struct {
		op, kinds, tail string
		in              []uint64
		want            uint64
	}{
		{"not.b16", "hh", "", []uint64{0xff}, 0xff00},
		{"not.b32", "rr", "", []uint64{0xff}, 0xffffff00},
		{"not.b64", "dd", "", []uint64{0}, math.MaxUint64},
		{"not.pred", "pp", "", []uint64{1}, 0},
		{"and.pred", "ppp", "", []uint64{1, 0}, 0},
		{"or.pred", "ppp", "", []uint64{1, 0}, 1},
		{"xor.pred", "ppp", "", []uint64{1, 1}, 0},
		{"neg.s16", "hh", "", []uint64{1}, 0xffff},
		{"neg.s32", "rr", "", []uint64{0x80000000}, 0x80000000},
		{"neg.s64", "dd", "", []uint64{5}, math.MaxUint64 - 4},
		{"abs.s16", "hh", "", []uint64{0xfffe}, 2},
		{"abs.s32", "rr", "", []uint64{0xfffffffe}, 2},
		{"abs.s64", "dd", "", []uint64{math.MaxUint64}, 1},
		{"popc.b32", "rr", "", []uint64{0xf0f00001}, 9},
		{"popc.b64", "rd", "", []uint64{math.MaxUint64}, 64},
		{"clz.b32", "rr", "", []uint64{0}, 32},
		{"clz.b64", "rd", "", []uint64{1 << 40}, 23},
		{"brev.b32", "rr", "", []uint64{6}, 0x60000000},
		{"brev.b64", "dd", "", []uint64{1}, 1 << 63},
		{"shf.l.clamp.b32", "rrrr", "", []uint64{0x80000001, 2, 40}, 0x80000001},
		{"shf.l.wrap.b32", "rrrr", "", []uint64{0x80000001, 2, 33}, 5},
		{"shf.r.clamp.b32", "rrrr", "", []uint64{0x80000001, 2, 99}, 2},
		{"shf.r.wrap.b32", "rrrr", "", []uint64{0x80000002, 3, 33}, 0xc0000001},
		{"prmt.b32", "rrrr", "", []uint64{0x33221180, 0x77665544, 0x7085}, 0x7780ff55},
		{"lop3.b32", "rrrr", ", 0x96", []uint64{0xf0f0f0f0, 0xcccccccc, 0xaaaaaaaa}, 0x96969696},
		{"lop3.b32", "rrrr", ", 0x78", []uint64{0xf0f0f0f0, 0xcccccccc, 0xaaaaaaaa}, 0x78787878},
		{"mov.pred", "pp", "", []uint64{1}, 1},
		{"cvta.to.global.u64", "dd", "", []uint64{77}, 77},
		{"cvta.to.shared.u64", "dd", "", []uint64{77}, 77},
		{"cvta.global.u64", "dd", "", []uint64{77}, 77},
		{"cvta.shared.u64", "dd", "", []uint64{77}, 77},

		// zeros and what is not finite
		{"add.rn.f32", "fff", "", []uint64{minus0, minus0}, minus0},
		{"add.rn.f32", "fff", "", []uint64{minus0, 0}, 0},
		{"add.rn.f32", "fff", "", []uint64{u32(inf), u32(-inf)}, nan},
		{"mul.rn.f32", "fff", "", []uint64{0, u32(-1)}, minus0},
		{"mul.rn.f32", "fff", "", []uint64{0, u32(inf)}, nan},
		{"div.rn.f32", "fff", "", []uint64{u32(1), minus0}, u32(-inf)},
		{"div.rn.f64", "ggg", "", []uint64{0, 0}, nan64},
		{"fma.rn.f32", "ffff", "", []uint64{0, u32(1), minus0}, 0},
		{"fma.rn.f32", "ffff", "", []uint64{minus0, u32(1), minus0}, minus0},
		{"fma.rn.f32", "ffff", "", []uint64{0x7f812345, u32(1), 0}, nan},
		// a sum in float64 would round twice here: 1+2⁻²⁴+2⁻⁶⁰ is above the tie
		{"fma.rn.f32", "ffff", "", []uint64{u32(0x1p-30), u32(0x1p-30), u32(1)}, u32(1)},
		{"fma.rn.f32", "ffff", "", []uint64{u32(1 + 0x1p-12), u32(1 + 0x1p-12), u32(0x1p-80)}, u32(1 + 0x1p-11 + 0x1p-23)},
		{"sqrt.rn.f32", "ff", "", []uint64{u32(2)}, u32(float32(math.Sqrt2))},
		{"sqrt.rn.f32", "ff", "", []uint64{minus0}, minus0},
		{"sqrt.rn.f32", "ff", "", []uint64{u32(-1)}, nan},
		{"sqrt.rn.f32", "ff", "", []uint64{4}, u32(0x1.6a09e6p-74)}, // √2⁻¹⁴⁷
		{"sqrt.rn.f64", "gg", "", []uint64{u64(2)}, u64(math.Sqrt2)},
		{"neg.f32", "ff", "", []uint64{0}, minus0},
		{"neg.f64", "gg", "", []uint64{u64(1)}, u64(-1)},
		{"abs.f32", "ff", "", []uint64{u32(-inf)}, u32(inf)},
		{"abs.f64", "gg", "", []uint64{u64(-3)}, u64(3)},
		{"min.f32", "fff", "", []uint64{0, minus0}, minus0},
		{"max.f32", "fff", "", []uint64{minus0, 0}, 0},
		{"min.f32", "fff", "", []uint64{nan, u32(3)}, u32(3)},
		{"max.f32", "fff", "", []uint64{u32(3), nan}, u32(3)},
		{"max.f32", "fff", "", []uint64{nan, 0x7f812345}, nan},
		{"min.NaN.f32", "fff", "", []uint64{nan, u32(3)}, nan},
		{"max.NaN.f32", "fff", "", []uint64{u32(3), nan}, nan},
		{"min.f64", "ggg", "", []uint64{u64(-1), u64(2)}, u64(-1)},
		{"max.f64", "ggg", "", []uint64{nan64, u64(2)}, u64(2)},
		{"ex2.approx.f32", "ff", "", []uint64{u32(-3)}, u32(0.125)},
		{"ex2.approx.ftz.f32", "ff", "", []uint64{u32(-130)}, 0},
		{"lg2.approx.f32", "ff", "", []uint64{u32(8)}, u32(3)},
		{"lg2.approx.ftz.f32", "ff", "", []uint64{1}, u32(-inf)},
		{"rcp.approx.f32", "ff", "", []uint64{u32(4)}, u32(0.25)},
		{"rcp.approx.ftz.f32", "ff", "", []uint64{u32(-0x1.8p127)}, minus0},
		{"rsqrt.approx.f32", "ff", "", []uint64{u32(4)}, u32(0.5)},
		{"rsqrt.approx.ftz.f32", "ff", "", []uint64{1}, u32(inf)},

		{"cvt.rna.tf32.f32", "rf", "", []uint64{0x3f801000}, 0x3f802000}, // tie: away from 0
		{"cvt.rna.tf32.f32", "rf", "", []uint64{0xbf800fff}, 0xbf800000},
		{"cvt.rna.tf32.f32", "rf", "", []uint64{0x7f800000}, 0x7f800000},
		{"cvt.rn.bf16x2.f32", "rff", "", []uint64{0x3f808000, 0x3f818000}, 0x3f803f82}, // ties to even; the first is high
		{"cvt.rn.bf16x2.f32", "rff", "", []uint64{nan, 0x7f7fffff}, 0x7fff7f80},
	} {
		require.Equal(t, c.want, one(t, c.op, c.kinds, c.tail, c.in), "%s %#x", c.op, c.in)
	}
	for _, op := range expand("mov.{b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}") {
		ty := types[op[4:]]
		k := kindOf(ty)
		require.Equal(t, cut(0x1234567890abcdef, ty.size), one(t, op, k+k, "", []uint64{cut(0x1234567890abcdef, ty.size)}), op)
	}
}
