package data

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// A source is a file whose reading ends with ctx, also where it waits for the
// writer of a pipe.
type source struct {
	ctx  context.Context
	file *os.File
	stop func() bool
}

// openFile opens the file at path. Opening a named pipe waits for its writer, so
// that it is done aside; if ctx ends first, that goroutine waits on.
func openFile(ctx context.Context, path string) (*source, error) {
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
			return nil, o.err
		}
		wake := func() { _ = o.f.SetReadDeadline(time.Now()) } // regular files know no deadline and do not wait
		return &source{ctx, o.f, context.AfterFunc(ctx, wake)}, nil
	case <-ctx.Done():
		return nil, stopped(ctx)
	}
}

func (s *source) Read(p []byte) (int, error) {
	if err := stopped(s.ctx); err != nil {
		return 0, err
	}
	n, err := s.file.Read(p)
	if err != nil && s.ctx.Err() != nil {
		err = stopped(s.ctx)
	}
	return n, err
}

func (s *source) Close() error {
	s.stop()
	return s.file.Close()
}

// stopped returns the error of reading under an ended ctx, nil while it lives.
func stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reading was stopped: %w", err)
	}
	return nil
}

// inflated returns what r holds, unpacked if it is gzipped.
func inflated(r io.Reader) (*bufio.Reader, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	if b, _ := br.Peek(2); len(b) < 2 || b[0] != 0x1f || b[1] != 0x8b {
		return br, nil
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, fmt.Errorf("damaged gzip header: %w", err)
	}
	return bufio.NewReaderSize(z, 1<<16), nil
}

// A stoppable reads from r until its context ends.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := stopped(s.ctx); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
