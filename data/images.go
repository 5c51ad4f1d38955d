package data

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"heavytail/internal/source"
)

// openImages reads a folder or zip of PNG and JPEG files, in the order of
// their names. If they lie in subfolders, the first part of the path is the
// class.
func openImages(ctx context.Context, arg string, o Options) (*Set, error) {
	st, err := os.Stat(arg)
	if err != nil {
		return nil, fmt.Errorf("%s: not there; give a folder or a zip of PNG or JPEG files", arg)
	}
	if st.IsDir() {
		files, err := folderPictures(ctx, arg, o.Rules)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
		return readImages(ctx, files, arg, o)
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: neither a folder nor a file; give a folder or a zip of PNG or JPEG files", arg)
	}
	z, err := zip.OpenReader(arg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; give a folder or a zip of PNG or JPEG files", arg, err)
	}
	defer z.Close()
	return readImages(ctx, zipPictures(&z.Reader, o.Rules), arg, o)
}

// A pictureFile is one picture of a folder or zip.
type pictureFile struct {
	name string // parts parted by /
	open opener
}

type opener = func() (io.ReadCloser, error)

func readImages(ctx context.Context, files []pictureFile, arg string, o Options) (*Set, error) {
	if o.Background == "" && o.Rules > 0 {
		o.Background = "white"
	}
	background, err := parseColour(o.Background)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no .png, .jpg or .jpeg in it", arg)
	}
	slices.SortStableFunc(files, func(a, b pictureFile) int { return strings.Compare(a.name, b.name) })
	l := &loader{set: &Set{}, o: o, channels: o.Channels, background: background}
	for _, pass := range []func(opener) error{l.look, l.add} {
		for _, f := range files {
			if err := source.Stopped(ctx); err != nil {
				return nil, err
			}
			if err := pass(f.open); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", arg, f.name, err)
			}
		}
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
	}
	if l.transparent > 0 {
		l.set.note("transparent pictures, laid on %s (-background): %d of %d", cmp.Or(o.Background, "black"), l.transparent, len(files))
	}
	outer := ""
	if o.Rules > 0 {
		outer = descend(files)
	}
	l.set.nameClasses(files)
	if l.set.Classes == nil {
		return l.set, nil
	}
	if outer != "" {
		l.set.note("all pictures lie in %s: the classes are the folders there, %s", outer, list(l.set.Classes))
	}
	if !slices.ContainsFunc(l.set.Classes, func(name string) bool { return !parts[strings.ToLower(name)] }) {
		l.set.note("the classes are %s, which sound like parts of a set: name the folder of one, such as images:.../%s, to have the folders in it for classes", list(l.set.Classes), path.Join(outer, l.set.Classes[0]))
	}
	return l.set, nil
}

// parts are what folders of training and of test data are called.
var parts = wordSet("train", "training", "test", "testing", "val", "valid", "validation", "eval", "dev")

// descend takes the folders from the front of the names that all of them lie in,
// as an archiver puts one around what it packs, and returns these.
func descend(files []pictureFile) (outer string) {
	for {
		dir, _, ok := strings.Cut(files[0].name, "/")
		if !ok || slices.ContainsFunc(files, func(f pictureFile) bool { return !strings.HasPrefix(f.name, dir+"/") }) {
			return outer
		}
		for i, f := range files {
			files[i].name = f.name[len(dir)+1:]
		}
		outer = path.Join(outer, dir)
	}
}

// folderPictures lists the pictures in a folder. Hidden files and folders are left
// out, and what is no regular file: a pipe has no end.
func folderPictures(ctx context.Context, dir string, rules int) (files []pictureFile, err error) {
	fsys := os.DirFS(dir)
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = source.Stopped(ctx)
		}
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if rules > 0 && p != "." && hidden(p, rules) {
				return fs.SkipDir
			}
		case isPicture(p) && !hidden(p, rules) && regular(fsys, p, d):
			files = append(files, pictureFile{p, func() (io.ReadCloser, error) { return fsys.Open(p) }})
		}
		return nil
	})
	return files, err
}

// zipPictures lists the pictures in a zip, of which some programs write \ between
// the parts of names.
func zipPictures(z *zip.Reader, rules int) (files []pictureFile) {
	for _, f := range z.File {
		name := path.Clean("/" + strings.ReplaceAll(f.Name, `\`, "/"))[1:]
		if f.Mode().IsRegular() && isPicture(name) && !hidden(name, rules) {
			files = append(files, pictureFile{name, f.Open})
		}
	}
	return files
}

func isPicture(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg":
		return true
	}
	return false
}

// hidden reports whether a file, or by newer rules a folder it is in, is hidden or
// what an archiver of another system adds.
func hidden(name string, rules int) bool {
	if rules == 0 {
		return strings.HasPrefix(path.Base(name), ".")
	}
	return slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") || part == "__MACOSX" })
}

// regular reports whether an entry is a file with an end, or a link to one.
func regular(fsys fs.FS, name string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular()
	}
	st, err := fs.Stat(fsys, name)
	return err != nil || st.Mode().IsRegular() // a broken link is an error where it is read
}

// A loader makes a set of pictures in two passes: it looks at what they are, so
// that the result does not depend on which comes first, then reads them.
type loader struct {
	set        *Set
	o          Options
	channels   int // 0: not known yet
	background [3]byte
	bytes      int64 // of the set

	transparent int // pictures
}

// look notes the size and the channels of a picture: the set is grey if all are.
func (l *loader) look(open opener) error {
	h, err := header(open)
	if err != nil {
		return err
	}
	switch {
	case l.o.Channels > 0:
	case l.o.Rules == 0: // the first file decided
		if l.channels == 0 {
			l.channels = h.channels
		}
	default:
		l.channels = max(l.channels, h.channels)
	}
	if l.o.Size > 0 {
		h.Width, h.Height = l.o.Size, l.o.Size
	}
	l.bytes += int64(h.Width) * int64(h.Height)
	return nil
}

// check refuses a set that takes too much.
func (l *loader) check() error {
	if l.bytes*int64(l.channels) > l.o.maxBytes() {
		return fmt.Errorf("the set takes %d MiB, more than the limit of %d MiB; use a smaller Options.Size", l.bytes*int64(l.channels)>>20, l.o.maxBytes()>>20)
	}
	return nil
}

// add appends one picture, scaled, to the set.
func (l *loader) add(open opener) error {
	p, err := decode(open, l.o)
	if err != nil {
		return err
	}
	s, c := l.set, l.channels
	pix, h, w := p.pixels(c, l.background)
	if p.transparent() {
		l.transparent++
	}
	if n := l.o.Size; n > 0 && (h != n || w != n) {
		if err := l.o.scales(h, w, c); err != nil {
			return err
		}
		out := make([]byte, n*n*c)
		newResizer(h, w, c, n, n, weigh).run(out, pix)
		pix, h, w = out, n, n
	}
	if s.Shape == nil {
		s.Shape = []int{h, w, c}
		s.bytes = make([]byte, 0, l.bytes*int64(c))
	}
	if s.Shape[0] != h || s.Shape[1] != w {
		return fmt.Errorf("%d×%d pixels, the ones before have %d×%d; scale all with Options.Size N", h, w, s.Shape[0], s.Shape[1])
	}
	s.bytes = append(s.bytes, pix...)
	return nil
}

// nameClasses sets labels from the first folders of the paths, if every path
// has one and there are at least two.
func (s *Set) nameClasses(files []pictureFile) {
	class := func(name string) string {
		dir, _, ok := strings.Cut(name, "/")
		if !ok {
			return ""
		}
		return dir
	}
	var all []string
	for _, f := range files {
		all = append(all, class(f.name))
	}
	uniq := slices.Compact(slices.Sorted(slices.Values(all)))
	if len(uniq) > 1 && uniq[0] == "" {
		s.note("some pictures, such as %s, lie outside of the folders that could be classes: there are no classes", files[slices.Index(all, "")].name)
	}
	if len(uniq) < 2 || uniq[0] == "" {
		return
	}
	s.Classes = uniq
	for _, c := range all {
		i, _ := slices.BinarySearch(uniq, c)
		s.Labels = append(s.Labels, i)
	}
}
