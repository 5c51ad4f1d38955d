package train_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"heavytail"
	"heavytail/data"
	"heavytail/recipe"
	"heavytail/train"
)

// The whole way: train on points, save, open, sample.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "run")
	check(err)
	defer os.RemoveAll(dir)

	set, err := data.Open(ctx, "toy:rings", data.Options{}) // or "csv:returns.csv", or data.From a set of one's own
	check(err)
	r, err := recipe.Preset("toy") // settings for points
	check(err)
	check(r.Use(recipe.TEDM)) // Student-t noise
	r.Train.Steps, r.Train.Batch = 20, 32
	_, err = train.Prepare(&r, set) // fits them to the data
	check(err)

	_, err = train.Fit(ctx, r, set, train.Options{Dir: dir, SaveEvery: 10})
	check(err) // a run that was stopped goes on from its checkpoint with the same call

	m, err := heavytail.OpenFile(filepath.Join(dir, train.ModelFile))
	check(err)
	points, err := m.Sample(ctx, heavytail.Options{N: 3, Seed: 7})
	check(err)
	fmt.Println(m.Recipe().Noise(), points.Shape())
	// Output: tedm, ν = 5 [3 2]
}

// A loop around the training, which is saved where it is left.
func ExampleSteps() {
	ctx := context.Background()
	set, err := data.FromPoints([]float32{0, 1, 1, 0, 0, -1, -1, 0}, 2) // four points
	check(err)
	r, err := recipe.Preset("toy")
	check(err)
	r.Train.Steps, r.Train.Batch = 1000, 8
	_, err = train.Prepare(&r, set)
	check(err)
	for s, err := range train.Steps(ctx, r, set, train.Options{LogEvery: 5}) {
		check(err)
		fmt.Println("step", s.Step, "of", s.Steps)
		if s.Step >= 10 { // seen enough
			break
		}
	}
	// Output:
	// step 5 of 1000
	// step 10 of 1000
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
