package data

import (
	"archive/zip"
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

// array returns an .npy file of n images of 2×3 pixels, pixel i being value(i).
func array(t *testing.T, n int, value func(i int) float64) []byte {
	t.Helper()
	var b bytes.Buffer
	x := make([]float64, 6*n)
	for i := range x {
		x[i] = value(i)
	}
	require.NoError(t, npy.WriteHeader64(&b, n, 2, 3))
	require.NoError(t, npy.WriteValues(&b, x))
	return b.Bytes()
}

// Black is −1 and white 1 whatever the values of an array of images are, and who
// reads is told what was taken for them.
func TestRangeOfArraysOfImages(t *testing.T) {
	dir := t.TempDir()
	open := func(b []byte, o Options) (*Set, error) {
		return Open(t.Context(), "npy:"+write(t, dir, "x.npy", b), o)
	}
	row, again := make([]float32, 6), make([]float32, 6)
	for name, c := range map[string]struct {
		value      func(i int) float64
		o          Options
		want, note string
		black      float64
		white      float64
		bytes      bool
	}{
		"bytes as floats":  {value: func(i int) float64 { return float64(i * 20) }, white: 255, bytes: true, note: "0 is taken for black, 255 for white"},
		"fractions of 255": {value: func(i int) float64 { return float64(i) * 20.3 }, white: 255, note: "255 for white"},
		"shares":           {value: func(i int) float64 { return float64(i) / 11 }, white: 1, note: "0 is taken for black, 1 for white"},
		"as asked":         {value: func(i int) float64 { return float64(i * 300) }, o: Options{Range: []float64{0, 4095}}, white: 4095},
		"signed":           {value: func(i int) float64 { return float64(i)/6 - 1 }, black: -1, white: 1},
		"beyond":           {value: func(i int) float64 { return float64(i) - 4 }, black: -1, white: 1, note: "taken as they are"},
	} {
		c.o.Rules = Rules
		s, err := open(array(t, 2, c.value), c.o)
		require.NoError(t, err, name)
		require.Equal(t, c.bytes, s.bytes != nil, name)
		s.Get(row, 1, false)
		for j, v := range row {
			want := 2*(c.value(6+j)-c.black)/(c.white-c.black) - 1
			require.InDelta(t, want, v, 1e-6, "%s %d", name, j)
		}
		if c.note == "" {
			require.Empty(t, s.Notes, name)
		} else {
			require.Contains(t, s.Notes[0], c.note, name)
		}
		// A run that is resumed reads by what was found.
		o := Options{Rules: Rules, Range: s.Range}
		s, err = open(array(t, 2, c.value), o)
		require.NoError(t, err, name)
		s.Get(again, 1, false)
		require.Equal(t, row, again, name)
		require.Equal(t, o.Range, s.Range, name)
	}
	_, err := open(array(t, 2, func(i int) float64 { return float64(i) }), Options{Rules: Rules})
	require.ErrorContains(t, err, "values from 0 to 11 are neither of [0, 1] nor of [0, 255]: say with Options.Range")
	// Pictures less their mean have values of some deviations; what is beyond is a
	// mistake, or of another range.
	wild := array(t, 2, func(i int) float64 { return []float64{0, 7, -3e4}[min(i/8, 1)+i/9%2] })
	_, err = open(wild, Options{Rules: Rules})
	require.ErrorContains(t, err, "values from -30000 to 7 are none of pictures (image 1 (from 0) holds -30000): say with Options.Range those of black and white, such as Options.Range -30000,7")
	require.ErrorAs(t, err, &OptionError{})
	_, err = open(wild, Options{Rules: Rules, Range: []float64{-30000, 7}})
	require.NoError(t, err)
	_, err = open(array(t, 2, func(i int) float64 { return float64(24*i) - 128 }), Options{Rules: Rules})
	require.ErrorContains(t, err, "Options.Range -128,136")
	for _, r := range [][]float64{{1}, {2, 2}, {3, 1}, {math.NaN(), 1}, {0, math.Inf(1)}} {
		_, err = open(array(t, 2, func(i int) float64 { return 0 }), Options{Range: r})
		require.ErrorContains(t, err, "Options.Range", "%v", r)
	}
	s, err := open(array(t, 2, func(i int) float64 { return float64(i) }), Options{Rules: FirstRules})
	require.NoError(t, err)
	s.Get(row, 1, false)
	require.Equal(t, float32(6), row[0], "runs of version 0.1.0 go on as they began")

	// Bytes are 0 to 255, but for masks of 0 and 1.
	var b bytes.Buffer
	head := "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3)}"
	b.WriteString("\x93NUMPY\x01\x00" + string([]byte{byte(len(head)), 0}) + head)
	mask := append(bytes.Clone(b.Bytes()), 0, 1, 0, 1, 1, 0)
	s, err = open(mask, Options{Rules: Rules})
	require.NoError(t, err)
	s.Get(row, 0, false)
	require.Equal(t, []float32{-1, 1, -1, 1, 1, -1}, row)
	s, err = open(append(b.Bytes(), 0, 2, 0, 255, 1, 0), Options{Rules: Rules})
	require.NoError(t, err)
	require.NotNil(t, s.bytes)
	require.Nil(t, s.Range)
	s, err = open(mask, Options{Rules: Rules, Range: []float64{0, 255}})
	require.NoError(t, err)
	s.Get(row, 0, false)
	require.Equal(t, levels[1], row[1])
	require.Equal(t, []float64{0, 255}, s.Range, "which is not what would be found")
}

// Arrays with channels before height and width are turned.
func TestChannelsFirst(t *testing.T) {
	var b bytes.Buffer
	x := make([]float32, 2*3*4*5)
	for i := range x {
		x[i] = float32(i)/200 - 0.1
	}
	require.NoError(t, npy.Write(&b, x, 2, 3, 4, 5))
	s, err := Open(t.Context(), "npy:"+write(t, t.TempDir(), "x.npy", b.Bytes()), Options{Rules: Rules})
	require.NoError(t, err)
	require.Equal(t, []int{4, 5, 3}, s.Shape)
	row := make([]float32, 60)
	s.Get(row, 1, false)
	for y := range 4 {
		for w := range 5 {
			for c := range 3 {
				require.Equal(t, x[60+c*20+y*5+w], row[(y*5+w)*3+c])
			}
		}
	}
	require.Contains(t, s.Notes[0], "[samples, channels, height, width]")
}

// The arrays of an .npz: the only one, the one named, that of a usual name with
// its classes.
func TestNPZ(t *testing.T) {
	dir := t.TempDir()
	archive := func(members map[string][]byte) string {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, content := range members {
			w, err := z.Create(name)
			require.NoError(t, err)
			_, err = w.Write(content)
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		return write(t, dir, "x.npz", b.Bytes())
	}
	vector := func(x ...float32) []byte {
		var b bytes.Buffer
		require.NoError(t, npy.Write(&b, x, len(x)))
		return b.Bytes()
	}
	images := array(t, 2, func(i int) float64 { return float64(i) * 20 })
	for spec, want := range map[string]struct {
		members map[string][]byte
		labels  []int
		err     string
	}{
		"":    {members: map[string][]byte{"odd.npy": vector(1, 2)}},
		":b":  {members: map[string][]byte{"a.npy": vector(1), "b.npy": vector(1, 2), "x.npy": vector(1, 2, 3)}},
		" ":   {members: map[string][]byte{"x_train.npy": images, "y_train.npy": vector(3, 0), "x_test.npy": vector(1), "y_test.npy": vector(1)}, labels: []int{3, 0}},
		"  ":  {members: map[string][]byte{"a.npy": vector(1), "b.npy": vector(2)}, err: `"a", "b"`},
		":c":  {members: map[string][]byte{"a.npy": vector(1)}, err: `not "c"`},
		"   ": {members: map[string][]byte{"x.npy": images, "y.npy": vector(1, 2, 3)}, err: "classes of shape [3] for 2 samples"},
		":x":  {members: map[string][]byte{"x.npy": images, "y.npy": vector(1, 0.5)}, err: "class 0.5 of sample 1"},
	} {
		path := archive(want.members)
		if spec[:min(len(spec), 1)] == ":" {
			path += spec
		}
		s, err := Open(t.Context(), "npy:"+path, Options{Rules: Rules})
		if want.err != "" {
			require.ErrorContains(t, err, want.err)
			continue
		}
		require.NoError(t, err, spec)
		require.Equal(t, 2, s.Len(), spec)
		require.Equal(t, want.labels, s.Labels, spec)
	}
}
