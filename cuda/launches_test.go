package cuda_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/nn"
)

// docs/cuda.md says how many kernels an evaluation and a step of training start, of
// one sample and of 64: these numbers.
func TestLaunches(t *testing.T) {
	doc, err := os.ReadFile("../docs/cuda.md")
	require.NoError(t, err)
	for _, name := range []string{"fashion", "mnist", "cifar10_lt", "cifar10-ddpmpp", "2d"} {
		cfg, err := nn.Preset(name)
		require.NoError(t, err)
		row := "| " + name
		for _, training := range []bool{false, true} {
			for _, batch := range []int{1, 64} {
				d, step := steady(t, cfg, batch, training)
				step() // makes weights in other orders
				before := d.launches
				step()
				row += fmt.Sprint(" | ", d.launches-before)
			}
		}
		if !strings.Contains(string(doc), row+" |\n") {
			t.Errorf("the table of launches has no row\n%s |", row)
		}
	}
}
