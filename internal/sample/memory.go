package sample

import (
	"fmt"

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
	o = o.Defaults(r)
	if err := o.Validate(r); err != nil {
		return 0, err
	}
	batch := max(min(o.Batch, n), 1)
	ws, params, err := net.Memory(batch, o.Height, o.Width, false)
	if err != nil {
		return 0, err
	}
	d := count(o.Shape(net))
	return params + ws + int64(batch)*o.states(r, d), nil
}

// states returns the bytes of the states of one sample of d values.
func (o Options) states(r recipe.Recipe, d int) int64 {
	per := 4 // x of run
	if r.Data.Scaling != nil {
		per += 12 // units.wide and narrow
	}
	if o.guided() {
		per += 4
	}
	if o.Estimates {
		per += 4
	}
	total := int64(per) * int64(d)
	if m, ok := find(o.Method); ok {
		total += m.bytes(o, r, d)
	}
	return total
}

// reserve is the share of the memory, one in so many, that Room leaves: for what
// Memory does not count, and the rest of the program.
const reserve = 10

// Room returns an error unless there are need bytes where net computes; what they are
// for is part of it.
func Room(net *nn.Net, need int64, what string) error {
	if OnHost(net) {
		return HostRoom(need, what)
	}
	b, ok := net.Device().(tensor.Bounded)
	if !ok {
		return nil // it will say so itself
	}
	if limit := b.Memory(); need > limit-limit/reserve {
		return fmt.Errorf("%s would take %d MiB of memory, %s has %d: ask for a smaller batch or smaller images", what, need>>20, net.Device().Name(), limit>>20)
	}
	return nil
}

// OnHost reports whether net's tensors are in the memory of this process.
func OnHost(net *nn.Net) bool { return net.Params().Flat.Data() != nil }

// HostRoom returns an error unless the process may use need bytes.
func HostRoom(need int64, what string) error {
	if limit := machine.Memory(); need > limit-limit/reserve {
		return fmt.Errorf("%s would take %d MiB of memory, this process may use %d: ask for a smaller batch, smaller images or fewer samples at a time", what, need>>20, limit>>20)
	}
	return nil
}
