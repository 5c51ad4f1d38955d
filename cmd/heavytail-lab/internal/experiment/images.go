package experiment

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"

	"heavytail"
	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/diffusion/metrics"
	"heavytail/internal/classifier"
	"heavytail/nn"
	"heavytail/recipe"
)

// imagesExperiment asks of networks of the built-in model's size what steps asks of
// networks that were trained for minutes: every process, by evaluations, with the rare
// classes of a long-tailed set by themselves.
var imagesExperiment = Experiment{
	Name: "images", Summary: "networks of the built-in model's size and training on Fashion-MNIST, balanced and long-tailed, all processes",
	Plan: planImages,
}

// imagesColumns: distances and improved precision and recall (k = 5) of images drawn
// with the set's shares of classes, in the classifier's features; rare is the recall of
// test images of the three rarest classes by as many that are drawn of these, NaN but at
// imagesMiddle evaluations. curve is the Fréchet distance of as many images at every
// number of evaluations, since it falls with their number.
var imagesColumns = []string{"frechet", "kernel", "precision", "recall", "rare", "curve"}

// imagesEvaluations are how often a sampler asks the network, in tables and keys.
var imagesEvaluations = []int{5, 10, 25, 50, 100}

const (
	imagesMiddle = 25 // evaluations with more images, and those of rare classes
	imagesRarest = 3  // classes
)

// An imagesMethod is a network and the samplers that it drives.
type imagesMethod struct {
	name     string
	use      func(*recipe.Recipe) error
	samplers []string
}

// imagesMethods come in the order in which they are measured.
func imagesMethods() []imagesMethod {
	kind := func(k string) func(*recipe.Recipe) error {
		return func(r *recipe.Recipe) error { return r.Use(k) }
	}
	chain := func(alpha float64) imagesMethod {
		name := fmt.Sprintf("DLPM %g", alpha)
		if alpha == 2 {
			name = "DDPM"
		}
		return imagesMethod{name, func(r *recipe.Recipe) error {
			r.Process.Alpha, r.Train.Loss = alpha, diffusion.DefaultLoss(alpha)
			return nil
		}, []string{"dlpm", "dlim"}}
	}
	lim := imagesMethod{"LIM 1.8", func(r *recipe.Recipe) error {
		r.Process.Alpha = 1.8
		return r.Use(recipe.LIM)
	}, []string{"lim", "lim-ode"}}
	return []imagesMethod{
		chain(1.8), chain(2), {"EDM", kind(recipe.EDM), []string{"edm", "dpm"}}, lim, {"t-EDM", kind(recipe.TEDM), []string{"edm"}},
		{"flow", kind(recipe.Flow), []string{"flow"}}, chain(1.7), chain(1.9), chain(1.5),
	}
}

// imagesSteps is how many steps of a sampler ask the network so often, or once less.
func imagesSteps(method string, evaluations int) int {
	switch method {
	case "edm": // Heun's: two a step, one in the last
		return (evaluations + 1) / 2
	case "flow": // two in every step
		return evaluations / 2
	case "dlpm", "dlim":
		return evaluations - 1 // levels, as the paper counts
	}
	return evaluations
}

// An imagesPlan is the size of the experiment.
type imagesPlan struct {
	stepsPlan
	most int // images at imagesMiddle
	rare int // of each of the rarest classes
	nets *networks
}

// networks trains each network once, whichever of its jobs comes first.
type networks struct {
	mu  sync.Mutex
	one map[string]*sync.Mutex
}

func (n *networks) lock(name string) func() {
	n.mu.Lock()
	m := n.one[name]
	if m == nil {
		m = &sync.Mutex{}
		n.one[name] = m
	}
	n.mu.Unlock()
	m.Lock()
	return m.Unlock
}

func planImages(_ context.Context, o Options) (*Plan, error) {
	s := imagesPlan{stepsPlan{folder: o.Data, train: 11000, batch: 32, images: 1000, ref: 5000, steps: imagesEvaluations, seed: o.Seed}, 5000, 500, &networks{one: map[string]*sync.Mutex{}}}
	sets, methods := []string{"long-tailed", "balanced"}, imagesMethods()
	if s.folder == "" {
		s.folder = stepsFolder
	}
	if o.Quick {
		s.quick, s.train, s.batch, s.images, s.ref, s.steps, s.most, s.rare = true, 2, 4, 20, 40, []int{5, imagesMiddle}, 30, 8
		sets, methods = sets[:1], []imagesMethod{methods[0], methods[2]}
	} else if _, err := os.Stat(s.folder); err != nil && !o.Report {
		return nil, fmt.Errorf("images wants Fashion-MNIST: %w; install Debian's package dataset-fashion-mnist or name the folder of its four files with -data", err)
	}
	p := &Plan{Columns: imagesColumns, Report: func(r *Results) Report { return s.reportImages(r, sets, methods) }}
	p.Settings = fmt.Sprintf("images 2: train %d x %d, %d images, %d at %d, %d of each rare class, %d real", s.train, s.batch, s.images, s.most, imagesMiddle, s.rare, s.ref)
	for run := range o.RunsOr(1, 1) {
		for _, set := range sets {
			fresh := Key{freshData, imagesSetting(set, imagesMiddle), run}
			p.Jobs = append(p.Jobs, Job{Keys: []Key{fresh}, Do: func(ctx context.Context, _ *Worker) ([][]float64, error) { return s.freshImages(ctx, set) }})
			for _, m := range methods {
				for _, sampler := range m.samplers {
					for _, n := range s.order() {
						k := Key{m.name + " by " + sampler, imagesSetting(set, n), run}
						p.Jobs = append(p.Jobs, Job{Keys: []Key{k}, Do: func(ctx context.Context, w *Worker) ([][]float64, error) {
							row, err := s.measureImages(ctx, w, set, m, sampler, n, run)
							return [][]float64{row}, err
						}})
					}
				}
			}
		}
	}
	return p, nil
}

// order has the numbers of evaluations as they are measured: the row with all measures
// comes first.
func (s imagesPlan) order() []int {
	out := []int{imagesMiddle}
	for _, n := range s.steps {
		if n != imagesMiddle {
			out = append(out, n)
		}
	}
	return out
}

func imagesSetting(set string, evaluations int) string {
	return fmt.Sprintf("%s %d", set, evaluations)
}

// network returns the method's network on the set, trained before or now.
func (s imagesPlan) network(ctx context.Context, w *Worker, set *data.Set, name string, m imagesMethod, run int) (*nn.Net, recipe.Recipe, string, error) {
	r, err := recipe.Preset("fashion")
	if err == nil {
		err = m.use(&r)
	}
	if err != nil {
		return nil, r, "", err
	}
	r.Data = recipe.Data{Spec: set.Name, Samples: set.Len(), Shape: set.Shape, Classes: set.NumClasses()}
	if err := r.Fit(); err != nil {
		return nil, r, "", err
	}
	if s.quick {
		r.Network.UNet.ModelChannels, r.Network.UNet.ChannelMult, r.Network.UNet.NumHeads = 16, []int{1, 1}, 2
	}
	t := &r.Train
	t.Seed, t.Steps, t.Batch = Seed(s.seed, "images", set.Name, run), s.train, s.batch
	t.Rate.Warmup, t.Rate.Total = min(t.Rate.Warmup, s.train/2), s.train
	dir := filepath.Join(w.Dir, fmt.Sprintf("%s-%s-%d", name, m.name, run))
	defer s.nets.lock(dir)()
	net, err := trainImages(ctx, w, set, r, dir)
	return net, r, dir, err
}

// measureImages scores one sampler at one number of evaluations.
func (s imagesPlan) measureImages(ctx context.Context, w *Worker, name string, m imagesMethod, sampler string, n, run int) ([]float64, error) {
	set, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	net, r, dir, err := s.network(ctx, w, set, name, m, run)
	if err != nil {
		return nil, err
	}
	count := s.images
	if n == imagesMiddle {
		count = s.most
	}
	label := func(i int) int { return set.Labels[i*set.Len()/count] } // the set's own shares
	images, err := s.draw(ctx, net, r, sampler, n, count, label)
	if err != nil {
		return nil, err
	}
	if err := writeSheet(filepath.Join(dir, fmt.Sprintf("%s-%d.png", sampler, n)), every(images, set.Per(), 40), set.Shape); err != nil {
		return nil, err
	}
	var rare []float32
	if n == imagesMiddle {
		first := set.NumClasses() - imagesRarest
		rare, err = s.draw(ctx, net, r, sampler, n, imagesRarest*s.rare, func(i int) int { return first + i%imagesRarest })
		if err != nil {
			return nil, err
		}
	}
	row, err := s.imagesRow(ctx, set, images, rare)
	if err == nil {
		w.Log("%s %s by %s, evaluations %d: Fréchet distance %.2f", name, m.name, sampler, n, row[0])
	}
	return row, err
}

// draw draws images of the classes, every estimate clamped to [−1, 1] as in steps.
func (s imagesPlan) draw(ctx context.Context, net *nn.Net, r recipe.Recipe, sampler string, evaluations, n int, label func(i int) int) ([]float32, error) {
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = Seed(s.seed, "images sample", i)
	}
	o := heavytail.Options{Seeds: seeds, Method: sampler, Steps: imagesSteps(sampler, evaluations), Batch: 8}
	if r.Kind() == recipe.DLPM {
		o.ConsistentStart = heavytail.Off // as the papers' code
	}
	for i := range n {
		o.Classes = append(o.Classes, label(i))
	}
	return drawImages(ctx, net, r, o)
}

// every returns n images from all over, or all if they are fewer: the classes come one
// after the other.
func every(images []float32, per, n int) (out []float32) {
	all := len(images) / per
	n = min(n, all)
	for i := range n {
		at := i * all / n * per
		out = append(out, images[at:at+per]...)
	}
	return out
}

// freshImages scores other images of the set, and of the test set those of the rarest
// classes that are not compared with, as if they were generated.
func (s imagesPlan) freshImages(ctx context.Context, name string) ([][]float64, error) {
	set, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	other, err := s.rarest(ctx, set, 1)
	if err != nil {
		return nil, err
	}
	row, err := s.imagesRow(ctx, set, pick(set, 1, s.most), other)
	return [][]float64{row}, err
}

// rarest are test images of the rarest classes, the first or the second s.rare of each.
func (s imagesPlan) rarest(ctx context.Context, set *data.Set, half int) ([]float32, error) {
	test := set
	if !s.quick {
		var err error
		if test, err = data.Open(ctx, "idx:"+filepath.Join(s.folder, "t10k-images-idx3-ubyte.gz"), data.Options{}); err != nil {
			return nil, err
		}
	}
	seen, per := make([]int, test.NumClasses()), test.Per()
	var out []float32
	for i, c := range test.Labels {
		if c < test.NumClasses()-imagesRarest {
			continue
		}
		if seen[c]++; (seen[c]-1)/s.rare == half {
			out = append(out, make([]float32, per)...)
			test.Get(out[len(out)-per:], i, false)
		}
	}
	return out, nil
}

// imagesRow compares images with the set, and those of the rarest classes, if there are
// any, with test images.
func (s imagesPlan) imagesRow(ctx context.Context, set *data.Set, images, rare []float32) ([]float64, error) {
	e, err := classifier.Default(1)
	if err != nil {
		return nil, err
	}
	real, gen := s.real(set, e), metrics.Extract(e, images)
	d, err := metrics.Frechet(real, gen, 1)
	if err != nil {
		return nil, err
	}
	k := metrics.KID(real, gen, metrics.KIDOptions{Seed: 1, Threads: 1})
	p := metrics.PRDC(real.X, gen.X, real.Dim, 5, 1)
	few, err := metrics.Frechet(real, metrics.Extract(e, every(images, set.Per(), s.images)), 1)
	if err != nil {
		return nil, err
	}
	row := []float64{d.Value, k.Value, p.Precision, p.Recall, math.NaN(), few.Value}
	if len(rare) > 0 {
		test, err := s.rarest(ctx, set, 0)
		if err != nil {
			return nil, err
		}
		a, b := metrics.Extract(e, test), metrics.Extract(e, rare)
		row[4] = metrics.PRDC(a.X, b.X, a.Dim, 5, 1).Recall
	}
	return row, nil
}
