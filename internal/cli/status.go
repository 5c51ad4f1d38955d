package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"heavytail/tensor"
)

// The exit statuses of a program that did not do what it was asked to. A scheduler
// tells by them whether to run it again: a Kubernetes Job by its podFailurePolicy.
const (
	// Final: the same command line with the same files fails again. A mistake on
	// the command line, a file that is missing or damaged, numbers that stop being
	// finite; and, since Go ends with it, a mistake in the program.
	Final = 2
	// Retry: the same command may end well later or elsewhere, EX_TEMPFAIL of
	// sysexits.h. It was interrupted, the disk is full, a device was lost, the
	// system refused what it grants at other times, or parts of a job are missing.
	Retry = 75
)

// status returns how a command ends with err, in a program whose context is ctx.
func status(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usageError{}):
		return Final
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)), Passes(err):
		return Retry
	}
	return Final
}

// A passing error is one that a retry may mend.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// Passing returns an error that a retry may mend: the exit status is Retry.
func Passing(format string, args ...any) error { return passing{fmt.Errorf(format, args...)} }

// Passes reports whether a retry may mend an error that is no end of a context: it
// was made by Passing, a device failed, or the system said so.
func Passes(err error) bool {
	var device *tensor.Failure
	var code syscall.Errno
	switch {
	case errors.As(err, &passing{}), errors.As(err, &device), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EBUSY): // what atomicfile says of a disk, and train of a folder
		return true
	}
	return errors.As(err, &code) && transient(code)
}

// transient reports whether the system may do later or elsewhere what it refuses
// with this error.
func transient(code syscall.Errno) bool {
	if runtime.GOOS == "windows" {
		const handleDiskFull, diskFull = 39, 112 // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
		if code == handleDiskFull || code == diskFull {
			return true
		}
	}
	switch code {
	case syscall.ENOSPC, syscall.EDQUOT, // disks
		syscall.EIO, syscall.ESTALE, syscall.EBUSY, syscall.ENODEV, // and those of a network
		syscall.ENOMEM, syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTUNREACH:
		return true
	}
	return code.Temporary() // interrupted, too many files, would block, timed out
}
