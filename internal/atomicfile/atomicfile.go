// Package atomicfile writes files whole or not at all.
package atomicfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"heavytail/internal/machine"
)

// Write makes or replaces the file at path with what fill writes. The data
// goes to a temporary file in the same directory, is synced and then renamed,
// so path holds either the old contents or all of the new ones, whenever the
// program or the machine stops. On an error nothing is left behind.
//
// A new file has the permissions that the umask leaves, a replaced one keeps
// its own. A symbolic link stays one: the file that it names is replaced or
// made. What is not a file (a device, a pipe, a socket, the standard output
// under one of its names) cannot be replaced, so it is written as fill goes.
func Write(path string, fill func(w io.Writer) error) error { return WriteSized(path, 0, fill) }

// WriteSized is Write for a file of at least so many bytes: for one that the disk has no
// room for it returns an error before fill is called.
func WriteSized(path string, size int64, fill func(w io.Writer) error) error {
	err := write(path, size, fill)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func write(path string, size int64, fill func(w io.Writer) error) error {
	old, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && old.IsDir() {
		return errors.New("that is a folder; name a file in it")
	}
	if err == nil && through(old) {
		return writeThrough(path, old, fill)
	}
	target, err := follow(path)
	if err != nil {
		return err
	}
	if old == nil {
		return replace(target, nil, size, fill)
	}
	// A link of /proc may name a file by a path that is not there.
	if there, err := os.Stat(target); err != nil || !os.SameFile(old, there) {
		return writeThrough(path, old, fill)
	}
	return replace(target, old, size, fill)
}

// replace puts a new file in the place of path; old describes the one that is
// there, nil for none.
func replace(path string, old os.FileInfo, size int64, fill func(w io.Writer) error) (err error) {
	if err = Room(filepath.Dir(path), size); err != nil {
		return err
	}
	perm := fs.FileMode(0o666)
	if old != nil {
		perm = old.Mode().Perm() // nobody reads it meanwhile who could not
	}
	f, err := create(path, perm)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
		forget(f.Name())
	}()
	if err = buffered(f, fill); err != nil {
		return err
	}
	if old != nil { // what the umask took
		if err = f.Chmod(perm); err != nil {
			return err
		}
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// Room returns an error that is syscall.ENOSPC if a disk has no room for at least size bytes more: that of a
// folder, or of where it will be made.
func Room(dir string, size int64) error {
	for !exists(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	if free, known := machine.Free(dir); known && size > free {
		return noRoom(fmt.Sprintf("at least %s would be written, and the disk has room for %s: write less, or to another disk", amount(size), amount(free)))
	}
	return nil
}

// noRoom is the error of a file that a disk has no room for: syscall.ENOSPC, known
// before it happens.
type noRoom string

func (e noRoom) Error() string { return string(e) }

func (noRoom) Is(target error) bool { return target == syscall.ENOSPC }

// amount returns a number of bytes for a person.
func amount(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.3g GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.3g MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.3g kB", float64(n)/1e3)
}

// writeThrough writes to what is at path.
func writeThrough(path string, old os.FileInfo, fill func(w io.Writer) error) error {
	if isStandard(old) {
		return buffered(os.Stdout, fill)
	}
	var f *os.File
	var err error
	if old.Mode()&fs.ModeSocket != 0 {
		f, err = connect(path)
	} else if old.Mode()&fs.ModeNamedPipe != 0 {
		return throughPipe(path, fill)
	} else {
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	}
	if err != nil {
		return err
	}
	err = buffered(f, fill)
	return errors.Join(err, f.Close())
}

// throughPipe writes to a named pipe, which waits for its reader to open it and
// to read. Interrupt ends that.
func throughPipe(path string, fill func(w io.Writer) error) error {
	type opened struct {
		f   *os.File
		err error
	}
	c := make(chan opened, 1)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		c <- opened{f, err}
	}()
	select {
	case o := <-c:
		if o.err != nil {
			return o.err
		}
		stop := context.AfterFunc(interrupted, func() { _ = o.f.SetWriteDeadline(time.Now()) })
		defer stop()
		err := errors.Join(buffered(o.f, fill), o.f.Close())
		if err == nil || interrupted.Err() == nil {
			return err
		}
	case <-interrupted.Done():
	}
	return fmt.Errorf("stopped, its reader did not read: %w", interrupted.Err())
}

// interrupted ends by Interrupt.
var interrupted, interrupt = context.WithCancel(context.Background())

// Interrupt ends the calls of Write that wait for the reader of a named pipe, now
// and from now on, with an error that wraps context.Canceled. Files are written as before.
func Interrupt() { interrupt() }

// Through reports whether Write writes to what is at path as it goes: an end before
// that of fill leaves a part there.
func Through(path string) bool {
	st, err := os.Stat(path)
	return err == nil && through(st)
}

func through(st os.FileInfo) bool { return !st.Mode().IsRegular() || isStandard(st) }

func buffered(f *os.File, fill func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<18)
	if err := fill(w); err != nil {
		return err
	}
	return w.Flush()
}

// isStandard reports whether a file is the standard output.
func isStandard(st os.FileInfo) bool {
	out, err := os.Stdout.Stat()
	return err == nil && os.SameFile(st, out)
}

// maxLinks is the number of symbolic links that follow goes through, as many as
// Linux does.
const maxLinks = 40

// follow returns the path that the links at path lead to, whether or not there
// is a file. Only the last name is followed by hand: its folder must exist.
func follow(path string) (string, error) {
	for range maxLinks {
		st, err := os.Lstat(path)
		if err != nil || st.Mode()&fs.ModeSymlink == 0 {
			return path, nil // not there yet, or no link
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) { // relative to the link's real folder
			dir, _ := filepath.Split(path) // not Dir, which takes a/.. for nothing even if a is a link
			if dir == "" {
				dir = "."
			}
			if dir, err = filepath.EvalSymlinks(dir); err != nil {
				return "", err
			}
			to = dir + string(filepath.Separator) + to
		}
		path = to
	}
	return "", errors.New("too many symbolic links")
}

// create makes a temporary file beside path that Cleanup knows.
func create(path string, perm fs.FileMode) (*os.File, error) {
	dir, name := filepath.Split(path)
	if len(name) > 200 { // file systems end names at 255 bytes
		name = name[:200]
	}
	live.Lock()
	defer live.Unlock()
	for {
		temp := dir + "." + name + "." + strconv.FormatUint(rand.Uint64(), 36) + ".tmp"
		f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		switch {
		case errors.Is(err, fs.ErrExist):
			continue
		case errors.Is(err, fs.ErrNotExist):
			if folder := filepath.Clean(dir); exists(folder) {
				err = fmt.Errorf("no file can be made in %s; choose another folder", folder) // of the system's own
			} else {
				err = fmt.Errorf("there is no folder %s; make it first", folder)
			}
		}
		if err == nil {
			live.names[temp] = true
		}
		return f, err
	}
}

// Sweep removes the temporary files that processes left which were killed while they
// wrote the files at these paths. One that is still writing such a file ends with an
// error. Links are not followed.
func Sweep(paths ...string) {
	for _, path := range paths {
		dir, name := filepath.Split(path)
		entries, err := os.ReadDir(filepath.Clean(dir))
		if err != nil {
			continue
		}
		for _, e := range entries {
			random, ok := strings.CutPrefix(e.Name(), "."+name+".")
			random, temp := strings.CutSuffix(random, ".tmp")
			if _, err := strconv.ParseUint(random, 36, 64); ok && temp && err == nil {
				_ = os.Remove(dir + e.Name())
			}
		}
	}
}

// live are the temporary files of this process.
var live = struct {
	sync.Mutex
	names map[string]bool
}{names: map[string]bool{}}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func forget(name string) {
	live.Lock()
	defer live.Unlock()
	delete(live.names, name)
}

// Cleanup removes the temporary files of calls of Write that have not returned,
// which then end with an error or not at all: it is for a program that ends at
// once. Write makes no file afterwards.
func Cleanup() {
	live.Lock() // for ever: nothing may come after
	for name := range live.names {
		_ = os.Remove(name)
	}
}

// syncDir makes the rename durable where the system can sync a directory; the
// file is whole either way.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
