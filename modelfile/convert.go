package modelfile

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"heavytail"
	"heavytail/internal/atomicfile"
	"heavytail/internal/onnx"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// A Conversion says what of a model another file shall hold; the zero value is all of it
// as it is.
type Conversion struct {
	Type        tensor.DType // storage of the weights; empty: as they are
	EMA         bool         // only the averaged weights, as the model's
	Rate        string       // of EMA: which average, by its rate; empty: the last
	WeightsOnly bool         // without averages and the state of training
	// Height and Width are the pixels of the images of an ONNX model; 0: those of the
	// training images.
	Height, Width int
}

// ParseType reads a type of storage: f32, f16, bf16 or their longer names; empty is that
// of a zero Conversion.
func ParseType(text string) (tensor.DType, error) {
	switch strings.ToLower(text) {
	case "":
		return "", nil
	case "f32", "float32":
		return tensor.F32, nil
	case "f16", "float16":
		return tensor.F16, nil
	case "bf16", "bfloat16":
		return tensor.BF16, nil
	}
	return "", fmt.Errorf("%q: want f32, f16 or bf16", text)
}

// A Converted says what a file holds.
type Converted struct {
	Parameters int          // of the network
	Type       tensor.DType // in which they are stored
	Lost       bool         // the model has a state of training, which this form cannot hold
}

// Check returns an error if a file of that name cannot hold what c asks for: it ends in
// .safetensors, .pt, .pth or, for other programs, .onnx.
func (c Conversion) Check(out string) error {
	if c.Rate != "" && !c.EMA {
		return errors.New("Conversion.Rate chooses among averages: add Conversion.EMA")
	}
	switch strings.ToLower(filepath.Ext(out)) {
	case ".pt", ".pth", ".safetensors":
		if c.Height != 0 {
			return fmt.Errorf("Conversion.Height: %s holds a network for images of any size; leave it out, or write an .onnx", out)
		}
	case ".onnx":
		if c.EMA && c.WeightsOnly {
			return fmt.Errorf("Conversion.WeightsOnly: %s holds one set of weights, with Conversion.EMA the averaged; leave one out", out)
		}
	default:
		return fmt.Errorf("%s: want a name that ends in .safetensors, .pt, .pth or .onnx", out)
	}
	return nil
}

// Write writes what c says of the model to a file, in the form that its name asks for:
// what this library opens, or an ONNX model of the network, with the weights that sample
// takes: the last average, the raw ones with WeightsOnly or where there is none. It says
// itself what the process is around the network (docs/onnx.md).
func (c Conversion) Write(f *File, out string) (w Converted, err error) {
	if err := c.Check(out); err != nil {
		return w, err
	}
	ext := strings.ToLower(filepath.Ext(out))
	k, err := f.Checkpoint()
	var s *nn.State
	var doc string
	if err == nil && ext == ".onnx" {
		doc, err = c.about(f, k)
	}
	if err == nil {
		s, w.Type, err = c.state(k, ext == ".onnx")
	}
	if err != nil {
		return w, fmt.Errorf("%s: %w", f.Path, err)
	}
	w.Parameters = s.Net.Params().Count()
	err = atomicfile.Write(out, func(to io.Writer) error {
		switch ext {
		case ".onnx":
			return s.WriteONNX(to, w.Type, nn.ONNX{Height: c.Height, Width: c.Width, Version: heavytail.Version, Doc: doc})
		case ".safetensors":
			return s.Write(to, w.Type)
		}
		w.Lost = s.Opt != nil
		return s.WriteTorch(to, w.Type)
	})
	switch { // what to do
	case errors.Is(err, tensor.ErrRange):
		return w, fmt.Errorf("%w: give Conversion.Type bf16, which has the range of f32, or f32", err)
	case errors.Is(err, onnx.ErrSize):
		return w, fmt.Errorf("%w: Conversion.Type f16 or bf16 halves it", err)
	}
	return w, err
}

// about says what an ONNX model is, which cannot be of every size.
func (c Conversion) about(f *File, k *nn.Checkpoint) (string, error) {
	all, err := recipe.Of(k.Recipe, k.Config)
	switch {
	case err != nil:
		return "", err
	case c.Height != 0 && k.Config.MLP != nil:
		return "", errors.New("Conversion.Height: it is a model of points, which have no pixels; leave it out")
	case !all.Known():
		return "What the process makes of the network is not known: the model came without a recipe.", nil
	}
	return all.About(), nil
}

// state loads what the file shall hold, of one set of weights the last average.
func (c Conversion) state(k *nn.Checkpoint, one bool) (*nn.State, tensor.DType, error) {
	dev, kind := kernels.New(0), c.Type
	switch {
	case kind != "":
	case k.DType == tensor.F64:
		kind = tensor.F32
	default:
		kind = k.DType
	}
	if !one && !c.EMA && !c.WeightsOnly {
		s, err := k.LoadState(dev)
		return s, kind, err
	}
	which := "raw"
	switch {
	case c.EMA && len(k.Averages) == 0:
		return nil, "", errors.New("there are no averaged weights in it; leave out Conversion.EMA")
	case c.EMA || one && !c.WeightsOnly:
		which = c.Rate // empty: the last
	}
	net, err := k.Net(dev, which)
	if err != nil {
		return nil, "", err
	}
	return &nn.State{Net: net, Step: k.Step, Recipe: k.Recipe}, kind, nil
}
