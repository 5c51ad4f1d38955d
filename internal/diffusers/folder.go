package diffusers

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"heavytail/internal/machine"
	"heavytail/nn"
)

// Names in a folder.
const (
	indexName     = "model_index.json"
	configName    = "config.json"
	schedulerName = "scheduler_config.json"
	weightsName   = "diffusion_pytorch_model"
)

// Bounds of what is read whole.
const (
	maxConfig = 1 << 20
	maxIndex  = 16 << 20
	maxShards = 1024
)

// A folder is an open one; the files of its weights stay open until Close.
type folder struct {
	fsys   fs.FS
	unet   string // where config.json and the weights are
	names  []string
	opened []fs.File
}

// ErrNone says that a folder holds no model of diffusers.
var ErrNone = errors.New("no model of diffusers: there is no " + configName + ", " + indexName + " or unet/" + configName)

// find returns the folder of a model in fsys, or in the one folder that fsys holds.
func find(fsys fs.FS) (*folder, error) {
	for range 2 {
		f := &folder{fsys: fsys, unet: "."}
		switch {
		case f.has(indexName):
			if err := f.readIndex(); err != nil {
				return nil, err
			}
			if f.has("unet/"+configName) || !f.has(configName) {
				f.unet = "unet" // where it is missed, too
			}
			return f, nil
		case f.has(configName):
			return f, nil
		case f.has("unet/" + configName):
			f.unet = "unet"
			return f, nil
		}
		var folders []string
		all, err := fs.ReadDir(fsys, ".")
		if err != nil {
			return nil, err
		}
		for _, e := range all {
			if e.IsDir() && !strings.HasPrefix(e.Name(), "__MACOSX") {
				folders = append(folders, e.Name())
			}
		}
		if len(folders) != 1 {
			break
		}
		if fsys, err = fs.Sub(fsys, folders[0]); err != nil {
			return nil, err
		}
	}
	return nil, ErrNone
}

func (f *folder) has(name string) bool {
	st, err := fs.Stat(f.fsys, name)
	return err == nil && st.Mode().IsRegular()
}

// readIndex looks whether the pipeline is a U-Net and its scheduler, and nothing else.
func (f *folder) readIndex() error {
	b, err := f.text(indexName, maxConfig)
	if err != nil {
		return err
	}
	var parts map[string]json.RawMessage
	if err := decode(b, &parts); err != nil {
		return fmt.Errorf("%s: %w", indexName, err)
	}
	for name, raw := range parts {
		var of []*string
		if strings.HasPrefix(name, "_") || json.Unmarshal(raw, &of) != nil || len(of) != 2 || of[1] == nil {
			continue // settings of the pipeline, and parts that are not there
		}
		switch {
		case name == "scheduler":
		case name != "unet":
			return fmt.Errorf("%s: the pipeline has a %s (%s) beside its U-Net, which is not supported", indexName, quoted(name), quoted(*of[1]))
		case *of[1] != className:
			return fmt.Errorf("%s: unet is %s, which is not supported; want %s", indexName, quoted(*of[1]), className)
		}
	}
	return nil
}

// quoted returns a word of a file as a message shows it.
func quoted(s string) string { return fmt.Sprintf("%.80q", s) }

// text reads a small file.
func (f *folder) text(name string, limit int64) ([]byte, error) {
	file, size, err := f.open(name, limit)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, size+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case int64(len(b)) != size:
		return nil, fmt.Errorf("%s: %d bytes of %d", name, len(b), size)
	}
	f.names = append(f.names, name)
	return b, nil
}

// open opens a file of at most limit bytes.
func (f *folder) open(name string, limit int64) (fs.File, int64, error) {
	st, err := fs.Stat(f.fsys, name) // before it is opened: that of a pipe would wait
	if err != nil {
		return nil, 0, plain(name, err)
	}
	if !st.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is no file", name)
	}
	file, err := f.fsys.Open(name)
	if err != nil {
		return nil, 0, plain(name, err)
	}
	if st, err = file.Stat(); err == nil && (st.Size() < 0 || st.Size() > limit) {
		err = fmt.Errorf("%d bytes; at most %d are read", st.Size(), limit)
	}
	if err != nil {
		_ = file.Close()
		return nil, 0, plain(name, err)
	}
	return file, st.Size(), nil
}

// plain returns an error of a file as name: reason.
func plain(name string, err error) error {
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// weightFile opens a file of weights of at most limit bytes. One that cannot be read in
// any order is read whole: memory grows with what is there, not with what is claimed.
func (f *folder) weightFile(name string, limit int64) (w nn.WeightFile, err error) {
	w.Name = name
	file, size, err := f.open(name, limit)
	if err != nil {
		return w, err
	}
	f.names = append(f.names, name)
	w.Size = size
	if r, ok := file.(io.ReaderAt); ok {
		f.opened = append(f.opened, file)
		w.Reader = r
		return w, nil
	}
	defer file.Close()
	if most := machine.Memory() / 4; size > most { // beside it the weights must fit in
		return w, fmt.Errorf("%s: %d bytes, which would be read whole: this process may use %d for it; unpack the archive", name, size, most)
	}
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(file, size+1))
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes of %d", n, size)
	}
	if err != nil {
		return w, fmt.Errorf("%s: %w", name, err)
	}
	w.Reader = bytes.NewReader(b.Bytes())
	return w, nil
}

// weights opens the files of the weights, of at most limit bytes in all: the whole ones
// before those of 16 bits, safetensors before PyTorch's.
func (f *folder) weights(limit int64) ([]nn.WeightFile, error) {
	var tried []string
	for _, variant := range []string{"", ".fp16"} {
		for _, kind := range []string{".safetensors", ".bin"} {
			// diffusers has written the variant before and behind the index.
			for _, name := range []string{weightsName + variant + kind, weightsName + kind + ".index" + variant + ".json", weightsName + variant + kind + ".index.json"} {
				name = path.Join(f.unet, name)
				if !f.has(name) {
					tried = append(tried, path.Base(name))
					continue
				}
				if strings.HasSuffix(name, ".json") {
					return f.shards(name, limit)
				}
				w, err := f.weightFile(name, limit)
				return []nn.WeightFile{w}, err
			}
		}
	}
	return nil, fmt.Errorf("there are no weights: none of %s in %s", strings.Join(slices.Compact(tried), ", "), f.unet)
}

// shards opens the files that an index names.
func (f *folder) shards(name string, limit int64) ([]nn.WeightFile, error) {
	b, err := f.text(name, maxIndex)
	if err != nil {
		return nil, err
	}
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := decode(b, &index); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	tensors := map[string][]string{}
	var files []string
	for tensor, file := range index.Map {
		if tensors[file] == nil {
			files = append(files, file)
		}
		tensors[file] = append(tensors[file], tensor)
	}
	if len(files) == 0 || len(files) > maxShards {
		return nil, fmt.Errorf("%s: the number of files in weight_map is %d; want 1 to %d", name, len(files), maxShards)
	}
	slices.Sort(files)
	var out []nn.WeightFile
	for _, file := range files {
		if !fs.ValidPath(file) || strings.ContainsAny(file, `/\`) || file == "." {
			return nil, fmt.Errorf("%s: weight_map names %s; want a file of the same folder", name, quoted(file))
		}
		w, err := f.weightFile(path.Join(f.unet, file), limit)
		if err != nil {
			return nil, err
		}
		if limit -= w.Size; limit < 0 {
			return nil, fmt.Errorf("%s: files of more bytes than the network's weights", name)
		}
		w.Tensors = tensors[file]
		slices.Sort(w.Tensors)
		out = append(out, w)
	}
	return out, nil
}

// Close closes the files of the weights.
func (f *folder) Close() error {
	var err error
	for _, file := range f.opened {
		err = errors.Join(err, file.Close())
	}
	f.opened = nil
	return err
}

// Zip returns the files of a zip archive that holds a model of diffusers; not ok if r is
// no archive, or another one, such as PyTorch's.
func Zip(r io.ReaderAt, size int64) (fsys fs.FS, ok bool) {
	var head [4]byte
	if n, _ := r.ReadAt(head[:], 0); n < 4 || string(head[:]) != "PK\x03\x04" {
		return nil, false
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, false
	}
	for _, m := range z.File {
		if strings.HasSuffix(m.Name, "/data.pkl") || m.Name == "data.pkl" {
			return nil, false
		}
	}
	for _, m := range z.File {
		if base := path.Base(m.Name); base == configName || base == indexName {
			return z, true
		}
	}
	return nil, false
}

// Is reports whether fsys holds a model of diffusers, of whatever kind.
func Is(fsys fs.FS) bool {
	_, err := find(fsys)
	return !errors.Is(err, ErrNone)
}
