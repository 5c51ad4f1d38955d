package recipe

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
)

func TestUseMakesEveryKind(t *testing.T) {
	for _, kind := range Kinds() {
		for _, preset := range []string{"toy", "fashion"} {
			shape := map[string][]int{"toy": {2}, "fashion": {28, 28, 1}}[preset]
			r := fitted(t, preset, shape...)
			require.NoError(t, r.Use(kind))
			require.Equal(t, kind, r.Kind())
			require.NoError(t, r.Validate(), kind)
			back, err := Parse(r.JSON())
			require.NoError(t, err, "%s: %s", kind, r.JSON())
			require.Equal(t, string(r.JSON()), string(back.JSON()))
			require.Equal(t, kind, back.Kind())
			n, err := back.Noiser()
			require.NoError(t, err)
			require.Equal(t, 1, n.Copies())
			require.Contains(t, r.Noise(), kind)
		}
	}
	r := fitted(t, "toy", 2)
	require.ErrorContains(t, r.Use("best"), "there are dlpm, lim, edm")
	require.Equal(t, DLPM, r.Kind())
}

// The kind follows the fields: an EDM that is given a finite ν is tedm.
func TestKindFollowsNu(t *testing.T) {
	r := fitted(t, "toy", 2)
	require.NoError(t, r.Use(EDM))
	r.EDM.Nu = diffusion.Nu{math.Inf(1)}
	require.Equal(t, EDM, r.Kind())
	require.Equal(t, "edm", r.Noise())
	r.EDM.Nu = diffusion.Nu{20, 4}
	require.Equal(t, TEDM, r.Kind())
	require.Equal(t, "tedm, ν = 20 4", r.Noise())
}

// Noise of jumps is named with what it has, and has no second output.
func TestJump(t *testing.T) {
	r := fitted(t, "toy", 2)
	require.NoError(t, r.Use(Jump))
	require.Equal(t, "jump, λ = 2", r.Noise())
	require.NoError(t, Values{"jump-rate": "5", "jump-share": "0.5"}.Set(&r))
	require.Equal(t, "jump, λ = 5, ρ = 0.5", r.Noise())
	require.ErrorContains(t, Values{"nu": "3"}.Set(&r), "the process is jump, which has no such setting")
	// a rate of 0 would make it EDM's process, of no jumps, without a word
	require.ErrorContains(t, Values{"jump-rate": "0"}.Set(&r), "use a positive value")
	require.Equal(t, "jump, λ = 5, ρ = 0.5", r.Noise())
	r.EDM.Jump.Rate = 0
	require.ErrorContains(t, r.Validate(), "rate is 0: use 0.1 to 1000")
	r.EDM.Jump.Rate = 5
	r.Network.MLP.Spread = true
	require.ErrorContains(t, r.Validate(), "no sampler of jump uses")
	require.NoError(t, r.Use(EDM))
	require.ErrorContains(t, Values{"jump-rate": "5"}.Set(&r), "choose setting process jump")
}

func TestLIMTakesOverFromDLPM(t *testing.T) {
	r, err := Preset("mnist")
	require.NoError(t, err)
	require.NoError(t, r.Use(LIM))
	require.Equal(t, diffusion.LIM{Alpha: 1.8, Isotropic: true, Clamps: diffusion.LIMClamps{A: 20, Eps: 200}}, *r.LIM)
	require.Equal(t, diffusion.Huber, r.Train.Loss.Kind)
}

func TestImpossibleProcesses(t *testing.T) {
	for want, change := range map[string]func(*Recipe){
		"0 processes":              func(r *Recipe) { r.EDM = nil },
		"2 processes":              func(r *Recipe) { r.Process = diffusion.Default(1.7, 10) },
		"want one of process, lim": func(r *Recipe) { r.Flow = &diffusion.Flow{Target: diffusion.TargetData} },
		"leave out outer":          func(r *Recipe) { r.Train.Loss.Outer = 5 },
		"nu is 2":                  func(r *Recipe) { r.EDM.Nu = diffusion.Nu{2} },
		"samples of 2 channels":    func(r *Recipe) { r.EDM.Nu = diffusion.Nu{3, 4, 5} },
	} {
		r := fitted(t, "toy", 2)
		require.NoError(t, r.Use(TEDM))
		change(&r)
		require.ErrorContains(t, r.Validate(), want)
		_, err := Parse(r.JSON())
		require.Error(t, err, want)
	}
}

// A recipe as the first version wrote it, with the process in its old place,
// is read and written as it was.
func TestOldRecipesStayTheSame(t *testing.T) {
	old := `{"format":1,"preset":"toy","network":{"mlp":{"dim":2,"units":64,"blocks":4,"time_emb":32,"time_scale":1000,"magnitude":true,"tail_radius":4}},` +
		`"process":{"alpha":1.8,"isotropic":true,"scale":"preserving","steps":100},"data":{"spec":"test","samples":10,"shape":[2]},` +
		`"train":{"seed":0,"steps":1000,"batch":1024,"rate":{"kind":"cosine","lr":0.01,"warmup":20,"total":1000},"loss":{"kind":"root"},` +
		`"beta1":0.9,"beta2":0.999,"eps":1e-8,"weight_decay":0.01,"clip":1,"ema":[0.99]}}`
	r, err := Parse([]byte(old))
	require.NoError(t, err)
	require.Equal(t, old, string(r.JSON()))
	require.Equal(t, DLPM, r.Kind())
}
