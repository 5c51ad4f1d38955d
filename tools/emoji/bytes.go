package main

import (
	"encoding/binary"
	"fmt"
)

// maxReads bounds what reading one font may take: tables point to tables, and a
// file of a few bytes could have them followed for hours. Noto's colour emoji take
// 60,000 reads.
const maxReads = 1 << 22

// A state is what the views of one file share: the first error, and how many reads
// are left.
type state struct {
	err  error
	left int
}

// A view is a part of a file that is read with bounds. The first read beyond its
// end sets the file's error and gives 0, as all later ones do; a caller asks once,
// at the end of a table.
type view struct {
	*state
	name string
	b    []byte
}

// ok reports whether there was no error yet.
func (v view) ok() bool { return v.err == nil }

// has reports whether n bytes lie at off, and sets the error where not.
func (v view) has(off, n int) bool {
	if v.left--; v.left < 0 {
		v.fail("reading it takes more steps than %d", maxReads)
	}
	if off < 0 || n < 0 || off > len(v.b) || n > len(v.b)-off {
		v.fail("%d bytes at %d, it has %d", n, off, len(v.b))
	}
	return v.ok()
}

func (v view) u16(off int) int {
	if !v.has(off, 2) {
		return 0
	}
	return int(binary.BigEndian.Uint16(v.b[off:]))
}

// u32 is the number at off; beyond what an int holds, where that is 32 bits, it is
// negative, which no offset may be.
func (v view) u32(off int) int {
	if !v.has(off, 4) {
		return 0
	}
	return int(binary.BigEndian.Uint32(v.b[off:]))
}

// from is the view of what begins at off.
func (v view) from(off int) view {
	if !v.has(off, 0) {
		return view{v.state, v.name, nil}
	}
	return view{v.state, v.name, v.b[off:]}
}

// slice are n bytes at off, nil beyond the end.
func (v view) slice(off, n int) []byte {
	if !v.has(off, n) {
		return nil
	}
	return v.b[off : off+n]
}

// fail sets the error if there is none yet.
func (v view) fail(format string, args ...any) {
	if v.err == nil {
		v.err = fmt.Errorf("table "+v.name+": "+format, args...)
	}
}
