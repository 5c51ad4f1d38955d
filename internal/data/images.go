package data

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/jpeg" // decoders by content
	_ "image/png"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// maxPixels bounds one picture before it is decoded.
const maxPixels = 1 << 26

// maxFile bounds one compressed picture.
const maxFile = 256 << 20

// openImages reads a folder or zip of PNG and JPEG files, in the order of
// their names. If they lie in subfolders, the first part of the path is the
// class.
func openImages(ctx context.Context, arg string, o Options) (*Set, error) {
	st, err := os.Stat(arg)
	if err != nil {
		return nil, fmt.Errorf("%s: not there; give a folder or a zip of PNG or JPEG files", arg)
	}
	if st.IsDir() {
		return readImages(ctx, os.DirFS(arg), arg, o)
	}
	z, err := zip.OpenReader(arg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; give a folder or a zip of PNG or JPEG files", arg, err)
	}
	defer z.Close()
	return readImages(ctx, z, arg, o)
}

func readImages(ctx context.Context, fsys fs.FS, arg string, o Options) (*Set, error) {
	var names []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch strings.ToLower(path.Ext(p)) {
		case ".png", ".jpg", ".jpeg":
			if !d.IsDir() && !strings.HasPrefix(path.Base(p), ".") {
				names = append(names, p)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no .png, .jpg or .jpeg in it", arg)
	}
	slices.Sort(names)
	s := &Set{}
	for _, name := range names {
		if err := stopped(ctx); err != nil {
			return nil, err
		}
		if err := s.addImage(fsys, name, o); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", arg, name, err)
		}
	}
	s.nameClasses(names)
	return s, nil
}

// addImage appends one picture, scaled, to s.
func (s *Set) addImage(fsys fs.FS, name string, o Options) error {
	img, err := decode(fsys, name)
	if err != nil {
		return err
	}
	c := o.Channels
	if c == 0 {
		if c = 3; grey(img) {
			c = 1
		}
		if s.Shape != nil {
			c = s.Shape[2]
		}
	}
	b := img.Bounds()
	h, w := b.Dy(), b.Dx()
	pix := pixels(img, c)
	if o.Size > 0 && (h != o.Size || w != o.Size) {
		out := make([]byte, o.Size*o.Size*c)
		newResizer(h, w, c, o.Size, o.Size).run(out, pix)
		pix, h, w = out, o.Size, o.Size
	}
	if s.Shape == nil {
		s.Shape = []int{h, w, c}
	}
	if s.Shape[0] != h || s.Shape[1] != w {
		return fmt.Errorf("%d×%d pixels, the ones before have %d×%d; scale all with -size N", h, w, s.Shape[0], s.Shape[1])
	}
	if int64(len(s.bytes)+len(pix)) > o.maxBytes() {
		return fmt.Errorf("the set is larger than the limit of %d MiB; use a smaller -size", o.maxBytes()>>20)
	}
	s.bytes = append(s.bytes, pix...)
	return nil
}

// decode reads one picture, its size checked first.
func decode(fsys fs.FS, name string) (image.Image, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxFile {
		return nil, fmt.Errorf("file of more than %d MiB", maxFile>>20)
	}
	cfg, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w; want PNG or JPEG", err)
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > maxPixels/cfg.Height {
		return nil, fmt.Errorf("picture of %d×%d pixels; want at most %d in all", cfg.Width, cfg.Height, maxPixels)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	return img, err
}

// grey reports whether img's type holds no colour.
func grey(img image.Image) bool {
	switch img.(type) {
	case *image.Gray, *image.Gray16:
		return true
	}
	return false
}

// pixels returns the c channels of img, channels last; transparent parts are
// black.
func pixels(img image.Image, c int) []byte {
	b := img.Bounds()
	out := make([]byte, 0, b.Dx()*b.Dy()*3)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			out = append(out, byte(r>>8), byte(g>>8), byte(bl>>8))
		}
	}
	if c == 1 {
		return channels(out, 3, 1)
	}
	return out
}

// nameClasses sets labels from the first folders of the paths, if every path
// has one and there are at least two.
func (s *Set) nameClasses(names []string) {
	class := func(name string) string {
		dir, _, ok := strings.Cut(name, "/")
		if !ok {
			return ""
		}
		return dir
	}
	var all []string
	for _, n := range names {
		all = append(all, class(n))
	}
	uniq := slices.Compact(slices.Sorted(slices.Values(all)))
	if len(uniq) < 2 || uniq[0] == "" {
		return
	}
	s.Classes = uniq
	for _, c := range all {
		i, _ := slices.BinarySearch(uniq, c)
		s.Labels = append(s.Labels, i)
	}
}
