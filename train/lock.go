package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockFile is the name of the file that says who writes a run's folder.
const lockFile = "train.lock"

// An owner is what the lock file holds.
type owner struct {
	Process int    `json:"process"`
	Host    string `json:"host"`
}

// A Lock keeps the folder of a run for one process.
type Lock struct{ file *os.File }

// errUnsupported means that the file system knows no locks.
var errUnsupported = errors.New("no locks here")

// LockFolder takes the folder of a run, which must exist, for this process; it
// returns an error that names the owner if another process has it. The lock is
// the system's and ends with the process, however it ends. Where the system or
// the file system has none, the file alone says who has the folder: it is taken
// over if it names a process of this host that is gone.
//
// The temporary files that dead processes left in the folder are removed. A link or
// another file of the lock's name is an error and stays as it is.
func LockFolder(dir string) (*Lock, error) {
	path := filepath.Join(dir, lockFile)
	for {
		if at, err := os.Lstat(path); err == nil && !at.Mode().IsRegular() {
			return nil, notALock(path)
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		free, err := tryLock(f)
		was, other := readOwner(f)
		if errors.Is(err, errUnsupported) {
			free, err = was == owner{} || was.gone(), nil
		}
		if free && other {
			_ = f.Close()
			return nil, notALock(path)
		}
		if err != nil || !free {
			_ = f.Close()
			if err == nil {
				err = locked(fmt.Sprintf("%s is written by another training, %v: wait for its end or choose another folder (Options.Dir); if it is gone, remove %s", dir, was, path))
			}
			return nil, err
		}
		// The owner before may have removed the file after it was opened here:
		// then the lock is on a file without a name, and others may have made a new one.
		if !sameFile(f, path) {
			_ = f.Close()
			continue
		}
		l := &Lock{f}
		if err := l.sign(); err != nil {
			return nil, errors.Join(fmt.Errorf("lock: %w", err), l.Release())
		}
		removeLeftovers(dir)
		return l, nil
	}
}

// locked is the error of a folder that another training writes: syscall.EBUSY, for who
// may try again.
type locked string

func (e locked) Error() string { return string(e) }

func (locked) Is(target error) bool { return target == syscall.EBUSY }

// String names the owner for a person.
func (o owner) String() string {
	if o == (owner{}) {
		return "whose process is not known"
	}
	return fmt.Sprintf("process %d on %s", o.Process, o.Host)
}

// gone reports whether the owner is known to have ended.
func (o owner) gone() bool {
	host, err := os.Hostname()
	return err == nil && host == o.Host && !alive(o.Process)
}

func notALock(path string) error {
	return fmt.Errorf("%s is not the lock of a training: it would be written over; move it away or choose another folder (Options.Dir)", path)
}

// readOwner returns what a lock file says. other is true of a file that says
// something else: a process that died before it signed left nothing in it.
func readOwner(f *os.File) (o owner, other bool) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<12))
	if err != nil || len(text) == 0 {
		return owner{}, err != nil
	}
	if json.Unmarshal(text, &o) != nil || o.Process == 0 {
		return owner{}, true
	}
	return o, false
}

// sameFile reports whether path names f, and not through a link.
func sameFile(f *os.File, path string) bool {
	a, err := f.Stat()
	b, err2 := os.Lstat(path)
	return err == nil && err2 == nil && os.SameFile(a, b)
}

// sign writes this process into the file.
func (l *Lock) sign() error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	text, err := json.Marshal(owner{os.Getpid(), host})
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(append(text, '\n'), 0)
	return err
}

// Release gives the folder back.
func (l *Lock) Release() error {
	// Some systems remove no file that is open; others must remove it while it is
	// locked, so that nobody has taken it by then.
	err := os.Remove(l.file.Name())
	if e := l.file.Close(); e != nil {
		return e
	}
	if err != nil {
		err = os.Remove(l.file.Name())
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// removeLeftovers removes temporary files of package atomicfile that are of a
// run's files. Whoever has the lock is the only one who writes them.
func removeLeftovers(dir string) {
	found, _ := filepath.Glob(filepath.Join(dir, ".*.tmp"))
	for _, path := range found {
		name := strings.TrimPrefix(filepath.Base(path), ".")
		for _, ours := range []string{ModelFile + ".", "log.", "loss.", "preview-"} {
			if strings.HasPrefix(name, ours) {
				_ = os.Remove(path)
			}
		}
	}
}
