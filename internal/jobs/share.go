// Package jobs divides a computation of n samples between machines: each makes a share
// of them by index and writes it whole, as a part with a manifest, and the parts of a
// folder together are the bytes that one machine would have made. Who starts the shares,
// and again those that ended early, is a scheduler such as Slurm or Kubernetes.
package jobs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxShares bounds the number of shares of a run.
const MaxShares = 1 << 20

// A Share is one of Of equal parts of a range of samples, by its Index from 0.
type Share struct{ Index, Of int }

func (s Share) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// Range returns the samples of the share of n: lo, …, hi−1 with lo = ⌊n·Index/Of⌋ and
// hi = ⌊n·(Index+1)/Of⌋. The shares of a run follow each other without gaps, and their
// lengths differ by 1 at most; of fewer samples than shares, some are empty. It panics
// for an index that is none, and for n below 0 or above 2⁴⁰.
func (s Share) Range(n int) (lo, hi int) {
	if s.Index < 0 || s.Index >= s.Of || s.Of > MaxShares || n < 0 || int64(n) > 1<<40 {
		panic(fmt.Sprintf("jobs: share %v of %d samples", s, n))
	}
	at := func(i int) int { return int(int64(n) * int64(i) / int64(s.Of)) }
	return at(s.Index), at(s.Index + 1)
}

// What schedulers call the index of a task, and the tasks of an array.
const (
	kubernetesIndex = "JOB_COMPLETION_INDEX"
	slurmIndex      = "SLURM_ARRAY_TASK_ID"
)

// Parse reads a share: "3/64"; "auto", which is that of this task of a Slurm array,
// counted from the array's first index; or "auto/64", whose index is that of a Kubernetes
// Job or the number of the Slurm task itself, so that tasks of an array can be submitted
// again by their numbers. getenv is os.Getenv.
func Parse(text string, getenv func(string) string) (Share, error) {
	index, of, both := strings.Cut(text, "/")
	if index == "auto" && !both {
		return slurm(getenv)
	}
	var s Share
	var err error
	if !both {
		return s, errors.New("want I/N such as 3/64, counted from 0, auto/N, or auto in a Slurm array")
	}
	if s.Of, err = strconv.Atoi(of); err != nil || s.Of < 1 || s.Of > MaxShares {
		return s, fmt.Errorf("%q shares; want 1 to %d", of, MaxShares)
	}
	from := ""
	if index == "auto" {
		task, pod := getenv(slurmIndex), getenv(kubernetesIndex)
		switch {
		case task != "" && pod != "":
			return s, fmt.Errorf("%s is %s and %s is %s: say which, as I/%d", slurmIndex, task, kubernetesIndex, pod, s.Of)
		case task != "":
			from, index = slurmIndex+" ", task
		case pod != "":
			from, index = kubernetesIndex+" ", pod
		default:
			return s, fmt.Errorf("neither %s nor %s is set: this is no task of an array; give I/%d", slurmIndex, kubernetesIndex, s.Of)
		}
	}
	if s.Index, err = strconv.Atoi(index); err != nil || s.Index < 0 || s.Index >= s.Of {
		return s, fmt.Errorf("index %s%s of %d shares; want 0 to %d", from, index, s.Of, s.Of-1)
	}
	return s, nil
}

// slurm is the share of a task of a Slurm array whose indices are evenly spaced.
func slurm(getenv func(string) string) (Share, error) {
	if getenv(slurmIndex) == "" {
		if getenv(kubernetesIndex) != "" {
			return Share{}, fmt.Errorf("%s says which share, but not of how many: give auto/N", kubernetesIndex)
		}
		return Share{}, fmt.Errorf("%s is not set: this is no task of a Slurm array; give I/N", slurmIndex)
	}
	var v [4]int
	for i, name := range []string{slurmIndex, "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_STEP"} {
		text := getenv(name)
		if i == 3 && text == "" {
			text = "1"
		}
		var err error
		if v[i], err = strconv.Atoi(text); err != nil || v[i] < 0 || v[i] > 1<<30 {
			return Share{}, fmt.Errorf("%s is %q: want a number; give I/N or auto/N", name, text)
		}
	}
	id, first, count, step := v[0], v[1], v[2], max(v[3], 1)
	last := getenv("SLURM_ARRAY_TASK_MAX")
	if count < 1 || count > MaxShares || id < first || (id-first)%step != 0 || (id-first)/step >= count || last != "" && last != strconv.Itoa(first+(count-1)*step) {
		return Share{}, fmt.Errorf("task %d of an array of %d from %d to %s in steps of %d, which has gaps: give auto/N, with which the task's number is the share", id, count, first, last, step)
	}
	return Share{(id - first) / step, count}, nil
}
