package nn

import "heavytail/tensor"

// linear is a fully connected layer; b may be nil.
type linear struct{ w, b *Param }

func (l *linear) bias() *tensor.Tensor {
	if l.b == nil {
		return nil
	}
	return l.b.Tensor
}

func (p *Params) linear(name string, in, out int) *linear {
	return &linear{p.add(name+".weight", matrix, uniform, in, out, in), p.add(name+".bias", vector, uniform, in, out)}
}

// norm is the weight and bias of a GroupNorm or LayerNorm, and what the first
// needs.
type norm struct {
	w, b   *Param
	groups int
	eps    float32
}

func (p *Params) norm(name string, c int) *norm {
	return &norm{p.add(name+".weight", vector, ones, 1, c), p.add(name+".bias", vector, zeros, 1, c), groups(c), 1e-5}
}

// conv is a convolution layer.
type conv struct {
	w, b *Param
	opt  tensor.ConvOpt
}

// conv registers a k×k convolution that starts as start says.
func (p *Params) conv(name string, in, out, k int, start initial, opt tensor.ConvOpt) *conv {
	fan := in * k * k
	c := &conv{p.add(name+".weight", kernel, start, fan, out, in, k, k), p.add(name+".bias", vector, start, fan, out), opt}
	c.w.up = opt.Up
	return c
}

// point registers a 1×1 convolution that PyTorch holds as a Conv1d.
func (p *Params) point(name string, in, out int, start initial) *conv {
	return &conv{w: p.add(name+".weight", point, start, in, out, in, 1), b: p.add(name+".bias", vector, start, in, out)}
}
