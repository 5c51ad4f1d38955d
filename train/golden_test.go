package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/internal/npy"
	"heavytail/internal/numtest"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/stable"
	"heavytail/tensor"
)

// The golden steps: three steps of training computed by testdata/golden_steps.py,
// in float64 with PyTorch's layers, gradients, clipping and AdamW, from the
// recipe's text, the start weights, the data and the decisions that are left to
// chance (which sample, mirrored or not, with or without its class, time, noise).
// To make them anew:
//
//	HEAVYTAIL_GOLDEN=DIR go test -run TestGoldenSteps ./train
//	python3 train/testdata/golden_steps.py DIR train/testdata

// goldenSteps is how many steps are compared.
const goldenSteps = 3

// A goldenRun is a training that the other program repeats.
type goldenRun struct {
	name   string
	recipe recipe.Recipe
	set    *data.Set
}

// goldenRuns judge every part of a step with few runs: both networks, all five
// processes, copies with a median, micro-batches, colours of different deviation,
// mirrored images, dropped classes, every clamp, and three learning rates.
func goldenRuns(t *testing.T) []goldenRun {
	toy := func(kind string) goldenRun {
		r, set := toyRun(t, goldenSteps)
		require.NoError(t, r.Use(kind))
		r.Train.Batch, r.Train.Seed = 16, 5
		r.Train.Rate = nn.Schedule{Kind: nn.Cosine, LR: 1e-2, Warmup: 1, Total: 5}
		return goldenRun{kind, r, set}
	}
	picture := func(kind string, channels int) goldenRun {
		r, _ := imageRun(t, goldenSteps)
		set := data.Random(20, []int{8, 8, channels}, 3)
		r.Data.Samples, r.Data.Shape = set.Len(), set.Shape
		require.NoError(t, r.Use(kind))
		u := r.Network.UNet
		u.InChannels, u.OutChannels, u.ModelChannels, u.Dropout = channels, channels, 4, 0
		r.Train.LabelDrop, r.Train.Seed, r.Train.Clip = 0.4, 9, 0.5
		// A bias before a normalisation has the gradient 0, of which rounding
		// leaves some: divided by itself and an eps of 1e-8 it would be a step of
		// full length in either direction, of which nothing can be said.
		r.Train.Eps = 1e-3
		return goldenRun{kind, r, set}
	}

	points := toy(recipe.DLPM)
	points.name = "points"
	r := &points.recipe
	r.Process.Alpha, r.Process.ClampA, r.Process.Isotropic = 1.5, 30, false
	r.Network.MLP.TailRadius = 2
	r.Train.Loss = diffusion.Loss{Kind: diffusion.Root, Median: true, Outer: 3, Inner: 2}
	r.Train.EMAWarmup, r.Train.Micro = 4, 5
	scaling, _, err := recipe.MeasureScaling(recipe.Robust, recipe.Points{Len: points.set.Len(), Dim: 2, Row: points.set.Float64})
	require.NoError(t, err)
	r.Data.Scaling = scaling

	images := picture(recipe.DLPM, 1)
	images.name = "images"
	images.recipe.Process.ClampA = 10
	images.recipe.Train.Micro = 5
	images.recipe.Train.Rate = nn.Schedule{Kind: nn.StepLR, LR: 2e-3, Every: 2, Gamma: 0.5}

	colours := picture(recipe.TEDM, 3)
	colours.name = "colours"
	colours.recipe.EDM = &diffusion.EDM{Nu: diffusion.Nu{6}, SigmaData: []float64{0.3, 0.5, 0.9}, PMean: -0.7, PStd: 1}

	lim := toy(recipe.LIM)
	lim.recipe.LIM = &diffusion.LIM{Alpha: 1.4, Clamps: diffusion.LIMClamps{A: 60, Skewed: 15, Eps: 9, Norm: 1.5}}
	lim.recipe.Train.EMAWarmup, lim.recipe.Train.Eps = 0, 1e-3 // small bounds leave some gradients near 0
	lim.recipe.Train.Rate = nn.Schedule{Kind: nn.Linear, LR: 1e-2, Total: 4}

	flow := toy(recipe.Flow)
	flow.recipe.Flow.SigmaMin = 0.01
	flow.recipe.Train.Rate = nn.Schedule{Kind: nn.Constant, LR: 5e-3, Warmup: 2}
	flow.recipe.Train.Clip = 0
	runs := []goldenRun{points, images, colours, lim, flow}
	for _, g := range runs {
		require.NoError(t, g.recipe.Validate(), g.name)
	}
	return runs
}

// What golden_steps.py reads.
type (
	goldenInput struct {
		Recipe json.RawMessage  `json:"recipe"`
		Params []goldenParam    `json:"params"`
		Data   [][]float64      `json:"data"` // as read: no sample is mirrored or scaled
		Labels []int            `json:"labels"`
		Steps  [][]goldenSample `json:"steps"`
	}
	goldenParam struct {
		Name   string    `json:"name"`
		Shape  []int     `json:"shape"`
		Values []float32 `json:"values"`
	}
	// A goldenSample is what chance decides about one sample.
	goldenSample struct {
		Index int         `json:"index"`
		Flip  bool        `json:"flip"`
		Drop  bool        `json:"drop"`
		Level float64     `json:"level"` // dlpm: step; edm: normal; lim, flow: uniform
		A     [][]float64 `json:"a"`     // of each copy: multipliers, unclamped, one or one per element
		Z     [][]float32 `json:"z"`     // of each copy: normals
		Kappa float64     `json:"kappa"`
	}
)

func goldenDump(t *testing.T, g goldenRun, tr *Trainer) goldenInput {
	in := goldenInput{Recipe: g.recipe.JSON(), Labels: g.set.Labels}
	p := tr.Net.Params()
	for _, q := range p.List {
		in.Params = append(in.Params, goldenParam{q.Name, q.Shape, p.Get(p.Flat, q)})
	}
	for i := range g.set.Len() {
		row := make([]float64, g.set.Per())
		g.set.Float64(row, i)
		in.Data = append(in.Data, row)
	}
	for s := range goldenSteps {
		var step []goldenSample
		for i := range g.recipe.Train.Batch {
			step = append(step, goldenChance(t, g, tr, uint64(s*g.recipe.Train.Batch+i)))
		}
		in.Steps = append(in.Steps, step)
	}
	return in
}

// goldenChance draws what chance decides about one sample from the streams that
// diffusion's noisers name.
func goldenChance(t *testing.T, g goldenRun, tr *Trainer, number uint64) goldenSample {
	r, d := g.recipe, g.set.Per()
	s := goldenSample{
		Index: tr.order.at(number), Kappa: 1,
		Flip: r.Data.Flip && bits(r.Train.Seed, tagFlip, number)&1 == 1,
		Drop: unit(bits(r.Train.Seed, tagDrop, number)) < r.Train.LabelDrop,
	}
	at := func(step int) stable.Key {
		return stable.Key{Seed: r.Train.Seed, Sample: 1 + number, Step: uint32(step)}
	}
	var one [1]float32
	law, loss, alpha := stable.Noise{}, r.Train.Loss, r.Process.Alpha
	switch {
	case r.LIM != nil:
		at(0).Uniform(one[:], 0)
		alpha = r.LIM.Alpha
	case r.Flow != nil:
		at(0).Uniform(one[:], 0)
	case r.EDM != nil:
		at(0).Normal(one[:], 0)
		s.Kappa = at(1).Kappa(r.EDM.Nu[0], 0)
	default:
		n, err := diffusion.NewNoiser(r.Process, loss, r.Train.Seed)
		require.NoError(t, err)
		one[0] = float32(n.Step(number))
	}
	s.Level = float64(one[0])
	law.Alpha, law.Isotropic = alpha, r.Process.Isotropic || r.LIM != nil && r.LIM.Isotropic
	inner := max(1, loss.Inner)
	for c := range loss.Copies() {
		z := make([]float32, d)
		at(1+c).Normal(z, 0)
		s.Z = append(s.Z, z)
		if alpha == 0 {
			continue
		}
		group := at(1 + c/inner*inner)
		if law.Isotropic {
			s.A = append(s.A, []float64{law.A(group)})
			continue
		}
		a, wide := make([]float32, d), make([]float64, d)
		law.Multipliers(a, group, 0)
		for j, v := range a {
			wide[j] = float64(v)
		}
		s.A = append(s.A, wide)
	}
	return s
}

// goldenOutput is what golden_steps.py writes beside the weights: what the steps
// tell, and by how much PyTorch's own float32 runs differ from its float64 run.
type goldenOutput struct {
	Loss     []float64 `json:"loss"`
	Norm     []float64 `json:"norm"`
	Rate     []float64 `json:"rate"`
	Rounding struct {
		Loss    float64   `json:"loss"` // relative, as Norm
		Norm    float64   `json:"norm"`
		Weights []float64 `json:"weights"` // largest difference of a weight, then of each average
	} `json:"rounding"`
}

// The trainer's steps are those of the other program: loss, norm of the gradient,
// learning rate, weights and averages.
//
// The bound is four times the most that rounding does in eight float32 runs of
// PyTorch with the samples in different orders, judged by its float64 run: ours is
// float32 too, and differs from all of them in the order of the sums within a
// layer. The weights of the file are rounded to float32. Faults are far above:
// testdata/mutants.txt holds some.
func TestGoldenSteps(t *testing.T) {
	const orders = 4
	for _, g := range goldenRuns(t) {
		t.Run(g.name, func(t *testing.T) {
			tr := start(t, 2, g.recipe, g.set)
			roughen(tr)
			if dir := os.Getenv("HEAVYTAIL_GOLDEN"); dir != "" {
				text, err := json.Marshal(goldenDump(t, g, tr))
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(dir, g.name+".json"), text, 0o644))
				t.Skip("wrote the input of golden_steps.py")
			}
			want, rows := readGolden(t, g.name)
			for i := range goldenSteps {
				s, err := tr.Step()
				require.NoError(t, err)
				require.InEpsilon(t, want.Loss[i], s.Loss, orders*want.Rounding.Loss, "loss of step %d", i)
				require.InEpsilon(t, want.Norm[i], s.Norm, orders*want.Rounding.Norm, "norm of step %d", i)
				require.InEpsilon(t, want.Rate[i], s.Rate, 1e-14, "rate of step %d", i)
			}
			p := tr.Net.Params()
			flats := append([]*tensor.Tensor{p.Flat}, shadows(tr)...)
			require.Len(t, rows, len(flats))
			for i, flat := range flats {
				var got []float32
				for _, q := range p.List {
					got = append(got, p.Get(flat, q)...)
				}
				require.Less(t, want.Rounding.Weights[i], 1e-5, "the bound says nothing")
				numtest.Within(t, rows[i], got, orders*want.Rounding.Weights[i], 1.0/(1<<24), "weights or average")
			}
		})
	}
}

// roughen adds numbers to the weights: many are 0 at the start, and hide what
// reaches them, forward and backward, from the first steps.
func roughen(tr *Trainer) {
	p, random := tr.Net.Params(), numtest.NewRand(1)
	for _, q := range p.List {
		values := p.Get(p.Flat, q)
		for i, v := range random.Fill(make([]float32, len(values)), 0.1) {
			values[i] += v
		}
		p.Set(p.Flat, q, values)
	}
	p.Touch()
	for _, e := range tr.EMA {
		tr.dev.Copy(e.Shadow, p.Flat)
	}
}

// readGolden returns what golden_steps.py found: the rows are the weights after
// the last step and the averages, all parameters in PyTorch's order.
func readGolden(t *testing.T, name string) (out goldenOutput, rows [][]float64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden_"+name+".json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &out))
	f, err := os.Open(filepath.Join("testdata", "golden_"+name+".npy"))
	require.NoError(t, err)
	defer f.Close()
	a, err := npy.Read(f, 1<<24)
	require.NoError(t, err)
	n := a.Shape[1]
	for i := range a.Shape[0] {
		row := make([]float64, n)
		for j, v := range a.F32[i*n : (i+1)*n] {
			row[j] = float64(v)
			require.False(t, math.IsNaN(row[j]))
		}
		rows = append(rows, row)
	}
	return out, rows
}

// shadows returns the averages of the weights.
func shadows(tr *Trainer) (out []*tensor.Tensor) {
	for _, e := range tr.EMA {
		out = append(out, e.Shadow)
	}
	return out
}
