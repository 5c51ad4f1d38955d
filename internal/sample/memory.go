package sample

import (
	"fmt"
	"math"
	"sync"

	"heavytail/internal/machine"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// Memory returns the bytes that drawing n samples takes, a batch at a time: the
// weights and what the device keeps for them, the workspace of the network and
// the states of the sampler. It takes none of them.
// It returns an error if an option is impossible.
func Memory(net *nn.Net, r recipe.Recipe, o Options, n int) (int64, error) {
	own, shared, err := memory(net, r, o, n)
	return own + shared, err
}

// memory returns what a run takes for itself, and the weights, which runs share.
func memory(net *nn.Net, r recipe.Recipe, o Options, n int) (own, shared int64, err error) {
	o = o.Defaults(r)
	if err := o.Validate(r); err != nil {
		return 0, 0, err
	}
	batch := max(min(o.Batch, n), 1)
	ws, params, err := net.Memory(batch, o.Height, o.Width, false)
	if s := r.Data.Shape; err != nil && len(s) == 3 && (s[0] != o.Height || s[1] != o.Width) {
		return 0, 0, impossible("Height", o.Height, "a size that the network makes, in the memory that there is", "%v", err)
	}
	if err != nil {
		return 0, 0, impossible("Batch", o.Batch, "a smaller batch", "%v", err)
	}
	d := count(o.Shape(net))
	return ws + int64(batch)*o.states(r, d), params, nil
}

// states returns the bytes of the states of one sample of d values.
func (o Options) states(r recipe.Recipe, d int) int64 {
	per := 4 // x of run
	if r.Data.Converted() {
		per += 12 // units.wide and narrow
	}
	if o.guided() {
		per += 4
	}
	more := 4 * int64(r.Data.Given.Len()) // worker.given
	if o.Estimates {
		per += 4
	}
	total := int64(per)*int64(d) + more
	if m, ok := find(o.Method); ok {
		total += m.bytes(o, r, d)
	}
	return total
}

// reserve is the share of the memory, one in so many, that Room leaves: for what
// Memory does not count, and the rest of the program.
const reserve = 10

// A place is a memory: of this process, where on is nil, or of a device that knows
// its own.
type place struct {
	on    tensor.Bounded
	limit int64
	words string
}

// placeOf returns that where net computes (nil: of this process); not ok if the
// device will say itself that its memory is used up.
func placeOf(net *nn.Net) (p place, ok bool) {
	if net == nil || OnHost(net) {
		return place{nil, machine.Memory(), "this process may use"}, true
	}
	if p.on, ok = net.Device().(tensor.Bounded); ok {
		p.limit, p.words = p.on.Memory(), net.Device().Name()+" has"
	}
	return p, ok
}

// fits returns an error unless need bytes, beside those of others, leave the reserve:
// an OptionError if they never can.
func (p place) fits(need, others int64, what string) error {
	switch most := p.limit - p.limit/reserve; {
	case need > most:
		return impossible("Batch", need, fmt.Sprintf("at most %d bytes", most), "%s would take %d MiB of memory, %s %d: ask for a smaller batch, smaller images or fewer samples at a time", what, need>>20, p.words, p.limit>>20)
	case need > most-others:
		return fmt.Errorf("%s would take %d MiB of memory, %s %d, and runs in progress hold %d of it: wait for them, or ask for a smaller batch", what, need>>20, p.words, p.limit>>20, others>>20)
	}
	return nil
}

// Room returns an error unless there are need bytes where net computes (nil: in this
// process) for a run that is alone; what they are for is part of it.
func Room(net *nn.Net, need int64, what string) error {
	p, ok := placeOf(net)
	if !ok {
		return nil
	}
	return p.fits(need, 0, what)
}

// held counts what runs in progress hold of each memory. Weights are not in it: runs
// share them.
var held = struct {
	sync.Mutex
	bytes map[tensor.Bounded]int64
}{bytes: make(map[tensor.Bounded]int64)}

// Hold counts own bytes where net computes (nil: of this process) as held by a run
// in progress, until release is called. It returns an error if, with what the others
// hold and with shared bytes that this one has in common with some, there are not so
// many. It takes none of them.
func Hold(net *nn.Net, own, shared int64, what string) (release func(), err error) {
	p, ok := placeOf(net)
	if !ok {
		return func() {}, nil
	}
	held.Lock()
	defer held.Unlock()
	if err := p.fits(own+min(shared, math.MaxInt64-own), held.bytes[p.on], what); err != nil {
		return nil, err
	}
	held.bytes[p.on] += own
	return sync.OnceFunc(func() {
		held.Lock()
		defer held.Unlock()
		held.bytes[p.on] -= own
		if held.bytes[p.on] == 0 {
			delete(held.bytes, p.on)
		}
	}), nil
}

// OnHost reports whether net's tensors are in the memory of this process.
func OnHost(net *nn.Net) bool { return net.Params().Flat.Data() != nil }
