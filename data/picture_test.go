package data

import (
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadValues(t *testing.T) {
	dir := t.TempDir()
	img := image.NewNRGBA(image.Rect(0, 0, 4, 2))
	for x := range 4 {
		for y := range 2 {
			img.Set(x, y, color.NRGBA{R: 255, G: uint8(85 * x), B: 0, A: 255})
		}
	}
	path := filepath.Join(dir, "a.png")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, img))
	require.NoError(t, f.Close())
	v, err := ReadValues(t.Context(), path, []int{2, 4, 3}, nil)
	require.NoError(t, err)
	require.Equal(t, []float64{1, -1, -1, 1, float64(levels[85]), -1}, v.X[:6])
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(whole)), v.Sum)
	v, err = ReadValues(t.Context(), path, []int{2, 4, 1}, nil)
	require.NoError(t, err)
	require.Len(t, v.X, 8)
	v, err = ReadValues(t.Context(), path, []int{6, 3, 3}, nil) // scaled
	require.NoError(t, err)
	require.Len(t, v.X, 54)
	require.EqualValues(t, 1, v.X[0])
	table := filepath.Join(dir, "a.csv")
	require.NoError(t, os.WriteFile(table, []byte("x,y\n1,2\n3,4\n"), 0o644))
	v, err = ReadValues(t.Context(), table, []int{2}, nil)
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2, 3, 4}, v.X)
	for _, c := range []struct {
		path  string
		shape []int
		want  string
	}{
		{table, []int{3}, "samples of [2]; the model's are [3]"}, {path, []int{2}, "give an .npy or .csv file"}, {path, []int{2, 4, 2}, "2 channels"},
		{filepath.Join(dir, "no.png"), []int{2, 4, 1}, "no.png"}, {filepath.Join(dir, "no.csv"), []int{2}, "no.csv"},
	} {
		_, err := ReadValues(t.Context(), c.path, c.shape, nil)
		require.ErrorContains(t, err, c.want)
	}
	junk := filepath.Join(dir, "junk.png")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o644))
	_, err = ReadValues(t.Context(), junk, []int{2, 4, 1}, nil)
	require.ErrorContains(t, err, "want PNG or JPEG")
}

// A picture is the sample that ReadValues reads of its file, at its size and scaled,
// grey and in colour, on white where something shines through.
func TestFromImage(t *testing.T) {
	img := image.NewNRGBA(image.Rect(3, -2, 10, 4)) // whose corner is not (0, 0)
	for x := range 7 {
		for y := range 6 {
			img.Set(3+x, y-2, color.NRGBA{R: uint8(40 * x), G: uint8(50 * y), B: 90, A: uint8(255 - 20*x)})
		}
	}
	path := filepath.Join(t.TempDir(), "a.png")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, img))
	require.NoError(t, f.Close())
	for _, shape := range [][]int{{6, 7, 3}, {6, 7, 1}, {3, 5, 3}, {12, 20, 1}} {
		want, err := ReadValues(t.Context(), path, shape, nil)
		require.NoError(t, err)
		got, err := FromImage(img, shape)
		require.NoError(t, err)
		require.Len(t, got, len(want.X))
		for i, v := range got {
			require.EqualValues(t, want.X[i], v, "%v: value %d", shape, i)
		}
	}
	for _, shape := range [][]int{nil, {2}, {6, 7, 2}, {0, 7, 3}, {6, -7, 3}, {1 << 30, 1 << 30, 3}} {
		_, err := FromImage(img, shape)
		require.ErrorContains(t, err, "want height, width and 1 or 3 channels", "%v", shape)
	}
	_, err = FromImage(image.NewGray(image.Rect(0, 0, 0, 0)), []int{2, 2, 1})
	require.ErrorContains(t, err, "picture of 0×0 pixels")
	require.PanicsWithValue(t, "data: FromImage of a nil picture", func() { _, _ = FromImage(nil, []int{2, 2, 1}) })
}
