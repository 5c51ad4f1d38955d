package diffusers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"

	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
)

// A Model is an open folder. Close it when its weights have been read.
type Model struct {
	*nn.Checkpoint
	folder *folder
}

// Close closes the files of the weights.
func (m *Model) Close() error { return m.folder.Close() }

// Open opens the model in fsys. Its Checkpoint has the recipe of the network and the
// process, without how it was trained, which a folder does not say. Everything is
// checked: what is opened has all weights in the shapes that the network wants.
func Open(fsys fs.FS) (m *Model, err error) {
	f, err := find(fsys)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	cfg, shape, err := f.network()
	if err != nil {
		return nil, err
	}
	p, err := f.process(cfg.UNet2D)
	if err != nil {
		return nil, err
	}
	r := recipe.Recipe{Format: recipe.Format, Network: cfg, Process: p, Data: recipe.Data{Shape: shape, Classes: cfg.UNet2D.NumClasses}}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	c, err := f.checkpoint(cfg, r.JSON())
	if err != nil {
		return nil, err
	}
	return &Model{c, f}, nil
}

// network reads config.json.
func (f *folder) network() (cfg nn.Config, shape []int, err error) {
	name := path.Join(f.unet, configName)
	text, err := f.text(name, maxConfig)
	if err != nil {
		return cfg, nil, err
	}
	if cfg, shape, err = network(text); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return cfg, shape, err
}

// process reads scheduler_config.json, of a pipeline or beside config.json.
func (f *folder) process(u *nn.UNet2DConfig) (p diffusion.DLPM, err error) {
	for _, name := range []string{"scheduler/" + schedulerName, schedulerName, path.Join(f.unet, schedulerName)} {
		if !f.has(name) {
			continue
		}
		text, err := f.text(name, maxConfig)
		if err != nil {
			return p, err
		}
		if p, err = scheduler(text); err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		switch T := p.Steps - 1; {
		case u.Embedding == "fourier":
			return p, fmt.Errorf("%s: the times begin at 0, of which time_embedding_type fourier of the network takes the logarithm: what diffusers makes of that is not a number, and it is not supported", name)
		case u.Embedding == "learned" && u.Times < T:
			return p, fmt.Errorf("%s: num_train_timesteps is %d, the network's table of times has %d rows", name, T, u.Times)
		}
		return p, nil
	}
	return p, fmt.Errorf("there is no %s, in the folder scheduler or beside %s: it says what the network was trained for", schedulerName, configName)
}

// checkpoint opens the weights.
func (f *folder) checkpoint(cfg nn.Config, recipe []byte) (*nn.Checkpoint, error) {
	tensors, values := cfg.Parameters()
	most := 8*values + 4096*int64(tensors) + 1<<20 // float64, and what a file says of its tensors
	files, err := f.weights(most)
	if err != nil {
		return nil, err
	}
	return nn.OpenWeights(cfg, recipe, files)
}

// Sum returns the SHA-256, in hexadecimal, of the names, sizes and bytes of the files
// that the model was read from.
func (m *Model) Sum(ctx context.Context) (string, error) {
	h := sha256.New()
	for _, name := range m.folder.names {
		if err := m.folder.sum(ctx, h, name); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (f *folder) sum(ctx context.Context, h io.Writer, name string) error {
	file, size, err := f.open(name, 1<<62)
	if err != nil {
		return err
	}
	defer file.Close()
	fmt.Fprintf(h, "%s\n%d\n", name, size)
	const part = 4 << 20
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped while reading: %w", err)
		}
		switch _, err := io.CopyN(h, file, part); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return plain(name, err)
		}
	}
}

// Checkpoint opens the file of size bytes behind r: a zip of a folder, or what
// nn.OpenCheckpoint knows.
func Checkpoint(r io.ReaderAt, size int64) (*nn.Checkpoint, error) {
	fsys, ok := Zip(r, size)
	if !ok {
		return nn.OpenCheckpoint(r, size)
	}
	m, err := Open(fsys)
	if err != nil {
		return nil, err
	}
	return m.Checkpoint, nil // of an archive everything is in memory
}
