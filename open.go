package heavytail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"heavytail/internal/diffusers"
	"heavytail/internal/source"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// Open opens a model from a file's bytes, such as go:embed gives: safetensors
// or a PyTorch checkpoint (.pt, .pth), or a zip of what OpenDir opens, recognised by content.
func Open(file []byte) (*Model, error) { return Loader{}.Open(file) }

// OpenFile opens the model file at path.
func OpenFile(path string) (*Model, error) { return Loader{}.OpenFile(path) }

// OpenReader opens the model file of size bytes behind r. It panics if r is nil.
func OpenReader(r io.ReaderAt, size int64) (*Model, error) { return Loader{}.open(r, size) }

// New returns the model of a network that was trained in this program, with the recipe
// that says for what. The weights are the network's own, as they are: do not train it on
// while the model draws samples. A copy in the order of passes lies beside each, as in
// training, unless net.Params().Freeze() was called, which keeps them once. Opening a file takes the last moving average instead; of
// a train.Trainer, Averaged is the network with that, and Net has the raw weights.
// More are networks with the same weights on other devices, as Loader.More. New returns
// an error if no file could hold such a model. It panics if a network is nil.
func New(net *nn.Net, r Recipe, more ...*nn.Net) (*Model, error) {
	if net == nil || slices.Contains(more, nil) {
		panic("heavytail: New without a network")
	}
	m := &Model{net: net, more: slices.Clone(more), recipe: r.Clone()}
	m.recipe.Network = net.Config()
	err := m.recipe.Validate()
	if err == nil {
		_, err = m.MACs()
	}
	if err != nil {
		return nil, own(err)
	}
	return m, nil
}

// A Loader opens models with settings; the zero value is what Open uses.
type Loader struct {
	Threads int // goroutines of one operation, at most 4096; 0: all processors
	// Device is what computes; nil: the CPU, with Threads goroutines. Package cuda
	// opens GPUs. Any number of models may share one, which must stay open while
	// they are used, and their samples have the same bytes on each but in the fast
	// modes of GPUs.
	Device tensor.Device
	// More are devices beside Device, such as other GPUs of the same kind: each takes
	// the weights too and draws batches of its own at the same time, of at most as
	// many samples as make one for each. The bytes are those of one device.
	More []tensor.Device
	// Weights of a training checkpoint: "raw" for the weights themselves, "ema"
	// for the last moving average, or the rate of one, such as "0.999". Empty is
	// the last average if there is one, otherwise the raw weights.
	Weights string
	// Alpha is the tail index that the weights were trained with, for files
	// without a recipe (0: 1.8, the papers'). It is an error to set another
	// than the recipe's.
	Alpha float64
}

// OpenReader opens the model file of size bytes behind r. Of a large file it reads
// what the model needs. It panics if r is nil.
func (l Loader) OpenReader(r io.ReaderAt, size int64) (*Model, error) { return l.open(r, size) }

// Open opens a model from a file's bytes.
func (l Loader) Open(file []byte) (*Model, error) {
	return l.open(bytes.NewReader(file), int64(len(file)))
}

// OpenFile opens the model file at path, an error for what is no file: of a pipe,
// read the bytes and use Open.
func (l Loader) OpenFile(path string) (*Model, error) {
	f, err := source.Regular(path)
	if err != nil {
		return nil, own(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, own(err)
	}
	m, err := l.open(f, st.Size())
	if err != nil {
		return nil, renamed{"heavytail: " + path + ": " + plain(err), err}
	}
	return m, nil
}

// maxThreads bounds Loader.Threads, as the flags -threads are.
const maxThreads = 1 << 12

func (l Loader) open(r io.ReaderAt, size int64) (*Model, error) {
	m, err := l.model(r, size)
	if err != nil {
		return nil, own(err)
	}
	return m, nil
}

// OpenDir opens a model folder of the diffusers library: UNet2DModel with DDPMScheduler
// or DDIMScheduler, of a pipeline or beside each other. A setting of theirs that is not
// supported is an error that names it. Zips of such folders are opened by Open too.
func OpenDir(fsys fs.FS) (*Model, error) { return Loader{}.OpenDir(fsys) }

// OpenDir opens a model folder. It panics if fsys is nil.
func (l Loader) OpenDir(fsys fs.FS) (*Model, error) {
	if fsys == nil {
		panic("heavytail: OpenDir of nil: give os.DirFS(path) or another fs.FS")
	}
	if err := l.validate(); err != nil {
		return nil, own(err)
	}
	d, err := diffusers.Open(fsys)
	if err != nil {
		return nil, own(err)
	}
	m, err := l.of(d.Checkpoint)
	if err = errors.Join(err, d.Close()); err != nil {
		return nil, own(err)
	}
	return m, nil
}

func (l Loader) validate() error {
	if l.Threads < 0 || l.Threads > maxThreads {
		return impossible("Threads", l.Threads, fmt.Sprint("0 to ", maxThreads), "Loader.Threads is %d; want a number of goroutines up to %d, or 0 for all processors", l.Threads, maxThreads)
	}
	return nil
}

func (l Loader) model(r io.ReaderAt, size int64) (*Model, error) {
	if r == nil {
		panic("heavytail: OpenReader of nil: give a file, a bytes.Reader or another io.ReaderAt")
	}
	if size < 0 {
		return nil, fmt.Errorf("heavytail: a model file of %d bytes; want its size", size)
	}
	if err := l.validate(); err != nil {
		return nil, err
	}
	c, err := diffusers.Checkpoint(strict{r}, size)
	if err != nil {
		return nil, err
	}
	return l.of(c)
}

// of makes the model of an open checkpoint.
func (l Loader) of(c *nn.Checkpoint) (m *Model, err error) {
	m = &Model{}
	if m.recipe, err = recipe.Of(c.Recipe, c.Config); err != nil {
		return nil, err
	}
	if l.Alpha != 0 {
		if r := m.recipe; r.Known() && (r.Kind() != recipe.DLPM || l.Alpha != r.Process.Alpha) {
			return nil, impossible("Alpha", l.Alpha, "0: the model has its own", "alpha %v: the model was trained with %s; leave it out", l.Alpha, r.Noise())
		}
		m.recipe.Process.Alpha = l.Alpha
		if err := m.recipe.Process.Validate(); err != nil {
			return nil, err
		}
	}
	dev := l.Device
	if dev == nil {
		dev = kernels.New(l.Threads)
	}
	m.net, err = c.Net(dev, l.Weights)
	if err != nil {
		return nil, err
	}
	for _, d := range l.More {
		net, err := c.Net(d, l.Weights)
		if err != nil {
			return nil, err
		}
		m.more = append(m.more, net)
	}
	if _, err := m.MACs(); err != nil { // the data's shape is possible
		return nil, err
	}
	for _, net := range append(m.more, m.net) {
		net.Params().Freeze()
	}
	return m, nil
}

// A strict reader holds another to the contract of io.ReaderAt, of which what
// follows takes slices.
type strict struct{ r io.ReaderAt }

// ReadAt implements io.ReaderAt.
func (s strict) ReadAt(p []byte, at int64) (int, error) {
	n, err := s.r.ReadAt(p, at)
	if n < 0 || n > len(p) || n < len(p) && err == nil {
		return 0, fmt.Errorf("the reader of the file says that it read %d of %d bytes without an error: it breaks the contract of io.ReaderAt", n, len(p))
	}
	return n, err
}
