package nn

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"heavytail/tensor"
)

// A WeightFile is one of the files that a network's weights lie in, safetensors or
// PyTorch's by its content.
type WeightFile struct {
	Name    string // for messages
	Reader  io.ReaderAt
	Size    int64
	Tensors []string // that must be in it; the file may have none for which there is no place
}

// OpenWeights opens the weights of a network of configuration cfg, with the recipe that
// made it, from files of the diffusers library: under its names, with those of attention
// before version 0.15 too. Names and shapes are those of cfg, or it returns an error, so
// that the weights can be read later.
func OpenWeights(cfg Config, recipe json.RawMessage, files []WeightFile) (*Checkpoint, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Checkpoint{Format: "diffusers", Recipe: recipe, Config: cfg, entries: map[string]entry{}}
	for _, f := range files {
		if err := c.addFile(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	p, _ := describe(cfg)
	if err := c.fuse(p); err != nil {
		return nil, err
	}
	for name, e := range c.entries {
		if !isBuffer(name) {
			c.DType = max(c.DType, e.dtype)
		}
	}
	return c, c.check(p, "")
}

// addFile adds the tensors of f.
func (c *Checkpoint) addFile(f WeightFile) error {
	one := &Checkpoint{entries: map[string]entry{}}
	head := make([]byte, 16)
	n, err := f.Reader.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	format, err := Format(head[:n], f.Size)
	if err != nil {
		return err
	}
	one.size = f.Size
	if format == "torch" {
		_, _, err = one.openTorch(f.Reader, f.Size)
	} else {
		_, _, err = one.openSafetensors(f.Reader, f.Size)
	}
	if err != nil {
		return err
	}
	for _, name := range f.Tensors {
		if !one.has(name) {
			return fmt.Errorf("the tensor %q that the index says is here is not", name)
		}
	}
	c.size += one.size
	for _, name := range slices.Sorted(maps.Keys(one.entries)) {
		to := newName(name)
		if c.has(to) {
			return fmt.Errorf("the tensor %s is there twice", to)
		}
		c.entries[to] = one.entries[name]
	}
	return nil
}

// newName returns what a tensor is called since version 0.15 of diffusers.
func newName(name string) string {
	at := strings.LastIndex(name, ".")
	if at < 0 || !strings.Contains(name, ".attentions.") {
		return name
	}
	layer, kind := name[:at], name[at:]
	for _, r := range [][2]string{{".query", ".to_q"}, {".key", ".to_k"}, {".value", ".to_v"}, {".proj_attn", ".to_out.0"}} {
		if rest, ok := strings.CutSuffix(layer, r[0]); ok {
			return rest + r[1] + kind
		}
	}
	return name
}

// fuse makes one tensor of those of q, k and v, one below the other, where p has it.
func (c *Checkpoint) fuse(p *Params) error {
	for _, q := range p.List {
		if !q.thirds || c.has(q.Name) {
			continue
		}
		var parts []entry
		third := slices.Clone(q.Shape)
		third[0] /= 3
		for _, part := range []string{".to_q.", ".to_k.", ".to_v."} {
			name := strings.Replace(q.Name, ".to_qkv.", part, 1)
			e, ok := c.entries[name]
			if !ok {
				return fmt.Errorf("the weights lack %s; they are of another network than the configuration", name)
			}
			if !slices.Equal(e.shape, third) {
				return fmt.Errorf("%s has shape %v, the configuration wants %v", name, e.shape, third)
			}
			delete(c.entries, name)
			parts = append(parts, e)
		}
		c.entries[q.Name] = entry{q.Shape, max(parts[0].dtype, parts[1].dtype, parts[2].dtype), func(b *tensor.Buffer) ([]float32, error) {
			out := make([]float32, 0, q.n)
			for _, e := range parts {
				x, err := e.read(b)
				if err != nil {
					return nil, err
				}
				out = append(out, x...)
			}
			return out, nil
		}, nil}
	}
	return nil
}

// Parameters returns how many tensors and values the weights of a network of the
// configuration are, which must be valid. It takes no memory for them.
func (c Config) Parameters() (tensors int, values int64) {
	p, _ := describe(c)
	return len(p.List), p.total
}
