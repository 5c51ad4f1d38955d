package output_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"heavytail"
	"heavytail/output"
	"heavytail/recipe"
	"heavytail/train"
)

// Settings by name begin a training in a folder; two tasks draw half of the samples
// each, and a table has them all.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b, err := train.Start{Data: "toy:rings", Values: recipe.Values{"process": "tedm", "nu": "4", "steps": "5", "batch": "16", "points": "200"}}.In(ctx, dir)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	run := train.Run{Dir: dir, SaveEvery: 100, LogEvery: 10}
	if err := run.Do(ctx, b.Trainer); err != nil {
		log.Fatal(err)
	}
	m, err := heavytail.OpenFile(filepath.Join(dir, train.ModelFile))
	if err != nil {
		log.Fatal(err)
	}
	parts := filepath.Join(dir, "parts")
	for i := range 2 { // each on a machine of its own
		s, err := output.Of(m, heavytail.Options{N: 5, Seed: 1, Steps: 3})
		if err != nil {
			log.Fatal(err)
		}
		if _, err := s.WritePart(ctx, parts, output.Share{Index: i, Of: 2}, false); err != nil {
			log.Fatal(err)
		}
	}
	s, err := output.Open(ctx, parts)
	if err != nil {
		log.Fatal(err)
	}
	f, err := output.To(filepath.Join(dir, "x.csv"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Write(ctx, s), s.N, s.Recipe.Method, s.Recipe.Process)
	// Output: <nil> 5 edm tedm, ν = 4
}
