package emu

import "math"

// buildMatrix is ldmatrix: matrix i of 8×8 elements of 16 bits has its row r at
// the address in lane 8i + r; lane l gets elements 2(l mod 4) and one more of row
// l/4, or with .trans of column l/4.
func buildMatrix(d *decoder) {
	count := map[string]int{"x1": 1, "x2": 2, "x4": 4}[d.part[4]]
	transpose := d.has("trans")
	to := d.writes(0, count, types["b32"])
	base, off := d.address(1)
	d.align(off, 16)
	d.in.whole = true
	d.in.f = func(w *warp) {
		a := *base.get(w)
		for i, r := range to {
			rows := make([]uint64, 8)
			var m [8][8]uint64
			for row := range 8 {
				rows[row] = a[8*i+row] + off
				s := w.shared(rows[row], 16, 8*i+row, false)
				for c := range 8 {
					m[row][c] = load(s[2*c:], 2)
				}
			}
			if w.cta.l.Count {
				w.countShared(rows, 16)
			}
			for l := range 32 {
				g, t := l/4, 2*(l%4)
				if transpose {
					w.regs[r][l] = m[t][g] | m[t+1][g]<<16
				} else {
					w.regs[r][l] = m[g][t] | m[g][t+1]<<16
				}
			}
		}
	}
}

// A fragment says which element of a matrix a lane holds in half h of register
// r, with g = lane/4 and t = lane mod 4: of A (m, k), of B (k, n), of C (m, n).
type fragment func(r, h, g, t int) (row, col int)

// product holds the shapes of mma: D (16×8) = A (16×k)·B (k×8) + C. Elements of
// 16 bits lie two to a register.
type product struct {
	k, per int
	a, b   fragment
	nA, nB int // registers
	value  func(x uint64, h int) float32
}

func fragmentC(r, h, g, t int) (int, int) { return g + 8*r, 2*t + h }

var bf16Product = product{k: 16, per: 2, nA: 4, nB: 2,
	a: func(r, h, g, t int) (int, int) { return g + 8*(r&1), 2*t + h + 8*(r>>1) },
	b: func(r, h, g, t int) (int, int) { return 2*t + h + 8*r, g },
	value: func(x uint64, h int) float32 {
		return math.Float32frombits(uint32(x>>(16*h)) << 16)
	},
}

// tf32Product drops the low 13 bits of its operands, as the hardware does.
var tf32Product = product{k: 8, per: 1, nA: 4, nB: 2,
	a:     func(r, _, g, t int) (int, int) { return g + 8*(r&1), t + 4*(r>>1) },
	b:     func(r, _, g, t int) (int, int) { return t + 4*r, g },
	value: func(x uint64, _ int) float32 { return f32(x &^ 0x1fff) },
}

func buildMMA(d *decoder) {
	p := &tf32Product
	if d.has("bf16") {
		p = &bf16Product
	}
	b, f := types["b32"], types["f32"]
	to := d.writes(0, 4, f)
	ra, rb, rc := d.reads(1, p.nA, b), d.reads(2, p.nB, b), d.reads(3, 4, f)
	d.in.whole = true
	d.in.f = func(w *warp) {
		var A [16][16]float32
		var B [16][8]float32
		var C [16][8]float64
		for l := range 32 {
			g, t := l/4, l%4
			for h := range p.per {
				for r, s := range ra {
					i, j := p.a(r, h, g, t)
					A[i][j] = p.value(s.get(w)[l], h)
				}
				for r, s := range rb {
					i, j := p.b(r, h, g, t)
					B[i][j] = p.value(s.get(w)[l], h)
				}
			}
			for r, s := range rc {
				i, j := fragmentC(r/2, r%2, g, t)
				C[i][j] = float64(f32(s.get(w)[l]))
			}
		}
		for i := range C {
			for k := range p.k {
				for j := range C[i] {
					C[i][j] += float64(float64(A[i][k]) * float64(B[k][j])) // exact product
				}
			}
		}
		for l := range 32 {
			for r, reg := range to {
				i, j := fragmentC(r/2, r%2, l/4, l%4)
				w.regs[reg][l] = bits32(float32(C[i][j]))
			}
		}
	}
}
