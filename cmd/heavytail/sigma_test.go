package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/modelfile"
)

// σ_data of images is one number for all channels, the root of the mean of their
// variances, of colour as of grey: red is 0 or 255, green 64 or 192, blue 100.
func TestMeasuredScaleOfColours(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "colours"), 0o777))
	for i := range 4 {
		img := image.NewRGBA(image.Rect(0, 0, 8, 8))
		for x := range 8 {
			for y := range 8 {
				img.Set(x, y, color.RGBA{uint8(255 * ((x + y) % 2)), uint8(64 + 128*(x%2)), 100, 255})
			}
		}
		f, err := os.Create(filepath.Join(dir, "colours", fmt.Sprint(i, ".png")))
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, img))
		require.NoError(t, f.Close())
	}
	g := 64 / 127.5 // deviations in units of half the range: red 1, green g, blue 0
	for flags, want := range map[string]float64{
		"-process edm":        math.Sqrt((1 + g*g) / 3),
		"-process tedm -nu 5": math.Sqrt((1 + g*g) / 3),
	} {
		out := strings.NewReplacer(" ", "", "-process", "").Replace(flags)
		args := append(strings.Fields("train -data images:colours -steps 1 -batch 2 -preview-every 0 -out "+out+" "+flags), smallNet...)
		ok(t, dir, args...)
		var i modelfile.Info
		require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", out+"/model.safetensors").stdout), &i))
		require.Len(t, i.Recipe.EDM.SigmaData, 1)
		require.InEpsilon(t, want, i.Recipe.EDM.SigmaData[0], 5e-4, flags) // four digits are kept
	}
}
