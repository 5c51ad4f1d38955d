package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/tensor"
)

var convertCommand = command{
	Name: "convert", Args: "IN OUT", Summary: "converts a model between .pt and safetensors and between storage types",
	Help: `  heavytail convert model.pt model.safetensors
  heavytail convert model.safetensors model.pt
  heavytail convert -ema -type f16 runs/x/model.safetensors small.safetensors
  heavytail convert -weights-only runs/x/model.safetensors weights.safetensors

The form of IN is recognised by its content, that of OUT by its name.
`,
	Flags: convertFlags,
}

// A convertRequest is what the flags of convert ask for.
type convertRequest struct {
	kind, rate       string
	ema, weightsOnly bool
}

func convertFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	r := &convertRequest{}
	fs.StringVar(&r.kind, "type", "", "storage of the weights: `f32`, f16 or bf16 (empty: as in IN)")
	fs.BoolVar(&r.ema, "ema", false, "keep the averaged weights only, as the model's weights")
	fs.StringVar(&r.rate, "rate", "", "with -ema: which average, by its `rate` (empty: the last)")
	fs.BoolVar(&r.weightsOnly, "weights-only", false, "leave out averages and the state of training")
	return r.run
}

func (r *convertRequest) run(ctx context.Context, e env, args []string) error {
	if len(args) != 2 {
		return cli.Usage("%s given: want IN and OUT", counted(len(args), "file"))
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
	default:
		return cli.Usage("%s: want a name that ends in .safetensors, .pt or .pth", out)
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
	if errors.Is(err, tensor.ErrRange) {
		return fmt.Errorf("%w: give -type bf16, which has the range of f32, or f32", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "%s: %d parameters, %s\n", out, s.Net.Params().Count(), kind)
	if torch && s.Opt != nil {
		fmt.Fprintf(e.Stderr, "%s: without the state of training, which a .pt file of this program does not hold: no run goes on from it (a .safetensors file holds it; -weights-only leaves it out on purpose)\n", out)
	}
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
	c, err := nn.OpenCheckpoint(f, f.size)
	if err != nil {
		return fail(err)
	}
	if kind == "" {
		if kind = c.DType; kind == tensor.F64 {
			kind = tensor.F32
		}
	}
	dev := kernels.New(0)
	if !r.ema && !r.weightsOnly {
		s, err := c.LoadState(dev)
		if err != nil {
			return fail(err)
		}
		return s, kind, nil
	}
	which := "raw"
	if r.ema {
		if len(c.Averages) == 0 {
			return fail(fmt.Errorf("there are no averaged weights in it; leave out -ema"))
		}
		which = r.rate // empty: the last
	}
	net, err := c.Net(dev, which)
	if err != nil {
		return fail(err)
	}
	return &nn.State{Net: net, Step: c.Step, Recipe: c.Recipe}, kind, nil
}
