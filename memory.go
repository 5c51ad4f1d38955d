package heavytail

import (
	"heavytail/nn"
	"heavytail/recipe"
)

// need returns the bytes that drawing n samples takes, a batch at a time: the
// weights and what the device keeps for them, the workspace of the network and
// the states of the sampler. It takes none of them.
// It returns an error if an option is impossible.
func (m *Model) need(o Options, n int) (int64, error) {
	own, shared, err := m.memory(m.net, o, n)
	return own + shared, err
}

// memory returns what a run on the device of net takes for itself, and the weights,
// which runs share.
func (m *Model) memory(net *nn.Net, o Options, n int) (own, shared int64, err error) {
	o = m.defaults(o)
	if err := m.validate(o); err != nil {
		return 0, 0, err
	}
	batch := max(min(o.Batch, n), 1)
	height, width := m.size(o)
	ws, params, err := net.Memory(batch, height, width, false)
	if s := m.recipe.Data.Shape; err != nil && len(s) == 3 && (s[0] != height || s[1] != width) {
		return 0, 0, impossible("Height", height, "a size that the network makes, in the memory that there is", "%s", plain(err))
	}
	if err != nil {
		return 0, 0, impossible("Batch", o.Batch, "a smaller batch", "%s", plain(err))
	}
	d := count(m.SampleShape(o))
	return ws + int64(batch)*o.states(m.recipe, d) + o.tables(m.recipe), params, nil
}

// tables returns the bytes of what independent noise is drawn from.
func (o Options) tables(r recipe.Recipe) int64 {
	if !o.IndependentNoise {
		return 0
	}
	p, err := o.levels(r)
	if err != nil {
		return 0 // Validate has said so
	}
	return p.Nu.IndependentNoiseBytes()
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
