package data

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"

	"heavytail/internal/source"
)

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
	if err := source.Stopped(s.ctx); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
