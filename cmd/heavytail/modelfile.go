package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"heavytail"
	limits "heavytail/internal/machine" // machine is what info tells
	"heavytail/internal/train"
)

// A modelSource is an open file of a model.
type modelSource struct {
	io.ReaderAt
	io.Closer
	name string // the last of its path, or built-in
	size int64
}

// openModel opens the file of a model, the built-in one if path is empty. What is
// not a file (a pipe, the standard input by its name) is read whole, up to a
// quarter of the memory: beside it the weights must fit in as float32.
func openModel(path string) (*modelSource, error) {
	whole := func(b []byte, name string) *modelSource {
		return &modelSource{bytes.NewReader(b), io.NopCloser(nil), name, int64(len(b))}
	}
	if path == "" {
		return whole(heavytail.Builtin(), "built-in"), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	switch {
	case err != nil:
	case st.IsDir():
		err = fmt.Errorf("%s is a folder; give the file of a model, such as %s", path, filepath.Join(path, train.ModelFile))
	case st.Mode().IsRegular():
		return &modelSource{f, f, filepath.Base(path), st.Size()}, nil
	}
	defer f.Close()
	if err != nil {
		return nil, err
	}
	limit := limits.Memory() / 4
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: more than %d bytes from what is not a file; write it to one", path, limit)
	}
	return whole(b, filepath.Base(path)), err
}

// hash returns the SHA-256 of the file in hexadecimal, read in parts.
func (f *modelSource) hash(ctx context.Context) (string, error) {
	h := sha256.New()
	const part = 4 << 20
	for at := int64(0); at < f.size; at += part {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("stopped while reading: %w", err)
		}
		if _, err := io.Copy(h, io.NewSectionReader(f, at, min(part, f.size-at))); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
