package emu

import "math/bits"

// buildShift: a shift by the width or more gives 0, or the sign. It does not
// wrap around.
func buildShift(d *decoder) {
	n, signed := d.t.size, d.t.class == 's'
	width := uint64(8 * n)
	var f func(x, y uint64) uint64
	switch {
	case d.part[0] == "shl":
		f = func(x, y uint64) uint64 { return cut(x<<y, n) } // Go: 0 for y ≥ 64
	case signed:
		f = func(x, y uint64) uint64 { return cut(uint64(extend(x, n)>>min(y, width-1)), n) }
	default:
		f = func(x, y uint64) uint64 { return x >> y }
	}
	d.binary(d.dst(0, d.t), d.src(1, d.t), d.src(2, types["u32"]), f)
}

// buildFunnel shifts the 64 bits b:a and gives the high word (l) or low word (r).
func buildFunnel(d *decoder) {
	t, left, clamp := types["b32"], d.part[1] == "l", d.part[2] == "clamp"
	d.ternary(d.dst(0, t), d.src(1, t), d.src(2, t), d.src(3, types["u32"]), func(a, b, c uint64) uint64 {
		n := c & 31
		if clamp {
			n = min(c, 32)
		}
		if left {
			return cut((b<<32|a)<<n>>32, 4)
		}
		return cut((b<<32|a)>>n, 4)
	})
}

// buildExtract: length c bits of a from bit b on; with .s the highest bit that
// there is, at most that of the field, is repeated.
func buildExtract(d *decoder) {
	n, signed, u := uint64(8*d.t.size), d.t.class == 's', types["u32"]
	d.ternary(d.dst(0, d.t), d.src(1, d.t), d.src(2, u), d.src(3, u), func(a, b, c uint64) uint64 {
		pos, length := b&255, c&255
		if length == 0 {
			return 0
		}
		var r uint64
		sign := signed && a>>min(pos+length-1, n-1)&1 == 1
		for i := range n {
			bit := pos+i < n && i < length && a>>(pos+i)&1 == 1
			if (i >= length || pos+i >= n) && sign {
				bit = true
			}
			if bit {
				r |= 1 << i
			}
		}
		return r
	})
}

// buildInsert: length d bits of a replace those of b from bit c on.
func buildInsert(d *decoder) {
	n, u := uint64(8*d.t.size), types["u32"]
	to, a, b, c, e := d.dst(0, d.t), d.src(1, d.t), d.src(2, d.t), d.src(3, u), d.src(4, u)
	d.in.f = func(w *warp) {
		for l := range 32 {
			if w.mask>>l&1 == 0 {
				continue
			}
			x, pos, length := b.get(w)[l], c.get(w)[l]&255, e.get(w)[l]&255
			for i := uint64(0); i < length && pos+i < n; i++ {
				x = x&^(1<<(pos+i)) | a.get(w)[l]>>i&1<<(pos+i)
			}
			w.regs[to][l] = x
		}
	}
}

// buildPermute: byte i of the result is byte c[4i…4i+2] of b:a, or its sign
// eight times if bit 4i+3 is set.
func buildPermute(d *decoder) {
	t := types["b32"]
	d.ternary(d.dst(0, t), d.src(1, t), d.src(2, t), d.src(3, t), func(a, b, c uint64) uint64 {
		var r uint64
		for i := range 4 {
			sel := c >> (4 * i)
			x := (b<<32 | a) >> (8 * (sel & 7)) & 255
			if sel&8 != 0 {
				x = x >> 7 * 255
			}
			r |= x << (8 * i)
		}
		return r
	})
}

// buildLop3: bit a·4 + b·2 + c of the number is the result.
func buildLop3(d *decoder) {
	t := types["b32"]
	o := d.s.args[4]
	if o.kind != 'i' || o.val > 255 {
		fail("%s: the table must be a number up to 255", d.s.op)
	}
	d.ternary(d.dst(0, t), d.src(1, t), d.src(2, t), d.src(3, t), func(a, b, c uint64) uint64 {
		var r uint64
		for i := range 32 {
			if o.val>>(a>>i&1*4+b>>i&1*2+c>>i&1)&1 == 1 {
				r |= 1 << i
			}
		}
		return r
	})
}

// buildVote: any and all of the predicates of the lanes named, or their bits.
func buildVote(d *decoder) {
	mode := d.part[2]
	to, p, named := d.dst(0, d.t), d.src(1, types["pred"]), d.src(2, types["b32"])
	d.in.f = func(w *warp) {
		ballot, lanes := uint32(0), w.mask
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				w.takePart(l, named.get(w)[l])
				ballot |= uint32(p.get(w)[l]&1) << l
				lanes = uint32(named.get(w)[l])
			}
		}
		ballot &= lanes
		v := uint64(ballot)
		switch mode {
		case "any":
			v = uint64(min(bits.OnesCount32(ballot), 1))
		case "all":
			v = 0
			if ballot == lanes {
				v = 1
			}
		}
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				w.regs[to][l] = v
			}
		}
	}
}

func buildActive(d *decoder) {
	to := d.dst(0, d.t)
	d.in.f = func(w *warp) {
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				w.regs[to][l] = uint64(w.mask)
			}
		}
	}
}

// takePart stops the launch unless exactly the lanes named take part.
func (w *warp) takePart(lane int, named uint64) {
	if uint32(named) != w.mask {
		w.fail(lane, "names lanes %08x and lanes %08x take part", named, w.mask)
	}
}

// buildShuffle: a lane reads the lane b away, or the lane b, inside its segment:
// c holds the last lane of a segment in bits 0–4 and the bits of a lane's number
// that name the segment in bits 8–12. Out of range, it keeps its own.
func buildShuffle(d *decoder) {
	t, mode := types["b32"], d.part[2]
	reach := -1
	var to int
	if o := d.s.args[0]; o.kind == '|' {
		to, reach = d.write(o.list[0].text, t), d.write(o.list[1].text, types["pred"])
	} else {
		to = d.dst(0, t)
	}
	a, b, c, named := d.src(1, t), d.src(2, t), d.src(3, t), d.src(4, t)
	d.in.f = func(w *warp) {
		x, by, seg, names := *a.get(w), *b.get(w), *c.get(w), *named.get(w)
		for l := range 32 {
			if w.mask>>l&1 == 0 {
				continue
			}
			w.takePart(l, names[l])
			j, ok := lane(mode, l, int(by[l]&31), int(seg[l]>>8&31), int(seg[l]&31))
			if !ok {
				j = l
			}
			if w.mask>>j&1 == 0 {
				w.fail(l, "reads lane %d, which does not take part", j)
			}
			w.regs[to][l] = x[j]
			if reach >= 0 {
				w.regs[reach][l] = 0
				if ok {
					w.regs[reach][l] = 1
				}
			}
		}
	}
}

// lane is the lane that lane l reads, and whether it is in range.
func lane(mode string, l, by, seg, clamp int) (j int, ok bool) {
	last := l&seg | clamp&^seg
	switch mode {
	case "up":
		return l - by, l-by >= last
	case "down":
		return l + by, l+by <= last
	case "bfly":
		return l ^ by, l^by <= last
	}
	j = l&seg | by&^seg
	return j, j <= last
}
