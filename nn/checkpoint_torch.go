package nn

import (
	"fmt"
	"io"
	"maps"
	"strconv"

	"heavytail/internal/torchfile"
	"heavytail/tensor"
)

// openTorch notes the tensors of a checkpoint of the DLPM code (keys
// model_parameters, ema_models, optimizer, steps), of a plain state_dict, of
// one that another program wrapped, or of a snapshot of the EDM code.
func (c *Checkpoint) openTorch(r io.ReaderAt, size int64) (recipe, state string, err error) {
	f, err := torchfile.Open(r, size)
	if err != nil {
		return "", "", err
	}
	if net := persistent(f.Root); net != nil {
		c.size = max(size, f.Bytes())
		return "", "", c.openEDM(f, net)
	}
	root, ok := f.Root.(*torchfile.Dict)
	if !ok {
		return "", "", fmt.Errorf("the file holds no dictionary; save a state_dict")
	}
	c.size = max(size, f.Bytes())
	add := func(prefix string, d *torchfile.Dict) error {
		tensors, err := unwrap(d)
		for name, t := range tensors {
			c.entries[prefix+name] = entry{t.Shape, t.DType, func(*tensor.Buffer) ([]float32, error) { return f.Float32s(t) }, nil}
		}
		return err
	}
	if err := add("", weights(root, 3)); err != nil {
		return "", "", err
	}
	if v, ok := root.Get("steps"); ok {
		n, _ := v.(int64)
		c.Step = int(n)
	}
	if err := c.torchAverages(root, add); err != nil {
		return "", "", err
	}
	c.moments = func(p *Params) error { return c.torchMoments(f, root, p) }
	text := func(key string) string {
		v, _ := root.Get(key)
		s, _ := v.(string)
		return s
	}
	return text(recipeKey), text(stateKey), nil
}

// torchAverages adds the averages of the DLPM code, by number.
func (c *Checkpoint) torchAverages(root *torchfile.Dict, add func(prefix string, d *torchfile.Dict) error) error {
	v, _ := root.Get("ema_models")
	l, ok := v.(*torchfile.List)
	if !ok {
		return nil
	}
	if len(l.Items) > maxAverages {
		return fmt.Errorf("%d averages; want at most %d", len(l.Items), maxAverages)
	}
	for i, m := range l.Items {
		if d, ok := m.(*torchfile.Dict); ok {
			c.Averages = append(c.Averages, strconv.Itoa(i))
			if err := add("ema."+strconv.Itoa(i)+".", d); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxAverages bounds the averages of a file, each of which may be made.
const maxAverages = 64

// torchMoments adds the moments of PyTorch's AdamW, which counts the
// parameters in the order of named_parameters, under this project's names. A
// file without a complete state has none.
func (c *Checkpoint) torchMoments(f *torchfile.File, root *torchfile.Dict, p *Params) error {
	var all *torchfile.Dict
	if v, ok := root.Get("optimizer"); ok {
		if d, ok := v.(*torchfile.Dict); ok {
			v, _ := d.Get("state")
			all, _ = v.(*torchfile.Dict)
		}
	}
	if all == nil || len(all.Pairs) != len(p.List) {
		return nil
	}
	found := map[string]entry{}
	for i, q := range p.List {
		v, _ := all.Get(int64(i))
		one, ok := v.(*torchfile.Dict)
		if !ok {
			return nil
		}
		for key, prefix := range map[string]string{"exp_avg": "adam.m.", "exp_avg_sq": "adam.v."} {
			v, _ := one.Get(key)
			t, ok := v.(*torchfile.Tensor)
			if !ok {
				return nil
			}
			found[prefix+q.Name] = entry{t.Shape, t.DType, func(*tensor.Buffer) ([]float32, error) { return f.Float32s(t) }, nil}
		}
		switch step, _ := one.Get("step"); s := step.(type) {
		case int64:
			c.adamStep = int(max(s, 0))
		case *torchfile.Tensor: // since PyTorch 1.12
			x, err := f.Float32s(s)
			if err != nil || len(x) != 1 || !(x[0] >= 0 && x[0] < 1<<24) {
				return fmt.Errorf("the optimiser's step is not a number: %v", err)
			}
			c.adamStep = int(x[0])
		}
	}
	maps.Copy(c.entries, found)
	c.Training = true
	return nil
}
