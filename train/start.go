package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"heavytail/data"
	"heavytail/internal/source"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// A Start says how a run begins, or with what one goes on, as the command train does:
// data by their specification, a preset, settings by name. Fit is for a recipe and a
// set that a program has already.
type Start struct {
	// Data are what data.Open reads; empty: of a run that goes on its own.
	Data string
	// Preset is what recipe.Preset knows; empty: the settings of From or, without a
	// model, fashion for images and toy for points.
	Preset string
	// From is a model, a file or a folder, whose weights a new run begins with, and
	// whose settings if there is no Preset; empty: random weights.
	From string
	// Values are settings beyond these. A run that goes on may be given its own again,
	// and other ones of those that recipe.Revisable names.
	Values recipe.Values
	Resume bool // go on with the run that the folder holds, else that is an error
	// Device computes; nil: the CPU. Chosen says that a person asked for it: then a run
	// may go on in another mode of a GPU than its own.
	Device tensor.Device
	Chosen bool
}

// A Begun is a run that is ready to be trained, by Run.Do.
type Begun struct {
	*Trainer
	Notes []string // what a person should know of the data
	lock  *Lock
}

// Close lets other processes have the folder of the run.
func (b *Begun) Close() error {
	if b.lock == nil {
		return nil
	}
	return b.lock.Release()
}

// In begins a run in the folder dir, or goes on with the one that is there, and keeps
// the folder for this process until Close. The first checkpoint of a new run is written
// before the first step, so that from then on Resume needs nothing else.
func (s Start) In(ctx context.Context, dir string) (b *Begun, err error) {
	if ctx == nil {
		panic("train: Start.In with a nil context: use context.Background()")
	}
	there, err := s.there(dir)
	if err != nil {
		return nil, err
	}
	var lock *Lock
	if there {
		if lock, err = LockFolder(dir); err != nil {
			return nil, err
		}
		b, err = s.goOn(ctx, filepath.Join(dir, ModelFile))
	} else if b, err = s.begin(ctx, dir); err == nil {
		lock, err = s.settle(dir, b.Trainer)
	}
	if err != nil {
		if lock != nil {
			_ = lock.Release() // at worst the file stays, which the next owner takes over
		}
		return nil, err
	}
	b.lock = lock
	return b, nil
}

// Dry is In without a trace: it tells what the run would be, and writes nothing.
func (s Start) Dry(ctx context.Context, dir string) (*Begun, error) {
	if ctx == nil {
		panic("train: Start.Dry with a nil context: use context.Background()")
	}
	there, err := s.there(dir)
	switch {
	case err != nil:
		return nil, err
	case there:
		return s.goOn(ctx, filepath.Join(dir, ModelFile))
	}
	return s.begin(ctx, dir)
}

// there reports whether the folder holds a run, an error if one may not be there.
func (s Start) there(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, ModelFile))
	if err == nil && !s.Resume {
		return true, fmt.Errorf("%s holds a run already: add Start.Resume to go on with it, or choose another Options.Dir", dir)
	}
	return err == nil, nil
}

// settle makes the folder of a new run and writes its first checkpoint.
func (s Start) settle(dir string, t *Trainer) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("Options.Dir: %w", err)
	}
	lock, err := LockFolder(dir)
	if err != nil {
		return nil, err
	}
	if there, err := s.there(dir); there { // another process was faster
		return lock, errors.Join(err, fmt.Errorf("%s: another training began there meanwhile", dir))
	}
	return lock, t.Save(filepath.Join(dir, ModelFile))
}

func (s Start) device() tensor.Device {
	if s.Device == nil {
		return kernels.New(0)
	}
	return s.Device
}

// begin makes the trainer of a new run: the recipe from the preset, the settings and
// the data.
func (s Start) begin(ctx context.Context, dir string) (*Begun, error) {
	if s.Data == "" {
		return nil, fmt.Errorf("%s: there is no checkpoint to resume; start with Start.Data SPEC", dir)
	}
	n := newRun{Start: s, rules: data.RulesOf(s.Data)}
	n.Device = s.device()
	rec, set, err := n.recipe(ctx)
	if err != nil {
		return nil, err
	}
	t, err := New(n.Device, set, rec)
	if err != nil {
		return nil, err
	}
	if s.From != "" {
		if err := t.StartFrom(s.From); err != nil {
			return nil, fmt.Errorf("Start.From: %w", err)
		}
	}
	return &Begun{Trainer: t, Notes: n.notes}, nil
}

// A newRun is one whose recipe is being settled.
type newRun struct {
	Start
	rules int     // by which the data are read
	model *Source // of From
	notes []string
}

func (n *newRun) given(name string) bool {
	_, is := n.Values[name]
	return is
}

// recipe reads the data and settles the recipe.
func (n *newRun) recipe(ctx context.Context) (recipe.Recipe, *data.Set, error) {
	name := n.Preset
	if name == "" {
		name = defaultPreset(n.Data)
	}
	rec, err := n.start(ctx, name)
	if err != nil {
		return rec, nil, err
	}
	rec.Data.Spec, rec.Data.Rules = n.Data, n.rules
	if err := n.Values.Read(&rec); err != nil {
		return rec, nil, err
	}
	set, err := Open(ctx, &rec)
	if err != nil {
		return rec, nil, err
	}
	if n.Preset == "" && !set.Images() && rec.Preset == "fashion" { // an array of points
		read := rec.Data
		if rec, err = n.start(ctx, "toy"); err != nil {
			return rec, nil, err
		}
		rec.Data = read
		if err := n.Values.Read(&rec); err != nil {
			return rec, nil, err
		}
	}
	if err := n.fits(rec); err != nil {
		return rec, nil, err
	}
	if err := rec.Fit(); err != nil {
		return rec, nil, fmt.Errorf("Start.Data %s: %w", source.Printable(n.Data), err)
	}
	fitted := rec.Clone()
	if err := n.Values.Set(&rec); err != nil {
		return rec, nil, err
	}
	n.notes = append(slices.Clone(set.Notes), n.otherNames(rec)...)
	for _, settle := range []func(*recipe.Recipe, *data.Set) ([]string, error){n.scale, n.bend, n.condition, n.measure} {
		notes, err := settle(&rec, set)
		if err != nil {
			return rec, nil, err
		}
		n.notes = append(n.notes, notes...)
	}
	rec.Train.Mode = tensor.FastMode(n.Device)
	rec.EndRate(n.given("warmup"))
	if err := rec.Validate(); err != nil {
		return rec, nil, n.blame(fitted, rec, err)
	}
	return rec, set, rec.Idle()
}

// measure is Measure for the run.
func (n *newRun) measure(rec *recipe.Recipe, set *data.Set) ([]string, error) {
	notes, err := Measure(rec, set)
	if err != nil {
		return nil, fmt.Errorf("Start.Data %s: %w", source.Printable(n.Data), err)
	}
	return notes, nil
}

// blame adds to err, the error of an impossible recipe, the setting that made it
// one: the last after which those of base, changed by one after the other, are
// impossible and stay so. What is measured is as possible as in final.
func (s Start) blame(base, final recipe.Recipe, err error) error {
	if t := final.Train.Rate; t.Kind == nn.StepLR && t.Validate() != nil {
		err = fmt.Errorf("%w: setting lr-every gives the steps between two reductions, setting lr-gamma their factor", err)
	}
	_, keep := s.Values["warmup"]
	impossible := func(rec recipe.Recipe) bool {
		rec = rec.Clone()
		rec.Data.Transform = final.Data.Transform
		if rec.Data.Scaling = final.Data.Scaling; rec.EDM != nil && rec.EDM.SigmaData == nil {
			rec.EDM.SigmaData = []float64{1} // as good as what is measured
		}
		rec.EndRate(keep)
		return rec.Validate() != nil
	}
	rec := base.Clone()
	bad, culprit := impossible(rec), ""
	for _, one := range recipe.Settings() {
		text, is := s.Values[one.Name]
		if one.Reading || !is || one.Set(&rec, text) != nil {
			continue
		}
		now := impossible(rec)
		if now && !bad {
			culprit = "setting " + one.Name + " " + text
		}
		bad = now
	}
	switch {
	case culprit != "":
		return fmt.Errorf("%s: %w", culprit, err)
	case len(rec.Data.Shape) == 3:
		return fmt.Errorf("Start.Data %s: %w: setting size scales the images, setting width, setting mult and others set the network", source.Printable(final.Data.Spec), err)
	}
	return err
}

// defaultPreset is toy for toy sets and tables, fashion for the rest.
func defaultPreset(spec string) string {
	if strings.HasPrefix(spec, "toy:") || strings.HasPrefix(spec, "csv:") {
		return "toy"
	}
	return "fashion"
}

// TimeStep does two steps and returns the time of the second: the first meets the
// memory for the first time.
func (t *Trainer) TimeStep() (time.Duration, error) {
	if _, err := t.Step(); err != nil {
		return 0, err
	}
	start := time.Now()
	_, err := t.Step()
	return time.Since(start), err
}
