package recipe_test

import (
	"fmt"
	"log"

	"heavytail/recipe"
)

// A preset with settings as the command train takes them, and what they changed.
func ExampleValues() {
	was, err := recipe.Preset("2d")
	if err != nil {
		log.Fatal(err)
	}
	is := was.Clone()
	if err := (recipe.Values{"steps": "500", "batch": "64"}).Set(&is); err != nil {
		log.Fatal(err)
	}
	for _, d := range recipe.Diff(was, is) {
		fmt.Println(d)
	}
	// Output:
	// train.batch from 1024 to 64
	// train.steps from 640 to 500
}
