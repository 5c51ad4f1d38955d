package emu

import "strconv"

// buildParam: a parameter is read with its own size, in all lanes.
func buildParam(d *decoder) {
	o := d.s.args[1]
	if o.kind != 'm' || o.val != 0 {
		fail("%s: operand 2 must be the address of a parameter", d.s.op)
	}
	at := -1
	for _, p := range d.k.Params {
		if p.Name == o.text {
			at = p.Offset
			if types[p.Type].size != d.t.size {
				fail("%s: the parameter %s is of type %s", d.s.op, p.Name, p.Type)
			}
		}
	}
	if at < 0 {
		fail("no parameter %s", o.text)
	}
	to, n := d.dst(0, d.t), d.t.size
	d.in.f = func(w *warp) {
		v := load(w.cta.l.Params[at:], n)
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				w.regs[to][l] = v
			}
		}
	}
}

// width is the number of elements of a load or store.
func (d *decoder) width() int {
	switch {
	case d.has("v2"):
		return 2
	case d.has("v4"):
		return 4
	}
	return 1
}

// A place reads the address of a lane's access in its space.
type place func(w *warp, a uint64, n, lane int, write bool) []byte

func buildMemory(d *decoder) {
	n, v, write := d.t.size, d.width(), d.part[0] == "st"
	at, list := 1, 0
	if write {
		at, list = 0, 1
	}
	base, off := d.address(at)
	shared := d.has("shared")
	d.align(off, n*v)
	get, count := place((*warp).global), (*warp).countGlobal
	if shared {
		get, count = (*warp).shared, (*warp).countShared
	}
	if write {
		from := d.reads(list, v, d.t)
		d.in.f = func(w *warp) {
			a := base.get(w)
			if w.cta.l.Count {
				count(w, w.counted(a, off), n*v)
			}
			for l := range 32 {
				if w.mask>>l&1 == 1 {
					m := get(w, a[l]+off, n*v, l, true)
					for i, s := range from {
						store(m[n*i:], n, s.get(w)[l])
					}
				}
			}
		}
		return
	}
	to := d.writes(list, v, d.t)
	d.in.f = func(w *warp) {
		a := *base.get(w) // a register of the address may be one of to
		if w.cta.l.Count {
			count(w, w.counted(&a, off), n*v)
		}
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				m := get(w, a[l]+off, n*v, l, false)
				for i, r := range to {
					w.regs[r][l] = load(m[n*i:], n)
				}
			}
		}
	}
}

// align refuses constants after which an address cannot be aligned.
func (d *decoder) align(off uint64, n int) {
	if off%uint64(n) != 0 {
		fail("%s: an offset of %d is no multiple of the %d bytes", d.s.op, int64(off), n)
	}
}

// buildCopy is cp.async [shared], [global], size{, bytes}: what is not read of
// size is zero.
func buildCopy(d *decoder) {
	if n := len(d.s.args); n != 3 && n != 4 {
		fail("%s has %d operands, want 3 or 4", d.s.op, n)
	}
	n := int(d.s.args[2].val)
	if d.s.args[2].kind != 'i' || n != 16 && (!d.has("ca") || n != 4 && n != 8) {
		fail("%s: a size of %s; .cg takes 16, .ca 4, 8 and 16", d.s.op, d.s.args[2].text)
	}
	to, toOff := d.address(0)
	from, fromOff := d.address(1)
	d.align(toOff, n)
	d.align(fromOff, n)
	size := source{all: splat(uint64(n))}
	if len(d.s.args) == 4 {
		size = d.src(3, types["u32"])
	}
	d.in.f = func(w *warp) {
		t, f, bytes := to.get(w), from.get(w), size.get(w)
		if w.cta.l.Count {
			w.countShared(w.counted(t, toOff), n)
			w.countGlobal(w.counted(f, fromOff), n)
		}
		for l := range 32 {
			if w.mask>>l&1 == 0 {
				continue
			}
			if bytes[l] > uint64(n) {
				w.fail(l, "reads %d bytes of %d", bytes[l], n)
			}
			data := make([]byte, n)
			if bytes[l] > 0 {
				copy(data, w.globalPart(f[l]+fromOff, n, int(bytes[l]), l, false))
			}
			w.takeOff(t[l]+toOff, data, l)
		}
	}
}

func buildCommit(d *decoder) {
	d.in.f = func(w *warp) {
		w.groups = append(w.groups, w.open) // empty ones count too
		w.open = nil
	}
}

// buildWait waits until at most that many groups are in flight; wait_all also
// for what is not in a group yet.
func buildWait(d *decoder) {
	all, most := d.part[2] == "wait_all", 0
	if !all {
		v, err := strconv.Atoi(d.s.args[0].text)
		if err != nil || v < 0 {
			fail("%s: the number of groups must be a number", d.s.op)
		}
		most = v
	}
	d.in.f = func(w *warp) {
		for len(w.groups) > most {
			w.land(w.groups[0])
			w.groups = w.groups[1:]
		}
		if all {
			w.land(w.open)
			w.open = nil
		}
	}
}

func buildBranch(d *decoder) { d.in.kind = branch }

func buildExit(d *decoder) {
	d.want(0)
	d.in.kind = exit
}

func buildBarrier(d *decoder) {
	if o := d.s.args[0]; o.kind != 'i' || o.val != 0 {
		fail("%s: only barrier 0 is used", d.s.op)
	}
	d.in.kind = barrier
}
