package nn

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/tensor"
)

// A frozen network gives the values of one that is not, forward and back, to Get and to
// Clone, and what is written to it thaws it.
func TestFreeze(t *testing.T) {
	for _, name := range []string{"2d", "tiny", "fashion", "fashion-song"} {
		net := preset(t, kernels.New(2), name)
		p := net.Params()
		fixture(p)
		before := append([]float32(nil), p.Flat.Data()...)
		got := func(n *Net, q *Param) []float32 { return n.params.Get(n.params.Flat, q) }
		var theirs [][]float32
		for _, q := range p.List {
			theirs = append(theirs, got(net, q))
		}
		b := newBatch(net, 3, 1)
		use := func(n *Net) (y, dx []float32) {
			ws, err := n.NewInputWorkspace(3, 0, 0)
			require.NoError(t, err)
			y = pass(n, ws, b, true)
			return y, append([]float32(nil), n.InputGradient(ws).Data()...)
		}
		wantY, wantX := use(net)

		same := func(want, got []float32, what string) {
			require.True(t, slices.Equal(want, got), "%s: %s", name, what)
		}
		p.Freeze()
		require.False(t, slices.Equal(before, p.Flat.Data()), name)
		for i, q := range p.List {
			require.True(t, slices.Equal(theirs[i], got(net, q)), "%s: %s", name, q.Name)
			q.Tensor.Pack(1).Gen.Store(0) // gradients pack anew, from packed values
		}
		gotY, gotX := use(net)
		same(wantY, gotY, "frozen")
		same(wantX, gotX, "frozen")
		same(before, net.Clone().params.Flat.Data(), "a copy")
		for what, write := range map[string]func(){
			"Thaw": func() { p.Thaw() },
			"Set":  func() { p.Set(p.Flat, p.List[0], theirs[0]) },
			"CopyFrom": func() {
				flat := net.Device().New(p.Flat.Len())
				copy(flat.Data(), before)
				p.CopyFrom(flat)
			},
			"Update": func() {
				e := &EMA{Rate: 0.5, Shadow: net.Device().New(p.Flat.Len()), params: p}
				copy(e.Shadow.Data(), before)
				e.Update(1)
				same(before, e.Shadow.Data(), "average of the same values")
			},
			"NewEMA": func() { same(before, NewEMA(p, 0.9).Shadow.Data(), "average") },
		} {
			p.Freeze()
			write()
			same(before, p.Flat.Data(), what)
			gotY, gotX = use(net)
			same(wantY, gotY, what)
			same(wantX, gotX, what)
		}
		p.Freeze()
		p.EnableGrad()
		same(before, p.Flat.Data(), "EnableGrad")
		p.Freeze()
		same(before, p.Flat.Data(), "with gradients there is nothing to freeze")
	}
}

// What is frozen is read by products alone, and no convolution that doubles its image is
// among them, which reads sums of taps.
func TestFrozenWeights(t *testing.T) {
	for name, cfg := range smallNets() {
		net := build(t, kernels.New(1), cfg)
		g, err := net.plan(1, 0, 0, false, false)
		require.NoError(t, err)
		read := map[*tensor.Tensor]bool{}
		for _, p := range g.products {
			read[p.weight.Tensor] = true
			require.Equal(t, p.opt.Up, p.weight.up, "%s: %s", name, p.weight.Name)
		}
		for _, w := range net.params.products() {
			require.True(t, read[w] || w.Dim(0) == 0 || unread(net, w), "%s: %v", name, w.Shape())
		}
	}
}

// unread says whether w is a weight that sampling never reads.
func unread(net *Net, w *tensor.Tensor) bool {
	q := net.params.Find("model.map_augment.weight")
	return q != nil && q.Tensor == w
}

// The weights and what the device keeps for them take at most 1.8 times the file, where a
// copy beside each takes more than twice.
func TestFrozenMemory(t *testing.T) {
	for _, name := range Presets() {
		cfg, err := Preset(name)
		require.NoError(t, err)
		p, _ := describe(cfg)
		if p.total > 1<<24 && os.Getenv("HEAVYTAIL_EXHAUSTIVE") == "" {
			continue
		}
		net := preset(t, kernels.New(1), name)
		file := float64(4 * net.Params().Count())
		_, loose, err := net.Memory(1, 0, 0, false)
		require.NoError(t, err)
		net.Params().Freeze()
		_, once, err := net.Memory(1, 0, 0, false)
		require.NoError(t, err)
		t.Logf("%s: %.1f MB in a file, %.2f times that frozen, %.2f otherwise", name, file/1e6, float64(once)/file, float64(loose)/file)
		require.Less(t, float64(once), 1.8*file, name)
		require.Greater(t, float64(loose), 2*file, name)
	}
}

// Weights that come in pieces of any length lie where they would if they came at once, in
// every layout.
func TestLoadInPieces(t *testing.T) {
	for name, cfg := range smallNets() {
		net := build(t, kernels.New(1), cfg)
		p := net.params
		for _, q := range p.List {
			theirs := p.Get(p.Flat, q)
			want, got := make([]float32, q.n), make([]float32, q.n)
			q.scatter(want, theirs, 0)
			require.True(t, slices.Equal(want, q.view(p.Flat).Data()[:q.n]), "%s: %s", name, q.Name)
			for _, piece := range []int{1, 7, 64} {
				clear(got)
				for at := 0; at < q.n; at += piece {
					q.scatter(got, theirs[at:min(at+piece, q.n)], at)
				}
				require.True(t, slices.Equal(want, got), "%s: %s by %d", name, q.Name, piece)
			}
		}
	}
}
