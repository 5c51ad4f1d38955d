package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"heavytail/internal/cli"
	host "heavytail/internal/machine" // info has a func machine
	"heavytail/train"
)

// describe says what a run would be and writes nothing: the data as they were
// read, the network, memory, time and the whole recipe.
func (r *trainRequest) describe(ctx context.Context, e env, t *train.Trainer) error {
	t.Watch(ctx)
	rec := t.Recipe.Clone()
	d, s := rec.Data, rec.Train
	fmt.Fprintf(e.Stdout, "data        %s: %s of %v", d.Spec, cli.Counted(d.Samples, "sample"), d.Shape)
	if d.Classes > 0 {
		fmt.Fprintf(e.Stdout, ", %s", cli.Counted(d.Classes, "class"))
	}
	fmt.Fprintf(e.Stdout, ", sum %s\n", d.Sum)
	fmt.Fprintf(e.Stdout, "process     %s\n", rec.Noise())
	fmt.Fprintf(e.Stdout, "network     %s", cli.Counted(t.Net.Params().Count(), "parameter"))
	if s.From != "" {
		fmt.Fprintf(e.Stdout, ", from %s", s.From)
	}
	memory := int64(t.Bytes())
	fmt.Fprintf(e.Stdout, "\nmemory      %d MiB for the network and a step", memory>>20)
	if all := host.Memory(); all > 0 {
		fmt.Fprintf(e.Stdout, ", of %d MiB that this process may use", all>>20)
	}
	done := t.Done()
	fmt.Fprintf(e.Stdout, "\nsteps       %d of %s, %s times through the data", s.Steps, cli.Counted(s.Batch, "sample"), rate(float64(s.Steps)*float64(s.Batch)/float64(d.Samples)))
	if done > 0 {
		fmt.Fprintf(e.Stdout, ", %d of them done", done)
	}
	fmt.Fprintln(e.Stdout)
	if done+2 <= s.Steps {
		took, err := t.TimeStep()
		if err != nil {
			return err
		}
		fmt.Fprintf(e.Stdout, "time        %s a step here, %s in all\n", took.Round(time.Millisecond/100), short(took*time.Duration(s.Steps-done)))
	}
	state := "which is not there yet"
	if _, err := os.Stat(r.out); err == nil {
		state = "which is there"
	}
	fmt.Fprintf(e.Stdout, "writes      to %s, %s: %s every %s, log.csv, log.jsonl and loss.svg every %d, previews every %d (0: none)\n",
		r.out, state, train.ModelFile, cli.Counted(r.run.SaveEvery, "step"), r.run.LogEvery, r.run.PreviewEvery)
	text, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Stdout, "recipe\n%s\n", text)
	return err
}
