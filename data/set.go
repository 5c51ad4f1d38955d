// Package data reads training sets: IDX files, folders and zips of images,
// NPY and CSV files, and the two-dimensional toy sets, into memory.
//
// The first record of a table names its columns where a cell of it is text above a column
// of which at least half are numbers or nothing, or where all of it are whole numbers, such
// as years, above columns that have none; Notes say it of a record with numbers beside the
// text.
package data

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Set is a training set: in memory, as Open and FromPoints make it, or that of a
// program's own Dataset, which From makes.
type Set struct {
	Name    string   // the specification it came from
	Shape   []int    // of one sample: [H,W,C] for images, [Dim] for points
	Labels  []int    // class of each sample, or nil
	Classes []string // names of the classes, or nil
	Columns []string // of points: names of the coordinates, or nil
	Given   []string // names of the conditions, in the order of Conditions; nil: there are none
	Notes   []string // what a user should know of how it was read

	// Range holds the values of an array of images that were taken for black and
	// white; nil: those that go without saying, 0 and 255 of bytes, −1 and 1 of
	// others.
	Range []float64

	// Window is how many rows of a table each sample is, one after the other; 0: one.
	Window int

	bytes  []byte    // images, 0 black to 255 white
	floats []float32 // images of numbers, toy sets, points of a program
	wide   []float64 // points of files, as they were read
	own    *own      // instead of them
	given  []float64 // conditions, rows of len(Given) values
	starts []int     // of windows, the first row of each; nil: samples are rows

	table     bool      // the places of samples are lines
	stretches []stretch // places of the samples; nil: sample i is number i of its file
}

// Per returns the number of values in one sample.
func (s *Set) Per() int {
	n := 1
	for _, d := range s.Shape {
		n *= d
	}
	return n
}

// Len returns the number of samples.
func (s *Set) Len() int {
	switch {
	case s.own != nil:
		return s.own.Len()
	case s.starts != nil:
		return len(s.starts)
	}
	return (len(s.bytes) + len(s.floats) + len(s.wide)) / s.Per()
}

// Images reports whether the samples are images.
func (s *Set) Images() bool { return len(s.Shape) == 3 }

// Get writes sample i to dst, images as 2v/255 − 1 in [−1,1], and returns its
// class, −1 if there are no classes. flip mirrors an image left to right.
func (s *Set) Get(dst []float32, i int, flip bool) int {
	per := s.Per()
	switch {
	case s.own != nil:
		s.own.get(dst, i)
	case s.bytes != nil:
		for j, v := range s.bytes[i*per : (i+1)*per] {
			dst[j] = levels[v]
		}
	case s.wide != nil:
		at := s.row(i) * s.RowLen()
		for j, v := range s.wide[at : at+per] {
			dst[j] = float32(v)
		}
	default:
		copy(dst[:per], s.floats[i*per:(i+1)*per])
	}
	if flip && s.Images() {
		mirror(dst[:per], s.Shape[1], s.Shape[2])
	}
	if s.Labels == nil {
		return -1
	}
	return s.Labels[i]
}

// Float64 writes sample i to dst with all the digits that were read: points of
// files are float64, so that values around 10⁹ keep those that rounding to
// float32 takes, for who scales before rounding. Images are as from Get.
func (s *Set) Float64(dst []float64, i int) {
	per := s.Per()
	switch {
	case s.own != nil:
		s.own.mu.Lock()
		defer s.own.mu.Unlock()
		s.own.Sample(dst[:per], i)
	case s.wide != nil:
		at := s.row(i) * s.RowLen()
		copy(dst[:per], s.wide[at:at+per])
	case s.bytes != nil:
		for j, v := range s.bytes[i*per : (i+1)*per] {
			dst[j] = float64(levels[v])
		}
	default:
		for j, v := range s.floats[i*per : (i+1)*per] {
			dst[j] = float64(v)
		}
	}
}

// Moments returns the mean and the standard deviation of each channel of images,
// of each coordinate of points.
func (s *Set) Moments() (mean, std []float64) {
	C := s.Shape[len(s.Shape)-1]
	mean, std = make([]float64, C), make([]float64, C)
	row := make([]float32, s.Per())
	each := func(f func(c int, v float64)) {
		for i := range s.Len() {
			s.Get(row, i, false)
			for j, v := range row {
				f(j%C, float64(v))
			}
		}
	}
	n := float64(s.Len() * len(row) / C)
	each(func(c int, v float64) { mean[c] += v / n })
	each(func(c int, v float64) { d := v - mean[c]; std[c] += float64(d*d) / n })
	for c, v := range std {
		std[c] = math.Sqrt(v)
	}
	return mean, std
}

// levels maps a byte to [−1,1].
var levels = func() (t [256]float32) {
	for v := range t {
		t[v] = float32(float64(2*v-255) / 255)
	}
	return t
}()

// mirror reverses the order of the pixels in each row of w pixels.
func mirror(x []float32, w, c int) {
	for ; len(x) > 0; x = x[w*c:] {
		for a, b := 0, w-1; a < b; a, b = a+1, b-1 {
			for k := range c {
				x[a*c+k], x[b*c+k] = x[b*c+k], x[a*c+k]
			}
		}
	}
}

// keep drops all samples but those of index in, ascending.
func (s *Set) keep(in []int) {
	per := s.Per()
	s.bytes, s.floats, s.wide = pick(s.bytes, in, per), pick(s.floats, in, per), pick(s.wide, in, per)
	s.Labels, s.given = pick(s.Labels, in, 1), pick(s.given, in, len(s.Given))
	s.moved(in)
}

// choose keeps the columns of points that want names by their numbers, from 0.
func (s *Set) choose(want []string) error {
	if s.Images() {
		return optionError("Options.Columns chooses among those of points; these are images: leave it out")
	}
	d := &dialect{width: s.Per(), label: -1}
	if err := d.choose(want); err != nil {
		return err
	}
	s.points()
	chosen := make([]float64, 0, s.Len()*len(d.columns))
	for row := s.wide; len(row) > 0; row = row[d.width:] {
		for _, c := range d.columns {
			chosen = append(chosen, row[c])
		}
	}
	s.wide, s.Shape = chosen, []int{len(d.columns)}
	for _, c := range d.columns {
		s.Columns = append(s.Columns, strconv.Itoa(c))
	}
	return nil
}

// pick moves the rows of index in, ascending, to the front of x and returns
// them; nil stays nil.
func pick[T any](x []T, in []int, per int) []T {
	if x == nil {
		return nil
	}
	for to, from := range in {
		copy(x[to*per:(to+1)*per], x[from*per:(from+1)*per])
	}
	return x[:len(in)*per]
}

// Random returns n images of random bytes with classes in turn: something to
// test and time training with.
func Random(n int, shape []int, classes int) *Set {
	s := &Set{Name: "random", Shape: shape}
	s.bytes = make([]byte, n*s.Per())
	for i := range s.bytes {
		s.bytes[i] = byte(mix(uint64(i)))
	}
	for i := range n {
		s.Labels = append(s.Labels, i%classes)
	}
	return s
}

// FromPoints returns the set of the points x, row-major [n][d], without classes.
// It keeps x. It returns an error if x is not whole rows of finite numbers.
func FromPoints(x []float32, d int) (*Set, error) {
	if d < 1 || len(x) == 0 || len(x)%d != 0 {
		return nil, fmt.Errorf("%d values do not make points of %d coordinates: give whole rows, at least one", len(x), d)
	}
	if i := notFinite(x); i >= 0 {
		return nil, fmt.Errorf("point %d has a value that is not finite; remove it", i/d)
	}
	return &Set{Name: "points", Shape: []int{d}, floats: x}, nil
}

// kinds are the forms of a specification.
var kinds = map[string]func(ctx context.Context, arg string, o Options) (*Set, error){
	"idx": openIDX, "images": openImages, "npy": openNPY, "csv": openCSV, "toy": openToy,
}

// otherKind says of a file that no kind reads what to do with it.
func otherKind(spec string) string {
	switch ext := strings.ToLower(filepath.Ext(spec)); {
	case ext == ".parquet" || ext == ".feather" || ext == ".arrow":
		return "; Parquet and Arrow are not read: write the table as CSV"
	case ext == ".xlsx" || ext == ".xls" || ext == ".ods":
		return "; spreadsheets are not read: save the sheet as CSV"
	case strings.Contains(strings.ToLower(spec), ".npz:"):
		return "; an array of an .npz file is npy:FILE.npz:NAME"
	}
	return ""
}

// Open reads the set that spec names: idx:DIR or idx:FILE, images:DIR or
// images:FILE.zip, npy:FILE, csv:FILE, toy:NAME. Errors name the file and the
// remedy. It stops with an error soon after ctx has ended.
func Open(ctx context.Context, spec string, o Options) (*Set, error) {
	if ctx == nil {
		panic("data: Open with a nil context: use context.Background()")
	}
	kind, arg, _ := strings.Cut(spec, ":")
	open := kinds[kind]
	if open == nil || arg == "" {
		return nil, fmt.Errorf("data %q: want idx:DIR, images:DIR, images:FILE.zip, npy:FILE, csv:FILE or toy:NAME (%s)%s",
			spec, strings.Join(Toys(), ", "), otherKind(spec))
	}
	if err := o.check(spec, kind); err != nil {
		return nil, err
	}
	switch o.Rules {
	case 0:
		o.Rules = Rules
	case FirstRules:
		o.Rules = 0
	}
	s, err := open(ctx, arg, o)
	if err != nil {
		return nil, err
	}
	s.Name = spec
	if s.Len() == 0 {
		return nil, fmt.Errorf("data %q: there is nothing in it; give a set with at least one sample", spec)
	}
	if s.Images() {
		if err := s.convert(ctx, o); err != nil {
			return nil, fmt.Errorf("data %q: %w", spec, err)
		}
	} else if o.Size > 0 || o.Channels > 0 {
		return nil, optionError("data %q: Options.Size and Options.Channels, given or of the preset, are for images, these are points; leave them out", spec)
	}
	if len(o.Columns) > 0 && kind != "csv" {
		if err := s.choose(o.Columns); err != nil {
			return nil, fmt.Errorf("data %q: %w", spec, err)
		}
	}
	if o.LongTail != 0 {
		if err := s.longTail(o.LongTail); err != nil {
			return nil, fmt.Errorf("data %q: %w", spec, err)
		}
	}
	return s, nil
}

// classCount returns one more than the largest label.
func (s *Set) classCount() int {
	if s.Labels == nil {
		return 0
	}
	return slices.Max(s.Labels) + 1
}

// NumClasses returns the number of classes, 0 without labels.
func (s *Set) NumClasses() int { return max(len(s.Classes), s.classCount()) }

// longTail keeps the first ⌊n·ratio^(c/(K−1))⌋ samples of class c in the
// order of the set, n being the size of the largest class: with ratio 0.01
// the long-tailed CIFAR-10 of the papers.
func (s *Set) longTail(ratio float64) error {
	k := s.NumClasses()
	if !(ratio > 0 && ratio <= 1) || k < 2 {
		return optionError("long tail %v with %d classes (Options.LongTail): want a ratio in (0, 1] and a set with labels", ratio, k)
	}
	have := make([]int, k)
	for _, l := range s.Labels {
		have[l]++
	}
	left := tailCounts(slices.Max(have), ratio, k)
	var in []int
	for i, l := range s.Labels {
		if left[l] > 0 {
			left[l]--
			in = append(in, i)
		}
	}
	s.keep(in)
	return nil
}

// tailCounts returns ⌊n·ratio^(c/(k−1))⌋ for every class c.
func tailCounts(n int, ratio float64, k int) []int {
	out := make([]int, k)
	for c := range out {
		f := powFrac(ratio, c, k-1)
		out[c] = int(float64(n) * f)
	}
	return out
}

// InOrder returns an error if names are those of want in another order: columns are
// known by their places. Other names may be other words for the same.
func InOrder(want, names []string) error {
	if slices.Equal(want, names) || !slices.Equal(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(names))) {
		return nil
	}
	return fmt.Errorf("the columns are %s, where %s are known by their places: bring them into that order", strings.Join(names, ", "), strings.Join(want, ", "))
}
