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

	"heavytail/fashion"
	"heavytail/internal/imageio"
	limits "heavytail/internal/machine" // machine is what info tells
	"heavytail/internal/source"
	"heavytail/nn"
	"heavytail/train"
)

// A modelSource is an open file of a model.
type modelSource struct {
	io.ReaderAt
	io.Closer
	name string // the last of its path, or built-in
	size int64
}

// builtIn is what the model inside the program is called. A file of that name is
// ./built-in.
const builtIn = "built-in"

// openModel opens the file of a model, the built-in one if path is empty or its name. What is
// not a file (a pipe, the standard input by its name) is read whole, up to a
// quarter of the memory: beside it the weights must fit in as float32.
func openModel(ctx context.Context, path string) (*modelSource, error) {
	if path == "" || path == builtIn {
		b := fashion.File()
		return &modelSource{bytes.NewReader(b), io.NopCloser(nil), builtIn, int64(len(b))}, nil
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil, fmt.Errorf("%s is a folder; give the file of a model, such as %s", path, filepath.Join(path, train.ModelFile))
	}
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	r, size, err := f.At(limits.Memory()/4, func(head []byte) error {
		if imageio.IsPNG(head) { // info tells of it
			return nil
		}
		_, err := nn.Format(head, limits.Memory()/4)
		return err
	})
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &modelSource{r, f, filepath.Base(path), size}, nil
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
