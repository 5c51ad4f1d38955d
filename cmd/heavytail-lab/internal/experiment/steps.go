package experiment

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"

	"heavytail"
	"heavytail/data"
	"heavytail/diffusion/metrics"
	"heavytail/internal/atomicfile"
	"heavytail/internal/classifier"
	"heavytail/internal/imageio"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/train"
)

// The steps experiment: how many steps do the samplers need? One network of
// DLPM and one of LIM, of the same size and trained alike, on Fashion-MNIST
// and on its long-tailed subset; the score is the Fréchet distance in the
// features of this project's classifier.
var stepsExperiment = Experiment{
	Name: "steps", Summary: "images by the number of steps: DLPM, DLIM, LIM and LIM-ODE on Fashion-MNIST, balanced and long-tailed",
	Plan: planSteps,
}

const (
	stepsAlpha   = 1.7
	stepsFolder  = "/usr/share/datasets/fashion-mnist" // of Debian's dataset-fashion-mnist
	stepsLongest = 0.01                                // size of the rarest class by the most frequent one's
)

var stepsColumns = []string{"frechet", "precision", "recall"}

// stepsMethods are the samplers by the process whose network they use.
var stepsMethods = map[string][]string{recipe.DLPM: {"dlpm", "dlim"}, recipe.LIM: {"lim", "lim-ode"}}

// A stepsPlan is the size of the experiment.
type stepsPlan struct {
	quick                     bool
	folder                    string
	train, batch, images, ref int
	steps                     []int
	seed                      uint64
}

func planSteps(_ context.Context, o Options) (*Plan, error) {
	s := stepsPlan{folder: o.Data, train: 2000, batch: 32, images: 400, ref: 5000, steps: []int{5, 10, 25, 50, 100}, seed: o.Seed}
	sets := []string{"balanced", "long-tailed"}
	if s.folder == "" {
		s.folder = stepsFolder
	}
	if o.Quick {
		s.quick, s.train, s.batch, s.images, s.ref, s.steps = true, 4, 8, 40, 100, []int{3, 6}
		sets = sets[:1]
	} else if _, err := os.Stat(s.folder); err != nil && !o.Report {
		return nil, fmt.Errorf("steps wants Fashion-MNIST: %w; install Debian's package dataset-fashion-mnist or name the folder of its four files with -data", err)
	}
	p := &Plan{Columns: stepsColumns, Report: s.report}
	p.Settings = fmt.Sprintf("train %d x %d, %d images, %d real, alpha %v, estimates clamped", s.train, s.batch, s.images, s.ref, stepsAlpha)
	for run := range o.RunsOr(1, 1) {
		for _, set := range sets {
			for _, process := range []string{recipe.DLPM, recipe.LIM} {
				var keys []Key
				for _, m := range stepsMethods[process] {
					for _, n := range s.steps {
						keys = append(keys, Key{m, fmt.Sprintf("%s %d", set, n), run})
					}
				}
				p.Jobs = append(p.Jobs, Job{Keys: keys, Do: func(ctx context.Context, w *Worker) ([][]float64, error) {
					return s.measure(ctx, w, set, process, run)
				}})
			}
			fresh := Key{freshData, set, run}
			p.Jobs = append(p.Jobs, Job{Keys: []Key{fresh}, Do: func(ctx context.Context, _ *Worker) ([][]float64, error) { return s.fresh(ctx, set) }})
		}
	}
	return p, nil
}

// open reads a set of images; the quick version's are random bytes.
func (s stepsPlan) open(ctx context.Context, set string) (*data.Set, error) {
	if s.quick {
		return data.Random(200, []int{28, 28, 1}, 10), nil
	}
	o := data.Options{}
	if set == "long-tailed" {
		o.LongTail = stepsLongest
	}
	return data.Open(ctx, "idx:"+s.folder, o)
}

// pick returns at most n images spread over one half of the set, that of the
// images of even number for half 0 and of odd number for half 1: the frequent
// classes of a long-tailed set are alone at its end.
func pick(set *data.Set, half, n int) []float32 {
	per, of := set.Per(), set.Len()/2
	n = min(n, of)
	out := make([]float32, n*per)
	for i := range n {
		set.Get(out[i*per:(i+1)*per], 2*(i*of/n)+half, false)
	}
	return out
}

// real returns the features of the images to compare with: spread over the
// set, so with its shares of the classes.
func (s stepsPlan) real(set *data.Set, e metrics.Extractor) metrics.Features {
	return metrics.Extract(e, pick(set, 0, s.ref))
}

// fresh scores other images of the set as if they were generated.
func (s stepsPlan) fresh(ctx context.Context, name string) ([][]float64, error) {
	set, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	e, err := classifier.Default(1)
	if err != nil {
		return nil, err
	}
	row, err := stepsRow(e, s.real(set, e), pick(set, 1, s.images))
	return [][]float64{row}, err
}

func stepsRow(e metrics.Extractor, real metrics.Features, images []float32) ([]float64, error) {
	gen := metrics.Extract(e, images)
	d, err := metrics.Frechet(real, gen, 1)
	if err != nil {
		return nil, err
	}
	p := metrics.PRDC(real.X, gen.X, real.Dim, 5, 1)
	return []float64{d.Value, p.Precision, p.Recall}, nil
}

// recipe returns the settings of a process's network: unconditional, small
// enough to be trained in minutes.
func (s stepsPlan) recipe(set *data.Set, process string, run int) (recipe.Recipe, error) {
	r, err := recipe.Preset("fashion")
	if err != nil {
		return r, err
	}
	r.Process.Alpha = stepsAlpha
	if err := r.Use(process); err != nil {
		return r, err
	}
	r.Network = nn.Config{UNet: &nn.UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 16, ChannelMult: []int{1, 1, 1}, NumResBlocks: 1,
		AttentionDS: []int{4}, NumHeads: 2, TimeScale: 1000, ImageSize: 28, Magnitude: true}}
	r.Data = recipe.Data{Spec: set.Name, Samples: set.Len(), Shape: set.Shape, Classes: set.NumClasses()}
	t := &r.Train
	// Both networks of a set see the same images in the same order.
	t.Seed, t.Steps, t.Batch, t.LabelDrop, t.EMA = Seed(s.seed, "steps", set.Name, run), s.train, s.batch, 0, []float64{0.995}
	t.EMAWarmup = 0 // the results were found with a constant rate
	t.Rate.LR, t.Rate.Warmup, t.Rate.Total = 2e-3, min(100, s.train/2), s.train
	return r, nil
}

// measure trains one network, or goes on with its training, and scores the
// samples of both of its samplers.
func (s stepsPlan) measure(ctx context.Context, w *Worker, name, process string, run int) ([][]float64, error) {
	set, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := s.recipe(set, process, run)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(w.Dir, fmt.Sprintf("%s-%s-%d", name, process, run))
	net, err := trainImages(ctx, w, set, r, dir)
	if err != nil {
		return nil, err
	}
	e, err := classifier.Default(1)
	if err != nil {
		return nil, err
	}
	real := s.real(set, e)
	var rows [][]float64
	for _, m := range stepsMethods[process] {
		for _, n := range s.steps {
			images, err := s.sample(ctx, net, r, m, n)
			if err != nil {
				return nil, err
			}
			row, err := stepsRow(e, real, images)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
			w.Log("%s %s, steps %d: Fréchet distance %.2f", name, m, n, row[0])
			if err := writeSheet(filepath.Join(dir, fmt.Sprintf("%s-%d.png", m, n)), images, set.Shape); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// trainImages trains a network in a folder, from its checkpoint if there is
// one, and returns it with the averaged weights.
func trainImages(ctx context.Context, w *Worker, set *data.Set, r recipe.Recipe, dir string) (*nn.Net, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	t, err := train.New(kernels.New(1), set, r)
	if err != nil {
		return nil, err
	}
	model := filepath.Join(dir, train.ModelFile)
	if err := t.Restore(model); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if t.Done() < r.Train.Steps {
		do := train.Run{Dir: dir, SaveEvery: 250, LogEvery: 250, Progress: func(st train.Status) {
			w.Log("%s: step %d of %d, loss %.4f", filepath.Base(dir), st.Step, st.Steps, st.Loss)
		}}
		if err := do.Do(ctx, t); err != nil {
			return nil, err
		}
	}
	t.Net.Params().CopyFrom(t.EMA[0].Shadow)
	return t.Net, nil
}

// sample draws images, clamped to what a picture can hold. Every method's
// estimates of the image are clamped so as well: without that a network that
// was trained for minutes lets many images run to all black or all white, the
// more the more steps there are.
func (s stepsPlan) sample(ctx context.Context, net *nn.Net, r recipe.Recipe, method string, steps int) ([]float32, error) {
	seeds := make([]uint64, s.images)
	for i := range seeds {
		seeds[i] = Seed(s.seed, "steps sample", i)
	}
	o := heavytail.Options{Seeds: seeds, Method: method, Steps: steps, Batch: 16}
	if r.LIM == nil {
		o.Steps--                         // the paper counts the levels of DLPM and DLIM
		o.ConsistentStart = heavytail.Off // and its code starts so
	}
	return drawImages(ctx, net, r, o)
}

// drawImages draws images, every estimate of them and they themselves clamped to what a
// picture can hold.
func drawImages(ctx context.Context, net *nn.Net, r recipe.Recipe, o heavytail.Options) ([]float32, error) {
	m, err := heavytail.New(net, r)
	if err != nil {
		return nil, err
	}
	o.Clip = heavytail.On
	var out []float32
	err = m.Stream(ctx, o, func(_ int, x []float32) error {
		for _, v := range x {
			out = append(out, max(-1, min(v, 1)))
		}
		return nil
	})
	return out, err
}

// writeSheet writes the first 40 images as a picture.
func writeSheet(path string, images []float32, shape []int) error {
	img, err := sheet(images, shape, 10, 4)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return imageio.WritePNG(w, img, "") })
}

// sheet puts images into a grid.
func sheet(images []float32, shape []int, columns, rows int) (image.Image, error) {
	per := shape[0] * shape[1] * shape[2]
	n := min(columns*rows, len(images)/per)
	g, err := imageio.NewGrid(n, shape[0], shape[1], shape[2], columns)
	if err != nil {
		return nil, err
	}
	for i := range n {
		g.Put(i, images[i*per:(i+1)*per])
	}
	return g.Image(), nil
}
