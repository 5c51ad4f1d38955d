package data

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pictures reads a folder or zip of testdata by this version's rules.
func pictures(t *testing.T, name string, o Options) *Set {
	t.Helper()
	o.Rules = Rules
	s, err := Open(t.Context(), "images:"+filepath.Join("testdata", "images", name), o)
	require.NoError(t, err)
	return s
}

// Hidden files and folders are no classes, nor is what archivers of other systems
// add.
func TestHiddenNamesAreNoClasses(t *testing.T) {
	s := pictures(t, "cls", Options{})
	require.Equal(t, []string{"cat", "dog"}, s.Classes)
	require.Equal(t, []int{0, 1}, s.Labels)
	s = pictures(t, "mac.zip", Options{})
	require.Equal(t, 1, s.Len())
	require.Nil(t, s.Classes)
	old, err := Open(t.Context(), "images:testdata/images/cls", Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []string{".cache", "cat", "dog"}, old.Classes, "runs of version 0.1.0 go on as they began")

	s = pictures(t, "root_and_class.zip", Options{})
	require.Nil(t, s.Labels)
	require.Contains(t, s.Notes[0], "a.png, lie outside of the folders")

	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{`cat\1.png`, `dog\1.png`, `__MACOSX\dog\1.png`} {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write(encoded(t, picture(2, 2, true, 9), false))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	s, err = Open(t.Context(), "images:"+write(t, t.TempDir(), "w.zip", b.Bytes()), Options{Rules: Rules})
	require.NoError(t, err)
	require.Equal(t, []string{"cat", "dog"}, s.Classes)
}

// A folder around those of the classes, as archivers add one, is gone through, in
// folders and zips alike; one that holds no folders makes no class.
func TestOuterFolders(t *testing.T) {
	png := encoded(t, picture(2, 2, true, 9), false)
	open := func(names ...string) (folder, packed *Set) {
		dir := t.TempDir()
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range names {
			path := filepath.Join(dir, "photos", name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
			require.NoError(t, os.WriteFile(path, png, 0o644))
			w, err := z.Create(name)
			require.NoError(t, err)
			_, err = w.Write(png)
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		folder, err := Open(t.Context(), "images:"+filepath.Join(dir, "photos"), Options{Rules: Rules})
		require.NoError(t, err)
		packed, err = Open(t.Context(), "images:"+write(t, dir, "w.zip", b.Bytes()), Options{Rules: Rules})
		require.NoError(t, err)
		old, err := Open(t.Context(), "images:"+filepath.Join(dir, "photos"), Options{Rules: FirstRules})
		require.NoError(t, err)
		require.NotContains(t, old.Classes, "cats", "runs of version 0.1.0 go on as they began")
		return folder, packed
	}
	for _, outer := range []string{"data", "x/y"} {
		folder, packed := open(outer+"/cats/1.png", outer+"/cats/more/2.png", outer+"/dogs/1.png", "__MACOSX/"+outer+"/1.png", "README.md")
		for _, s := range []*Set{folder, packed} {
			require.Equal(t, []string{"cats", "dogs"}, s.Classes)
			require.Equal(t, []int{0, 0, 1}, s.Labels)
			require.Contains(t, s.Notes[0], outer+": the classes are the folders there")
		}
	}
	for _, names := range [][]string{{"photos/1.png", "photos/2.png"}, {"a/b/1.png", "a/b/2.png"}} {
		folder, packed := open(names...)
		for _, s := range []*Set{folder, packed} {
			require.Nil(t, s.Classes)
			require.Empty(t, s.Notes)
		}
	}
	folder, packed := open("data/cats/1.png", "data/logo.png")
	require.Contains(t, folder.Notes[0], "logo.png, lie outside of the folders")
	require.Equal(t, folder.Notes, packed.Notes)
}

// Folders of training and of test data are classes as any others, but hardly meant.
func TestPartsOfASet(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"set/train/cats/1.png", "set/train/dogs/1.png", "set/Test/cats/1.png"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), encoded(t, picture(2, 2, true, 9), false), 0o644))
	}
	s, err := Open(t.Context(), "images:"+dir, Options{Rules: Rules})
	require.NoError(t, err)
	require.Contains(t, strings.Join(s.Notes, "; "), "images:.../set/Test")
}

// A set is grey if all of its pictures are, whatever their order.
func TestColourDoesNotDependOnNames(t *testing.T) {
	a, b := pictures(t, "mixed", Options{}), pictures(t, "mixed2", Options{})
	require.Equal(t, []int{32, 48, 3}, a.Shape)
	require.Equal(t, a.Shape, b.Shape)
	per := a.Per()
	require.Equal(t, a.bytes[:per], b.bytes[per:])
	require.Equal(t, a.bytes[per:], b.bytes[:per])
	require.Equal(t, 1, pictures(t, "la", Options{}).Shape[2], "grey with transparency is grey")
	old, err := Open(t.Context(), "images:testdata/images/mixed", Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, 1, old.Shape[2])
}

// Transparent pictures are seen as a viewer shows them, on white, or as asked.
func TestTransparentPictures(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want byte // of a transparent pixel
	}{
		"white": {Options{}, 255}, "black": {Options{Background: "black"}, 0}, "grey": {Options{Background: "#808080"}, 128},
	} {
		s := pictures(t, "logo", c.o)
		require.Equal(t, c.want, s.bytes[0], name)
		require.Contains(t, s.Notes[0], "transparent pictures, laid on ")
	}
	// 200 of opacity 128: 200·128/255 + 255·127/255 = 227.4, rounded down twice.
	require.InDelta(t, 227.4, float64(pictures(t, "la", Options{}).bytes[0]), 1.4)
	require.InDelta(t, 100.4, float64(pictures(t, "la", Options{Background: "black"}).bytes[0]), 1.4)
	old, err := Open(t.Context(), "images:testdata/images/logo", Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Zero(t, old.bytes[0])
	_, err = Open(t.Context(), "images:testdata/images/logo", Options{Rules: FirstRules, Background: "blue"})
	require.ErrorContains(t, err, "white, black or #rrggbb")
	_, err = Open(t.Context(), "toy:rings", Options{Rules: FirstRules, Background: "white"})
	require.ErrorContains(t, err, "is for pictures")
}

// What EXIF says of the eight orientations: where the stored first row and first
// column are seen.
var exif = map[int][2]string{1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
	5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"}}

func TestTurn(t *testing.T) {
	const h, w, c = 2, 3, 2
	stored := seq(h * w * c)
	for o, first := range exif {
		got, oh, ow := turn(stored, h, w, c, o)
		for r := range h {
			for k := range w {
				y, x := 0, 0
				for i, side := range first {
					at := []int{r, k}[i]
					switch side {
					case "top":
						y = at
					case "bottom":
						y = oh - 1 - at
					case "left":
						x = at
					case "right":
						x = ow - 1 - at
					}
				}
				require.Equal(t, stored[(r*w+k)*c:][:c], got[(y*ow+x)*c:][:c], "orientation %d, pixel %d %d", o, r, k)
			}
		}
	}
}

func TestPhotographsAreTurned(t *testing.T) {
	for name, o := range map[string]int{"exif3": 3, "exif8": 8} {
		raw, err := os.ReadFile(filepath.Join("testdata", "images", name, "a.jpg"))
		require.NoError(t, err)
		require.Equal(t, o, orientation(raw))
		for n := range len(raw) { // a cut file has one or none
			require.Contains(t, []int{0, o}, orientation(raw[:n]))
		}
		s := pictures(t, name, Options{})
		old, err := Open(t.Context(), "images:"+filepath.Join("testdata", "images", name), Options{Rules: FirstRules})
		require.NoError(t, err)
		want, h, w := turn(old.bytes, old.Shape[0], old.Shape[1], old.Shape[2], o)
		require.Equal(t, []int{h, w, old.Shape[2]}, s.Shape)
		require.Equal(t, want, s.bytes)
		require.NotEqual(t, old.bytes, s.bytes)
	}
	intel := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00")
	v, err := tiffOrientation(intel)
	require.NoError(t, err)
	require.Equal(t, 6, v)
	intel[18] = 9
	_, err = tiffOrientation(intel)
	require.Error(t, err)
}

// A picture of one column of 2^26 pixels took 17 GB. Its header is enough to
// refuse it, and others that would take too much.
func TestPicturesThatTakeTooMuch(t *testing.T) {
	png := func(w, h uint32) []byte {
		b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
		b = binary.BigEndian.AppendUint32(b, w)
		b = binary.BigEndian.AppendUint32(b, h)
		b = append(b, 8, 0, 0, 0, 0)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
	}
	dir := t.TempDir()
	before := allocated()
	square := "at most"
	if math.MaxInt == math.MaxInt32 {
		square = "dimension overflow" // image/png's own limit
	}
	for want, head := range map[string][]byte{"1×67108864 pixels; want at most 65535 a side": png(1, 1<<26), square: png(1<<14, 1<<14), "9000×7000": png(9000, 7000)} {
		path := write(t, dir, "a.png", head)
		_, err := Open(t.Context(), "images:"+dir, Options{Size: 8, Rules: Rules, MaxBytes: 100 << 20})
		require.ErrorContains(t, err, want)
		_, err = ReadValues(t.Context(), path, []int{28, 28, 1}, nil)
		require.Error(t, err)
	}
	write(t, dir, "a.png", png(4, 60000))
	_, err := Open(t.Context(), "images:"+dir, Options{Size: 30000, Rules: Rules, MaxBytes: 100 << 20})
	require.ErrorContains(t, err, "the set takes 858 MiB, more than the limit of 100 MiB; use a smaller Options.Size")
	require.Less(t, allocated()-before, uint64(32<<20))
	// The strip between the two passes of scaling counts as well.
	write(t, dir, "a.png", encoded(t, picture(2, 20000, true, 1), false))
	_, err = Open(t.Context(), "images:"+dir, Options{Size: 900, Rules: Rules, MaxBytes: 16 << 20})
	require.ErrorContains(t, err, "scaling 20000×2 pixels to 900 takes 17 MiB")
}

// A pipe among the pictures is left out, a link to a picture is read.
func TestPipesAndLinksAmongPictures(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "a.png", encoded(t, picture(2, 2, true, 1), false))
	defer namedPipe(t, filepath.Join(dir, "b.png"), false)()
	require.NoError(t, os.Symlink(path, filepath.Join(dir, "c.png")))
	done := make(chan error, 1)
	go func() {
		s, err := Open(t.Context(), "images:"+dir, Options{Rules: FirstRules})
		if err == nil && s.Len() != 2 {
			err = fmt.Errorf("%d pictures", s.Len())
		}
		done <- err
	}()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("Open waits for the writer of a pipe")
	}
}

// The labels of an IDX folder are read whatever the two files are packed with.
func TestIDXLabelsInTheOtherCompression(t *testing.T) {
	s, err := Open(t.Context(), "idx:testdata/idx/lab_gzmix", Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, s.Labels)
	dir := t.TempDir()
	write(t, dir, "train-images-idx3-ubyte", idx(seq(8), 2, 2, 2))
	write(t, dir, "train-labels-idx1-ubyte.gz", zipped(idx([]byte{4, 2}, 2)))
	s, err = Open(t.Context(), "idx:"+dir, Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []int{4, 2}, s.Labels)
}

func TestGreyPalettesAreColour(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.Gray{Y: 3}, color.RGBA{200, 0, 0, 255}})
	dir := t.TempDir()
	write(t, dir, "a.png", encoded(t, m, false))
	s, err := Open(t.Context(), "images:"+dir, Options{Rules: Rules})
	require.NoError(t, err)
	require.Equal(t, []byte{3, 3, 3}, s.bytes[:3])
}

func FuzzOrientation(f *testing.F) {
	raw, err := os.ReadFile("testdata/images/exif8/a.jpg")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw[:100])
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00" + strings.Repeat("\xff", 9)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o := orientation(b); o < 0 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
	})
}

// Images of other numbers than bytes are scaled and coloured as bytes are, but for
// the rounding of those; white stays white, to the last bit.
func TestFloatImagesAreScaled(t *testing.T) {
	eight := Random(3, []int{7, 12, 3}, 2)
	floats := &Set{Shape: []int{7, 12, 3}}
	for _, v := range eight.bytes {
		floats.floats = append(floats.floats, levels[v])
	}
	for _, o := range []Options{{Size: 5}, {Size: 20}, {Channels: 1}, {Size: 4, Channels: 1}} {
		a, b := *eight, *floats
		require.NoError(t, a.convert(t.Context(), o))
		require.NoError(t, b.convert(t.Context(), o))
		require.Equal(t, a.Shape, b.Shape)
		x, y := make([]float32, a.Per()), make([]float32, a.Per())
		for i := range 3 {
			a.Get(x, i, false)
			b.Get(y, i, false)
			for j := range x {
				// Bytes are rounded up to three times, by half a level of 2/255 each.
				require.InDelta(t, x[j], y[j], 3.0/255, "%v sample %d value %d", o, i, j)
			}
		}
	}
	white := &Set{Shape: []int{9, 9, 1}, floats: make([]float32, 81)}
	for i := range white.floats {
		white.floats[i] = 1
	}
	require.NoError(t, white.convert(t.Context(), Options{Size: 4}))
	for _, v := range white.floats {
		require.Equal(t, float32(1), v)
	}
	require.ErrorContains(t, white.convert(t.Context(), Options{Size: 60000, MaxBytes: 1 << 20}), "more than the limit of 1 MiB; use a smaller Options.Size")
}
