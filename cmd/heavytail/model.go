package main

import (
	"context"
	"fmt"

	"heavytail"
	"heavytail/fashion"
	"heavytail/internal/cli"
	"heavytail/internal/parse"
	"heavytail/kernels"
	"heavytail/modelfile"
)

// What the flags of models say.
const (
	modelHelp    = "model `file` (.safetensors or .pt; empty: the built-in model, also by that name)"
	weightsHelp  = "of a training checkpoint: `raw` weights, ema (the last average), or the rate of an average such as 0.999 (empty: ema if there)"
	oneClassHelp = "class `number or name` of all samples (empty: none)"
)

// builtIn is what the model inside the program is called. A file of that name is
// ./built-in.
const builtIn = "built-in"

// openModel opens the file of a model, the built-in one if path is empty or its name.
func openModel(ctx context.Context, path string) (*modelfile.File, error) {
	if path == "" || path == builtIn {
		return modelfile.Bytes(builtIn, fashion.File()), nil
	}
	return modelfile.Open(ctx, path)
}

// load opens a model with the settings of l, of a file that the flag or argument says.
func load(ctx context.Context, flag, path string, l heavytail.Loader) (*heavytail.Model, *modelfile.File, error) {
	f, err := openModel(ctx, path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", flag, err)
	}
	m, err := f.Model(l)
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("model %s: %w", f.Name, err)
	}
	return m, f, nil
}

// loadModel opens the model of -model on the CPU.
func loadModel(ctx context.Context, path, weights string, threads int) (*heavytail.Model, error) {
	if err := checkThreads(threads); err != nil {
		return nil, err
	}
	if err := checkWeights(weights); err != nil {
		return nil, err
	}
	m, f, err := load(ctx, "-model", path, heavytail.Loader{Device: kernels.New(threads), Weights: weights})
	if err != nil {
		return nil, err
	}
	return m, f.Close()
}

// checkThreads returns an error for an impossible -threads.
func checkThreads(n int) error {
	if n < 0 || n > 1<<12 {
		return cli.Usage("-threads %d: want 0 (all processors) to %d", n, 1<<12)
	}
	return nil
}

// checkWeights returns an error if text cannot name any file's weights.
func checkWeights(text string) error {
	if _, err := parse.Float(text); err != nil && text != "" && text != "raw" && text != "ema" {
		return cli.Usage("-weights %q: want ema or raw, or the rate of an average", text)
	}
	return nil
}

// classesOf parses -class: none for empty.
func classesOf(m *heavytail.Model, text string) ([]int, error) {
	out, err := m.ParseClasses(text)
	if err != nil {
		return nil, cli.Usage("-class %w", err)
	}
	return out, nil
}

// oneClass parses a class of all samples, none for empty.
func oneClass(m *heavytail.Model, text string) (int, error) {
	if text == "none" {
		return heavytail.Unconditional, nil
	}
	all, err := classesOf(m, text)
	switch {
	case err != nil:
		return 0, err
	case len(all) > 1:
		return 0, cli.Usage("-class %s: want one class", text)
	case len(all) == 0:
		return heavytail.Unconditional, nil
	}
	return all[0], nil
}

// givenOf parses -given.
func givenOf(m *heavytail.Model, text string) ([]float64, error) {
	x, err := m.ParseGiven(text)
	if err != nil {
		return nil, cli.Usage("%w", err)
	}
	return x, nil
}
