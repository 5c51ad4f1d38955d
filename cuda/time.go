package cuda

import (
	"time"

	"heavytail/cuda/internal/driver"
	"heavytail/tensor"
)

// Time returns the seconds from the start to the end of the work that f asks of the
// GPU, as the GPU's clock tells; f runs once. It returns the failure of the GPU or
// of f, if any.
func (d *Device) Time(f func()) (seconds float64, err error) {
	defer tensor.Catch(&err)
	clock, ok := d.drv.(driver.Timer)
	if !ok { // the interpreter
		if err := d.Sync(); err != nil {
			return 0, err
		}
		start := time.Now()
		f()
		err = d.Sync()
		return time.Since(start).Seconds(), err
	}
	mark := func() driver.Mark {
		defer d.begin("Time").end()
		m, err := clock.Mark()
		d.check(err)
		return m
	}
	a := mark()
	f()
	b := mark()
	defer d.begin("Time").end()
	seconds, err = clock.Between(a, b)
	d.check(err)
	return seconds, nil
}
