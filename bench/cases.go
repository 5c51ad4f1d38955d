package bench

import (
	"fmt"

	"heavytail/diffusion"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/stable"
	"heavytail/tensor"
)

// filled returns a tensor of normal values.
func filled(dev tensor.Device, shape ...int) *tensor.Tensor {
	t := dev.New(shape...)
	v := make([]float32, t.Len())
	stable.Key{Seed: uint64(t.Len())}.Normal(v, 0)
	dev.Upload(t, v)
	return t
}

func gemmCases(o Options) ([]Case, error) {
	dev := o.Device
	var out []Case
	for _, n := range []int{256, 512, 1024} {
		a, b, c := filled(dev, n, n), filled(dev, n, n), filled(dev, n, n)
		out = append(out, Case{name: fmt.Sprintf("gemm %d", n), flops: 2 * float64(n) * float64(n) * float64(n),
			run: func() {
				if o.gpu() {
					dev.Linear(c, a, b, nil)
				} else {
					kernels.Gemm(n, n, n, a.Data(), n, b.Data(), n, c.Data(), n, kernels.GemmOpt{Threads: o.Threads})
				}
			}})
	}
	return out, nil
}

func convCases(o Options) ([]Case, error) {
	dev := o.Device
	var out []Case
	for _, s := range []struct{ size, c, k, stride int }{
		{32, 32, 3, 1}, {16, 64, 3, 1}, {8, 64, 3, 1}, {32, 128, 3, 1}, {16, 256, 3, 1}, {4, 256, 3, 1},
		{32, 128, 3, 2}, {16, 256, 1, 1},
	} {
		x, w := filled(dev, o.Batch, s.size, s.size, s.c), filled(dev, s.k, s.k, s.c, s.c)
		b, y := filled(dev, s.c), filled(dev, o.Batch, s.size/s.stride, s.size/s.stride, s.c)
		dx, dw, db := filled(dev, x.Shape()...), filled(dev, w.Shape()...), filled(dev, s.c)
		name := fmt.Sprintf("conv%d×%d/%d %d→%d at %d²", s.k, s.k, s.stride, s.c, s.c, s.size)
		flops := float64(2 * float64(y.Len()) * float64(s.k*s.k*s.c))
		opts := []tensor.ConvOpt{{Stride: s.stride}}
		if s.k == 3 && s.stride == 1 {
			opts = append(opts, tensor.ConvOpt{Normalized: true})
		}
		for _, opt := range opts { // FLOP/s are the direct form's in both
			name := name
			if opt.Normalized {
				name += " normalised"
			}
			out = append(out,
				Case{name: name, flops: flops, run: func() { dev.Conv2D(y, x, w, b, nil, opt) }},
				Case{name: name + " backward", flops: 2 * flops, run: func() { dev.Conv2DBackward(dx, dw, db, y, x, w, opt) }})
		}
	}
	return out, nil
}

func attentionCases(o Options) ([]Case, error) {
	dev := o.Device
	var out []Case
	for _, s := range []struct{ t, c, heads int }{{64, 64, 4}, {256, 64, 4}, {256, 256, 4}, {1024, 256, 4}, {4096, 64, 1}} {
		qkv, y := filled(dev, o.Batch, s.t, 3*s.c), filled(dev, o.Batch, s.t, s.c)
		dqkv := filled(dev, qkv.Shape()...)
		name := fmt.Sprintf("attention T=%d C=%d heads %d", s.t, s.c, s.heads)
		flops := 4 * float64(o.Batch) * float64(s.t) * float64(s.t) * float64(s.c)
		out = append(out,
			Case{name: name, flops: flops, run: func() { dev.Attention(y, qkv, s.heads) }},
			Case{name: name + " backward", flops: 2.5 * flops, run: func() { dev.AttentionBackward(dqkv, y, qkv, s.heads) }})
	}
	return out, nil
}

func normCases(o Options) ([]Case, error) {
	dev := o.Device
	var out []Case
	for _, s := range []struct{ size, c int }{{32, 32}, {16, 64}, {32, 128}, {8, 256}} {
		x, y, ss := filled(dev, o.Batch, s.size, s.size, s.c), filled(dev, o.Batch, s.size, s.size, s.c), filled(dev, o.Batch, 2*s.c)
		gamma, beta, stats := filled(dev, s.c), filled(dev, s.c), filled(dev, o.Batch, 2*s.c)
		dx, dg, db, dss := filled(dev, x.Shape()...), filled(dev, s.c), filled(dev, s.c), filled(dev, ss.Shape()...)
		opt := tensor.NormOpt{Groups: 32, Eps: 1e-5, SiLU: true}
		name, n := fmt.Sprintf("group norm + SiLU %d²×%d", s.size, s.c), float64(x.Len())
		out = append(out,
			Case{name: name, items: n, unit: "elements", run: func() { dev.GroupNorm(y, x, gamma, beta, ss, stats, opt) }},
			Case{name: name + " backward", items: n, unit: "elements",
				run: func() { dev.GroupNormBackward(dx, dg, db, dss, y, x, gamma, beta, ss, stats, opt) }})
	}
	return out, nil
}

// benchNet makes the network of o with start values; 0 sizes mean 32×32.
func benchNet(o Options) (*nn.Net, []int, error) {
	cfg, err := nn.Preset(o.Config)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	net, err := nn.New(o.Device, cfg)
	if err != nil {
		return nil, nil, err
	}
	shape := net.SampleShape()
	if len(shape) != 3 {
		return nil, nil, fmt.Errorf("bench: %s is not a network for images", o.Config)
	}
	if shape[0] == 0 {
		shape[0], shape[1] = 32, 32
	}
	// Normal values everywhere: the start values have zeros in every last layer.
	flat := net.Params().Flat
	v := make([]float32, flat.Len())
	stable.Key{Seed: 2}.Normal(v, 0)
	net.Device().Upload(flat, v)
	net.Device().Scale(flat, 0.05)
	net.Params().Touch()
	net.Params().Freeze() // as a model does; training puts the weights back
	return net, shape, nil
}

// times returns n network times evenly spaced in [0.1, 0.9].
func times(n int) []float32 {
	t := make([]float32, n)
	for i := range t {
		t[i] = 0.1 + 0.8*float32(i)/float32(max(n-1, 1))
	}
	return t
}

func unetCases(o Options) ([]Case, error) {
	net, s, err := benchNet(o)
	if err != nil {
		return nil, err
	}
	ws, err := net.NewWorkspace(o.Batch, s[0], s[1], false)
	if err != nil {
		return nil, err
	}
	macs, err := net.MACs(s[0], s[1])
	if err != nil {
		return nil, err
	}
	x, t := filled(o.Device, o.Batch, s[0], s[1], s[2]), times(o.Batch)
	return []Case{{name: fmt.Sprintf("unet %s batch %d", o.Config, o.Batch), flops: 2 * float64(macs) * float64(o.Batch),
		items: float64(o.Batch), unit: "images", run: func() { net.Forward(ws, x, t, nil) }}}, nil
}

// trainCases times whole steps as train.Trainer takes them: forward, loss and backward of
// parts of the batch, AdamW and average.
func trainCases(o Options) ([]Case, error) {
	net, s, err := benchNet(o)
	if err != nil {
		return nil, err
	}
	micro, err := net.Micro(o.Batch, s[0], s[1])
	if err != nil {
		return nil, err
	}
	ws, err := net.NewWorkspace(micro, s[0], s[1], true)
	if err != nil {
		return nil, err
	}
	macs, err := net.MACs(s[0], s[1])
	if err != nil {
		return nil, err
	}
	dev := o.Device
	type part struct{ x, target, dy *tensor.Tensor }
	var parts []part
	x, target, dy := filled(dev, o.Batch, s[0], s[1], s[2]), filled(dev, o.Batch, s[0], s[1], s[2]), dev.New(o.Batch, s[0], s[1], s[2])
	for lo := 0; lo < o.Batch; lo += micro {
		hi := min(lo+micro, o.Batch)
		parts = append(parts, part{x.Batch(lo, hi), target.Batch(lo, hi), dy.Batch(lo, hi)})
	}
	opt, ema, t := nn.NewAdamW(net.Params()), nn.NewEMA(net.Params(), 0.999), times(o.Batch)
	out, weights := make([]float64, micro), make([]float64, micro)
	loss := diffusion.Loss{Kind: diffusion.Root}
	step := func() {
		net.Params().ZeroGrad()
		for i, p := range parts {
			n := p.x.Dim(0)
			y := net.Forward(ws, p.x, t[i*micro:i*micro+n], nil)
			dev.Loss(out[:n], y, p.target, tensor.Squared, 2)
			loss.Reduce(weights[:n], out[:n], o.Batch)
			dev.LossBackward(p.dy, y, p.target, tensor.Squared, 2, weights[:n])
			net.Backward(ws, p.dy)
		}
		if _, err := opt.Update(1e-6, 1); err != nil {
			panic("bench: " + err.Error())
		}
		ema.Update(opt.Step)
	}
	return []Case{{name: fmt.Sprintf("train %s batch %d", o.Config, o.Batch), flops: 6 * float64(macs) * float64(o.Batch),
		items: float64(o.Batch), unit: "images", run: step}}, nil
}
