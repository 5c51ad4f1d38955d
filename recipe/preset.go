package recipe

import (
	"fmt"
	"slices"
	"strings"

	"heavytail/diffusion"
	"heavytail/nn"
)

// published are the papers' settings, by the name of their network: the number
// of steps is epochs times batches of their data set.
func published(name string) Recipe {
	c, err := nn.Preset(name)
	if err != nil {
		panic("recipe: " + err.Error()) // the names below are nn's
	}
	r := Recipe{Format: Format, Preset: name, Network: c, Process: diffusion.Default(1.8, 4000)}
	r.Process.ClampA, r.Process.ClampEps = 20, 200
	r.Train = Train{Batch: 64, Rate: nn.Schedule{Kind: nn.StepLR, LR: 2e-4, Every: 1000, Gamma: 0.99},
		Loss: diffusion.Loss{Kind: diffusion.Root}, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01, Clip: 5, EMA: []float64{0.9999}}
	return r
}

// presets by name. Each call returns a fresh value.
var presets = map[string]func() Recipe{
	// The default for points: the repaired network, 20 epochs of the paper's set.
	"toy": func() Recipe {
		r := published("2d")
		r.Network = r.Network.Fixed()
		r.Process = diffusion.Default(1.8, 100)
		t := &r.Train
		t.Steps, t.Batch, t.Clip, t.EMA, t.EMAWarmup = 1000, 1024, 1, []float64{0.99}, 10
		t.Rate = nn.Schedule{Kind: nn.Cosine, LR: 1e-2, Warmup: 20}
		return r
	},
	"2d": func() Recipe {
		r := published("2d")
		r.Process = diffusion.Default(1.8, 100)
		t := &r.Train
		t.Steps, t.Batch, t.Clip, t.EMA = 640, 1024, 0, nil
		t.Rate = nn.Schedule{Kind: nn.Constant, LR: 5e-3}
		return r
	},
	"mnist": func() Recipe {
		r := published("mnist")
		r.Process.Steps = 1000
		t := &r.Train
		t.Steps, t.Batch, t.Clip, t.EMA = 211500, 256, 0, []float64{0.99}
		t.Rate.LR, t.Rate.Every = 5e-4, 400
		r.Data.Size, r.Data.Channels = 32, 1
		return r
	},
	"cifar10": func() Recipe {
		r := published("cifar10")
		r.Process.ClampA, r.Process.ClampEps = 10, 50
		r.Train.Steps = 312800
		r.Data.Size, r.Data.Channels, r.Data.Flip = 32, 3, true
		return r
	},
	"cifar10_lt": func() Recipe {
		r := published("cifar10_lt")
		r.Train.Steps = 388000
		r.Data.Size, r.Data.Channels, r.Data.Flip, r.Data.LongTail = 32, 3, true, 0.01
		return r
	},
	// The default for images, and the recipe of the built-in model: small,
	// conditional on the class where there is one, of the data's own size.
	"fashion": func() Recipe {
		r := published("fashion")
		r.Process.Alpha, r.Process.Steps = 1.7, 1000
		t := &r.Train
		t.Steps, t.Batch, t.Clip, t.EMA, t.EMAWarmup, t.LabelDrop = 11000, 32, 1, []float64{0.999}, 10, 0.1
		t.Rate = nn.Schedule{Kind: nn.Cosine, LR: 1e-3, Warmup: 300}
		return r
	},
	"cifar10-ddpmpp": func() Recipe {
		r := song("cifar10-ddpmpp")
		r.Data.Size, r.Data.Channels, r.Data.Flip = 32, 3, true
		return r
	},
	"cifar10-ncsnpp": func() Recipe {
		r := song("cifar10-ncsnpp")
		r.Data.Size, r.Data.Channels, r.Data.Flip = 32, 3, true
		return r
	},
	// EDM on a small SongUNet, as fashion is DLPM on a small U-Net.
	"fashion-song": func() Recipe {
		r := song("fashion-song")
		t := &r.Train
		t.Steps, t.Batch, t.Clip, t.EMA, t.EMAWarmup, t.LabelDrop = 11000, 32, 1, []float64{0.999}, 10, 0.1
		t.Rate = nn.Schedule{Kind: nn.Cosine, LR: 1e-3, Warmup: 300}
		return r
	},
}

// song returns the settings of the EDM paper for a SongUNet by name: 200
// million images in batches of 512, a rate that rises over ten million, an
// average of half-life half a million. Its augmentation is not in this program;
// the network's input for it stays zero.
func song(name string) Recipe {
	r := published(name)
	if err := r.Use(EDM); err != nil {
		panic("recipe: " + err.Error()) // EDM is a kind
	}
	t := &r.Train
	t.Steps, t.Batch, t.Clip, t.WeightDecay, t.EMA = 390625, 512, 0, 0, []float64{0.99929}
	t.Rate = nn.Schedule{Kind: nn.Constant, LR: 1e-3, Warmup: 19531}
	return r
}

// presetOrder is the order in which they are shown.
var presetOrder = []string{"fashion", "toy", "2d", "mnist", "cifar10", "cifar10_lt", "fashion-song", "cifar10-ddpmpp", "cifar10-ncsnpp"}

// Presets lists the names of the presets: fashion, toy and fashion-song are this
// project's, the first two the defaults for images and points; the others are
// the papers'.
func Presets() []string { return slices.Clone(presetOrder) }

// Preset returns the settings of that name.
func Preset(name string) (Recipe, error) {
	f := presets[name]
	if f == nil {
		return Recipe{}, fmt.Errorf("no preset %q; there are %s", name, strings.Join(presetOrder, ", "))
	}
	r := f()
	r.Preset = name
	return r, nil
}

// Fit adapts the recipe to the data that r.Data describes: the size, channels and
// classes of this project's presets follow the data; a published network takes only the
// data it was made for. It returns an error that says what to change.
func (r *Recipe) Fit() error {
	shape := r.Data.Shape
	switch {
	case r.Network.MLP != nil:
		if len(shape) != 1 {
			return fmt.Errorf("preset %s is for points, the data are images of %v; use Start.Preset fashion", r.Preset, shape)
		}
		r.Network.MLP.Dim, r.Network.MLP.Conditions = shape[0], r.Data.Given.Len()
	case len(shape) != 3:
		return fmt.Errorf("preset %s is for images, the data are points of %d values; use Start.Preset toy", r.Preset, shape[0])
	case shape[0] != shape[1]:
		return fmt.Errorf("images of %d×%d pixels; this network wants square ones: scale them with setting size N", shape[0], shape[1])
	case r.Preset == "fashion":
		u := r.Network.UNet
		u.InChannels, u.OutChannels, u.ImageSize, u.NumClasses = shape[2], shape[2], shape[0], r.Data.Classes
	case r.Preset == "fashion-song":
		s := r.Network.Song
		s.InChannels, s.OutChannels, s.ImageSize, s.NumClasses = shape[2], shape[2], shape[0], r.Data.Classes
		s.AttentionRes = []int{shape[0] / 2}
	default:
		size, channels := r.imageSize()
		if shape[2] != *channels {
			return fmt.Errorf("images with %d channels, the network has %d; add setting channels %d", shape[2], *channels, *channels)
		}
		*size = shape[0]
	}
	if !r.conditional() {
		r.Train.LabelDrop = 0
	}
	return nil
}

// imageSize returns where a network for images holds the size and the channels
// of an image.
func (r *Recipe) imageSize() (size, channels *int) {
	if s := r.Network.Song; s != nil {
		return &s.ImageSize, &s.InChannels
	}
	if u := r.Network.UNet2D; u != nil {
		return &u.ImageSize, &u.InChannels
	}
	return &r.Network.UNet.ImageSize, &r.Network.UNet.InChannels
}
