package nn

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/machine"
	"heavytail/internal/source"
	"heavytail/internal/torchfile"
	"heavytail/tensor"
)

// A Checkpoint is an open file of weights; the numbers are read by its
// methods. One goroutine at a time may use it.
type Checkpoint struct {
	Format   string          // "safetensors" or "torch"
	DType    tensor.DType    // how the weights are stored
	Recipe   json.RawMessage // nil: the file holds weights only
	Config   Config          // from the recipe, or inferred from names and shapes
	Step     int             // steps of training done
	Random   json.RawMessage // as State.Random
	Averages []string        // rates of the averages; of a .pt file without recipe, their numbers
	Training bool            // the optimiser's state is there

	size     int64
	adamStep int
	moments  func(p *Params) error // adds the optimiser's entries of a .pt file
	entries  map[string]entry
	edm      *edm // what the modules of a pickled network tell; nil: none were there
}

// entry is a tensor of a file, whatever its format.
type entry struct {
	shape []int
	dtype tensor.DType
	read  func(*tensor.Buffer) ([]float32, error) // the values, perhaps in the buffer

	// pieces, where a format has it, calls use for the values some at a time, which lie in
	// the buffer, from value at on; whether all are good is known at its end.
	pieces func(b *tensor.Buffer, use func(at int, x []float32) error) error
}

// each calls use for all values, in pieces or at once.
func (e entry) each(b *tensor.Buffer, use func(at int, x []float32) error) error {
	if e.pieces != nil {
		return e.pieces(b, use)
	}
	x, err := e.read(b)
	if err != nil {
		return err
	}
	return use(0, x)
}

// OpenCheckpoint opens a safetensors file or a PyTorch checkpoint (.pt, .pth, .pkl) of
// size bytes, told apart by their content. The file may be one that State.Write made, a
// checkpoint of the DLPM code, a plain state_dict, or a snapshot of the EDM code
// (docs/edm.md).
func OpenCheckpoint(r io.ReaderAt, size int64) (*Checkpoint, error) {
	head := make([]byte, 16)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	head = head[:n]
	c := &Checkpoint{size: size, entries: map[string]entry{}}
	if c.Format, err = Format(head, size); err != nil {
		return nil, err
	}
	var recipe, state string
	if c.Format == "torch" {
		recipe, state, err = c.openTorch(r, size)
	} else {
		recipe, state, err = c.openSafetensors(r, size)
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if err := c.describe(recipe, state); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return c, nil
}

// Format tells the form of a checkpoint, torch or safetensors, by its first 16 bytes
// and its size, an error if it is none.
func Format(head []byte, size int64) (string, error) {
	switch {
	case torchfile.IsTorch(head):
		return "torch", nil
	case tensor.IsSafetensors(head, size):
		return "safetensors", nil
	}
	const none = "neither safetensors nor a PyTorch checkpoint (or cut off)"
	switch kind := source.Kind(head); kind {
	case "":
	case source.Safetensors:
		return "", fmt.Errorf("checkpoint: %s that is cut off: its header does not fit into %d bytes", kind, size)
	default:
		return "", fmt.Errorf("checkpoint: %s, no model: %s", kind, none)
	}
	return "", errors.New("checkpoint: " + none)
}

func (c *Checkpoint) openSafetensors(r io.ReaderAt, size int64) (recipe, state string, err error) {
	f, err := tensor.OpenSafetensors(r, size)
	if err != nil {
		return "", "", err
	}
	names := make([]string, len(f.Entries))
	for i := range f.Entries {
		names[i] = strings.ReplaceAll(f.Entries[i].Name, "_orig_mod.", "")
	}
	prefix, err := wrapping(names)
	if err != nil {
		return "", "", err
	}
	for i, name := range names {
		name, ok := strings.CutPrefix(name, prefix)
		if _, twice := c.entries[name]; twice {
			return "", "", fmt.Errorf("%s is there twice", name)
		}
		if e := &f.Entries[i]; ok {
			c.entries[name] = entry{e.Shape, e.DType, func(b *tensor.Buffer) ([]float32, error) { return f.Float32sIn(b, e) },
				func(b *tensor.Buffer, use func(int, []float32) error) error { return f.Pieces(b, e, use) }}
		}
	}
	return f.Metadata[recipeKey], f.Metadata[stateKey], nil
}

// describe fills in what the metadata say, or infers it.
func (c *Checkpoint) describe(recipe, state string) error {
	if state != "" {
		var info stateInfo
		if err := json.Unmarshal([]byte(state), &info); err != nil {
			return fmt.Errorf("metadata %s: %w", stateKey, err)
		}
		if info.Step < 0 || info.AdamStep < 0 {
			return fmt.Errorf("metadata %s: negative step", stateKey)
		}
		c.Step, c.adamStep, c.Random = info.Step, info.AdamStep, info.Random
		if len(info.EMA) > maxAverages {
			return fmt.Errorf("metadata %s: %d averages; want at most %d", stateKey, len(info.EMA), maxAverages)
		}
		if c.Format == "safetensors" {
			c.Averages = info.EMA
		} else {
			c.rename(info.EMA)
		}
	}
	for name, e := range c.entries {
		c.Training = c.Training || strings.HasPrefix(name, "adam.m.")
		if !strings.HasPrefix(name, "ema.") && !strings.HasPrefix(name, "adam.") && !isBuffer(name) {
			c.DType = max(c.DType, e.dtype) // one type in practice; any fixed choice will do
		}
	}
	if recipe != "" {
		cfg, err := networkOf([]byte(recipe))
		if err != nil {
			return fmt.Errorf("metadata %s: %w", recipeKey, err)
		}
		c.Recipe, c.Config = json.RawMessage(recipe), *cfg
	} else {
		cfg, err := c.infer()
		if err != nil {
			return err
		}
		c.Config = cfg
	}
	if err := c.Config.Validate(); err != nil {
		return err
	}
	if c.moments != nil {
		p, _ := describe(c.Config)
		return c.moments(p)
	}
	return nil
}

// rename gives the averages of a .pt file, known by number, their rates.
func (c *Checkpoint) rename(rates []string) {
	if len(rates) != len(c.Averages) {
		return
	}
	renamed := map[string]entry{}
	for name, e := range c.entries {
		if rest, ok := strings.CutPrefix(name, "ema."); ok {
			number, rest, _ := strings.Cut(rest, ".")
			if i := slices.Index(c.Averages, number); i >= 0 {
				name = "ema." + rates[i] + "." + rest
			}
		}
		renamed[name] = e
	}
	c.entries = renamed
	c.Averages = rates
}

// find returns the entry of q under its name or, failing that, an alias.
func (c *Checkpoint) find(prefix string, q *Param) (entry, bool) {
	e, ok := c.entries[prefix+q.Name]
	for _, a := range q.Aliases {
		if !ok {
			e, ok = c.entries[prefix+a]
		}
	}
	return e, ok
}

// check compares names and shapes of the tensors called prefix+name with
// those of p, before any memory is taken.
func (c *Checkpoint) check(p *Params, prefix string) error {
	known := map[string]bool{}
	for _, q := range p.List {
		e, ok := c.find(prefix, q)
		if !ok {
			return fmt.Errorf("checkpoint: %s%s is missing; the file is of another network", prefix, q.Name)
		}
		if !slices.Equal(e.shape, q.Shape) {
			return fmt.Errorf("checkpoint: %s%s has shape %v, the network wants %v", prefix, q.Name, e.shape, q.Shape)
		}
		known[prefix+q.Name] = true
		for _, a := range q.Aliases {
			known[prefix+a] = true
		}
	}
	if err := c.checkBuffers(p, prefix, known); err != nil {
		return err
	}
	if int64(p.Count()) > c.size { // tensors of a .pt file may share storage; no network does
		return fmt.Errorf("checkpoint: %d parameters in a file of %d bytes", p.Count(), c.size)
	}
	for name := range c.entries {
		other := prefix == "" && (strings.HasPrefix(name, "ema.") || strings.HasPrefix(name, "adam."))
		if !known[name] && strings.HasPrefix(name, prefix) && !other {
			return fmt.Errorf("checkpoint: %s belongs to no layer; the file is of another network", name)
		}
	}
	return nil
}

// make returns a network of the file's configuration if the file has the
// tensors called prefix+name for it, and if the memory is enough for so many
// copies of them.
func (c *Checkpoint) make(dev tensor.Device, prefix string, copies int) (*Net, error) {
	p, _ := describe(c.Config)
	if err := c.check(p, prefix); err != nil {
		return nil, err
	}
	if need := 4 * int64(copies) * int64(p.Count()); need > machine.Memory() {
		return nil, fmt.Errorf("checkpoint: %d parameters take %d bytes, this process may use %d", p.Count(), need, machine.Memory())
	}
	net, err := New(dev, c.Config)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return net, nil
}

// load reads the tensors called prefix+name into flat.
func (c *Checkpoint) load(p *Params, prefix string, flat *tensor.Tensor) error {
	if err := c.check(p, prefix); err != nil {
		return err
	}
	var file tensor.Buffer
	var host []float32
	for _, q := range p.List {
		e, _ := c.find(prefix, q)
		var bad error // of the first value that no training leaves
		err := p.write(flat, q, &host, func(dst []float32) error {
			return e.each(&file, func(at int, x []float32) error {
				for i, v := range x {
					if bad == nil && !(math.Abs(float64(v)) <= math.MaxFloat32) {
						bad = fmt.Errorf("value %d is %v; the training diverged or the file is damaged", at+i, v)
					}
				}
				q.scatter(dst, x, at)
				return nil
			})
		})
		if err = cmp.Or(err, bad); err != nil {
			return fmt.Errorf("checkpoint: %s%s: %w", prefix, q.Name, err)
		}
	}
	return c.loadBuffers(p, prefix)
}

// Net makes a network with the file's weights. which is "raw" for the weights
// themselves, one of Averages, "ema" for the last of them, or "" for the last
// average if there is one and the raw weights otherwise.
func (c *Checkpoint) Net(dev tensor.Device, which string) (net *Net, err error) {
	defer tensor.Catch(&err)
	if n := len(c.Averages); n > 0 && (which == "" || which == "ema") {
		which = c.Averages[n-1]
	}
	if which == "" {
		which = "raw"
	}
	prefix := ""
	if which != "raw" {
		if !slices.Contains(c.Averages, which) {
			if len(c.Averages) == 0 {
				return nil, fmt.Errorf("checkpoint: no averaged weights %q; the file holds the raw ones alone", which)
			}
			return nil, fmt.Errorf("checkpoint: no average with rate %s; there are raw and %s", which, strings.Join(c.Averages, ", "))
		}
		prefix = "ema." + which + "."
	}
	net, err = c.make(dev, prefix, 1)
	if err != nil {
		return nil, err
	}
	if err := c.load(net.params, prefix, net.params.Flat); err != nil {
		return nil, err
	}
	return net, nil
}

// Matches returns an error that names the first weight of the file that net lacks or has
// in another shape.
func (c *Checkpoint) Matches(net *Net) error { return c.check(net.params, "") }

// Restore reads the weights into s.Net, the averages into s.EMA, whose rates
// must be the file's, and the moments into s.Opt; it sets s.Step, s.Random and
// s.Recipe. EMA and Opt may be absent from s. After an error s is undefined.
func (c *Checkpoint) Restore(s *State) (err error) {
	defer tensor.Catch(&err)
	p := s.Net.params
	if err := c.load(p, "", p.Flat); err != nil {
		return err
	}
	for _, e := range s.EMA {
		if !slices.Contains(c.Averages, e.label()) {
			return fmt.Errorf("checkpoint: no average with rate %s; the file has %v", e.label(), c.Averages)
		}
		if err := c.load(p, "ema."+e.label()+".", e.Shadow); err != nil {
			return err
		}
	}
	if s.Opt != nil {
		if !c.Training {
			return fmt.Errorf("checkpoint: no optimiser state: training cannot go on from this file")
		}
		if err := c.load(p, "adam.m.", s.Opt.M); err != nil {
			return err
		}
		if err := c.load(p, "adam.v.", s.Opt.V); err != nil {
			return err
		}
		s.Opt.Step = c.adamStep
	}
	s.Step, s.Random, s.Recipe = c.Step, c.Random, c.Recipe
	p.Touch()
	return nil
}

// LoadState makes everything that the file holds: network, averages and, if
// it is there, the optimiser with PyTorch's constants.
func (c *Checkpoint) LoadState(dev tensor.Device) (s *State, err error) {
	defer tensor.Catch(&err)
	copies := 1 + len(c.Averages)
	if c.Training {
		copies += 2
	}
	net, err := c.make(dev, "", copies)
	if err != nil {
		return nil, err
	}
	s = &State{Net: net}
	for _, a := range c.Averages {
		rate, err := strconv.ParseFloat(a, 64)
		e := NewEMA(net.params, rate)
		if err != nil || e.label() != a {
			return nil, fmt.Errorf("checkpoint: %q is not the rate of an average", a)
		}
		s.EMA = append(s.EMA, e)
	}
	if c.Training {
		s.Opt = NewAdamW(net.params)
	}
	return s, c.Restore(s)
}
