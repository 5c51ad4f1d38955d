package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"heavytail/internal/atomicfile"
	"heavytail/internal/dmath"
	"heavytail/internal/source"
)

// A Store keeps the rows of one experiment in a folder: settings.txt and
// rows.csv, to which every finished job is appended with one synced write. A
// line that a stopped machine left unfinished is dropped when the store is
// opened. It may be used by several goroutines.
type Store struct {
	path    string
	columns []string

	mu   sync.Mutex
	file *os.File
	rows map[Key][]float64
}

// maxRows bounds the file that is read.
const maxRows = 1 << 28

// errNoRows says that a folder has neither rows nor settings.
var errNoRows = errors.New("there are no rows")

// ReadStore reads the rows in dir as OpenStore does, and leaves the files as
// they are: another process may be adding to them. Nothing can be added. Rows
// without settings.txt are taken as they are: copied from the results, they have
// none. Settings may be the beginning of those there, as far as they are known
// without the data.
func ReadStore(dir, settings string, columns []string) (*Store, error) {
	there, err := readAll(filepath.Join(dir, "settings.txt"))
	if err != nil {
		return nil, err
	}
	if len(there) > 0 && !begins(string(there), settings) {
		return nil, otherSettings(dir, string(there), settings)
	}
	s, err := readRows(filepath.Join(dir, "rows.csv"), columns)
	if errors.Is(err, errNoRows) && len(there) > 0 { // none is finished
		err = nil
	}
	return s, err
}

// begins tells whether text begins with the whole words of start.
func begins(text, start string) bool {
	rest, ok := strings.CutPrefix(text, start)
	return ok && (rest == "" || !strings.ContainsAny(rest[:1], "0123456789.abcdefghijklmnopqrstuvwxyz"))
}

// readRows reads a file of rows; without one the error is errNoRows.
func readRows(path string, columns []string) (*Store, error) {
	s := &Store{path: path, columns: columns, rows: map[Key][]float64{}}
	if _, err := s.read(); err != nil {
		return nil, err
	}
	if len(s.rows) == 0 {
		return s, fmt.Errorf("%s: %w", path, errNoRows)
	}
	return s, nil
}

// OpenStore opens or makes the store in dir, whose rows have these columns and
// were measured with these settings. It returns an error if the rows there are
// of other settings.
func OpenStore(dir, settings string, columns []string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	s := &Store{path: filepath.Join(dir, "rows.csv"), columns: columns, rows: map[Key][]float64{}}
	if err := s.settle(filepath.Join(dir, "settings.txt"), settings+"\n"); err != nil {
		return nil, err
	}
	mend, err := s.read()
	if err != nil {
		return nil, err
	}
	if mend != nil {
		err := atomicfile.Write(s.path, func(w io.Writer) error { _, err := w.Write(mend); return err })
		if err != nil {
			return nil, err
		}
	}
	s.file, err = os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0)
	return s, err
}

// read reads the whole lines of the file. If it is missing or ends within a
// line, mend is what it should hold.
func (s *Store) read() (mend []byte, err error) {
	text, err := readAll(s.path)
	if err != nil {
		return nil, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if len(whole) == 0 {
		whole = []byte(header(s.columns))
	}
	if err := s.parse(string(whole)); err != nil {
		return nil, fmt.Errorf("%s: %w; remove the file to measure all rows again", s.path, err)
	}
	if bytes.Equal(whole, text) {
		return nil, nil
	}
	return whole, nil
}

// settle writes the settings of a new store or compares those of an old one.
func (s *Store) settle(path, settings string) error {
	old, err := readAll(path)
	if err != nil {
		return err
	}
	if len(old) == 0 {
		return atomicfile.Write(path, func(w io.Writer) error { _, err := io.WriteString(w, settings); return err })
	}
	if string(old) != settings {
		return otherSettings(filepath.Dir(path), string(old), settings)
	}
	return nil
}

func otherSettings(dir, there, now string) error {
	return fmt.Errorf("%s: the rows there were measured with other settings (%s, now %s): remove the folder or give another -state",
		dir, strings.TrimSpace(there), strings.TrimSpace(now))
}

// readAll reads a file; one that is not there is empty.
func readAll(path string) ([]byte, error) {
	f, err := source.Regular(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRows+1))
	if err == nil && len(text) > maxRows {
		err = fmt.Errorf("%s: more than %d MiB: this is not an experiment's file", path, maxRows>>20)
	}
	return text, err
}

func header(columns []string) string {
	return "method,setting,run," + strings.Join(columns, ",") + "\n"
}

// parse reads rows. Of a key that is there twice the first row counts: two
// processes may have measured the same.
func (s *Store) parse(text string) error {
	head, body, _ := strings.Cut(text, "\n")
	if want := header(s.columns); head+"\n" != want {
		return fmt.Errorf("the header is %q, want %q", head, strings.TrimSpace(want))
	}
	n := 1
	for line := range strings.Lines(body) {
		n++
		k, v, err := parseRow(strings.TrimSuffix(line, "\n"), len(s.columns))
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if _, there := s.rows[k]; !there {
			s.rows[k] = v
		}
	}
	return nil
}

func parseRow(line string, columns int) (Key, []float64, error) {
	words := strings.Split(line, ",")
	if len(words) != 3+columns {
		return Key{}, nil, fmt.Errorf("%d fields, want %d", len(words), 3+columns)
	}
	run, err := strconv.Atoi(words[2])
	if err != nil {
		return Key{}, nil, err
	}
	v := make([]float64, columns)
	for i := range v {
		if v[i], err = strconv.ParseFloat(words[3+i], 64); err != nil {
			return Key{}, nil, err
		}
	}
	return Key{words[0], words[1], run}, v, nil
}

func formatRow(k Key, v []float64) string {
	line := fmt.Sprintf("%s,%s,%d", k.Method, k.Setting, k.Run)
	for _, x := range v {
		line += "," + strconv.FormatFloat(x, 'g', -1, 64)
	}
	return line + "\n"
}

// Has reports whether all keys have rows.
func (s *Store) Has(keys []Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(keys, func(k Key) bool { return s.rows[k] == nil })
}

// Add keeps the rows of a job.
func (s *Store) Add(keys []Key, rows [][]float64) error {
	if len(rows) != len(keys) {
		return fmt.Errorf("experiment: %d rows for %d keys", len(rows), len(keys))
	}
	text := ""
	for i, k := range keys {
		if len(rows[i]) != len(s.columns) {
			return fmt.Errorf("experiment: %v: %d values for columns %q", k, len(rows[i]), s.columns)
		}
		text += formatRow(k, rows[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := io.WriteString(s.file, text); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	for i, k := range keys {
		if s.rows[k] == nil {
			s.rows[k] = rows[i]
		}
	}
	return nil
}

// Close closes the file.
func (s *Store) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// Results returns the rows of the keys for which want holds.
func (s *Store) Results(want func(Key) bool) *Results {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &Results{columns: s.columns, rows: map[Key][]float64{}}
	for k, v := range s.rows {
		if want(k) {
			r.keys, r.rows[k] = append(r.keys, k), v
		}
	}
	slices.SortFunc(r.keys, Key.compare)
	return r
}

// Results are the rows of an experiment, by method, setting and run.
type Results struct {
	columns []string
	keys    []Key
	rows    map[Key][]float64
}

// Keys returns the keys in order; not to be changed.
func (r *Results) Keys() []Key { return r.keys }

// Values returns the column of all runs of a method's setting, by run. It
// panics if there is no such column.
func (r *Results) Values(method, setting, column string) []float64 {
	c := slices.Index(r.columns, column)
	if c < 0 {
		panic(fmt.Sprintf("experiment: no column %q; there are %q", column, r.columns))
	}
	var out []float64
	for _, k := range r.keys {
		if k.Method == method && k.Setting == setting {
			out = append(out, r.rows[k][c])
		}
	}
	return out
}

// byRun returns the column of a method's setting with that of run i at place i: NaN for a
// run that is not there.
func (r *Results) byRun(method, setting, column string) (out []float64) {
	for _, k := range r.keys {
		if k.Method == method && k.Setting == setting {
			for len(out) <= k.Run {
				out = append(out, math.NaN())
			}
			out[k.Run] = r.value(k, column)
		}
	}
	return out
}

// logsOf are ln a/b of the runs that both have, with finite values.
func logsOf(a, b []float64) (logs []float64) {
	for run := range min(len(a), len(b)) {
		if v := dmath.Log(a[run] / b[run]); v-v == 0 {
			logs = append(logs, v)
		}
	}
	return logs
}

// Summary summarises Values.
func (r *Results) Summary(method, setting, column string) Summary {
	return Summarise(r.Values(method, setting, column))
}

// CSV returns all rows in order.
func (r *Results) CSV() string {
	var b strings.Builder
	b.WriteString(header(r.columns))
	for _, k := range r.keys {
		b.WriteString(formatRow(k, r.rows[k]))
	}
	return b.String()
}
