package recipe

import (
	"fmt"
	"strings"

	"heavytail/diffusion"
	"heavytail/internal/parse"
)

// of is a setting that not every process has: at is nil where it is missing. The help
// begins with the processes that have it.
func of[T any](name, help string, parse func(string) (T, error), at func(*Recipe) *T) Setting {
	owners, _, _ := strings.Cut(help, ":")
	return setting(name, help, parse, at, func(r *Recipe) error {
		return fmt.Errorf("the process is %s, which has no such setting; leave it out, or choose setting process %s", r.Kind(), strings.ReplaceAll(owners, ", ", " or "))
	})
}

// processSettings are those of the noise; each says which processes it belongs to.
func processSettings() []Setting {
	type R = Recipe
	return append([]Setting{
		of("alpha", "dlpm, lim: tail index of the noise, above 1, at most 2 (Gaussian)", parse.Float, func(r *R) *float64 {
			if r.LIM != nil {
				return &r.LIM.Alpha
			}
			return dlpm(r, &r.Process.Alpha)
		}),
		of("isotropic", "dlpm, lim: one heavy-tailed factor per sample instead of one per value", parse.Bool, func(r *R) *bool {
			if r.LIM != nil {
				return &r.LIM.Isotropic
			}
			return dlpm(r, &r.Process.Isotropic)
		}),
		of("scale", "dlpm: `preserving` or exploding", parse.Text, func(r *R) *string { return dlpm(r, (*string)(&r.Process.Scale)) }),
		of("T", "dlpm: levels of noise", parse.Int, func(r *R) *int { return dlpm(r, &r.Process.Steps) }),
		of("clamp-a", "dlpm, lim: upper bound of the heavy-tailed factor A (0: none)", parse.Float, func(r *R) *float64 {
			if r.LIM != nil {
				return &r.LIM.Clamps.A
			}
			return dlpm(r, &r.Process.ClampA)
		}),
		of("clamp-eps", "dlpm: bound of the starting noise of samples; lim: of all noise (0: none)", parse.Float, func(r *R) *float64 {
			if r.LIM != nil {
				return &r.LIM.Clamps.Eps
			}
			return dlpm(r, &r.Process.ClampEps)
		}),
		of("nu", "tedm, tflow: degrees of freedom of the noise, above 2 (inf: Gaussian); a `list` for one per channel", diffusion.ParseNu, func(r *R) *diffusion.Nu {
			switch r.Kind() { // a finite ν would make another process of edm or flow
			case TFlow:
				return &r.Flow.Nu
			case TEDM:
				return &r.EDM.Nu
			}
			return nil
		}),
	}, edmSettings()...)
}

// edmSettings are those of EDM's levels and jumps, and what a flow predicts: the end of
// processSettings, which would be too long.
func edmSettings() []Setting {
	type R = Recipe
	return []Setting{
		of("sigma-data", "edm, tedm, jump: deviation of the data, of points as they are scaled, a `list` for one per channel (measured if not given)", parse.List(parse.Float), func(r *R) *[]float64 {
			if r.EDM == nil {
				return nil
			}
			return &r.EDM.SigmaData
		}),
		of("p-mean", "edm, tedm, jump: mean of ln σ in training", parse.Float, logSigma(func(p *diffusion.EDM) *float64 { return &p.PMean })),
		of("p-std", "edm, tedm, jump: deviation of ln σ in training, above 0", positive, logSigma(func(p *diffusion.EDM) *float64 { return &p.PStd })),
		of("log-uniform", "edm, tedm, jump: ln σ in training even from the lowest level to the highest instead of normal", parse.Bool, func(r *R) *bool {
			if r.EDM == nil {
				return nil
			}
			return &r.EDM.LogUniform
		}),
		of("jump-rate", "jump: jumps of the noise while its level grows e-fold, 0.1 to 1000; 2 is Laplace noise, many are Gaussian", positive, jump(func(j *diffusion.Jump) *float64 { return &j.Rate })),
		of("jump-share", "jump: share of the noise's variance that is Gaussian, 0 to 1", parse.Float, jump(func(j *diffusion.Jump) *float64 { return &j.Share })),
		of("target", "flow, tflow: what the network predicts, `velocity`, noise (published for tflow) or data", parse.Text, func(r *R) *string {
			if r.Flow == nil {
				return nil
			}
			return (*string)(&r.Flow.Target)
		}),
	}
}

// dlpm returns a field if the process is DLPM's.
func dlpm[T any](r *Recipe, field *T) *T {
	if r.Kind() != DLPM {
		return nil
	}
	return field
}

// jump is a field of the noise of jumps.
func jump(at func(*diffusion.Jump) *float64) func(*Recipe) *float64 {
	return func(r *Recipe) *float64 {
		if r.Kind() != Jump {
			return nil
		}
		return at(&r.EDM.Jump)
	}
}

// logSigma is a parameter of the law of ln σ. A recipe holds both or, where they are
// EDM's, neither: one alone brings the other's usual value with it.
func logSigma(at func(*diffusion.EDM) *float64) func(*Recipe) *float64 {
	return func(r *Recipe) *float64 {
		if r.EDM == nil {
			return nil
		}
		if p := r.EDM; p.PStd == 0 {
			p.PMean, p.PStd = p.LogSigma()
		}
		return at(r.EDM)
	}
}

func positive(text string) (float64, error) {
	v, err := parse.Float(text)
	if err == nil && v <= 0 {
		err = fmt.Errorf("use a positive value")
	}
	return v, err
}
