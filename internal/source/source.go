// Package source opens files that are read. Opening a named pipe waits for its
// writer, and reading it for what that writes, which no signal ends by itself:
// here both end with a context, or what is no file is refused before it is opened.
package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A File is an open file, pipe or device whose Read ends with its context.
type File struct {
	ctx  context.Context
	file *os.File
	stop func() bool
}

// Open opens what is at path and is no folder. The wait for the writer of a named pipe is done
// aside; if ctx ends first, that goroutine waits on.
func Open(ctx context.Context, path string) (*File, error) {
	type opened struct {
		f   *os.File
		err error
	}
	c := make(chan opened, 1)
	go func() {
		f, err := os.Open(path)
		c <- opened{f, err}
	}()
	select {
	case o := <-c:
		if o.err != nil {
			return nil, plain(path, o.err)
		}
		if st, err := o.f.Stat(); err == nil && st.IsDir() {
			_ = o.f.Close()
			return nil, folder(path)
		}
		wake := func() { _ = o.f.SetReadDeadline(time.Now()) } // regular files know no deadline and do not wait
		return &File{ctx, o.f, context.AfterFunc(ctx, wake)}, nil
	case <-ctx.Done():
		return nil, Stopped(ctx)
	}
}

// Read implements io.Reader. When the context has ended it returns that error.
func (f *File) Read(p []byte) (int, error) {
	if err := Stopped(f.ctx); err != nil {
		return 0, err
	}
	n, err := f.file.Read(p)
	if err != nil && f.ctx.Err() != nil {
		err = Stopped(f.ctx)
	}
	return n, err
}

// Close closes the file.
func (f *File) Close() error {
	f.stop()
	return f.file.Close()
}

// Regular reports whether f is a file with an end, which At reads in any order.
func (f *File) Regular() bool {
	st, err := f.file.Stat()
	return err == nil && st.Mode().IsRegular()
}

// At returns the bytes of f, to be read in any order, and how many they are. What
// is not a file is read whole, at most limit bytes, unless fits, given the first 512,
// returns an error: a device may go on for ever.
func (f *File) At(limit int64, fits func(head []byte) error) (r io.ReaderAt, size int64, err error) {
	st, err := f.file.Stat()
	if err != nil {
		return nil, 0, err
	}
	if st.Mode().IsRegular() {
		return f.file, st.Size(), nil
	}
	br := bufio.NewReaderSize(f, 512)
	head, err := br.Peek(512)
	if err == io.EOF {
		err = nil
	}
	if err == nil {
		err = fits(head)
	}
	var b []byte
	if err == nil {
		b, err = io.ReadAll(io.LimitReader(br, limit+1))
	}
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d MiB from what is not a file; write it to one", limit>>20)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", f.file.Name(), err)
	}
	return bytes.NewReader(b), int64(len(b)), nil
}

// Regular opens the file at path, an error if it is none: a folder, or a pipe,
// which would have to be waited for and can be read once only.
func Regular(path string) (*os.File, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, plain(path, err)
	case st.IsDir():
		return nil, folder(path)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file, but a pipe or a device; write what it gives to a file", path)
	}
	f, err := os.Open(path)
	return f, plain(path, err)
}

func folder(path string) error { return fmt.Errorf("%s is a folder; give a file", path) }

// plain returns an error of a file as path: reason, the form of all others.
func plain(path string, err error) error {
	if of := (*os.PathError)(nil); errors.As(err, &of) {
		return fmt.Errorf("%s: %w", path, of.Err)
	}
	return err
}

// Stopped returns the error of reading under an ended ctx, nil while it lives.
func Stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reading was stopped: %w", err)
	}
	return nil
}
