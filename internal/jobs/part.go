package jobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"heavytail/internal/atomicfile"
	"heavytail/internal/source"
)

// A Run is what the parts of one folder have in common: everything that their values
// follow from, and what merging needs to know. Parts of other runs are strangers.
type Run struct {
	// Version is that of the manifest, manifestVersion.
	Version int    `json:"version"`
	Program string `json:"program"` // that made the parts: "heavytail 0.4.0"
	Command string `json:"command"` // of the program: sample, noise
	// Recipe is what the command made all samples of, with the hash of the model and
	// the seeds of the whole run, in the command's own fields.
	Recipe  json.RawMessage `json:"recipe"`
	Samples int             `json:"samples"`           // of the whole run
	Shape   []int           `json:"shape,omitempty"`   // of one sample; none: a number
	Frames  int             `json:"frames,omitempty"`  // of a film, of each sample, the last of which is the sample; 0: 1
	Type    string          `json:"type"`              // of the values in the parts, little endian: f32 or f64
	Wide    bool            `json:"wide,omitempty"`    // whether the samples are float64 where they are written
	Columns []string        `json:"columns,omitempty"` // names of a sample's values
	Window  int             `json:"window,omitempty"`  // rows of a table that a sample is; 0: one
}

// A Manifest describes one part, whose values are in the file beside it.
type Manifest struct {
	Run
	Shard  int    `json:"shard"` // the share, from 0
	Shards int    `json:"shards"`
	First  int    `json:"first"`  // number of the part's first sample
	Count  int    `json:"count"`  // samples in it
	SHA256 string `json:"sha256"` // of the values, in hexadecimal
}

const (
	manifestVersion = 1
	maxManifest     = 1 << 20 // bytes
	maxRow          = 1 << 30 // bytes of a sample with its frames
)

// numbers are the bytes of each Type.
var numbers = map[string]int{"f32": 4, "f64": 8}

// Row returns the bytes of one sample, with all its frames, in a part.
func (r Run) Row() int {
	n := numbers[r.Type] * max(r.Frames, 1)
	for _, d := range r.Shape {
		n *= d
	}
	return n
}

// validate returns an error for what no run is.
func (r Run) validate() error {
	switch {
	case r.Version != manifestVersion:
		return fmt.Errorf("a manifest of version %d; want %d, or another version of this program", r.Version, manifestVersion)
	case numbers[r.Type] == 0:
		return fmt.Errorf("values of type %.20q; want f32 or f64", r.Type)
	case r.Samples < 0 || int64(r.Samples) > 1<<40 || r.Frames < 0 || len(r.Shape) > 8:
		return fmt.Errorf("%d samples of %d frames of shape %v", r.Samples, r.Frames, r.Shape)
	}
	row := int64(numbers[r.Type])
	for _, d := range append([]int{max(r.Frames, 1)}, r.Shape...) {
		if d < 1 || int64(d) > maxRow/row {
			return fmt.Errorf("samples of %d frames of shape %v; want at most %d MiB of each", r.Frames, r.Shape, maxRow>>20)
		}
		row *= int64(d)
	}
	if int64(r.Samples) > math.MaxInt64/row {
		return fmt.Errorf("%d samples of shape %v", r.Samples, r.Shape)
	}
	return nil
}

// validate returns an error for what no part is.
func (m *Manifest) validate() error {
	if err := m.Run.validate(); err != nil {
		return err
	}
	if m.Shards < 1 || m.Shards > MaxShares || m.Shard < 0 || m.Shard >= m.Shards {
		return fmt.Errorf("share %d of %d", m.Shard, m.Shards)
	}
	if lo, hi := (Share{m.Shard, m.Shards}).Range(m.Samples); m.First != lo || m.Count != hi-lo {
		return fmt.Errorf("samples %d to %d; share %d of %d has %d to %d", m.First, m.First+m.Count-1, m.Shard, m.Shards, lo, hi-1)
	}
	if sum, err := hex.DecodeString(m.SHA256); err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("a checksum of %.80q", m.SHA256)
	}
	return nil
}

// name returns that of a share's files, less their endings.
func (s Share) name() string { return fmt.Sprintf("part-%05d-of-%05d", s.Index, s.Of) }

var partName = regexp.MustCompile(`^part-(\d{5,7})-of-(\d{5,7})\.(json|f32|f64)$`)

// shareOf returns the share that a file's name tells, and its ending.
func shareOf(name string) (s Share, ext string, ok bool) {
	m := partName.FindStringSubmatch(name)
	if m == nil {
		return s, "", false
	}
	s.Index, _ = strconv.Atoi(m[1]) // of seven digits
	s.Of, _ = strconv.Atoi(m[2])
	return s, m[3], s.Index < s.Of && s.Of <= MaxShares && name == s.name()+"."+m[3]
}

// same reports whether two runs are one.
func (r Run) same(o Run) bool { return bytes.Equal(r.line(), o.line()) }

// line returns a run as one line of JSON.
func (r Run) line() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("jobs: " + err.Error()) // the recipe is JSON
	}
	return b
}

// parse reads the manifest of a part.
func parse(text []byte) (*Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("no manifest of a part: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than the manifest of a part")
	}
	return &m, m.validate()
}

// read reads the manifest of a share in a folder.
func read(dir string, s Share) (*Manifest, error) {
	path := filepath.Join(dir, s.name()+".json")
	f, err := source.Regular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxManifest {
		return nil, damaged{fmt.Errorf("%s: more than %d bytes: no manifest of a part", path, maxManifest)}
	}
	m, err := parse(text)
	if err != nil {
		return nil, damaged{fmt.Errorf("%s: %w", path, err)}
	}
	return m, nil
}

// damaged is the error of a part whose bytes are not those that were written.
type damaged struct{ error }

func (d damaged) Unwrap() error { return d.error }

// data returns the path of the values of a part.
func (m *Manifest) data(dir string) string {
	return filepath.Join(dir, Share{m.Shard, m.Shards}.name()+"."+m.Type)
}

// check reads the values of a part and returns an error if they are not those of the
// manifest.
func (m *Manifest) check(ctx context.Context, dir string) error {
	f, err := source.Regular(m.data(dir))
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if want := int64(m.Count) * int64(m.Row()); st.Size() != want {
		return damaged{fmt.Errorf("%s: %d bytes of %d", f.Name(), st.Size(), want)}
	}
	h, buf := sha256.New(), make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if hex.EncodeToString(h.Sum(nil)) != m.SHA256 {
		return damaged{fmt.Errorf("%s: its checksum is not that of its manifest", f.Name())}
	}
	return nil
}

// Write makes the part of share s in a folder, which it makes if it is not there: the
// values that fill writes of the samples lo, …, hi−1, and then the manifest. A part that
// is there and right is left as it is, and done is false. A part is there whole or not
// at all, whenever the program or the machine stops. Of two processes that make the same at
// once, the first may end with an error that is syscall.EBUSY. It returns a *StrangerError if the folder holds parts of another
// run or of another number of shares.
func Write(ctx context.Context, dir string, r Run, s Share, fill func(w io.Writer, lo, hi int) error) (done bool, err error) {
	r.Version = manifestVersion
	m := Manifest{Run: r, Shard: s.Index, Shards: s.Of, SHA256: hex.EncodeToString(make([]byte, sha256.Size))}
	lo, hi := s.Range(r.Samples)
	m.First, m.Count = lo, hi-lo
	if err := m.validate(); err != nil {
		return false, err
	}
	if len(r.line()) > maxManifest/2 {
		return false, fmt.Errorf("a recipe of %d bytes: want at most %d in a manifest; give seeds as a range", len(r.line()), maxManifest/2)
	}
	if there, err := m.there(ctx, dir); err != nil || there {
		return false, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, err
	}
	manifest := filepath.Join(dir, s.name()+".json")
	atomicfile.Sweep(m.data(dir), manifest)
	err = atomicfile.WriteSized(m.data(dir), int64(m.Count)*int64(m.Row()), func(w io.Writer) error {
		c := &counter{w: w, h: sha256.New()}
		if err := fill(c, lo, hi); err != nil {
			return err
		}
		if want := int64(m.Count) * int64(m.Row()); c.n != want {
			panic(fmt.Sprintf("jobs: %d bytes were written of a part of %d", c.n, want))
		}
		m.SHA256 = hex.EncodeToString(c.h.Sum(nil))
		return nil
	})
	if err == nil {
		err = atomicfile.Write(manifest, func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(m)
		})
	}
	if errors.Is(err, fs.ErrNotExist) { // another has swept the file away
		if there, err := m.there(ctx, dir); err != nil || there {
			return false, err
		}
		return false, taken(fmt.Sprintf("%s: another process writes share %v: wait for it, and try again if it fails", dir, s))
	}
	return err == nil, err
}

// taken is the error of a share that another process writes: syscall.EBUSY.
type taken string

func (e taken) Error() string { return string(e) }

func (taken) Is(target error) bool { return target == syscall.EBUSY }

// there reports whether the part is there and right, or returns an error if the folder
// has parts of another run. Of the other parts it looks at one: as many tasks as there
// are parts begin so.
func (m *Manifest) there(ctx context.Context, dir string) (bool, error) {
	s := Share{m.Shard, m.Shards}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	others := 0
	for _, e := range entries {
		o, ext, ok := shareOf(e.Name())
		switch {
		case !ok || ext != "json" || o == s:
		case o.Of != s.Of:
			return false, &StrangerError{dir, e.Name(), fmt.Sprintf("is one of %d shares, this is one of %d", o.Of, s.Of)}
		case others == 0:
			others++
			if err := m.akin(dir, o); err != nil {
				return false, err
			}
		}
	}
	if err := m.akin(dir, s); err != nil {
		return false, err
	}
	old, err := read(dir, s)
	if err != nil || old.Shard != s.Index { // or another's under this name
		return false, passOver(err)
	}
	m.SHA256 = old.SHA256
	err = m.check(ctx, dir)
	return err == nil, passOver(err)
}

// passOver returns nil for an error of a part that is to be made again.
func passOver(err error) error {
	if errors.As(err, &damaged{}) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// akin returns an error if the part of share s is of another run. One that is not there
// or is damaged is not.
func (m *Manifest) akin(dir string, s Share) error {
	o, err := read(dir, s)
	if err != nil {
		return passOver(err)
	}
	if !m.same(o.Run) {
		return &StrangerError{dir, s.name(), "is of another run: " + difference(o.Run, m.Run)}
	}
	return nil
}

// A StrangerError is that of a part in a folder that does not belong to the others, or
// to the part that is to be written there.
type StrangerError struct{ Dir, Part, Why string }

func (e *StrangerError) Error() string {
	return fmt.Sprintf("%s: %s %s; remove it or take another folder", e.Dir, e.Part, e.Why)
}

// difference says where the runs of two parts differ first.
func difference(a, b Run) string {
	x, y := fields(a), fields(b)
	for _, name := range slices.Sorted(keys(x, y)) {
		if !bytes.Equal(x[name], y[name]) {
			if of, ok := strings.CutSuffix(name, "_sha256"); ok { // of a file that a setting names
				return fmt.Sprintf("the file of setting %s has other bytes: SHA-256 %s there, and %s here", of, short(x[name]), short(y[name]))
			}
			return fmt.Sprintf("%s is %s there, and %s here", name, short(x[name]), short(y[name]))
		}
	}
	return "they differ"
}

// fields returns the values of a run, and of its recipe, by their names.
func fields(r Run) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	_ = json.Unmarshal(r.line(), &all) // it was made of a struct
	recipe := all["recipe"]            // in one line: that of a manifest is spread over many
	delete(all, "recipe")
	_ = json.Unmarshal(recipe, &all) // one that is no object adds none
	return all
}

// keys iterates over the names in both maps; some twice.
func keys(x, y map[string]json.RawMessage) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, m := range []map[string]json.RawMessage{x, y} {
			for name := range m {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// short returns a value for a message.
func short(v json.RawMessage) string {
	switch {
	case len(v) == 0:
		return "not given"
	case len(v) > 60:
		return string(v[:57]) + "…"
	}
	return string(v)
}

// A counter counts and hashes what goes to w.
type counter struct {
	w io.Writer
	h hash.Hash
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.h.Write(p[:n])
	c.n += int64(n)
	return n, err
}
