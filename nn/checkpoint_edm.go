package nn

import (
	"fmt"
	"strings"

	"heavytail/internal/torchfile"
	"heavytail/tensor"
)

// edmPage is where it is said what of the EDM code's files is read, and what to do
// with others.
const edmPage = "docs/edm.md tells how to convert it with Python"

// edmLayers are the classes of the EDM code that a SongUNet is made of, and what
// each must have of what we compute one way only.
var edmLayers = map[string]map[string]any{
	"EDMPrecond": {"sigma_data": 0.5}, "SongUNet": nil, "UNetBlock": nil, "Linear": nil, "Conv2d": nil,
	"GroupNorm": {"eps": songEps}, "PositionalEmbedding": {"max_positions": int64(10000), "endpoint": true}, "FourierEmbedding": nil,
	"ModuleDict": nil,
}

// maxModules bounds the modules of a network, and maxModuleDepth how deep they are
// nested: the published ones have 400 in 5 levels, and a hostile file may have one
// very often.
const (
	maxModules     = 1 << 13
	maxModuleDepth = 16
)

// edm is a network of the EDM code while it is read.
type edm struct {
	tensors map[string]*torchfile.Tensor
	modules int
	heads   int     // of attention; 0: no layer has told
	skip    float64 // factor of residual sums; 0: no layer has told
	dropout float64
}

// persistent returns the network in the root of a plain pickle: the averages of a
// snapshot of the EDM code, or the pickle itself; nil if there is none.
func persistent(root any) *torchfile.Object {
	if d, ok := root.(*torchfile.Dict); ok {
		root, _ = d.Get("ema")
	}
	o, _ := root.(*torchfile.Object)
	return o
}

// openEDM notes the tensors of a network of the EDM code, under the names that its
// state_dict has, and what else its modules tell.
func (c *Checkpoint) openEDM(f *torchfile.File, net *torchfile.Object) error {
	model, _ := child(net, "_modules", "model").(*torchfile.Object)
	switch {
	case net.Class != "EDMPrecond":
		return fmt.Errorf("the network is a %s of the code that wrote the file, not an EDMPrecond; %s", net.Class, edmPage)
	case model == nil:
		return fmt.Errorf("the EDMPrecond has no model; %s", edmPage)
	case model.Class != "SongUNet":
		return fmt.Errorf("the model in the EDMPrecond is a %s, not a SongUNet; %s", model.Class, edmPage)
	}
	e := &edm{tensors: map[string]*torchfile.Tensor{}}
	if err := e.walk(net, "", 0); err != nil {
		return err
	}
	for name, t := range e.tensors {
		c.entries[name] = entry{t.Shape, t.DType, func(*tensor.Buffer) ([]float32, error) { return f.Float32s(t) }, nil}
	}
	c.edm = e
	return nil
}

// child returns what is below two keys of an object's attributes, or nil.
func child(o *torchfile.Object, key, name string) any {
	if o.State == nil {
		return nil
	}
	v, _ := o.State.Get(key)
	d, _ := v.(*torchfile.Dict)
	if d == nil {
		return nil
	}
	v, _ = d.Get(name)
	return v
}

// walk notes the tensors of a module and of those in it, whose names begin with
// prefix.
func (e *edm) walk(o *torchfile.Object, prefix string, depth int) error {
	if e.modules++; e.modules > maxModules || depth > maxModuleDepth {
		return fmt.Errorf("the network has more modules than the %d that are read, or they are nested more than %d deep", maxModules, maxModuleDepth)
	}
	if err := e.known(o, strings.TrimSuffix(prefix, ".")); err != nil {
		return err
	}
	for _, key := range []string{"_parameters", "_buffers", "_modules"} {
		v, _ := o.State.Get(key)
		d, ok := v.(*torchfile.Dict)
		if !ok {
			return fmt.Errorf("the %s %s has no %s", o.Class, strings.TrimSuffix(prefix, "."), key)
		}
		for _, p := range d.Pairs {
			name, named := p.Key.(string)
			if name = prefix + name; !named || len(name) > maxTensorName {
				return fmt.Errorf("a part of the %s %s without a name, or with one of more than %d bytes", o.Class, prefix, maxTensorName)
			}
			if err := e.part(key, name, p.Value, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// part notes one entry of a module's parameters, buffers or modules; nil is one
// that is not there.
func (e *edm) part(key, name string, value any, depth int) error {
	switch v := value.(type) {
	case nil:
		return nil
	case *torchfile.Tensor:
		if key != "_modules" && e.tensors[name] == nil {
			e.tensors[name] = v
			return nil
		}
	case *torchfile.Object:
		if key == "_modules" {
			return e.walk(v, name+".", depth+1)
		}
	}
	return fmt.Errorf("%s of the network is not what its place is for, or there twice", name)
}

// known refuses a module that no SongUNet has, or that differs from what we
// compute, and notes what the names and shapes of the tensors do not tell.
func (e *edm) known(o *torchfile.Object, name string) error {
	must, ok := edmLayers[o.Class]
	if !ok || o.State == nil {
		return fmt.Errorf("%s is a %s, which a SongUNet does not have; %s", name, o.Class, edmPage)
	}
	for key, want := range must {
		if v, ok := o.State.Get(key); ok && v != want {
			return fmt.Errorf("%s of the %s is %v, and only %v is known here; %s", key, strings.TrimSpace(o.Class+" "+name), v, want, edmPage)
		}
	}
	if o.Class != "UNetBlock" {
		return nil
	}
	heads, _ := o.State.Get("num_heads")
	if n, _ := heads.(int64); n > 0 {
		if e.heads != 0 && e.heads != int(n) {
			return fmt.Errorf("num_heads of %s is %d, in blocks before it %d; %s", name, n, e.heads, edmPage)
		}
		e.heads = int(n)
	}
	skip, _ := o.State.Get("skip_scale")
	s, ok := skip.(float64)
	if n, whole := skip.(int64); whole {
		s, ok = float64(n), true
	}
	if !ok || e.skip != 0 && e.skip != s {
		return fmt.Errorf("skip_scale of %s is %v, not a number or not that of the blocks before it; %s", name, skip, edmPage)
	}
	e.skip = s
	dropout, _ := o.State.Get("dropout")
	e.dropout, _ = dropout.(float64) // 0 may be an integer
	return nil
}

// tell sets what only modules tell.
func (e *edm) tell(s *SongConfig) {
	s.NumHeads, s.SkipScale, s.Dropout = max(1, e.heads), e.skip, e.dropout
}
