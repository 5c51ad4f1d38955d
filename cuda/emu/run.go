package emu

import (
	"fmt"
	"math/rand"
)

// A Launch is one call of a kernel.
type Launch struct {
	Grid, Block [3]uint32
	Dynamic     int    // bytes of dynamic shared memory
	Params      []byte // as Kernel.Params lays them out

	Seed   int64 // the order of blocks, and of warps between barriers; 0: ascending
	Count  bool  // fill Stats but for Total
	Steps  int64 // warp instructions that a block may take; 0: 1<<28
	Blocks int   // only the first so many blocks of the order; 0: all
}

// A Fault is what stopped a launch.
type Fault struct {
	Kernel, Op       string
	Line, Warp, Lane int
	Block            [3]uint32
	Text             string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("emu: %s line %d (%s), block %v warp %d lane %d: %s", f.Kernel, f.Line, f.Op, f.Block, f.Warp, f.Lane, f.Text)
}

type inst struct {
	f       func(w *warp)
	kind    byte // plain, branch, exit or barrier
	pred    int  // register; -1: none
	negated bool
	whole   bool // needs all 32 lanes
	target  int  // of a branch
	op      string
	line    int
}

const (
	plain = iota
	branch
	exit
	barrier
)

// ends reports whether nothing runs on past the instruction.
func (in *inst) ends() bool { return in.pred < 0 && (in.kind == branch || in.kind == exit) }

type warp struct {
	regs    [][32]uint64
	pc      [32]int
	mask    uint32 // lanes of the current instruction
	alive   uint32 // lanes that have not ended, of those that started
	started uint32
	atBar   bool
	id      int
	cta     *cta
	cur     *inst
	groups  [][]flight // committed, oldest first
	open    []flight
}

// A cta is one block ("cooperative thread array") at work.
type cta struct {
	k      *Kernel
	l      *Launch
	memory *Memory
	stats  *Stats
	id     [3]uint32
	serial int32
	shared []byte
	words  []sharedWord
	seen   []int64 // by word: the latest request and phase that countShared saw it in
	stamp  int64
	epoch  int32
	steps  int64
}

func (w *warp) fail(lane int, f string, a ...any) {
	panic(&Fault{w.cta.k.Name, w.cur.op, w.cur.line, w.id, lane, w.cta.id, fmt.Sprintf(f, a...)})
}

// Run executes the grid, one block after the other. An error is of type *Fault
// unless the launch itself is wrong.
func (k *Kernel) Run(g *Memory, l Launch) (st *Stats, err error) {
	if err := k.check(&l); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(*Fault)
			if !ok {
				panic(r)
			}
			st, err = nil, f
		}
	}()
	st = newStats()
	g.launch++
	rnd := rand.New(rand.NewSource(l.Seed))
	n := l.Grid[0] * l.Grid[1] * l.Grid[2]
	ws := k.warps(&l)
	st.Warps = len(ws)
	blocks := order(int(n), l.Seed, rnd)
	if l.Blocks > 0 {
		blocks = blocks[:min(l.Blocks, len(blocks))]
	}
	for _, at := range blocks {
		i := uint32(at)
		id := [3]uint32{i % l.Grid[0], i / l.Grid[0] % l.Grid[1], i / l.Grid[0] / l.Grid[1]}
		c := &cta{k: k, l: &l, memory: g, stats: st, id: id, serial: int32(i)}
		c.run(ws, rnd)
	}
	return st, nil
}

func (k *Kernel) check(l *Launch) error {
	threads := uint64(1)
	for i := range 3 {
		if l.Grid[i] < 1 || l.Block[i] < 1 || l.Grid[i] > 1<<20 || l.Block[i] > 1024 {
			return fmt.Errorf("emu: %s: grid %v, block %v", k.Name, l.Grid, l.Block)
		}
		threads *= uint64(l.Block[i])
	}
	if threads > uint64(k.MaxThreads) {
		return fmt.Errorf("emu: %s: %d threads in a block, .maxntid says %d", k.Name, threads, k.MaxThreads)
	}
	if len(l.Params) != k.ParamBytes {
		return fmt.Errorf("emu: %s: %d bytes of parameters, want %d", k.Name, len(l.Params), k.ParamBytes)
	}
	if l.Dynamic < 0 || k.SharedBytes+l.Dynamic > 227<<10 {
		return fmt.Errorf("emu: %s: %d bytes of dynamic shared memory", k.Name, l.Dynamic)
	}
	if l.Steps == 0 {
		l.Steps = 1 << 28
	}
	return nil
}

// order is 0…n−1, shuffled unless the seed is 0.
func order(n int, seed int64, rnd *rand.Rand) []int {
	if seed != 0 {
		return rnd.Perm(n)
	}
	o := make([]int, n)
	for i := range o {
		o[i] = i
	}
	return o
}

// warps are those of a block; every block of a launch uses them anew.
func (k *Kernel) warps(l *Launch) []*warp {
	n := int(l.Block[0] * l.Block[1] * l.Block[2])
	ws := make([]*warp, (n+31)/32)
	for i := range ws {
		w := &warp{regs: make([][32]uint64, len(k.types)), id: i}
		for l := 0; l < 32 && i*32+l < n; l++ {
			w.started |= 1 << l
		}
		ws[i] = w
	}
	return ws
}

// start makes the warp one of block c that has done nothing.
func (w *warp) start(c *cta) {
	*w = warp{regs: w.regs, id: w.id, started: w.started, alive: w.started, cta: c, groups: w.groups[:0], open: w.open[:0]}
	for r := range w.regs {
		w.regs[r] = unset
	}
}

// unset is a register that nobody wrote: NaN in f32 and in f64.
var unset = func() (r [32]uint64) {
	for l := range r {
		r[l] = 0x7FF8DEAD_7FF8DEAD
	}
	return r
}()

// run executes a block: every warp up to a barrier or its end, again and again.
func (c *cta) run(ws []*warp, rnd *rand.Rand) {
	c.shared = make([]byte, c.k.SharedBytes+c.l.Dynamic)
	for i := range c.shared {
		c.shared[i] = 0xFF
	}
	c.words = make([]sharedWord, (len(c.shared)+3)/4)
	if c.l.Count {
		c.seen = make([]int64, len(c.words))
	}
	c.epoch = 1
	for _, w := range ws {
		w.start(c)
	}
	for {
		var waiting, done *warp
		for _, i := range order(len(ws), c.l.Seed, rnd) {
			w := ws[i]
			if w.alive != 0 {
				w.run()
			}
			if w.alive == 0 {
				done = w
			} else {
				waiting = w
			}
		}
		if waiting == nil {
			return
		}
		if done != nil {
			waiting.fail(0, "deadlock: the barrier is never reached by warp %d, which ended", done.id)
		}
		c.epoch++
		for _, w := range ws {
			w.atBar = false
		}
	}
}
