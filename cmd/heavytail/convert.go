package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"heavytail"
	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/internal/onnx"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

var convertCommand = command{
	Name: "convert", Args: "IN OUT", Summary: "converts a model between .pt, safetensors and storage types, and to ONNX",
	Help: `  heavytail convert model.pt model.safetensors
  heavytail convert model.safetensors model.pt
  heavytail convert -ema -type f16 runs/x/model.safetensors small.safetensors
  heavytail convert -weights-only runs/x/model.safetensors weights.safetensors

  heavytail convert runs/x/model.safetensors x.onnx

The form of IN, also a folder or zip of diffusers, is recognised by its content, that of OUT by its name. An .onnx file
holds the network for other programs, with the weights that sample takes: the last
average, the raw ones with -weights-only or where there is none. It says itself what
the process is around the network (docs/onnx.md).
`,
	Flags: convertFlags,
}

// A convertRequest is what the flags of convert ask for.
type convertRequest struct {
	kind, rate       string
	ema, weightsOnly bool
	height, width    int // of an ONNX model's images; 0: the configured
}

func convertFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	r := &convertRequest{}
	fs.StringVar(&r.kind, "type", "", "storage of the weights: `f32`, f16 or bf16 (empty: as in IN)")
	fs.BoolVar(&r.ema, "ema", false, "keep the averaged weights only, as the model's weights")
	fs.StringVar(&r.rate, "rate", "", "with -ema: which average, by its `rate` (empty: the last)")
	fs.BoolVar(&r.weightsOnly, "weights-only", false, "leave out averages and the state of training")
	sizeFlag(fs, &r.height, &r.width, "`N or HxW`: pixels of the images of an .onnx file, if not those of the training images (empty: those)")
	return r.run
}

func (r *convertRequest) run(ctx context.Context, e env, args []string) error {
	if len(args) != 2 {
		return cli.Usage("%s given: want IN and OUT", cli.Counted(len(args), "file"))
	}
	in, out := args[0], args[1]
	kind, err := r.storage()
	if err != nil {
		return err
	}
	if r.rate != "" && !r.ema {
		return cli.Usage("-rate chooses among averages: add -ema")
	}
	torch := false
	switch strings.ToLower(filepath.Ext(out)) {
	case ".pt", ".pth":
		torch = true
	case ".safetensors":
	case ".onnx":
		return r.onnx(ctx, e, in, out, kind)
	default:
		return cli.Usage("%s: want a name that ends in .safetensors, .pt, .pth or .onnx", out)
	}
	if r.height != 0 {
		return cli.Usage("-size: %s holds a network for images of any size; leave it out, or write an .onnx", out)
	}
	s, kind, err := r.read(ctx, in, kind)
	if err != nil {
		return err
	}
	err = atomicfile.Write(out, func(w io.Writer) error {
		if torch {
			return s.WriteTorch(w, kind)
		}
		return s.Write(w, kind)
	})
	if err != nil {
		return remedy(err)
	}
	fmt.Fprintf(e.Stderr, "%s: %s, %s\n", out, cli.Counted(s.Net.Params().Count(), "parameter"), kind)
	if torch && s.Opt != nil {
		fmt.Fprintf(e.Stderr, "%s: without the state of training, which a .pt file of this program does not hold: no run goes on from it (a .safetensors file holds it; -weights-only leaves it out on purpose)\n", out)
	}
	return nil
}

// remedy adds to an error what to do.
func remedy(err error) error {
	switch {
	case errors.Is(err, tensor.ErrRange):
		return fmt.Errorf("%w: give -type bf16, which has the range of f32, or f32", err)
	case errors.Is(err, onnx.ErrSize):
		return fmt.Errorf("%w: -type f16 or bf16 halves it", err)
	}
	return err
}

// onnx writes the network of the model in the file in as an ONNX model.
func (r *convertRequest) onnx(ctx context.Context, e env, in, out string, kind tensor.DType) error {
	fail := func(err error) error { return fmt.Errorf("%s: %w", in, err) }
	if r.ema && r.weightsOnly {
		return cli.Usage("-weights-only: %s holds one set of weights, with -ema the averaged; leave one out", out)
	}
	f, err := openModel(ctx, in)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := f.checkpoint()
	if err != nil {
		return fail(err)
	}
	all, err := recipe.Of(c.Recipe, c.Config)
	if err != nil {
		return fail(err)
	}
	if r.height != 0 && c.Config.MLP != nil {
		return cli.Usage("-size: %s is a model of points, which have no pixels; leave it out", in)
	}
	which := r.rate
	if r.weightsOnly {
		which = "raw"
	}
	s, kind, err := r.weights(c, which, kind)
	if err != nil {
		return fail(err)
	}
	about := "What the process makes of the network is not known: the model came without a recipe."
	if all.Known() {
		about = all.About()
	}
	o := nn.ONNX{Height: r.height, Width: r.width, Version: heavytail.Version, Doc: about}
	if err := atomicfile.Write(out, func(w io.Writer) error { return s.WriteONNX(w, kind, o) }); err != nil {
		return remedy(err)
	}
	fmt.Fprintf(e.Stderr, "%s: %s, %s\n", out, cli.Counted(s.Net.Params().Count(), "parameter"), kind)
	return nil
}

// storage parses -type; the empty type means the input's.
func (r *convertRequest) storage() (tensor.DType, error) {
	switch strings.ToLower(r.kind) {
	case "":
		return "", nil
	case "f32", "float32":
		return tensor.F32, nil
	case "f16", "float16":
		return tensor.F16, nil
	case "bf16", "bfloat16":
		return tensor.BF16, nil
	}
	return "", cli.Usage("-type %q: want f32, f16 or bf16", r.kind)
}

// read loads what the output shall hold.
func (r *convertRequest) read(ctx context.Context, path string, kind tensor.DType) (*nn.State, tensor.DType, error) {
	fail := func(err error) (*nn.State, tensor.DType, error) { return nil, "", fmt.Errorf("%s: %w", path, err) }
	f, err := openModel(ctx, path)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	c, err := f.checkpoint()
	if err != nil {
		return fail(err)
	}
	if !r.ema && !r.weightsOnly {
		s, err := c.LoadState(kernels.New(0))
		if err != nil {
			return fail(err)
		}
		return s, stored(c, kind), nil
	}
	which := "raw"
	if r.ema {
		which = r.rate // empty: the last
	}
	s, kind, err := r.weights(c, which, kind)
	if err != nil {
		return fail(err)
	}
	return s, kind, nil
}

// weights loads one set of weights and nothing else.
func (r *convertRequest) weights(c *nn.Checkpoint, which string, kind tensor.DType) (*nn.State, tensor.DType, error) {
	if r.ema && len(c.Averages) == 0 {
		return nil, "", fmt.Errorf("there are no averaged weights in it; leave out -ema")
	}
	net, err := c.Net(kernels.New(0), which)
	if err != nil {
		return nil, "", err
	}
	return &nn.State{Net: net, Step: c.Step, Recipe: c.Recipe}, stored(c, kind), nil
}

// stored returns kind, or if that is empty how the file stores its weights.
func stored(c *nn.Checkpoint, kind tensor.DType) tensor.DType {
	switch {
	case kind != "":
		return kind
	case c.DType == tensor.F64:
		return tensor.F32
	}
	return c.DType
}
