package nn

import "fmt"

// plainMLP is the network of the papers' experiments on points: the time is one
// more input, and there is neither a normalisation nor an embedding,
//
//	h_0 = [x, t],  h_i = SiLU(L_i·h_{i−1}),  out = L·h
//
// so that the output grows with x without bound. The last layer starts at zero.
type plainMLP struct {
	dim    int
	layers []*linear
	spread *secondOutput
}

func newPlainMLP(cfg *MLPConfig, p *Params) *plainMLP {
	m := &plainMLP{dim: cfg.Dim}
	in := cfg.Dim + 1
	for i, units := range cfg.Hidden {
		m.layers = append(m.layers, p.linear(fmt.Sprintf("layers.%d", i), in, units))
		in = units
	}
	name := fmt.Sprintf("layers.%d", len(cfg.Hidden))
	m.layers = append(m.layers, &linear{p.add(name+".weight", matrix, zeros, in, cfg.Dim, in), p.add(name+".bias", vector, zeros, in, cfg.Dim)})
	m.spread = newSecondOutput(cfg, in, p)
	return m
}

// record records the network; h and w mean nothing for points.
func (m *plainMLP) record(g *graph, _, _ int) error {
	g.in = g.place(nil, []int{m.dim})
	g.in.constant = !g.input
	h := g.host(withTime, withTimeBack, (*exporter).withTime, m.dim+1)
	last := h
	for i, l := range m.layers {
		if i > 0 {
			h = g.silu(h)
		}
		last, h = h, g.linear(h, l)
	}
	g.out = m.spread.join(g, h, last)
	return nil
}

// withTime sets y to [x, t].
func withTime(y, x []float32, t float32) {
	copy(y, x)
	y[len(x)] = t
}

// withTimeBack sets x to the gradient by x of dy·withTime.
func withTimeBack(x, dy []float32, _ float32) { copy(x, dy) }

// validatePlain checks an MLPConfig with Hidden.
func (m *MLPConfig) validatePlain() error {
	if m.Units != 0 || m.Blocks != 0 || m.TimeEmb != 0 || m.TimeScale != 0 || m.Magnitude || m.TailRadius != 0 || m.Conditions != 0 {
		return fmt.Errorf("hidden %v with other fields; a plain network has dim, spread and hidden only", m.Hidden)
	}
	if err := first(within("dim", m.Dim, 1, 4096), within("number of hidden layers", len(m.Hidden), 1, 1024)); err != nil {
		return err
	}
	for i, n := range m.Hidden {
		if err := within(fmt.Sprintf("hidden[%d]", i), n, 1, maxWidth); err != nil {
			return err
		}
	}
	return nil
}
