package laws

import (
	"heavytail/stable"
	"heavytail/tensor"
)

// A maker is a device that makes variates: the bits of stable.Key.
type maker interface {
	tensor.Device
	Noise(dst *tensor.Tensor, s stable.Key, f stable.Family, off int)
	Noise64(dst []float64, s stable.Key, f stable.Family64, off int)
	Gamma(dst []float64, s stable.Key, shape float64, off int)
	StableNoise(dst *tensor.Tensor, s stable.Key, n stable.Noise)
}

// OnDevice returns the variates of a device of package cuda, nil for a device that makes
// none. One goroutine at a time may use them; a failure of the device is a panic with a
// *tensor.Failure, which Values.Stream returns.
func OnDevice(dev tensor.Device) Variates {
	if on, ok := dev.(maker); ok {
		return &device{on: on}
	}
	return nil
}

type device struct {
	on   maker
	room *tensor.Tensor // of the latest length
}

// tensor is one of rows of n/rows values on the device.
func (d *device) tensor(rows, n int) *tensor.Tensor {
	if d.room == nil || d.room.Len() != n || d.room.Dim(0) != rows {
		d.room = d.on.New(rows, n/rows)
	}
	return d.room
}

// Fill implements Variates.
func (d *device) Fill(dst []float32, s stable.Key, f stable.Family, off int) {
	t := d.tensor(1, len(dst))
	d.on.Noise(t, s, f, off)
	d.on.Download(dst, t)
}

// Fill64 implements Variates.
func (d *device) Fill64(dst []float64, s stable.Key, f stable.Family64, off int) {
	d.on.Noise64(dst, s, f, off)
}

// Gamma implements Variates.
func (d *device) Gamma(dst []float64, s stable.Key, shape float64, off int) {
	d.on.Gamma(dst, s, shape, off)
}

// Rows implements Variates.
func (d *device) Rows(dst []float32, width int, s stable.Key, n stable.Noise) {
	t := d.tensor(len(dst)/width, len(dst))
	d.on.StableNoise(t, s, n)
	d.on.Download(dst, t)
}
