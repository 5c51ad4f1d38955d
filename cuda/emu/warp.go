package emu

// run executes a warp until its live lanes wait at a barrier or none is left.
// Lanes that agree on the next instruction run together; of those that do not,
// the ones that are furthest behind go first.
func (w *warp) run() {
	for w.alive != 0 && !w.atBar {
		pc, agree := w.behind()
		if agree {
			w.together(pc)
		} else {
			w.apart(pc)
		}
	}
}

// behind returns the least next instruction, and whether all live lanes have it.
func (w *warp) behind() (pc int, agree bool) {
	pc, agree = -1, true
	for l := range 32 {
		if w.alive>>l&1 == 0 {
			continue
		}
		if pc >= 0 && w.pc[l] != pc {
			agree = false
		}
		if pc < 0 || w.pc[l] < pc {
			pc = w.pc[l]
		}
	}
	return pc, agree
}

// issue executes an instruction for those of the lanes whose predicate holds,
// and returns them.
func (w *warp) issue(in *inst, lanes uint32) uint32 {
	w.cur = in
	w.mask = lanes
	if in.pred >= 0 {
		for l, v := range &w.regs[in.pred] {
			if (v&1 != 0) == in.negated {
				w.mask &^= 1 << l
			}
		}
	}
	c := w.cta
	c.stats.Total++
	if c.l.Count {
		c.stats.Issued[in.op]++
	}
	if c.steps++; c.steps > c.l.Steps {
		w.fail(0, "more than %d instructions: an endless loop?", c.l.Steps)
	}
	if w.mask == 0 && in.kind != barrier {
		return 0
	}
	if in.whole && w.mask != ^uint32(0) {
		w.fail(0, "needs all 32 lanes and has %08x", w.mask)
	}
	if in.f != nil {
		in.f(w)
	}
	return w.mask
}

// apart executes the instruction at pc for the lanes that are there.
func (w *warp) apart(pc int) {
	in := &w.cta.k.ins[pc]
	var here uint32
	for l := range 32 {
		if w.alive>>l&1 == 1 && w.pc[l] == pc {
			here |= 1 << l
		}
	}
	if w.cur = in; in.kind == barrier {
		w.fail(0, "a barrier reached by lanes %08x of the live %08x", here, w.alive)
	}
	w.step(in, pc, here, w.issue(in, here))
}

// step moves the lanes that were at pc on, where did took part in in.
func (w *warp) step(in *inst, pc int, here, did uint32) {
	for l := range 32 {
		if here>>l&1 == 0 {
			continue
		}
		w.pc[l] = pc + 1
		if did>>l&1 == 1 {
			switch in.kind {
			case branch:
				w.pc[l] = in.target
			case exit:
				w.alive &^= 1 << l
			}
		}
	}
}

// together executes from pc on while all live lanes agree.
func (w *warp) together(pc int) {
	for {
		in := &w.cta.k.ins[pc]
		did := w.issue(in, w.alive)
		switch {
		case in.kind == plain || in.kind != barrier && did == 0:
			pc++
		case in.kind == branch && did == w.alive:
			pc = in.target
		case in.kind == barrier:
			if w.alive != w.started {
				w.fail(0, "a barrier that lanes %08x do not reach: they ended", w.started&^w.alive)
			}
			for l := range w.pc {
				w.pc[l] = pc + 1
			}
			w.atBar = true
			return
		default:
			w.step(in, pc, w.alive, did)
			return
		}
	}
}
