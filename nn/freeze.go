package nn

import "heavytail/tensor"

// Freeze readies the parameters of a network that is only used from now on: where the
// device can (tensor.Packer), it puts the weights into the order in which forward passes
// read them, in place, so that they are kept once, where otherwise a copy in that order
// lies beside each. Forward and backward passes give the same values, and Get
// returns them as before; but Flat and Param.Tensor hold the weights in the device's order
// until Thaw, Set, CopyFrom, EnableGrad or an EMA put them back. Weights keep their
// places, and a copy, whose outputs a CPU's panels of 32 do not divide, and those of
// convolutions that double their image, of which passes read sums. It does nothing once
// there are gradients. No pass may be under way.
func (p *Params) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, ok := p.dev.(tensor.Packer)
	if !ok || p.Grad != nil {
		return
	}
	d.Pack(p.products()...)
	p.frozen = true
}

// Thaw puts back what Freeze did. No pass may be under way.
func (p *Params) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thaw()
}

func (p *Params) thaw() {
	if p.frozen {
		p.dev.(tensor.Packer).Unpack(p.products()...)
		p.frozen = false
	}
}

// values sets dst, laid out like Flat, to the values of p, frozen or not.
func (p *Params) values(dst *tensor.Tensor) {
	p.dev.Copy(dst, p.Flat)
	for _, w := range p.List {
		if p.frozen && w.Tensor.Pack(0).Own {
			p.dev.(tensor.Packer).Unpacked(w.view(dst).Data(), w.Tensor)
		}
	}
}

// products returns the weights of linear layers and convolutions that are read as they are.
func (p *Params) products() (ws []*tensor.Tensor) {
	for _, q := range p.List {
		if q.layout != vector && q.layout != table && !q.up {
			ws = append(ws, q.Tensor)
		}
	}
	return ws
}
