package tensor

import "fmt"

// A Failure is what an operation of a device panics with when it cannot be done
// through no mistake of the program: the device's memory is used up, or the device
// itself is lost. A device that computes on this processor has none.
//
// Since the methods of Device return no errors, the functions that a program calls
// do: those of nn that make tensors, sampling, training and evaluation defer Catch.
type Failure struct {
	Device string // its name
	Op     string // the method: "Conv2D"
	Err    error  // the cause
}

// Error says what happened and what to do.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %s: %v", f.Device, f.Op, f.Err) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Catch makes an error of a Failure: a function with the result err that begins with
// defer tensor.Catch(&err) returns the Failure that operations of a device panicked with
// in it. Other panics go on.
func Catch(err *error) {
	switch f := recover().(type) {
	case nil:
	case *Failure:
		*err = f
	default:
		panic(f)
	}
}
