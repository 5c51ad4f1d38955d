package kernels

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// lanes are two parts that look at their width while the other is under way.
type lanes struct {
	dev    *CPU
	widths [2]int
	begun  sync.WaitGroup
	seen   sync.WaitGroup
}

func (l *lanes) Do(part int) {
	l.begun.Done()
	l.begun.Wait()
	l.widths[part] = l.dev.Lane().(*CPU).width()
	l.seen.Done()
	l.seen.Wait()
}

// While every thread has a lane, operations in lanes are not cut.
func TestLaneWidth(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	l := &lanes{dev: New(2)}
	l.begun.Add(2)
	l.seen.Add(2)
	l.dev.Each(2, l)
	require.Equal(t, [2]int{1, 1}, l.widths)
	require.Equal(t, 2, l.dev.width())
}
