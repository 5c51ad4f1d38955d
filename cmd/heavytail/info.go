package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"heavytail/bench"
	"heavytail/internal/cli"
)

var infoCommand = command{
	Name: "info", Args: "[FILE]", Summary: "tells about this program and machine, a model or a picture",
	Help: `  heavytail info                      version, processor, threads, GPUs
  heavytail info runs/x/model.safetensors
  heavytail info out.png              the recipe of a picture
  heavytail info -json built-in       the model inside this program
`,
	Flags: infoFlags,
}

func infoFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	asJSON := fs.Bool("json", false, "print one JSON object")
	return func(ctx context.Context, e env, args []string) error {
		if len(args) > 1 {
			return cli.Usage("%s given: want one at most", cli.Counted(len(args), "file"))
		}
		var v any
		var err error
		if len(args) == 0 {
			v = bench.ThisMachine()
		} else {
			v, err = fileInfo(ctx, args[0])
		}
		if err != nil {
			return err
		}
		return printInfo(e.Stdout, v, *asJSON)
	}
}

// A pictureInfo is what info tells about a picture.
type pictureInfo struct {
	File   string          `json:"file"`
	Recipe json.RawMessage `json:"recipe"`
}

// fileInfo recognises a file by its content.
func fileInfo(ctx context.Context, path string) (any, error) {
	f, err := openModel(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if recipe, ok, err := f.Picture(); ok || err != nil {
		return pictureInfo{path, recipe}, err
	}
	return f.Info()
}

func printInfo(w io.Writer, v any, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(v)
	}
	if p, ok := v.(pictureInfo); ok {
		return indented(w, p.Recipe)
	}
	_, err := v.(io.WriterTo).WriteTo(w)
	return err
}

// indented prints v as JSON for people.
func indented(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}
