// Package modelfile opens the files of models wherever they are (a file, a pipe, a folder
// or zip of diffusers), says what is in them and converts them, as the commands heavytail
// info and convert do. Who only samples needs heavytail.OpenFile.
package modelfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"heavytail"
	"heavytail/internal/diffusers"
	"heavytail/internal/imageio"
	"heavytail/internal/machine"
	"heavytail/internal/source"
	"heavytail/nn"
)

// A File is the open file, or folder, of a model.
type File struct {
	Path string // as it was given
	Name string // the last element of Path

	io.ReaderAt
	close func() error
	size  int64
	dir   fs.FS // not nil: a folder of diffusers, and the rest is not there
}

// Bytes returns a file that a program holds, such as fashion.File().
func Bytes(name string, b []byte) *File {
	return &File{Path: name, Name: name, ReaderAt: bytes.NewReader(b), size: int64(len(b))}
}

// Open opens the file, or the folder of diffusers, of a model. What is not a file (a
// pipe, the standard input by its name) is read whole, up to a quarter of the memory:
// beside it the weights must fit in as float32. A picture of samples opens too, for
// Picture.
func Open(ctx context.Context, path string) (*File, error) {
	if ctx == nil {
		panic("modelfile: Open with a nil context: use context.Background()")
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		if dir := os.DirFS(path); diffusers.Is(dir) {
			return &File{Path: path, Name: filepath.Base(path), dir: dir}, nil
		}
		return nil, fmt.Errorf("%s is a folder; give the file of a model, such as %s, or a folder of diffusers", path, filepath.Join(path, "model.safetensors"))
	}
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	r, size, err := f.At(machine.Memory()/4, func(head []byte) error {
		if imageio.IsPNG(head) {
			return nil
		}
		_, err := nn.Format(head, machine.Memory()/4)
		return err
	})
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &File{Path: path, Name: filepath.Base(path), ReaderAt: r, close: f.Close, size: size}, nil
}

// Close closes the file. Models that were opened of it do not need it any more.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Model opens the model with the settings of l.
func (f *File) Model(l heavytail.Loader) (*heavytail.Model, error) {
	if f.dir != nil {
		return l.OpenDir(f.dir)
	}
	return l.OpenReader(f.ReaderAt, f.size)
}

// Checkpoint opens the model's weights, which are read until f is closed.
func (f *File) Checkpoint() (*nn.Checkpoint, error) {
	if f.dir == nil {
		return diffusers.Checkpoint(f.ReaderAt, f.size)
	}
	m, err := diffusers.Open(f.dir)
	if err != nil {
		return nil, err
	}
	f.close = m.Close
	return m.Checkpoint, nil
}

// Sum returns the SHA-256 of the file in hexadecimal, read in parts; of a folder that of
// the files that the model was read from.
func (f *File) Sum(ctx context.Context) (string, error) {
	if ctx == nil {
		panic("modelfile: File.Sum with a nil context: use context.Background()")
	}
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
		if _, err := io.Copy(h, io.NewSectionReader(f.ReaderAt, at, min(part, f.size-at))); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Picture returns the recipe, in JSON, that a picture of samples carries; ok is false if
// the file is no picture.
func (f *File) Picture() (recipe json.RawMessage, ok bool, err error) {
	head := make([]byte, 8)
	if f.dir != nil {
		return nil, false, nil
	}
	if n, _ := f.ReadAt(head, 0); !imageio.IsPNG(head[:n]) {
		return nil, false, nil
	}
	text, err := imageio.PNGText(io.NewSectionReader(f.ReaderAt, 0, f.size))
	if err == nil && !json.Valid([]byte(text)) {
		err = errors.New("the recipe in the picture is not JSON; the file is damaged")
	}
	if err != nil {
		return nil, true, fmt.Errorf("%s: %w", f.Path, err)
	}
	return json.RawMessage(text), true, nil
}

// An Info is what is known of a model without its weights.
type Info struct {
	File       string           `json:"file"`                              // File.Path
	Format     string           `json:"format"`                            // of the file
	Storage    string           `json:"storage"`                           // of its weights
	Noise      string           `json:"noise"`                             // kind and tail of the process
	Methods    []string         `json:"methods"`                           // samplers that it drives
	Parameters int              `json:"parameters"`                        // of the network
	MACs       int64            `json:"multiply_adds_per_sample_and_step"` // of its layers
	Memory     map[string]int64 `json:"bytes_to_sample"`                   // by batch
	Step       int              `json:"step"`                              // of its training
	Averages   []string         `json:"averages"`                          // rates of averaged weights
	Resumable  bool             `json:"resumable"`                         // training can go on
	HasRecipe  bool             `json:"has_recipe"`                        // else the recipe below is a guess
	Recipe     heavytail.Recipe `json:"recipe"`                            // that made it
}

// Info says what the model is, and what sampling takes in batches of 1 and of 32.
func (f *File) Info() (i Info, err error) {
	fail := func(err error) (Info, error) { return i, fmt.Errorf("%s: %w", f.Path, err) }
	c, err := f.Checkpoint()
	if err != nil {
		return fail(err)
	}
	m, err := f.Model(heavytail.Loader{})
	if err != nil {
		return fail(err)
	}
	rec := m.Recipe()
	i = Info{File: f.Path, Format: c.Format, Storage: string(c.DType), Noise: rec.Noise(), Methods: m.Methods(), Parameters: m.Parameters(), Memory: map[string]int64{},
		Step: c.Step, Averages: c.Averages, Resumable: c.Training && rec.Trained(), HasRecipe: rec.Known(), Recipe: rec}
	if i.MACs, err = m.MACs(); err != nil {
		return fail(err)
	}
	for _, batch := range []int{1, 32} {
		if i.Memory[fmt.Sprint(batch)], err = m.Memory(batch); err != nil {
			return fail(err)
		}
	}
	return i, nil
}
