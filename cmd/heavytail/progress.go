package main

import (
	"fmt"
	"io"
	"time"

	"heavytail/internal/cli"
	"heavytail/internal/words"
)

// A meter shows one line that is written over and over, on terminals only.
type meter struct {
	w     io.Writer // nil: shows nothing
	start time.Time
	last  time.Time
}

func newMeter(e env) *meter {
	m := &meter{start: time.Now()}
	if e.Terminal {
		m.w = cli.Unescaped(e.Stderr) // which it shows numbers and control characters of its own
	}
	return m
}

// show replaces the line, at most ten times a second.
func (m *meter) show(format string, args ...any) {
	if m.w == nil || time.Since(m.last) < 100*time.Millisecond {
		return
	}
	m.last = time.Now()
	fmt.Fprintf(m.w, "\r\x1b[K"+format, args...)
}

// count shows done of total with the rate of units, each of done so many, and the
// time left.
func (m *meter) count(done, total float64, per string, each float64) {
	took := time.Since(m.start)
	if done <= 0 || took <= 0 {
		return
	}
	left := time.Duration(float64(took) * (total - done) / done)
	m.show("%3.0f%%  %s %s  %s left", 100*done/total, words.Rate(each*done/took.Seconds()), per, words.Short(left))
}

// clear removes the line.
func (m *meter) clear() {
	if m.w != nil && !m.last.IsZero() {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
