package torchfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

const zipMagic = "PK\x03\x04"

// zipped is the form since PyTorch 1.6: an archive of data.pkl, byteorder and
// data/0, data/1, …, below one folder.
type zipped struct {
	members map[string]*zip.File
	prefix  string
	size    int64 // of the file
	big     bool
}

// openZip reads the pickle of an archive.
func (f *File) openZip(r io.ReaderAt, size int64) error {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return err
	}
	z := &zipped{members: map[string]*zip.File{}, size: size}
	var pkl *zip.File
	for _, m := range archive.File {
		if z.members[m.Name] != nil {
			return fmt.Errorf("two members are named %q", m.Name)
		}
		z.members[m.Name] = m
		if dir, ok := strings.CutSuffix(m.Name, "data.pkl"); ok && (dir == "" || strings.HasSuffix(dir, "/")) && pkl == nil {
			pkl, z.prefix = m, dir
		}
	}
	if pkl == nil {
		return errors.New("a zip archive without data.pkl; not written by torch.save")
	}
	f.form = z
	raw, err := z.read(pkl, maxPickle)
	if err != nil {
		return err
	}
	if o := z.members[z.prefix+"byteorder"]; o != nil {
		b, err := z.read(o, 16)
		if z.big = string(b) == "big"; err != nil || !z.big && string(b) != "little" {
			return fmt.Errorf("byte order %q; want little or big", b)
		}
	}
	f.Root, _, err = unpickle(raw, f.load)
	return err
}

// maxRatio is the most that deflate can make of a byte: 258 bytes of 2 bits.
const maxRatio = 1032

// expands returns the size of a member, or an error if it cannot be true.
func (z *zipped) expands(m *zip.File) (int64, error) {
	n, packed := int64(m.UncompressedSize64), int64(m.CompressedSize64)
	switch {
	case m.Method != zip.Store && m.Method != zip.Deflate:
		return 0, fmt.Errorf("%s: compressed by method %d; want none or deflate", m.Name, m.Method)
	case n < 0 || packed < 0 || packed > z.size || m.Method == zip.Store && n != packed || n/maxRatio > packed:
		return 0, fmt.Errorf("%s: %d bytes of %d in a file of %d", m.Name, n, packed, z.size)
	}
	return n, nil
}

// read returns a member. Memory grows with what is there, not with what the
// archive claims.
func (z *zipped) read(m *zip.File, limit int64) ([]byte, error) {
	n, err := z.expands(m)
	if err != nil {
		return nil, err
	}
	if limit = min(limit, math.MaxInt); n > limit {
		return nil, fmt.Errorf("%s: %d bytes; at most %d are read", m.Name, n, limit)
	}
	r, err := m.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	defer r.Close()
	var out bytes.Buffer
	if m.Method == zip.Store {
		out.Grow(int(n))
	}
	if got, err := out.ReadFrom(io.LimitReader(r, n+1)); err != nil || got != n { // the end checks the CRC
		return nil, fmt.Errorf("%s: damaged: %d bytes of %d: %v", m.Name, got, n, err)
	}
	return out.Bytes(), nil
}

func (z *zipped) member(key string) *zip.File { return z.members[z.prefix+"data/"+key] }

func (z *zipped) claim(key string, want int64) error {
	m := z.member(key)
	if m == nil {
		return fmt.Errorf("storage %q is missing from the file", key)
	}
	n, err := z.expands(m)
	if err == nil && n != want {
		err = fmt.Errorf("storage %q has %d bytes, want %d", key, n, want)
	}
	return err
}

func (z *zipped) bytes(key string) ([]byte, error) {
	m := z.member(key)
	return z.read(m, int64(m.UncompressedSize64))
}

func (z *zipped) foreign() bool { return z.big }

func (z *zipped) total() int64 {
	sum := int64(0)
	for _, m := range z.members {
		if n, err := z.expands(m); err == nil {
			sum += n
		}
	}
	return sum
}
