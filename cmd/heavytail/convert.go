package main

import (
	"context"
	"flag"
	"fmt"

	"heavytail/internal/cli"
	"heavytail/modelfile"
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
	modelfile.Conversion
	kind string // of Type
}

func convertFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	r := &convertRequest{}
	fs.StringVar(&r.kind, "type", "", "storage of the weights: `f32`, f16 or bf16 (empty: as in IN)")
	fs.BoolVar(&r.EMA, "ema", false, "keep the averaged weights only, as the model's weights")
	fs.StringVar(&r.Rate, "rate", "", "with -ema: which average, by its `rate` (empty: the last)")
	fs.BoolVar(&r.WeightsOnly, "weights-only", false, "leave out averages and the state of training")
	sizeFlag(fs, &r.Height, &r.Width, "`N or HxW`: pixels of the images of an .onnx file, if not those of the training images (empty: those)")
	return r.run
}

func (r *convertRequest) run(ctx context.Context, e env, args []string) (err error) {
	if len(args) != 2 {
		return cli.Usage("%s given: want IN and OUT", cli.Counted(len(args), "file"))
	}
	out := args[1]
	if r.Type, err = modelfile.ParseType(r.kind); err != nil {
		return cli.Usage("-type %w", err)
	}
	if err := r.Check(out); err != nil {
		return cli.Usage("%w", err)
	}
	f, err := openModel(ctx, args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := r.Write(f, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "%s: %s, %s\n", out, cli.Counted(w.Parameters, "parameter"), w.Type)
	if w.Lost {
		fmt.Fprintf(e.Stderr, "%s: without the state of training, which a .pt file of this program does not hold: no run goes on from it (a .safetensors file holds it; -weights-only leaves it out on purpose)\n", out)
	}
	return nil
}
