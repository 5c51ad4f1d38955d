package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"heavytail/internal/atomicfile"
	"heavytail/internal/source"
)

// logs are log.jsonl and log.csv, one line for every LogEvery steps.
type logs struct {
	json, csv *os.File
	start     time.Time
}

// A line is one line of log.jsonl.
type line struct {
	Step      int     `json:"step"`
	Loss      float64 `json:"loss"`
	Norm      float64 `json:"grad_norm"`
	Rate      float64 `json:"lr"`
	PerSecond float64 `json:"samples_per_second"`
	Seconds   float64 `json:"seconds"` // since this process began training
}

const csvHeader = "step,loss,grad_norm,lr,samples_per_second,seconds\n"

// openLog opens the logs of a run for appending after the given step: lines
// of later steps, written by a process that was killed before its next
// checkpoint, are dropped, so that a resumed run has every step once.
func openLog(dir string, step int) (*logs, error) {
	l := &logs{start: time.Now()}
	var err error
	if l.json, err = openAfter(filepath.Join(dir, "log.jsonl"), "", step, jsonStep); err != nil {
		return nil, err
	}
	if l.csv, err = openAfter(filepath.Join(dir, "log.csv"), csvHeader, step, csvStep); err != nil {
		_ = l.json.Close()
		return nil, err
	}
	return l, nil
}

// jsonStep and csvStep return the step of a line, −1 if it is damaged.
func jsonStep(text []byte) int {
	v := line{Step: -1}
	if json.Unmarshal(text, &v) != nil {
		return -1
	}
	return v.Step
}

func csvStep(text []byte) int {
	first, _, _ := strings.Cut(string(text), ",")
	n, err := strconv.Atoi(first)
	if err != nil {
		return -1
	}
	return n
}

// readFile is os.ReadFile for what is a file: a pipe would have to be waited for.
func readFile(path string) ([]byte, error) {
	f, err := source.Regular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// openAfter keeps the header and the lines of steps 1…step of a log, and opens
// it for appending.
func openAfter(path, header string, step int, stepOf func([]byte) int) (*os.File, error) {
	old, err := readFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	keep := []byte(header)
	for l := range bytes.Lines(old) {
		if n := stepOf(l); n >= 1 && n <= step && l[len(l)-1] == '\n' {
			keep = append(keep, l...)
		}
	}
	if !bytes.Equal(keep, old) {
		err := atomicfile.Write(path, func(w io.Writer) error { _, err := w.Write(keep); return err })
		if err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
}

func (l *logs) add(s Status) error {
	seconds := time.Since(l.start).Seconds()
	b, err := json.Marshal(line{s.Step, s.Loss, s.Norm, s.Rate, round(s.PerSecond), round(seconds)})
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	if _, err := l.json.Write(append(b, '\n')); err != nil {
		return err
	}
	_, err = fmt.Fprintf(l.csv, "%d,%.6g,%.6g,%.6g,%.6g,%.6g\n", s.Step, s.Loss, s.Norm, s.Rate, round(s.PerSecond), round(seconds))
	return err
}

// round keeps three decimals.
func round(v float64) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 3, 64), 64)
	if err != nil {
		return v
	}
	return f
}

func (l *logs) sync() error {
	if err := l.json.Sync(); err != nil {
		return err
	}
	return l.csv.Sync()
}

func (l *logs) close() error {
	err := l.json.Close()
	if e := l.csv.Close(); err == nil {
		err = e
	}
	return err
}
