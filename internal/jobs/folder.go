package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/source"
)

// A Folder is one with all parts of a run, each of which is right.
type Folder struct {
	Run
	dir   string
	parts []*Manifest // by their shares
}

// An IncompleteError is that of a folder in which parts are missing, or are damaged: the
// shares that are to be run again.
type IncompleteError struct {
	Dir              string
	Missing, Damaged []int
	Shards           int
}

func (e *IncompleteError) Error() string {
	var what []string
	if len(e.Missing) > 0 {
		what = append(what, "missing: "+List(e.Missing))
	}
	if len(e.Damaged) > 0 {
		what = append(what, "damaged: "+List(e.Damaged))
	}
	again := append(slices.Clone(e.Missing), e.Damaged...)
	slices.Sort(again)
	word := "shares"
	if len(again) == 1 {
		word = "share"
	}
	return fmt.Sprintf("%s: some of the %d parts are not there or not right (%s): run again the %s %s", e.Dir, e.Shards, strings.Join(what, "; "), word, List(again))
}

// List writes ascending numbers as ranges: 0-3,7, as Slurm's --array takes them.
func List(v []int) string {
	var out []string
	for i := 0; i < len(v); {
		j := i
		for j+1 < len(v) && v[j+1] == v[j]+1 {
			j++
		}
		text := strconv.Itoa(v[i])
		if j > i {
			text += "-" + strconv.Itoa(v[j])
		}
		out, i = append(out, text), j+1
	}
	return strings.Join(out, ",")
}

// Open reads the manifests of the parts in a folder, and every value once, to see that
// all are there and right. It returns a *StrangerError if one is of another run, another
// number of shares, or under the name of another part; an *IncompleteError if parts are
// missing or damaged; and another error if there are none. Files whose names do not begin
// as those of parts are left alone.
func Open(ctx context.Context, dir string) (*Folder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: dir}
	missing := IncompleteError{Dir: dir}
	bad := map[int]bool{}
	first := ""
	for _, e := range entries {
		s, ext, ok := shareOf(e.Name())
		switch {
		case !ok && strings.HasPrefix(e.Name(), "part-"):
			return nil, &StrangerError{dir, e.Name(), "is not named as a part"}
		case !ok:
			continue
		case f.parts == nil:
			f.parts, first = make([]*Manifest, s.Of), e.Name()
		case len(f.parts) != s.Of:
			return nil, &StrangerError{dir, e.Name(), fmt.Sprintf("is one of %d shares, %s one of %d: they overlap", s.Of, first, len(f.parts))}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if ext != "json" {
			continue
		}
		if err := f.add(s); err != nil {
			if passOver(err) != nil {
				return nil, err
			}
			bad[s.Index] = true
		}
	}
	if f.parts == nil {
		return nil, fmt.Errorf("%s: there are no parts in it; output.Share makes them", dir)
	}
	missing.Shards = len(f.parts)
	for i, m := range f.parts {
		if m == nil && !bad[i] {
			missing.Missing = append(missing.Missing, i)
			continue
		}
		if m != nil {
			if err := m.check(ctx, dir); errors.Is(err, fs.ErrNotExist) {
				missing.Missing = append(missing.Missing, i)
				continue
			} else if passOver(err) != nil {
				return nil, err
			} else if err == nil {
				continue
			}
		}
		missing.Damaged = append(missing.Damaged, i)
	}
	if missing.Missing != nil || missing.Damaged != nil {
		return nil, &missing
	}
	return f, nil
}

// add reads the manifest of a share.
func (f *Folder) add(s Share) error {
	m, err := read(f.dir, s)
	if err != nil {
		return err
	}
	if (Share{m.Shard, m.Shards}) != s {
		return &StrangerError{f.dir, s.name(), fmt.Sprintf("holds share %d of %d: it has another's name", m.Shard, m.Shards)}
	}
	if f.Version == 0 {
		f.Run = m.Run
	} else if !f.same(m.Run) {
		return &StrangerError{f.dir, s.name(), "is of another run than the parts before it: " + difference(f.Run, m.Run)}
	}
	m.Run = f.Run // one copy of it
	f.parts[s.Index] = m
	return nil
}

// Is returns a *StrangerError if the parts are of another run than r.
func (f *Folder) Is(r Run) error {
	if r.Version = manifestVersion; !f.same(r) {
		return &StrangerError{f.dir, f.name(), "is of another run: " + difference(f.Run, r)}
	}
	return nil
}

// name returns that of the first part.
func (f *Folder) name() string { return Share{0, len(f.parts)}.name() }

// Shards returns the number of parts.
func (f *Folder) Shards() int { return len(f.parts) }

// batchBytes is what Stream reads at a time, if a sample is not larger.
const batchBytes = 1 << 20

// Stream passes the samples of the run to emit in order, a batch at a time: rows holds
// the samples first, first+1, …, Row bytes each, and is reused afterwards.
func (f *Folder) Stream(ctx context.Context, emit func(first int, rows []byte) error) error {
	row := f.Row()
	var buf []byte
	for _, m := range f.parts {
		if m.Count == 0 {
			continue
		}
		in, err := source.Regular(m.data(f.dir))
		if err != nil {
			return err
		}
		if buf == nil {
			buf = make([]byte, row*min(max(batchBytes/row, 1), f.Samples))
		}
		err = stream(ctx, in, m, buf, row, emit)
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Rows passes the samples of some numbers, which must ascend, to emit in turn, Row bytes
// each, which are reused afterwards. It reads no others. It panics for a number that is
// none.
func (f *Folder) Rows(ctx context.Context, numbers []int, emit func(row []byte) error) error {
	row := make([]byte, f.Row())
	for _, m := range f.parts {
		end := 0
		for end < len(numbers) && numbers[end] < m.First+m.Count {
			end++
		}
		if end == 0 {
			continue
		}
		if err := m.rows(ctx, f.dir, numbers[:end], row, emit); err != nil {
			return err
		}
		numbers = numbers[end:]
	}
	if len(numbers) > 0 {
		panic(fmt.Sprintf("jobs: sample %d of %d", numbers[0], f.Samples))
	}
	return nil
}

func (m *Manifest) rows(ctx context.Context, dir string, numbers []int, row []byte, emit func(row []byte) error) error {
	in, err := source.Regular(m.data(dir))
	if err != nil {
		return err
	}
	defer in.Close()
	for _, i := range numbers {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i < m.First {
			panic(fmt.Sprintf("jobs: sample %d after one of share %d, which begins at %d", i, m.Shard, m.First))
		}
		if _, err := in.ReadAt(row, int64(i-m.First)*int64(len(row))); err != nil {
			return fmt.Errorf("part %d: %w", m.Shard, err)
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

// IsFolder reports whether a folder holds a part.
func IsFolder(dir string) bool {
	entries, _ := os.ReadDir(dir) // none where there is no folder
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		_, ext, ok := shareOf(e.Name())
		return ok && ext == "json"
	})
}

func stream(ctx context.Context, in io.Reader, m *Manifest, buf []byte, row int, emit func(first int, rows []byte) error) error {
	for done := 0; done < m.Count; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(len(buf)/row, m.Count-done)
		if _, err := io.ReadFull(in, buf[:n*row]); err != nil {
			return fmt.Errorf("part %d: %w", m.Shard, err)
		}
		if err := emit(m.First+done, buf[:n*row]); err != nil {
			return err
		}
		done += n
	}
	return nil
}
