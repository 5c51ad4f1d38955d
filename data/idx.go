package data

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"heavytail/internal/source"
)

// openIDX reads images and, if they are there, labels in the format of MNIST.
func openIDX(ctx context.Context, arg string, o Options) (*Set, error) {
	images, err := findIDX(arg)
	if err != nil {
		return nil, err
	}
	shape, pixels, err := readIDXFile(ctx, images, o.maxBytes())
	if err != nil {
		return nil, err
	}
	switch {
	case len(shape) == 3:
		shape = append(shape, 1)
	case len(shape) != 4:
		return nil, fmt.Errorf("%s: array of shape %v; want images: [N, H, W] or [N, H, W, C]", images, shape)
	}
	if c := shape[3]; c != 1 && c != 3 || shape[1] == 0 || shape[2] == 0 {
		return nil, fmt.Errorf("%s: images of %d×%d with %d channels; want 1 (grey) or 3 (colour)", images, shape[1], shape[2], c)
	}
	s := &Set{Shape: shape[1:], bytes: pixels}
	labels := strings.NewReplacer("images", "labels", "idx3", "idx1").Replace(filepath.Base(images))
	if labels == filepath.Base(images) {
		return s, nil
	}
	path := filepath.Join(filepath.Dir(images), labels)
	if !exists(path) { // in the other compression
		if plain, gz := strings.CutSuffix(path, ".gz"); gz {
			path = plain
		} else {
			path += ".gz"
		}
	}
	if !exists(path) {
		return s, nil
	}
	ls, raw, err := readIDXFile(ctx, path, o.maxBytes())
	if err != nil {
		return nil, err
	}
	if len(ls) != 1 || ls[0] != shape[0] {
		return nil, fmt.Errorf("%s: labels of shape %v for %d images; want one per image", path, ls, shape[0])
	}
	s.Labels = make([]int, len(raw))
	for i, v := range raw {
		s.Labels[i] = int(v)
	}
	return s, nil
}

// ended reports whether err is the end of a file.
func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// findIDX returns arg itself if it is a file, else the file of training
// images in the folder arg.
func findIDX(arg string) (string, error) {
	st, err := os.Stat(arg)
	if err != nil {
		return "", fmt.Errorf("%s: not there; give the folder with train-images-idx3-ubyte[.gz]", arg)
	}
	if !st.IsDir() {
		return arg, nil
	}
	for _, name := range []string{"train-images-idx3-ubyte", "train-images.idx3-ubyte"} {
		for _, ext := range []string{"", ".gz"} {
			path := filepath.Join(arg, name+ext)
			if exists(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s: no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in it; give the folder that has one, or the file itself", arg)
}

func readIDXFile(ctx context.Context, path string, maxBytes int64) ([]int, []byte, error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	shape, data, err := ReadIDX(f, maxBytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return shape, data, nil
}

// ReadIDX reads an IDX array of unsigned bytes, gzipped or not. Memory is
// taken as data arrive, at most maxBytes; a file that ends early or goes on
// after its data is an error.
func ReadIDX(r io.Reader, maxBytes int64) (shape []int, data []byte, err error) {
	br, err := inflated(r)
	if err != nil {
		return nil, nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(br, head[:]); err != nil && !ended(err) {
		return nil, nil, err
	} else if err != nil || head[0] != 0 || head[1] != 0 {
		return nil, nil, errors.New("not an IDX file (it does not begin with two zero bytes, a type and a number of dimensions)")
	}
	if head[2] != 8 {
		return nil, nil, fmt.Errorf("IDX type %#x; want 0x08, unsigned bytes", head[2])
	}
	if head[3] < 1 || head[3] > 4 {
		return nil, nil, fmt.Errorf("IDX array of %d dimensions; want 1 to 4", head[3])
	}
	total := int64(1)
	for range head[3] {
		var b [4]byte
		if _, err := io.ReadFull(br, b[:]); err != nil {
			if !ended(err) {
				return nil, nil, err
			}
			return nil, nil, errors.New("the file ends within its header")
		}
		d := int64(binary.BigEndian.Uint32(b[:]))
		if d > 0 && total > maxBytes/d {
			return nil, nil, fmt.Errorf("the header promises more than the limit of %d MiB", maxBytes>>20)
		}
		total *= d
		shape = append(shape, int(d))
	}
	data, err = readGrowing(br, total)
	if err != nil {
		if ended(err) {
			err = fmt.Errorf("the file ends within its data (header says %v)", shape)
		}
		return nil, nil, err
	}
	switch _, err := br.ReadByte(); {
	case err == nil:
		return nil, nil, fmt.Errorf("there is more after the data that the header names (%v)", shape)
	case err != io.EOF:
		return nil, nil, err
	}
	return shape, data, nil
}

// readGrowing reads n bytes into a slice that grows with what has arrived, so
// that a header alone takes no memory.
func readGrowing(r io.Reader, n int64) ([]byte, error) {
	out := make([]byte, 0, min(n, 1<<20))
	for int64(len(out)) < n {
		if len(out) == cap(out) {
			grown := make([]byte, len(out), min(n, 2*int64(cap(out))))
			copy(grown, out)
			out = grown
		}
		k, err := io.ReadFull(r, out[len(out):cap(out)])
		out = out[:len(out)+k]
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
