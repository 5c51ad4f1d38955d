package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"heavytail"
	"heavytail/fashion"
	"heavytail/internal/diffusers"
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
	dir  fs.FS // not nil: a folder of diffusers, and the rest is not there
}

// builtIn is what the model inside the program is called. A file of that name is
// ./built-in.
const builtIn = "built-in"

// openModel opens the file, or the folder of diffusers, of a model, the built-in one if path is empty or its name. What is
// not a file (a pipe, the standard input by its name) is read whole, up to a
// quarter of the memory: beside it the weights must fit in as float32.
func openModel(ctx context.Context, path string) (*modelSource, error) {
	if path == "" || path == builtIn {
		b := fashion.File()
		return &modelSource{ReaderAt: bytes.NewReader(b), Closer: io.NopCloser(nil), name: builtIn, size: int64(len(b))}, nil
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		if dir := os.DirFS(path); diffusers.Is(dir) {
			return &modelSource{Closer: io.NopCloser(nil), name: filepath.Base(path), dir: dir}, nil
		}
		return nil, fmt.Errorf("%s is a folder; give the file of a model, such as %s, or a folder of diffusers", path, filepath.Join(path, train.ModelFile))
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
	return &modelSource{ReaderAt: r, Closer: f, name: filepath.Base(path), size: size}, nil
}

// open opens the model with the settings of l.
func (f *modelSource) open(l heavytail.Loader) (*heavytail.Model, error) {
	if f.dir != nil {
		return l.OpenDir(f.dir)
	}
	return l.OpenReader(f, f.size)
}

// checkpoint opens the model's weights, which are read until f is closed.
func (f *modelSource) checkpoint() (*nn.Checkpoint, error) {
	if f.dir == nil {
		return diffusers.Checkpoint(f, f.size)
	}
	m, err := diffusers.Open(f.dir)
	if err != nil {
		return nil, err
	}
	f.Closer = m
	return m.Checkpoint, nil
}

// hash returns the SHA-256 of the file in hexadecimal, read in parts; of a folder that of
// the files that the model was read from.
func (f *modelSource) hash(ctx context.Context) (string, error) {
	if f.dir != nil {
		m, err := diffusers.Open(f.dir)
		if err != nil {
			return "", err
		}
		defer m.Close()
		return m.Sum(ctx)
	}
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
