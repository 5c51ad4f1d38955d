package heavytail_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
)

// modelSums are SHA-256 of two samples in two steps of every model of the folder
// models: the values in float32, little-endian. .ci/oneseed samples them on every
// processor.
var modelSums = map[string]string{
	"returns": "5646257f478ef4cc72ed6dd52910641c2081eb6ad21c29f919b880001f132c2a",
	"emoji":   "e0a0f8162525d390ab1cde55d569e83497cda3825403d043cb84e4e756ef3979",
}

// modelGiven are the conditions of the models that have some.
var modelGiven = map[string][]float64{"returns": {0.012}}

// TestModels holds the files of models to what their pages say: they open, are small
// enough for a repository, have a page, and give the samples that they gave.
func TestModels(t *testing.T) {
	const limit = 6e6 // bytes
	files, err := filepath.Glob("models/*.safetensors")
	require.NoError(t, err)
	require.Len(t, files, len(modelSums))
	index, err := os.ReadFile("models/README.md")
	require.NoError(t, err)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".safetensors")
		t.Run(name, func(t *testing.T) {
			st, err := os.Stat(file)
			require.NoError(t, err)
			require.LessOrEqual(t, st.Size(), int64(limit))
			require.Contains(t, string(index), "("+name+".md)")
			page, err := os.ReadFile("models/" + name + ".md")
			require.NoError(t, err)
			m, err := heavytail.OpenFile(file)
			require.NoError(t, err)
			for _, said := range []string{"## Data", "icence", "heavytail train ", "## Samples", "## Metrics", name + ".csv", m.Recipe().Data.Sum} {
				require.Contains(t, string(page), said)
			}
			h := sha256.New()
			require.NoError(t, m.Stream(t.Context(), heavytail.Options{N: 2, Steps: 2, Seed: 7, Given: modelGiven[name]}, func(_ int, x []float32) error {
				return binary.Write(h, binary.LittleEndian, x)
			}))
			require.Equal(t, modelSums[name], fmt.Sprintf("%x", h.Sum(nil)))
		})
	}
}
