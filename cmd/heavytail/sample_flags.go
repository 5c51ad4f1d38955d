package main

import (
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"heavytail"
	"heavytail/diffusion"
	"heavytail/internal/cli"
	"heavytail/internal/parse"
	"heavytail/internal/sample"
)

// settingFlags defines the settings of single methods.
func (r *sampleRequest) settingFlags(fs *flag.FlagSet) {
	s := &r.options.Settings
	fs.Float64Var(&s.Eta, "eta", 0, owners("eta")+": noise in the steps, 0 (none) to 1")
	fs.Float64Var(&s.ClampA, "clamp-a", 0, owners("clamp-a")+": tighter bound on the heavy-tailed factor A: fewer extreme samples, less variety (0: the model's)")
	fs.StringVar(&s.Solver, "solver", "", owners("solver")+": heun, euler, or for flow `rk4` (empty: heun)")
	fs.Func("churn", owners("churn")+": noise on the way, `S` or S,MIN,MAX,NOISE such as 40,0.05,50,1.003 (empty: none)", func(text string) error {
		v, err := parse.List(parse.Float)(text)
		if err == nil && len(v) != 1 && len(v) != 4 {
			err = fmt.Errorf("want one number or four")
		}
		if err != nil {
			return err
		}
		v = append(v, 0, 0, 0)
		s.Churn = diffusion.Churn{S: v[0], Min: v[1], Max: v[2], Noise: v[3]}
		return nil
	})
	fs.Float64Var(&s.SigmaMin, "sigma-min", 0, owners("sigma")+": last level of noise, not of flow (0: the model's)")
	fs.Float64Var(&s.SigmaMax, "sigma-max", 0, owners("sigma")+": first level of noise (0: the model's)")
	fs.Float64Var(&s.Rho, "rho", 0, owners("rho")+": exponent of the levels, of flow's knots (0: the model's, linear knots)")
	fs.BoolVar(&s.DropFactor, "drop-factor", false, owners("drop-factor")+": as published, without the factor that holds the tail")
	fs.Func("nu-coeff", owners("nu-coeff")+": `degrees` of freedom of the coefficient and the start (empty: the model's)", func(text string) (err error) {
		s.NuCoeff, err = diffusion.ParseNu(text)
		return err
	})
}

// owners names the methods that have a setting.
func owners(setting string) string { return strings.Join(sample.Owners(setting), ", ") }

// weightsHelp is the help of -weights, in sample and in eval.
const weightsHelp = "of a training checkpoint: `raw` weights, ema (the last average), or the rate of an average such as 0.999 (empty: ema if there)"

// checkWeights returns an error if text cannot name any file's weights.
func checkWeights(text string) error {
	if _, err := parse.Float(text); err != nil && text != "" && text != "raw" && text != "ema" {
		return cli.Usage("-weights %q: want ema or raw, or the rate of an average", text)
	}
	return nil
}

// checkNumbers refuses what the flag package reads as numbers: NaN and Inf.
func checkNumbers(s heavytail.Settings) error {
	for _, f := range []struct {
		name string
		v    float64
	}{{"eta", s.Eta}, {"clamp-a", s.ClampA}, {"sigma-min", s.SigmaMin}, {"sigma-max", s.SigmaMax}, {"rho", s.Rho}} {
		if math.IsNaN(f.v) || math.IsInf(f.v, 0) {
			return cli.Usage("-%s %s: want a number in range", f.name, strconv.FormatFloat(f.v, 'g', -1, 64))
		}
	}
	return nil
}

// idle returns an error that names a flag that would change nothing about these
// samples in this kind of output.
func (r *sampleRequest) idle() error {
	ext := strings.ToLower(filepath.Ext(r.out))
	switch {
	case r.framesGiven && ext != ".gif" && r.parts.text == "":
		return cli.Usage("-frames %d: -o %s is no film; leave it out, or write a .gif", r.frames, r.out)
	case r.columns != 0 && (!r.images() || ext != ".png" && ext != ".gif"):
		return cli.Usage("-cols %d: -o %s holds no grid of images; leave it out", r.columns, r.out)
	case r.noClip && !r.images():
		return cli.Usage("-no-clip: points are not clamped; leave it out")
	}
	return nil
}
