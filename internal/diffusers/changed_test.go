package diffusers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"heavytail"
)

// TestChangedConfigurations: of folders with one key changed, every one is refused or
// draws samples by every method: nothing that is accepted fails later.
func TestChangedConfigurations(t *testing.T) {
	values := []any{nil, true, false, 0, 1, -1, 2, 3, 7, 0.5, 50, 1000, 1e9, 1e300, -1e300, "", "x", "trailing", "linspace", "sample", "v_prediction", "scaled_linear", "squaredcos_cap_v2", "sigmoid",
		"conv", "resnet", "scale_shift", "learned", "fourier", "timestep", "identity", "DDIMScheduler", []any{}, []int{1}, []int{8, 4}, []int{4, 8}, []string{"x"}, map[string]any{}}
	folder := func() fstest.MapFS {
		dir := fstest.MapFS{}
		for _, name := range []string{"config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors"} {
			b, err := os.ReadFile("testdata/classes/" + name)
			require.NoError(t, err)
			dir[name] = &fstest.MapFile{Data: b}
		}
		return dir
	}
	accepted, refused := 0, 0
	for _, name := range []string{"config.json", "scheduler_config.json"} {
		all := map[string]any{}
		require.NoError(t, json.Unmarshal(folder()[name].Data, &all))
		for _, key := range slices.Sorted(maps.Keys(all)) {
			for _, v := range values {
				changed := maps.Clone(all)
				changed[key] = v
				text, err := json.Marshal(changed)
				require.NoError(t, err)
				dir := folder()
				dir[name].Data = text
				m, err := heavytail.Loader{Threads: 1}.OpenDir(dir)
				if err != nil {
					refused++
					continue
				}
				accepted++
				what := fmt.Sprint(name, ": ", key, " = ", v)
				if s := m.Shape(); s[0]*s[1] > 64*64 {
					continue
				}
				for _, method := range m.Methods() {
					steps := 1
					if method == "dlim" && m.Evaluations(heavytail.Options{}) <= 30 {
						steps = 0 // its own number
					}
					_, err := m.Sample(t.Context(), heavytail.Options{Method: method, Steps: steps})
					if err != nil && !strings.Contains(err.Error(), "finite") {
						t.Errorf("%s: %s: %v", what, method, err)
					}
				}
			}
		}
	}
	t.Logf("%d accepted, %d refused", accepted, refused)
	require.Greater(t, accepted, 50)
	require.Greater(t, refused, 500)
}
