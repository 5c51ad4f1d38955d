package ptx

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"heavytail/cuda/emu"
	"heavytail/tensor"
)

// anyAttention runs attention in steps of some queries.
type anyAttention struct {
	g             *gpu
	N, T, H, d, m int
	qkv           uint64
	width         int
	s, ds         uint64 // scores and their gradients
	seed          int64
	change        *emu.Module // in the place of the module, for mutants
}

func newAnyAttention(g *gpu, N, T, H, d, m int, x []float32) *anyAttention {
	a := &anyAttention{g: g, N: N, T: T, H: H, d: d, m: m, qkv: g.put(x), width: T + 3}
	a.s, a.ds = g.room(N*H*m*a.width), g.room(N*H*m*a.width)
	return a
}

func (a *anyAttention) run(entry string, l emu.Launch, params ...any) error {
	m := a.change
	if m == nil {
		m = parsed(a.g.t, "attention")
	}
	k := m.Kernels[entry]
	l.Params = pack(a.g.t, k, params...)
	l.Count = a.change == nil
	st, err := k.Run(&a.g.m, l)
	if err == nil && l.Count {
		text, _ := Text("attention")
		lines := strings.Split(text, "\n")
		for line, n := range st.Conflicts {
			err = fmt.Errorf("%s line %d (%s): %d wavefronts more than needed", entry, line, lines[line-1], n)
		}
	}
	return err
}

// A place is where a matrix of every sample and head lies: the pitch, and what
// samples and heads are apart.
type place struct {
	at                  uint64
	pitch, sample, head int
}

// part is q, k or v from row i on, of qkv or its gradient.
func (a *anyAttention) part(base uint64, which, i int) place {
	pitch := 3 * a.H * a.d
	return place{base + uint64(4*(which*a.d+i*pitch)), pitch, a.T * pitch, 3 * a.d}
}

func (a *anyAttention) product(entry string, c, x, y place, M, N, K int, factorB, factorC float32, acc bool) error {
	l := launch(up(N, 64), up(M, 64), 256, 0, a.seed)
	l.Grid[2] = uint32(a.N * a.H)
	return a.run(entry, l, c.at, x.at, y.at, M, N, K, c.pitch, x.pitch, y.pitch,
		c.sample, c.head, x.sample, x.head, y.sample, y.head, a.H, factorB, factorC, flag(acc))
}

// rows runs a kernel of rows of n queries.
func (a *anyAttention) rows(entry string, n int, pointers ...any) error {
	rows := a.N * a.H * n
	return a.run(entry, launch(up(rows, 8), 1, 128, 0, a.seed), append(pointers, rows, a.T, a.width)...)
}

// step does queries q0… of the forward pass or, with dy, of the gradients.
func (a *anyAttention) step(q0 int, y, dy, dqkv uint64) error {
	n := min(a.m, a.T-q0)
	scale := float32(1 / math.Sqrt(float64(a.d)))
	s := place{a.s, a.width, a.H * n * a.width, n * a.width}
	d := place{a.ds, s.pitch, s.sample, s.head}
	out := func(base uint64) place {
		return place{base + uint64(4*q0*a.H*a.d), a.H * a.d, a.T * a.H * a.d, a.d}
	}
	part := func(which, i int) place { return a.part(a.qkv, which, i) }
	lastScale := float32(1)
	if q0+n == a.T {
		lastScale = scale
	}
	steps := []func() error{
		func() error {
			return a.product("attention_nt", s, part(0, q0), part(1, 0), n, a.T, a.d, scale, 1, false)
		},
		func() error { return a.rows("softmax", n, a.s) },
	}
	if dy == 0 {
		steps = append(steps, func() error { return a.product("attention_nn", out(y), s, part(2, 0), n, a.d, a.T, 1, 1, false) })
	} else {
		steps = append(steps,
			func() error { return a.product("attention_nt", d, out(dy), part(2, 0), n, a.T, a.d, 1, 1, false) },
			func() error { return a.rows("softmax_backward", n, a.ds, a.s) },
			func() error {
				return a.product("attention_nn", a.part(dqkv, 0, q0), d, part(1, 0), n, a.d, a.T, scale, 1, false)
			},
			func() error {
				return a.product("attention_tn", a.part(dqkv, 1, 0), d, part(0, q0), a.T, a.d, n, 1, lastScale, q0 > 0)
			},
			func() error {
				return a.product("attention_tn", a.part(dqkv, 2, 0), s, out(dy), a.T, a.d, n, 1, 1, q0 > 0)
			})
	}
	for _, f := range steps {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// Attention for heads of any size, of tokens in one step and in several, forward
// and backward, with NaN and with a score that dwarfs the others.
func TestAttentionAny(t *testing.T) {
	for i, s := range [][5]int{{2, 21, 3, 5, 21}, {1, 66, 2, 40, 33}, {1, 1, 1, 3, 1}, {1, 67, 1, 20, 67}, {1, 9, 1, tensor.MaxHead, 9}} {
		N, T, H, d, m := s[0], s[1], s[2], s[3], s[4]
		C := H * d
		x, dy := random(N*T*3*C, 9), random(N*T*C, 5)
		switch i {
		case 0:
			x[7], x[len(x)-1] = float32(math.NaN()), float32(math.Inf(1))
		case 1:
			x[9] = 1e20
		}
		y, dqkv, qkv := cpu.New(N, T, C), cpu.New(N, T, 3*C), onCPU(x, N, T, 3*C)
		cpu.Attention(y, qkv, H)
		cpu.AttentionBackward(dqkv, onCPU(dy, N, T, C), qkv, H)
		g := &gpu{t: t}
		a := newAnyAttention(g, N, T, H, d, m, x)
		pY, pDQKV, pDY := g.room(N*T*C), g.room(N*T*3*C), g.put(dy)
		for q0 := 0; q0 < T; q0 += m {
			a.seed++
			for _, grad := range []uint64{0, pDY} {
				if err := a.step(q0, pY, grad, pDQKV); err != nil {
					t.Fatal(s, err)
				}
			}
		}
		same(t, y.Data(), g.floats(pY, N*T*C), "y %v", s)
		same(t, dqkv.Data(), g.floats(pDQKV, N*T*3*C), "dqkv %v", s)
	}
}

// Broken copies of the products and of the softmax are found out.
func TestAttentionAnyMutants(t *testing.T) {
	const T, d = 37, 20
	x, dy := random(T*3*d, 1), random(T*d, 2)
	dqkv, qkv := cpu.New(1, T, 3*d), onCPU(x, 1, T, 3*d)
	cpu.AttentionBackward(dqkv, onCPU(dy, 1, T, d), qkv, 1)
	try := func(m *emu.Module, seed int64) error {
		g := &gpu{t: t}
		a := newAnyAttention(g, 1, T, 1, d, 20, x)
		a.change, a.seed = m, seed
		at, pDY := g.room(T*3*d), g.put(dy)
		for q0 := 0; q0 < T; q0 += 20 {
			if err := a.step(q0, 0, pDY, at); err != nil {
				return err
			}
		}
		return wrong(g, at, dqkv.Data())
	}
	text, err := Text("attention")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		mutate func(string) string
	}{
		{"first barrier removed", nth("bar.sync 0;", "", 0)},
		{"barrier after staging removed", nth("bar.sync 0;", "", 1)},
		{"terms past the last added", each(`@(%p\d+) bra TAIL`, "@!$1 bra TAIL")},
		{"a chain from zero where one goes on", each(`setp\.ne\.u32`, "setp.eq.u32")},
		{"the factor of B left out", each(`mul\.rn\.f32 (%f\d+), (%f\d+), %f0;`, "mov.f32 $1, $2;")},
		{"the factor of C left out", each(`mul\.rn\.f32 (%f\d+), (%f\d+), %f1;`, "mov.f32 $1, $2;")},
		{"stores beyond the edge", each(`setp\.lt\.and\.u32 (%p\d+), (%r\d+), (%r\d+), %p\d+;`, "setp.ne.u32 $1, $2, -1;")},
		{"fold over the whole warp", each("0x101F", "0x1F")},
		{"largest score not taken off", each(`setp\.gt\.f32`, "setp.lt.f32")},
	} {
		changed := c.mutate(text)
		if changed == text {
			t.Errorf("%s: nothing changed", c.name)
		}
		m, err := emu.Parse(changed)
		for seed := int64(0); seed < 4 && err == nil; seed++ {
			err = try(m, seed)
		}
		if err == nil {
			t.Errorf("%s: nobody noticed", c.name)
		}
		t.Logf("%s: %v", c.name, err)
	}
	if err := try(parsed(t, "attention"), 1); err != nil {
		t.Error("as it is:", err)
	}
}
