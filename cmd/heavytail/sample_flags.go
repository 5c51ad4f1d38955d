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
)

// settingFlags defines the settings of single methods.
func (r *sampleRequest) settingFlags(fs *flag.FlagSet) {
	s := &r.options.Settings
	fs.Float64Var(&s.Eta, "eta", 0, owners("Eta")+": noise in the steps, 0 (none) to 1")
	fs.Float64Var(&s.ClampA, "clamp-a", 0, owners("ClampA")+": tighter bound on the heavy-tailed factor A: fewer extreme samples, less variety (0: the model's)")
	fs.Func("grid", owners("Grid")+": `linear` or quadratic, which makes more of the steps near the data: nearer with dlim (empty: as in training)", func(text string) error {
		s.Grid = diffusion.Grid(text)
		return nil
	})
	fs.StringVar(&s.Solver, "solver", "", owners("Solver")+": heun, euler, or for flow `rk4` (empty: heun)")
	fs.Func("churn", owners("Churn")+": noise on the way, `S` or S,MIN,MAX,NOISE such as 40,0.05,50,1.003 (empty: none)", func(text string) error {
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
	fs.Float64Var(&s.SigmaMin, "sigma-min", 0, owners("SigmaMin")+": last level of noise (0: the model's)")
	fs.Float64Var(&s.SigmaMax, "sigma-max", 0, owners("SigmaMax")+": first level of noise (0: the model's)")
	fs.Float64Var(&s.Rho, "rho", 0, owners("Rho")+": exponent of the levels, of flow's knots (0: the model's, linear knots)")
	fs.BoolVar(&s.DropFactor, "drop-factor", false, owners("DropFactor")+": as published, without the factor that holds the tail")
	fs.Func("nu-coeff", owners("NuCoeff")+": `degrees` of freedom of the coefficient and the start (empty: the model's)", func(text string) (err error) {
		s.NuCoeff, err = diffusion.ParseNu(text)
		return err
	})
}

// switchFlags defines the switches, with the names that they had until 0.1.0.
func (r *sampleRequest) switchFlags(fs *flag.FlagSet) {
	switchFlag(fs, &r.options.Clip, "clip", "no-clip", "hold the estimates of images to [-1, 1], the range of their values: `true`, false or auto (empty: auto, which is true but for models of diffusers that say otherwise)")
	switchFlag(fs, &r.options.ConsistentStart, "consistent-start", "independent-start", owners("ConsistentStart")+": start from noise of the random factors of the steps that follow, as in training: `true`, false or auto; false is the papers' code, worse with a bound on A (empty: auto, which is true)")
}

// switchFlag defines the flag of a switch and the old one that turns it off.
func switchFlag(fs *flag.FlagSet, s *heavytail.Switch, name, old, usage string) {
	fs.Func(name, usage, func(text string) error {
		if text == "auto" {
			*s = heavytail.Auto
			return nil
		}
		on, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("want true, false or auto")
		}
		if *s = heavytail.Off; on {
			*s = heavytail.On
		}
		return nil
	})
	fs.BoolFunc(old, "the old name of -"+name+"=false (off)", func(text string) error {
		off, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("want true or false")
		}
		if *s = heavytail.Auto; off {
			*s = heavytail.Off
		}
		return nil
	})
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
	case r.given["frames"] && ext != ".gif" && r.parts.text == "":
		return cli.Usage("-frames %d: -o %s is no film; leave it out, or write a .gif", r.frames, r.out)
	case r.columns != 0 && (!r.images() || ext != ".png" && ext != ".gif"):
		return cli.Usage("-cols %d: -o %s holds no grid of images; leave it out", r.columns, r.out)
	}
	return nil
}
