package emit

import (
	"slices"
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// opcodes returns the instructions on vectors that write makes of three values in
// registers, as spareCopies leaves them.
func opcodes(t *testing.T, write func(c *build.Context, a, b, s reg.VecVirtual)) []string {
	t.Helper()
	text, err := Render("asm/test -isa avx2", func(c *build.Context) {
		c.Function("f")
		c.SignatureExpr("func(p *float32)")
		p := operand.Mem{Base: c.Load(c.Param("p"), c.GP64())}
		var v [3]reg.VecVirtual
		for i := range v {
			v[i] = c.YMM()
			c.VMOVUPS(p.Offset(32*i), v[i])
		}
		write(c, v[0], v[1], v[2])
		c.RET()
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for l := range strings.Lines(string(text)) {
		if f := strings.Fields(l); len(f) > 0 && f[0][0] == 'V' && f[0] != "VMOVUPS" {
			out = append(out, f[0])
		}
	}
	return out
}

func TestSpareCopies(t *testing.T) {
	// sum writes a·b + s into a copy of s, and uses what is in use afterwards
	sum := func(use func(a, b, s reg.VecVirtual) []reg.VecVirtual) func(c *build.Context, a, b, s reg.VecVirtual) {
		return func(c *build.Context, a, b, s reg.VecVirtual) {
			d := c.YMM()
			c.VMOVAPS(s, d)
			c.VFMADD231PS(b, a, d)
			for _, v := range use(a, b, s) {
				c.VADDPS(v, d, d)
			}
			c.VMOVUPS(d, operand.Mem{Base: c.Load(c.Param("p"), c.GP64())})
		}
	}
	for _, c := range []struct {
		name string
		use  func(a, b, s reg.VecVirtual) []reg.VecVirtual
		want string
	}{
		{"none in use", func(a, b, s reg.VecVirtual) []reg.VecVirtual { return nil }, "VFMADD231PS"},
		{"factors in use", func(a, b, s reg.VecVirtual) []reg.VecVirtual { return []reg.VecVirtual{a, b} }, "VFMADD231PS VADDPS VADDPS"},
		{"sum in use", func(a, b, s reg.VecVirtual) []reg.VecVirtual { return []reg.VecVirtual{s} }, "VFMADD132PS VADDPS"},
		{"one factor free", func(a, b, s reg.VecVirtual) []reg.VecVirtual { return []reg.VecVirtual{a, s} }, "VFMADD132PS VADDPS VADDPS"},
		{"all in use", func(a, b, s reg.VecVirtual) []reg.VecVirtual { return []reg.VecVirtual{a, b, s} }, "VMOVAPS VFMADD231PS VADDPS VADDPS VADDPS"},
	} {
		if got := strings.Join(opcodes(t, sum(c.use)), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// What a loop needs again in its next turn is not free at its last place in the text.
func TestSpareCopiesInLoop(t *testing.T) {
	got := opcodes(t, func(c *build.Context, a, b, s reg.VecVirtual) {
		n := c.GP64()
		c.MOVQ(operand.U32(3), n)
		c.Label("loop")
		d := c.YMM()
		c.VMOVAPS(s, d)
		c.VFMADD231PS(b, b, d)
		c.VADDPS(d, a, a)
		c.DECQ(n)
		c.JNZ(operand.LabelRef("loop"))
		c.VMOVUPS(a, operand.Mem{Base: c.Load(c.Param("p"), c.GP64())})
	})
	if want := []string{"VMOVAPS", "VFMADD231PS", "VADDPS"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
