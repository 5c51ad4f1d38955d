package recipe

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/nn"
)

// fitted returns a preset made whole for data of the given shape.
func fitted(t *testing.T, name string, shape ...int) Recipe {
	t.Helper()
	r, err := Preset(name)
	require.NoError(t, err)
	r.Data.Spec, r.Data.Samples, r.Data.Shape = "test", 10, shape
	require.NoError(t, r.Fit())
	if r.Train.Rate.Total == 0 {
		r.Train.Rate.Total = r.Train.Steps
	}
	return r
}

func TestPresetsAreWholeAndSurviveJSON(t *testing.T) {
	for _, name := range Presets() {
		shape := []int{32, 32, 3}
		switch name {
		case "2d", "toy":
			shape = []int{2}
		case "mnist", "fashion":
			shape = []int{32, 32, 1}
		}
		r := fitted(t, name, shape...)
		require.NoError(t, r.Validate(), name)
		require.Equal(t, name, r.Preset)
		back, err := Parse(r.JSON())
		require.NoError(t, err, name)
		require.Equal(t, string(r.JSON()), string(back.JSON()))
	}
	_, err := Preset("best")
	require.ErrorContains(t, err, "cifar10_lt")
}

// TestSongPresets: they train EDM as its paper says, can be switched to any
// other process and back, and follow the data or refuse them.
func TestSongPresets(t *testing.T) {
	r := fitted(t, "cifar10-ddpmpp", 32, 32, 3)
	require.Equal(t, EDM, r.Kind())
	require.InDelta(t, 200e6, float64(r.Train.Steps*r.Train.Batch), 512)
	require.InDelta(t, math.Pow(0.5, 512/5e5), r.Train.EMA[0], 1e-5)
	for _, kind := range append(Kinds(), EDM) {
		require.NoError(t, r.Use(kind))
		require.NoError(t, r.Validate(), kind)
		require.Equal(t, kind == EDM || kind == TEDM || kind == Jump, r.Network.Song.TimeScale == 1, kind)
	}
	s := fitted(t, "fashion-song", 32, 32, 3).Network.Song
	require.Equal(t, []int{3, 3, 32, 0, 16}, []int{s.InChannels, s.OutChannels, s.ImageSize, s.NumClasses, s.AttentionRes[0]})
	r.Data.Shape = []int{32, 32, 1}
	require.ErrorContains(t, r.Fit(), "setting channels 3")
}

// TestOfSong: weights of a SongUNet without a recipe are EDM's.
func TestOfSong(t *testing.T) {
	c, err := nn.Preset("fashion-song")
	require.NoError(t, err)
	r, err := Of(nil, c)
	require.NoError(t, err)
	require.Equal(t, EDM, r.Kind())
	require.Equal(t, []int{28, 28, 1}, r.Data.Shape)
	require.Equal(t, 10, r.Data.Classes)
}

// A recipe from before the averages had a warm-up keeps constant rates and its
// bytes; this project's presets have one.
func TestEMAWarmupIsNew(t *testing.T) {
	for name, want := range map[string]float64{"fashion": 10, "toy": 10, "fashion-song": 10, "2d": 0, "cifar10-ddpmpp": 0, "cifar10-ncsnpp": 0} {
		r, err := Preset(name)
		require.NoError(t, err)
		require.Equal(t, want, r.Train.EMAWarmup, name)
	}
	r := fitted(t, "fashion", 28, 28, 1)
	r.Train.EMAWarmup = 0
	require.NotContains(t, string(r.JSON()), "warmup\":10")
	require.NotContains(t, string(r.JSON()), "ema_warmup")
	for _, c := range []float64{1, 1.5, -1, math.Inf(1), math.NaN()} {
		r.Train.EMAWarmup = c
		require.ErrorContains(t, r.Validate(), "EMA warm-up is", "%v", c)
	}
}

func TestFitFollowsTheData(t *testing.T) {
	r, err := Preset("fashion")
	require.NoError(t, err)
	r.Data.Shape, r.Data.Classes = []int{16, 16, 3}, 0
	require.NoError(t, r.Fit())
	u := r.Network.UNet
	require.Equal(t, []int{3, 3, 16, 0}, []int{u.InChannels, u.OutChannels, u.ImageSize, u.NumClasses})
	require.Zero(t, r.Train.LabelDrop)
	for _, c := range []struct {
		preset string
		shape  []int
		want   string
	}{
		{"fashion", []int{28, 32, 1}, "scale them with setting size"}, {"fashion", []int{2}, "Start.Preset toy"}, {"toy", []int{8, 8, 1}, "Start.Preset fashion"},
		{"cifar10", []int{32, 32, 1}, "setting channels 3"},
	} {
		r, err := Preset(c.preset)
		require.NoError(t, err)
		r.Data.Shape = c.shape
		require.ErrorContains(t, r.Fit(), c.want)
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(fitted(t, "toy", 2).JSON())
	for from, to := range map[string]string{
		`"format":1`: `"format":2`, `"alpha":1.8`: `"alpha":0.5`, `"steps":1000`: `"steps":-1`, `"shape":[2]`: `"shape":[2,2]`,
		`"batch":1024`: `"batch":1e30`, `"kind":"root"`: `"kind":"best"`, `"beta1":0.9`: `"beta1":1`, `"ema":[0.99]`: `"ema":[0.99,0.99]`,
		`"seed":0`: `"sneed":0`, `"samples":10`: `"samples":"ten"`, `"dim":2`: `"dim":-2`,
	} {
		require.Contains(t, good, from)
		_, err := Parse([]byte(strings.Replace(good, from, to, 1)))
		require.Error(t, err, to)
	}
	_, err := Parse([]byte(good + "{}"))
	require.ErrorContains(t, err, "after its end")
	_, err = Parse(make([]byte, maxJSON+1))
	require.ErrorContains(t, err, "at most")
}

func TestOfGuessesWhatAFileDoesNotSay(t *testing.T) {
	c, err := nn.Preset("mnist")
	require.NoError(t, err)
	for _, text := range []string{"", `{"network":{}}`} {
		raw := []byte(text)
		if text == "" {
			raw = nil
		}
		r, err := Of(raw, c)
		require.NoError(t, err)
		require.Equal(t, []int{32, 32, 1}, r.Data.Shape)
		require.Equal(t, 20.0, r.Process.ClampA)
		require.Zero(t, r.Train.Steps)
	}
	want := fitted(t, "toy", 2)
	r, err := Of(want.JSON(), want.Network)
	require.NoError(t, err)
	require.Equal(t, diffusion.Default(1.8, 100), r.Process)
	_, err = Of([]byte("nonsense"), c)
	require.Error(t, err)
}

func FuzzParse(f *testing.F) {
	for _, name := range Presets() {
		r, err := Preset(name)
		if err != nil {
			f.Fatal(err)
		}
		r.Data.Shape, r.Data.Spec = []int{2}, "x"
		f.Add(r.JSON())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if _, err := Parse(r.JSON()); err != nil {
			t.Fatalf("%v: %s", err, r.JSON())
		}
	})
}

// A copy shares no pointer, slice or map with what it was made from, whichever
// fields are set.
func TestCloneSharesNothing(t *testing.T) {
	r := numtest.Full[Recipe]()
	c := r.Clone()
	require.Equal(t, r, c)
	require.Empty(t, numtest.Shared(r, c))
	require.Empty(t, numtest.Shared(r.Network, r.Network.Clone()))
	require.Empty(t, numtest.Shared(Presets(), Presets()))
	for _, name := range Presets() {
		a, err := Preset(name)
		require.NoError(t, err)
		b, err := Preset(name)
		require.NoError(t, err)
		require.Empty(t, numtest.Shared(a, b), name)
	}
}

// A model that package train did not train has a recipe with a Train of zeros, and that of
// a network alone is possible too.
func TestWithoutTrain(t *testing.T) {
	points := nn.Config{MLP: &nn.MLPConfig{Dim: 2, Hidden: []int{16}}}
	song, err := Preset("fashion-song")
	require.NoError(t, err)
	for _, cfg := range []nn.Config{points, song.Network, fitted(t, "fashion", 32, 32, 1).Network} {
		r, err := Of(nil, cfg)
		require.NoError(t, err)
		require.NoError(t, r.Validate())
		require.False(t, r.Known() || r.Trained())
	}
	for _, kind := range Kinds() {
		r := Recipe{Format: Format, Network: points.Clone(), Data: Data{Shape: []int{2}}}
		require.NoError(t, r.Use(kind))
		r.Train = Train{}
		if r.EDM != nil {
			r.EDM.SigmaData = []float64{1}
		}
		require.NoError(t, r.Validate(), kind)
		back, err := Of(r.JSON(), points)
		require.NoError(t, err, kind)
		require.True(t, back.Known() && r.Known() && !back.Trained(), kind)
		r.Train.Steps = 5
		require.ErrorContains(t, r.Validate(), "batch is 0", kind)
	}
	require.False(t, Recipe{}.Known())
}
