package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// A signalled is the cause of the context of a program that a signal asked to end.
type signalled struct{ os.Signal }

func (s signalled) Error() string { return "stopped by " + signalName(s.Signal) }

func (s signalled) Unwrap() error { return context.Canceled }

// StoppedBy returns what ended ctx, as "stopped by" the signal.
func StoppedBy(ctx context.Context) string {
	if s := (signalled{}); errors.As(context.Cause(ctx), &s) {
		return s.Error()
	}
	return "stopped"
}

// A remainder says what an interrupted command leaves.
type remainder struct {
	error
	left string
}

func (r remainder) Unwrap() error { return r.error }

// Left says of err, where it is the end of a context, what a command leaves that was
// interrupted, if it is not that nothing was written. What was said before stays.
func Left(err error, format string, args ...any) error {
	if !errors.Is(err, context.Canceled) || errors.As(err, &remainder{}) {
		return err
	}
	return remainder{err, fmt.Sprintf(format, args...)}
}

// stopText returns what to say of err where it is the end of ctx: by what the command
// was stopped, and what is left.
func stopText(ctx context.Context, err error) (string, bool) {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return "", false
	}
	left := "nothing was written"
	if r := (remainder{}); errors.As(err, &r) {
		left = r.left
	}
	return StoppedBy(ctx) + ": " + left, true
}
