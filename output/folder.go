package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"heavytail"
	"heavytail/internal/atomicfile"
	"heavytail/internal/imageio"
)

// folder is one PNG per sample, named by its seed, so that the parts of a job
// array can write to one folder.
type folder struct{ path string }

func (f folder) check(of *Samples) error {
	if !of.Images() {
		return errors.New("the samples are points, not pictures; write them to a .csv, .npy or .png file")
	}
	if of.ready != nil {
		if err := of.ready(); err != nil {
			return err
		}
	}
	return f.room(of)
}

// A StoppedError is the error of File.Write for a folder of pictures when only some were
// written.
type StoppedError struct {
	Done, Of int // pictures
	Err      error
}

// Error says what stopped the writing.
func (e *StoppedError) Error() string { return e.Err.Error() }

// Unwrap returns what stopped the writing.
func (e *StoppedError) Unwrap() error { return e.Err }

func (f folder) write(ctx context.Context, of *Samples) error {
	if err := os.MkdirAll(f.path, 0o777); err != nil {
		return err
	}
	s, d := of.Shape, of.per()
	done := 0
	err := of.stream(ctx, 0, of.N, func(first int, x []float32) error {
		for i := range len(x) / d {
			seed := of.seed(first + i)
			one := of.Recipe
			one.Seeds = heavytail.FormatSeeds([]uint64{seed})
			img := imageio.Image(x[i*d:(i+1)*d], s[0], s[1], s[2])
			path := filepath.Join(f.path, fmt.Sprintf("%06d.png", seed))
			if err := atomicfile.Write(path, func(w io.Writer) error { return imageio.WritePNG(w, img, one.text()) }); err != nil {
				return err
			}
			done++
		}
		return nil
	})
	if err != nil {
		return &StoppedError{done, of.N, err}
	}
	return nil
}

// room returns an error if the disk has no room for the pictures, whatever they show.
func (f folder) room(of *Samples) error {
	s, one := of.Shape, of.Recipe
	one.Seeds = ""
	each := imageio.LeastPNG(s[1], s[0], s[2], one.text())
	err := atomicfile.Room(f.path, each*int64(of.N))
	if err == nil {
		return nil
	}
	// A seed given twice makes one picture, and a picture that is there makes room.
	seeds := make([]uint64, of.N)
	for i := range seeds {
		seeds[i] = of.seed(i)
	}
	slices.Sort(seeds)
	seeds = slices.Compact(seeds)
	size := each * int64(len(seeds))
	there, _ := os.ReadDir(f.path) // none in a folder that will be made
	for _, e := range there {
		name, png := strings.CutSuffix(e.Name(), ".png")
		seed, err := strconv.ParseUint(name, 10, 64)
		if _, ok := slices.BinarySearch(seeds, seed); !png || err != nil || !ok {
			continue
		}
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() {
			size -= st.Size()
		} else {
			size -= each // elsewhere
		}
	}
	return atomicfile.Room(f.path, size)
}
