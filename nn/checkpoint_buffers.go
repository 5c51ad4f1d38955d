package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"heavytail/internal/torchfile"
	"heavytail/tensor"
)

// isBuffer reports whether a tensor of a file is a buffer by its name. They are
// always stored in float32: a rounded frequency would be another one.
func isBuffer(name string) bool {
	return strings.HasSuffix(name, ".resample_filter") || strings.HasSuffix(name, "map_noise.freqs") || name == timeProj
}

// bufferItems returns the buffers as a file holds them.
func (p *Params) bufferItems(prefix string) []tensor.Item {
	var out []tensor.Item
	for _, b := range p.Buffers {
		out = append(out, tensor.Item{Name: prefix + b.Name, DType: tensor.F32, Shape: b.Shape, Data: func() []float32 { return b.Data }})
	}
	return out
}

// bufferPairs returns the buffers as a state_dict holds them.
func (p *Params) bufferPairs() []torchfile.Pair {
	var out []torchfile.Pair
	for _, it := range p.bufferItems("") {
		out = append(out, torchfile.Pair{Key: it.Name, Value: it})
	}
	return out
}

// names returns what b may be called in a file.
func (b *Buffer) names(prefix string) []string {
	return []string{prefix + b.Name, prefix + strings.TrimPrefix(b.Name, "model.")}
}

// findBuffer returns the entry of b beside the tensors called prefix+name, or
// else, since averages and moments have none of their own, that of the weights.
func (c *Checkpoint) findBuffer(prefix string, b *Buffer) (entry, bool) {
	for _, name := range append(b.names(prefix), b.names("")...) {
		if e, ok := c.entries[name]; ok {
			return e, true
		}
	}
	return entry{}, false
}

// checkBuffers compares the shapes of the buffers and notes their names as
// known.
func (c *Checkpoint) checkBuffers(p *Params, prefix string, known map[string]bool) error {
	for _, b := range p.Buffers {
		e, ok := c.findBuffer(prefix, b)
		switch {
		case !ok && !b.fixed:
			return fmt.Errorf("checkpoint: %s%s is missing; save the state_dict with its buffers", prefix, b.Name)
		case ok && !slices.Equal(e.shape, b.Shape):
			return fmt.Errorf("checkpoint: %s%s has shape %v, the network wants %v", prefix, b.Name, e.shape, b.Shape)
		}
		for _, name := range b.names(prefix) {
			known[name] = true
		}
	}
	return nil
}

// loadBuffers reads the buffers; those that follow from the configuration must
// be as it says.
func (c *Checkpoint) loadBuffers(p *Params, prefix string) error {
	for _, b := range p.Buffers {
		e, ok := c.findBuffer(prefix, b)
		if !ok {
			continue
		}
		x, err := e.read(&tensor.Buffer{})
		if err != nil {
			return fmt.Errorf("checkpoint: %s%s: %w", prefix, b.Name, err)
		}
		for i, v := range x {
			if b.fixed && !(math.Abs(float64(v-b.Data[i])) <= 1e-3) {
				return fmt.Errorf("checkpoint: %s%s is %v, the network's filter gives %v", prefix, b.Name, x, b.Data)
			}
			if !(math.Abs(float64(v)) <= math.MaxFloat32) {
				return fmt.Errorf("checkpoint: %s%s: value %d is %v; the file is damaged", prefix, b.Name, i, v)
			}
		}
		if !b.fixed {
			copy(b.Data, x)
		}
	}
	return nil
}
