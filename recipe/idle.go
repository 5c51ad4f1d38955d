package recipe

import (
	"errors"
	"fmt"
	"strings"

	"heavytail/diffusion"
	"heavytail/nn"
)

// Idle returns an error that names the first setting which changes nothing: training is
// the same without it. Recipes of trained models may have such settings; a new run must
// not.
func (r Recipe) Idle() error {
	t, points := r.Train, len(r.Data.Shape) == 1
	for _, c := range []struct {
		idle bool
		text string
	}{
		{r.Data.Flip && points, "the data are points, which have no mirror image: leave out setting flip"},
		{r.Data.Size != 0 && points, "the data are points, which have no size in pixels: leave out setting size"},
		{r.Data.Channels != 0 && points, "the data are points, which have no channels: leave out setting channels"},
		{r.Data.LongTail != 0 && r.Data.Classes == 0, "the data have no classes to thin out: leave out setting long-tail"},
		{r.Data.Points != 0 && !strings.HasPrefix(r.Data.Spec, "toy:"), "setting points is for toy sets: leave it out"},
		{t.LabelDrop != 0 && !r.conditional(), "the network knows no classes, so none can be dropped: leave out setting label-drop"},
		{t.Rate.Kind != nn.StepLR && (t.Rate.Every != 0 || t.Rate.Gamma != 0), "setting lr-every and setting lr-gamma belong to setting schedule step: add it, or leave them out"},
		{r.Flow != nil && r.Flow.Target != diffusion.TargetNoise && r.Flow.Mean != nil, "the mean of a flow belongs to setting target noise"},
		{t.Rate.Total != 0 && t.Rate.Kind != nn.Linear && t.Rate.Kind != nn.Cosine, "total belongs to linear and cosine schedules"},
		{t.Loss.Median && t.Loss.Outer < 2, "a median needs copies of a sample: add setting outer 5, or leave out setting median"},
		{r.Network.MLP != nil && r.Network.MLP.TailRadius != 0 && !r.Network.MLP.Magnitude, "tail_radius of the network needs magnitude"},
		{t.EMAWarmup != 0 && len(t.EMA) == 0, "there is no average to warm up: leave out setting ema-warmup, or give setting ema a rate"},
	} {
		if c.idle {
			return errors.New(c.text)
		}
	}
	if e := r.EDM; e != nil && e.PMean != 0 && e.PStd == 0 {
		return fmt.Errorf("p_mean is %v with a p_std of 0, with which it is not used: set both", e.PMean)
	}
	return nil
}

// conditional reports whether the network knows classes.
func (r Recipe) conditional() bool {
	_, _, _, classes, _ := imageOf(r.Network)
	return classes > 0
}
