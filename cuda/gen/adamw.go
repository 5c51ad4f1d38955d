package gen

import "fmt"

// AdamW is a step of simd.AdamW on dense arrays; the constants are those of that
// type. A thread has 1 or 4 elements (count is their number over that). Grid:
// ⌈count/256⌉, 256 threads.
func AdamW() string { return module70(false, adamW(1), adamW(4)) }

func adamW(width int) string {
	params := []Param{{"u64", "pP"}, {"u64", "pG"}, {"u64", "pM"}, {"u64", "pV"}, {"u32", "count"}}
	for _, name := range []string{"grad", "beta1", "c1", "beta2", "c2", "decay", "step", "isqrt", "eps"} {
		params = append(params, Param{"f32", name})
	}
	b := newBuilder()
	c := b.load(params)
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, c["count"]))
	at, x := map[string]string{}, map[string][]string{}
	for _, name := range []string{"pP", "pG", "pM", "pV"} {
		at[name] = b.def('d', "add.u64 %s, %s", c[name], b.def('d', "mul.wide.u32 %s, %d", i, 4*width))
		x[name] = b.regs('f', width)
		b.emit("ld.global%s %s, [%s];", vector(width), group(x[name]), at[name])
	}
	back := b.neg(c["step"])
	for e := range width {
		g := b.mul(x["pG"][e], c["grad"])
		m := b.fma(c["beta1"], x["pM"][e], b.mul(c["c1"], g))
		v := b.fma(c["beta2"], x["pV"][e], b.mul(b.mul(c["c2"], g), g))
		d := b.fma(b.def('f', "sqrt.rn.f32 %s", v), c["isqrt"], c["eps"])
		x["pM"][e], x["pV"][e] = m, v
		x["pP"][e] = b.fma(back, b.div(m, d), b.mul(c["decay"], x["pP"][e]))
	}
	for _, name := range []string{"pP", "pM", "pV"} {
		b.emit("st.global%s [%s], %s;", vector(width), at[name], group(x[name]))
	}
	b.emit("ret;")
	return b.entry(fmt.Sprintf("adamw_%d", width), params, 256, 0)
}
