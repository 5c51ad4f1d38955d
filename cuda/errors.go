package cuda

import (
	"errors"
	"fmt"

	"heavytail/tensor"
)

// A KernelError says in which kernel a GPU failed, as far as is known: failures show
// late, at the next call that waits. Kernel is empty where it was another call.
type KernelError struct {
	Kernel string    // its name in package cuda/ptx
	Grid   [3]uint32 // how many blocks of threads it was started with, in each direction
	Err    error     // what the driver says
}

// Error says what happened and what to do.
func (e *KernelError) Error() string {
	const rest = "nothing on this GPU can be used any more: start again, or compute on the CPU"
	if e.Kernel == "" {
		return fmt.Sprintf("%v; %s", e.Err, rest)
	}
	return fmt.Sprintf("at kernel %s on a grid of %d×%d×%d, or before it: %v; %s", e.Kernel, e.Grid[0], e.Grid[1], e.Grid[2], e.Err, rest)
}

// Unwrap returns what the driver says.
func (e *KernelError) Unwrap() error { return e.Err }

// A MissingError says that there is no kernel for something yet.
type MissingError struct {
	What string // the operation and its shape or option
}

// Error says what happened and what to do.
func (e *MissingError) Error() string {
	return fmt.Sprintf("there is no kernel for %s yet: compute on the CPU", e.What)
}

var errClosed = errors.New("the device was closed")

// check stops the method, and the device for good, if err is one of the driver.
func (d *Device) check(err error) {
	if err != nil {
		d.fail(&KernelError{Err: err})
	}
}

// fail is the end of the device.
func (d *Device) fail(err error) {
	d.failed = d.failure(err)
	panic(d.failed)
}

// failure is what the method in hand panics with.
func (d *Device) failure(err error) *tensor.Failure {
	return &tensor.Failure{Device: d.Name(), Op: d.op, Err: err}
}

// missing stops the method: there is no kernel for what it was asked for.
func (d *Device) missing(f string, a ...any) {
	panic(d.failure(&MissingError{fmt.Sprintf(f, a...)}))
}
