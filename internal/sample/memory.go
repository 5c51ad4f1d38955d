// Package sample counts the memory that runs of sampling in progress hold, of this
// process and of every device, so that a run that is accepted has what it needs.
package sample

import (
	"fmt"
	"math"
	"sync"

	"heavytail/diffusion"
	"heavytail/internal/machine"
	"heavytail/nn"
	"heavytail/tensor"
)

// reserve is the share of the memory, one in so many, that Room leaves: for what
// runs do not count, and the rest of the program.
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
		return &diffusion.OptionError{Field: "Batch", Value: need, Want: fmt.Sprintf("at most %d bytes", most), Text: fmt.Sprintf("%s would take %d MiB of memory, %s %d: ask for a smaller batch, smaller images or fewer samples at a time", what, need>>20, p.words, p.limit>>20)}
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
