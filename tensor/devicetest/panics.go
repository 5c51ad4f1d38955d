package devicetest

import (
	"fmt"

	"heavytail/tensor"
)

// A panicCase calls a method with shapes that do not fit together.
type panicCase struct {
	name string
	run  func(d tensor.Device)
}

// check returns an error unless the call panics with a text that names a shape.
func (c panicCase) check(dev tensor.Device) (err error) {
	defer func() {
		r := recover()
		if s, ok := r.(string); !ok || len(s) < 12 {
			err = fmt.Errorf("%s with wrong shapes: want a panic that says what is wrong, got %v", c.name, r)
		}
	}()
	c.run(dev)
	return nil
}

var panics = []panicCase{
	{"Upload", func(d tensor.Device) { d.Upload(d.New(2, 3), make([]float32, 5)) }},
	{"Download", func(d tensor.Device) { d.Download(make([]float32, 7), d.New(2, 3)) }},
	{"Copy", func(d tensor.Device) { d.Copy(d.New(2, 3), d.New(3, 2)) }},
	{"Add", func(d tensor.Device) { d.Add(d.New(2, 3), d.New(2, 3), d.New(2, 4)) }},
	{"Linear/w", func(d tensor.Device) { d.Linear(d.New(2, 5), d.New(2, 3), d.New(4, 5), nil) }},
	{"Linear/b", func(d tensor.Device) { d.Linear(d.New(2, 5), d.New(2, 3), d.New(3, 5), d.New(4)) }},
	{"Linear/y", func(d tensor.Device) { d.Linear(d.New(3, 5), d.New(2, 3), d.New(3, 5), nil) }},
	{"LinearBackward/dx", func(d tensor.Device) {
		d.LinearBackward(d.New(2, 4), d.New(3, 5), nil, d.New(2, 5), d.New(2, 3), d.New(3, 5))
	}},
	{"LinearBackward/dw", func(d tensor.Device) {
		d.LinearBackward(nil, d.New(3, 4), nil, d.New(2, 5), d.New(2, 3), d.New(3, 5))
	}},
	{"Conv2D/y", func(d tensor.Device) {
		d.Conv2D(d.New(1, 4, 4, 5), d.New(1, 4, 4, 3), d.New(3, 3, 3, 5), d.New(5), nil, tensor.ConvOpt{Stride: 2})
	}},
	{"Conv2D/w", func(d tensor.Device) {
		d.Conv2D(d.New(1, 4, 4, 5), d.New(1, 4, 4, 3), d.New(3, 3, 4, 5), d.New(5), nil, tensor.ConvOpt{})
	}},
	{"Conv2D/kernel", func(d tensor.Device) {
		d.Conv2D(d.New(1, 4, 4, 5), d.New(1, 4, 4, 3), d.New(5, 5, 3, 5), d.New(5), nil, tensor.ConvOpt{})
	}},
	{"Conv2D/res", func(d tensor.Device) {
		d.Conv2D(d.New(1, 4, 4, 5), d.New(1, 4, 4, 3), d.New(1, 1, 3, 5), d.New(5), d.New(1, 4, 4, 3), tensor.ConvOpt{})
	}},
	{"Conv2DBackward/dx", func(d tensor.Device) {
		d.Conv2DBackward(d.New(1, 2, 2, 3), d.New(1, 1, 3, 5), d.New(5), d.New(1, 4, 4, 5), d.New(1, 4, 4, 3), d.New(1, 1, 3, 5), tensor.ConvOpt{})
	}},
	{"Resample/y", func(d tensor.Device) {
		d.Resample(d.New(1, 3, 2, 5), d.New(1, 4, 4, 5), tensor.ResampleOpt{Taps: []float32{1, 1}, Stride: 2})
	}},
	{"Resample/taps", func(d tensor.Device) {
		d.Resample(d.New(1, 4, 4, 5), d.New(1, 4, 4, 5), tensor.ResampleOpt{})
	}},
	{"ResampleBackward", func(d tensor.Device) {
		d.ResampleBackward(d.New(1, 4, 4, 5), d.New(1, 4, 4, 5), tensor.ResampleOpt{Taps: []float32{1, 1}, Up: true})
	}},
	{"AddChannels/v", func(d tensor.Device) {
		x := d.New(2, 2, 2, 6)
		d.AddChannels(x, x, d.New(2, 5))
	}},
	{"AddChannels/y", func(d tensor.Device) { d.AddChannels(d.New(2, 2, 3, 6), d.New(2, 2, 2, 6), d.New(2, 6)) }},
	{"SumPixels", func(d tensor.Device) { d.SumPixels(d.New(3, 6), d.New(2, 2, 2, 6)) }},
	{"GroupNorm/groups", func(d tensor.Device) {
		x := d.New(2, 2, 2, 6)
		d.GroupNorm(x, x, d.New(6), d.New(6), nil, d.New(2, 12), tensor.NormOpt{Groups: 4})
	}},
	{"GroupNorm/ss", func(d tensor.Device) {
		x := d.New(2, 2, 2, 6)
		d.GroupNorm(x, x, d.New(6), d.New(6), d.New(2, 6), d.New(2, 12), tensor.NormOpt{Groups: 3})
	}},
	{"GroupNormBackward/dgamma", func(d tensor.Device) {
		x := d.New(2, 2, 2, 6)
		d.GroupNormBackward(d.New(2, 2, 2, 6), d.New(5), d.New(6), nil, x, x, d.New(6), d.New(6), nil, d.New(2, 12), tensor.NormOpt{Groups: 3})
	}},
	{"GroupNormBackward/dbeta", func(d tensor.Device) {
		x := d.New(2, 2, 2, 6)
		d.GroupNormBackward(d.New(2, 2, 2, 6), d.New(6), nil, nil, x, x, d.New(6), d.New(6), nil, d.New(2, 12), tensor.NormOpt{Groups: 3})
	}},
	{"LayerNormBackward/dgamma", func(d tensor.Device) {
		d.LayerNormBackward(d.New(2, 6), nil, d.New(6), d.New(2, 6), d.New(2, 6), d.New(6), d.New(6), d.New(2, 4), tensor.NormOpt{})
	}},
	{"LayerNorm/gamma", func(d tensor.Device) {
		d.LayerNorm(d.New(2, 6), d.New(2, 6), d.New(5), d.New(6), d.New(2, 2), tensor.NormOpt{})
	}},
	{"SiLU", func(d tensor.Device) { d.SiLU(d.New(2, 3), d.New(2, 4)) }},
	{"SiLUBackward", func(d tensor.Device) { d.SiLUBackward(d.New(2, 3), d.New(2, 3), d.New(2, 4)) }},
	{"Attention/heads", func(d tensor.Device) { d.Attention(d.New(1, 2, 6), d.New(1, 2, 18), 4) }},
	{"Attention/qkv", func(d tensor.Device) { d.Attention(d.New(1, 2, 6), d.New(1, 2, 12), 2) }},
	{"AttentionBackward", func(d tensor.Device) { d.AttentionBackward(d.New(1, 2, 12), d.New(1, 2, 6), d.New(1, 2, 18), 2) }},
	{"TimestepEmbedding", func(d tensor.Device) { d.TimestepEmbedding(d.New(2, 4), make([]float32, 3), tensor.TimeOpt{Scale: 1}) }},
	{"TimestepEmbedding/shift", func(d tensor.Device) {
		d.TimestepEmbedding(d.New(3, 2), make([]float32, 3), tensor.TimeOpt{Scale: 1, Shift: 1})
	}},
	{"Conv2D/after", func(d tensor.Device) {
		d.Conv2D(d.New(1, 4, 4, 5), d.New(1, 4, 4, 3), d.New(3, 3, 3, 5), d.New(5), nil, tensor.ConvOpt{After: true})
	}},
	{"Embedding/rows", func(d tensor.Device) { d.Embedding(d.New(2, 4), d.New(3, 4), []int{1}) }},
	{"Embedding/id", func(d tensor.Device) { d.Embedding(d.New(1, 4), d.New(3, 4), []int{3}) }},
	{"EmbeddingBackward/id", func(d tensor.Device) { d.EmbeddingBackward(d.New(3, 4), d.New(1, 4), []int{3}) }},
	{"Dropout", func(d tensor.Device) { d.Dropout(d.New(2, 3), d.New(2, 3), 0.5, 1, make([]uint64, 3)) }},
	{"Loss", func(d tensor.Device) { d.Loss(make([]float64, 1), d.New(2, 3), d.New(2, 3), tensor.Squared, 0) }},
	{"LossBackward", func(d tensor.Device) {
		d.LossBackward(d.New(2, 3), d.New(2, 3), d.New(2, 4), tensor.Squared, 0, make([]float64, 2))
	}},
	{"AdamW", func(d tensor.Device) { d.AdamW(d.New(6), d.New(6), d.New(5), d.New(6), tensor.AdamWOpt{Step: 1}) }},
	{"Lerp", func(d tensor.Device) { d.Lerp(d.New(6), d.New(5), 0.5) }},
}
