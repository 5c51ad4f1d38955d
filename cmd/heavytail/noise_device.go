package main

import (
	"fmt"

	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/stable"
	"heavytail/stable/laws"
	"heavytail/tensor"
)

// A noiseDevice is a GPU that makes variates: the bits of stable.Key.
type noiseDevice interface {
	tensor.Device
	Noise(dst *tensor.Tensor, s stable.Key, f stable.Family, off int)
	Noise64(dst []float64, s stable.Key, f stable.Family64, off int)
	Gamma(dst []float64, s stable.Key, shape float64, off int)
	StableNoise(dst *tensor.Tensor, s stable.Key, n stable.Noise)
}

// A noisePlace is where variates are made: on a GPU, or on the processor if on is nil.
type noisePlace struct {
	on   noiseDevice
	room *tensor.Tensor // of the latest length
}

// openNoise opens the GPU if -device names one. The environment's does not count:
// the processor makes the same file, and no slower than a disk takes it.
func (p *noisePlace) openNoise(d *deviceFlag) (done func(), err error) {
	if !d.given || !d.spec.GPU {
		return func() {}, nil
	}
	if fast := d.spec.Fast(); fast != "" {
		return nil, cli.Usage("-device %v: noise has the same bytes everywhere, and no mode %s: leave that out", d, fast)
	}
	dev, err := d.open(0)
	if err != nil {
		return nil, err
	}
	on, ok := dev.(noiseDevice)
	if !ok {
		device.Close(dev)
		return nil, fmt.Errorf("-device %v: %s makes no noise; leave it out", d, dev.Name())
	}
	p.on = on
	return func() { device.Close(dev) }, nil
}

// tensor is one of rows of n/rows values on the GPU.
func (p *noisePlace) tensor(rows, n int) *tensor.Tensor {
	if p.room == nil || p.room.Len() != n || p.room.Dim(0) != rows {
		p.room = p.on.New(rows, n/rows)
	}
	return p.room
}

// Fill implements laws.Variates.
func (p *noisePlace) Fill(dst []float32, s stable.Key, f stable.Family, off int) {
	if p.on == nil {
		laws.Processor{}.Fill(dst, s, f, off)
		return
	}
	t := p.tensor(1, len(dst))
	p.on.Noise(t, s, f, off)
	p.on.Download(dst, t)
}

// Fill64 implements laws.Variates.
func (p *noisePlace) Fill64(dst []float64, s stable.Key, f stable.Family64, off int) {
	if p.on == nil {
		laws.Processor{}.Fill64(dst, s, f, off)
		return
	}
	p.on.Noise64(dst, s, f, off)
}

// Gamma implements laws.Variates.
func (p *noisePlace) Gamma(dst []float64, s stable.Key, shape float64, off int) {
	if p.on == nil {
		laws.Processor{}.Gamma(dst, s, shape, off)
		return
	}
	p.on.Gamma(dst, s, shape, off)
}

// Rows implements laws.Variates.
func (p *noisePlace) Rows(dst []float32, d int, s stable.Key, n stable.Noise) {
	if p.on == nil {
		laws.Processor{}.Rows(dst, d, s, n)
		return
	}
	t := p.tensor(len(dst)/d, len(dst))
	p.on.StableNoise(t, s, n)
	p.on.Download(dst, t)
}
