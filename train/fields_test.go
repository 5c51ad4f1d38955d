package train

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
)

// fieldValues are the values that TestEveryFieldActs gives a field where the rule
// of changed does not make a sensible one; a name may begin with the base that
// it is meant for.
var fieldValues = map[string]any{
	"process.scale": "exploding", "exploding:process.scale": "preserving", "network.mlp.tail_radius": 0.5, "process.grid": "quadratic", "process.clamp_a": 0.5, "process.clamp_eps": 0.3,
	"lim.clamps.a": 0.5, "lim.clamps.eps": 0.3, "lim.clamps.skewed": 0.3, "lim.clamps.norm": 0.3,
	"flow.target": "data", "train.rate.kind": "linear", "train.loss.kind": "huber", "lim:train.loss.kind": "squared", "train.loss.outer": 3, "train.loss.inner": 2, "train.ema": []float64{0.05}, "edm.sigma_data": []float64{0.7}, "train.eps": 1e-3, "train.label_drop": 0.9, "train.clip": 1e-3,
	"network.unet.attention_resolutions": []int{8}, "network.unet.channel_mult": []int{2, 2}, "network.unet.num_heads": 4, "network.unet.model_channels": 16, "network.unet.dropout": 0.5,
	"network.song.embedding_type": "fourier", "network.song.encoder_type": "residual", "network.song.resample_filter": []int{1, 3, 3, 1},
	"network.song.channel_mult": []int{2, 1}, "network.song.attn_resolutions": []int{8}, "network.song.num_heads": 2,
	"process.betas.beta_schedule": "sigmoid", "process.betas.prediction_type": "sample", "process.betas.timestep_spacing": "trailing", "betas:process.scale": "preserving",
	"network.unet2d.block_out_channels": []int{8, 8}, "network.unet2d.down_block_types": []string{"DownBlock2D", "DownBlock2D"}, "network.unet2d.up_block_types": []string{"AttnUpBlock2D", "UpBlock2D"},
	"network.unet2d.mid_block_type": "", "network.unet2d.attention_head_dim": 2, "network.unet2d.norm_num_groups": 1, "network.unet2d.attn_norm_num_groups": 4, "network.unet2d.downsample_padding": 0,
	"network.unet2d.downsample_type": "resnet", "network.unet2d.upsample_type": "resnet", "network.unet2d.resnet_time_scale_shift": "scale_shift", "network.unet2d.class_embed_type": "timestep",
	"network.unet2d.time_embedding_type": "fourier", "network.unet2d.norm_eps": 0.1, "network.unet2d.dropout": 0.5,
	"network.song.model_channels": 16, "network.song.skip_scale": 0.5, "network.song.dropout": 0.5,
}

// idleFields act on nothing here, for the reason given; a name may begin with
// the base that it is meant for.
var idleFields = map[string]string{
	"preset":     "the name of where the settings came from",
	"data.spec":  "where the data are; data.sum holds what they are",
	"data.names": "for people", "given:data.columns": "the same",
	"data.sum":       "compared when a run is resumed",
	"data.long_tail": "how the set was read, which is here already",
	"data.points":    "how the set was read",
	"data.size":      "how the set was read", "data.rules": "the same", "data.select": "the same", "data.separator": "the same", "data.decimal": "the same", "data.background": "the same", "data.range": "the same", "data.missing": "the same",
	"data.held": "the same", "data.given.select": "the same", "data.given.columns": "for people",
	"data.channels":             "how the set was read",
	"train.steps":               "the end of the run; the rate has its own total",
	"train.micro":               "the same bytes with less memory",
	"train.from":                "what was done before the first step",
	"train.changes":             "what was done before",
	"process.betas.fixed_large": "of the steps of dlpm, which is not the default (TestSchedules)",
	"process.betas.unclipped":   "what Options.Clip is where it is not given, in package heavytail (TestOpenDirClips)",
}

// fieldBases are recipes that together have every kind of network and process.
func fieldBases(t *testing.T) map[string]func() (recipe.Recipe, *data.Set) {
	points := func(kind string, more func(r *recipe.Recipe)) func() (recipe.Recipe, *data.Set) {
		return func() (recipe.Recipe, *data.Set) {
			r, set := toyRun(t, 100)
			require.NoError(t, r.Use(kind))
			r.Train.Clip, r.Train.Rate.Warmup = 0.01, 1
			if more != nil {
				more(&r)
			}
			return r, set
		}
	}
	song := func() (recipe.Recipe, *data.Set) {
		r, set := imageRun(t, 100)
		s, err := recipe.Preset("fashion-song")
		require.NoError(t, err)
		r.Network, r.Process, r.EDM, r.Train.Loss, r.Preset = s.Network, s.Process, s.EDM, s.Train.Loss, s.Preset
		require.NoError(t, r.Fit())
		c := r.Network.Song
		c.ModelChannels, c.ChannelMult, c.AttentionRes, c.Dropout = 8, []int{1, 1}, []int{4}, 0.1
		r.EDM.Nu, r.EDM.SigmaData = diffusion.Nu{5}, []float64{0.5}
		return r, set
	}
	betas := func() (recipe.Recipe, *data.Set) {
		r, set := imageRun(t, 100)
		size, classes := r.Data.Shape[0], r.Data.Classes
		r.Network = nn.Config{UNet2D: &nn.UNet2DConfig{ImageSize: size, InChannels: 1, OutChannels: 1, Embedding: "positional", EmbDim: 8, Channels: []int{4, 8}, Down: []string{"DownBlock2D", "AttnDownBlock2D"},
			Up: []string{"UpBlock2D", "AttnUpBlock2D"}, Mid: "UNetMidBlock2D", MidAttention: true, MidScale: 1, Layers: 1, DownPadding: 1, DownType: "conv", UpType: "conv", Groups: 2, Eps: 1e-5, TimeShift: "default", NumClasses: classes}}
		r.Network.UNet2D.Down[0], r.Network.UNet2D.Up[0] = "AttnDownBlock2D", "AttnUpBlock2D"
		r.Process = diffusion.DLPM{Alpha: 2, Isotropic: true, Scale: diffusion.Given, Steps: 101,
			Betas: diffusion.Betas{Schedule: "linear", Start: 1e-3, End: 0.05, Prediction: "epsilon", Spacing: "leading"}}
		r.Train.Loss, r.Preset = diffusion.DefaultLoss(2), ""
		return r, set
	}
	return map[string]func() (recipe.Recipe, *data.Set){
		"betas":  betas,
		"points": points(recipe.DLPM, nil),
		"exploding": points(recipe.DLPM, func(r *recipe.Recipe) {
			r.Process.Scale, r.Train.Loss.Outer = diffusion.Exploding, 2
		}),
		"lim":   points(recipe.LIM, nil),
		"tedm":  points(recipe.TEDM, func(r *recipe.Recipe) { r.EDM.PMean, r.EDM.PStd = r.EDM.LogSigma() }),
		"tflow": points(recipe.TFlow, nil),
		"noise": points(recipe.Flow, func(r *recipe.Recipe) {
			r.Flow.Target, r.Flow.Mean = diffusion.TargetNoise, []float64{0.25}
		}),
		"given": func() (recipe.Recipe, *data.Set) {
			r, set := givenRun(t, recipe.TEDM, 200)
			r.Train.Steps, r.Train.Clip, r.Train.Rate = 100, 0.01, nn.Schedule{Kind: nn.Cosine, LR: 1e-2, Warmup: 1, Total: 100}
			r.EDM.PMean, r.EDM.PStd = r.EDM.LogSigma()
			return r, set
		},
		"images": func() (recipe.Recipe, *data.Set) { return imageRun(t, 100) },
		"song":   song,
	}
}

// TestEveryFieldActs: each field of a recipe, changed alone, makes an error, other
// weights after three steps or other samples. A field that is new to a recipe is
// found by reflection and must do so too.
func TestEveryFieldActs(t *testing.T) {
	if testing.Short() {
		t.Skip("trains some two hundred networks")
	}
	bases := fieldBases(t)
	for name, base := range bases {
		r, set := base()
		require.NoError(t, r.Validate(), name)
		require.NoError(t, r.Idle(), name)
		want, err := outcome(r, set)
		require.NoError(t, err, name)
		for _, path := range fieldPaths(reflect.ValueOf(r), "") {
			c := r.Clone()
			change(t, reflect.ValueOf(&c).Elem(), name, path)
			got, err := outcome(c, set)
			acts := err != nil || !slices.Equal(want, got)
			_, idle := idleFields[path]
			if _, here := idleFields[name+":"+path]; here {
				idle = true
			}
			if acts == idle && (!idle || err == nil) {
				t.Errorf("%s: field %s: other bytes or an error: %v; listed as idle: %v", name, path, acts, idle)
			}
		}
	}
}

// outcome trains for three steps and samples; it returns the bits of all weights
// and samples.
func outcome(r recipe.Recipe, set *data.Set) ([]uint32, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if err := r.Idle(); err != nil {
		return nil, err
	}
	tr, err := New(kernels.New(1), set, r)
	if err != nil {
		return nil, err
	}
	for range 3 {
		if _, err := tr.Step(); err != nil {
			return nil, err
		}
	}
	var out []uint32
	for _, v := range weights(tr) {
		out = append(out, math.Float32bits(v))
	}
	o := heavytail.Options{N: 4, Steps: 3, Batch: 4, Given: conditions(set, 4), Clip: heavytail.Off}
	if tr.Net.Classes() > 0 {
		o.Classes = []int{0}
	}
	m, err := heavytail.New(tr.Net, r)
	if err != nil {
		return nil, err
	}
	err = m.Stream(context.Background(), o, func(_ int, x []float32) error {
		for _, v := range x {
			out = append(out, math.Float32bits(v))
		}
		return nil
	})
	return out, err
}

// fieldPaths lists the fields of a recipe that are there, as in its JSON.
func fieldPaths(v reflect.Value, path string) (out []string) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return fieldPaths(v.Elem(), path)
	case v.Kind() == reflect.Pointer:
		return nil
	case v.Kind() != reflect.Struct:
		return []string{path}
	case path == "process" && v.IsZero():
		return nil // another process is there
	}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if path != "" {
			name = path + "." + name
		}
		out = append(out, fieldPaths(v.Field(i), name)...)
	}
	return out
}

// change gives the field at path another value.
func change(t *testing.T, v reflect.Value, base, path string) {
	t.Helper()
	for name := range strings.SplitSeq(path, ".") {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		i := slices.IndexFunc(reflect.VisibleFields(v.Type()), func(f reflect.StructField) bool {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return tag == name
		})
		require.GreaterOrEqual(t, i, 0, path)
		v = v.Field(i)
	}
	to, ok := fieldValues[base+":"+path]
	if !ok {
		to, ok = fieldValues[path]
	}
	if ok {
		if reflect.DeepEqual(v.Interface(), reflect.ValueOf(to).Convert(v.Type()).Interface()) {
			t.Fatalf("%s is %v already", path, to)
		}
		v.Set(reflect.ValueOf(to).Convert(v.Type()))
		return
	}
	changed(v)
}

// changed gives v another value of its kind: false for true, one more, nine tenths
// or ½ for 0, a text that nothing knows, and another first element.
func changed(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	case reflect.Float64:
		if v.Float() == 0 {
			v.SetFloat(0.5)
		} else {
			v.SetFloat(v.Float() * 0.9)
		}
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Slice:
		s := reflect.MakeSlice(v.Type(), max(v.Len(), 1), max(v.Len(), 1))
		reflect.Copy(s, v)
		changed(s.Index(0))
		v.Set(s)
	case reflect.Struct: // of a list
	default:
		panic(fmt.Sprintf("a field of kind %v", v.Kind()))
	}
}
