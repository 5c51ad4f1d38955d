package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"

	"heavytail/bench"
	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/internal/isa"
	"heavytail/modelfile"
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
	switch v := v.(type) {
	case bench.Machine:
		return printMachine(w, v)
	case modelfile.Info:
		return printModel(w, v)
	case pictureInfo:
		return indented(w, v.Recipe)
	}
	return fmt.Errorf("nothing to print for %T", v)
}

func printMachine(w io.Writer, m bench.Machine) error {
	fmt.Fprintf(w, "heavytail %s  %s\n%s  %s\n", m.Version, m.Revision, m.Go, m.Platform)
	fmt.Fprintf(w, "processor  %s\nfeatures   %s\n", m.CPU, strings.Join(m.Features, " "))
	fmt.Fprintf(w, "level      %s of %s (%s caps it)\nthreads    %d\n", m.Level, strings.Join(m.Levels, ", "), isa.EnvVar, m.Threads)
	for _, g := range m.GPUs {
		modes := "too old to be used"
		if len(g.Modes) > 0 {
			modes = "modes " + strings.Trim(fmt.Sprint(g.Modes), "[]")
		}
		fmt.Fprintf(w, "%-10s %s, capability %s, %s, %.1f GiB, driver %s; %s\n", device.Spec{GPU: true, Number: g.Number}, g.Name,
			g.Capability, cli.Counted(g.Processors, "processor"), float64(g.Memory)/(1<<30), g.Driver, modes)
	}
	missing := m.NoGPUs
	if missing == "" && len(m.GPUs) == 0 {
		missing = "the driver shows none"
	}
	if missing != "" {
		fmt.Fprintf(w, "GPU        none: %s\n", missing)
	}
	return nil
}

func printModel(w io.Writer, v modelfile.Info) error {
	fmt.Fprintf(w, "%s: %s, %s, step %d\n", v.File, v.Format, v.Storage, v.Step)
	fmt.Fprintf(w, "noise        %s\n", v.Noise)
	fmt.Fprintf(w, "samplers     %s\n", strings.Join(v.Methods, ", "))
	fmt.Fprintf(w, "parameters   %d\n", v.Parameters)
	fmt.Fprintf(w, "per step     %.1f million multiply-adds a sample\n", float64(v.MACs)/1e6)
	fmt.Fprintf(w, "to sample    %.1f MiB for one, %.1f MiB for 32 at a time\n", float64(v.Memory["1"])/(1<<20), float64(v.Memory["32"])/(1<<20))
	fmt.Fprintf(w, "averages     %s\n", strings.Join(append([]string{"raw"}, v.Averages...), ", "))
	fmt.Fprintf(w, "resumable    %v\n", v.Resumable)
	if !v.HasRecipe {
		fmt.Fprintln(w, "recipe       none in the file; assumed:")
	}
	return indented(w, v.Recipe)
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
