package classifier

import (
	"bytes"
	_ "embed" // the weights
	"fmt"
	"sync"

	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/tensor"
)

//go:embed fashion.safetensors
var fashion []byte

// An Extractor turns images into the features of a classifier. Any number of
// goroutines may use one.
type Extractor struct {
	name string
	dev  tensor.Device
	c    *nn.Classifier
	free sync.Pool // of *scratch
}

// A scratch is what one call of Features works in.
type scratch struct {
	ws *nn.ClassifierWorkspace
	x  *tensor.Tensor
}

// extractBatch is the number of images that pass through the network at a time.
const extractBatch = 64

// Default returns the extractor that comes with this package, trained on
// Fashion-MNIST, which runs on at most threads goroutines (0: all processors).
func Default(threads int) (*Extractor, error) {
	return NewExtractor("heavytail/fashion-classifier-1", fashion, threads)
}

// NewExtractor returns the extractor of a classifier's file. The name should
// tell the weights from all others: it is part of every result.
func NewExtractor(name string, file []byte, threads int) (*Extractor, error) {
	dev := kernels.New(threads)
	c, _, err := nn.OpenClassifier(dev, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("extractor %s: %w", name, err)
	}
	e := &Extractor{name: name, dev: dev, c: c}
	e.free.New = func() any {
		ws, err := c.NewWorkspace(extractBatch, false)
		if err != nil {
			panic(fmt.Sprintf("classifier: %v", err)) // a valid configuration has workspaces
		}
		return &scratch{ws, dev.New(append([]int{extractBatch}, e.Shape()...)...)}
	}
	return e, nil
}

// Name returns the extractor's name.
func (e *Extractor) Name() string { return e.name }

// Shape returns the shape of an image: height, width, channels.
func (e *Extractor) Shape() []int {
	c := e.c.Config()
	return []int{c.Size, c.Size, c.Channels}
}

// Dim returns the number of features of an image.
func (e *Extractor) Dim() int { return e.c.Config().Features }

// Features returns the features of images (channels last, values in [−1,1],
// one after the other): Dim values for each. They do not depend on the other
// images nor on the number of threads. It panics unless images holds whole
// images.
func (e *Extractor) Features(images []float32) []float32 {
	s := e.Shape()
	per := s[0] * s[1] * s[2]
	if len(images)%per != 0 {
		panic(fmt.Sprintf("classifier: Features: %d values are not images of %v", len(images), s))
	}
	n := len(images) / per
	out := make([]float32, n*e.Dim())
	w := e.free.Get().(*scratch)
	defer e.free.Put(w)
	for lo := 0; lo < n; lo += extractBatch {
		hi := min(lo+extractBatch, n)
		x := w.x.Batch(0, hi-lo)
		e.dev.Upload(x, images[lo*per:hi*per])
		_, f := e.c.Forward(w.ws, x)
		e.dev.Download(out[lo*e.Dim():hi*e.Dim()], f)
	}
	return out
}
