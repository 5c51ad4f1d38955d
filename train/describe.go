package train

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"heavytail/internal/machine"
	"heavytail/internal/words"
)

// Describe writes for people what Do would do with t, and nothing else: the data as they
// were read, the process, the network, memory, the time of a step here, of which it does
// two with t, what goes to the folder, and the whole recipe. It is what train -dry-run
// prints. The error is that of the steps, ctx's among them, or of w.
func (r *Run) Describe(ctx context.Context, w io.Writer, t *Trainer) error {
	if ctx == nil || t == nil {
		panic("train: Run.Describe without a context or without a trainer")
	}
	if err := r.complete(); err != nil {
		return err
	}
	t.Watch(ctx)
	defer t.Watch(context.Background())
	rec := t.Recipe.Clone()
	d, s := rec.Data, rec.Train
	fmt.Fprintf(w, "data        %s: %s of %v", d.Spec, words.Counted(d.Samples, "sample"), d.Shape)
	if d.Classes > 0 {
		fmt.Fprintf(w, ", %s", words.Counted(d.Classes, "class"))
	}
	fmt.Fprintf(w, ", sum %s\n", d.Sum)
	fmt.Fprintf(w, "process     %s\n", rec.Noise())
	fmt.Fprintf(w, "network     %s", words.Counted(t.Net.Params().Count(), "parameter"))
	if s.From != "" {
		fmt.Fprintf(w, ", from %s", s.From)
	}
	memory := int64(t.Bytes())
	fmt.Fprintf(w, "\nmemory      %d MiB for the network and a step", memory>>20)
	if all := machine.Memory(); all > 0 {
		fmt.Fprintf(w, ", of %d MiB that this process may use", all>>20)
	}
	done := t.Done()
	fmt.Fprintf(w, "\nsteps       %d of %s, %s times through the data", s.Steps, words.Counted(s.Batch, "sample"), words.Rate(float64(s.Steps)*float64(s.Batch)/float64(d.Samples)))
	if done > 0 {
		fmt.Fprintf(w, ", %d of them done", done)
	}
	fmt.Fprintln(w)
	if done+2 <= s.Steps {
		took, err := t.TimeStep()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "time        %s a step here, %s in all\n", took.Round(time.Millisecond/100), words.Short(took*time.Duration(s.Steps-done)))
	}
	if r.Dir != "" {
		r.describeFolder(w)
	}
	text, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "recipe\n%s\n", text)
	return err
}

// describeFolder says what goes to the folder, and when.
func (r *Run) describeFolder(w io.Writer) {
	state := "which is not there yet"
	if _, err := os.Stat(r.Dir); err == nil {
		state = "which is there"
	}
	fmt.Fprintf(w, "writes      to %s, %s: %s every %s, log.csv, log.jsonl and loss.svg every %d, previews every %d (0: none)\n",
		r.Dir, state, ModelFile, words.Counted(r.SaveEvery, "step"), r.LogEvery, r.PreviewEvery)
}
