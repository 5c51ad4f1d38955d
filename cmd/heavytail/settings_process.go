package main

import (
	"fmt"
	"strconv"
	"strings"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// processFlag defines -process. It comes before the other settings of the
// process, and before the network is fitted to the data.
func processFlag(c *catalogue) {
	v := &scalar[string]{parse: parseText}
	help := "`process` of noise: " + strings.Join(recipe.Kinds(), ", ") + " (empty: the preset's, dlpm)"
	c.add("process", help, v, func(r *recipe.Recipe) error { return r.Use(v.v) })
	c.held(func(r recipe.Recipe) bool { return r.Kind() == v.v })
}

// processFlags defines the settings of the processes; each says which ones it
// belongs to.
func processFlags(c *catalogue) {
	type R = recipe.Recipe
	of(c, "alpha", "dlpm, lim: tail index of the noise, above 1, at most 2 (Gaussian)", parseFloat, func(r *R) *float64 {
		if r.LIM != nil {
			return &r.LIM.Alpha
		}
		return dlpm(r, &r.Process.Alpha)
	})
	of(c, "isotropic", "dlpm, lim: one heavy-tailed factor per sample instead of one per value", parseBool, func(r *R) *bool {
		if r.LIM != nil {
			return &r.LIM.Isotropic
		}
		return dlpm(r, &r.Process.Isotropic)
	})
	of(c, "scale", "dlpm: `preserving` or exploding", parseText, func(r *R) *string { return dlpm(r, (*string)(&r.Process.Scale)) })
	of(c, "T", "dlpm: levels of noise", parseInt, func(r *R) *int { return dlpm(r, &r.Process.Steps) })
	of(c, "clamp-a", "dlpm, lim: upper bound of the heavy-tailed factor A (0: none)", parseFloat, func(r *R) *float64 {
		if r.LIM != nil {
			return &r.LIM.Clamps.A
		}
		return dlpm(r, &r.Process.ClampA)
	})
	of(c, "clamp-eps", "dlpm: bound of the starting noise of samples; lim: of all noise (0: none)", parseFloat, func(r *R) *float64 {
		if r.LIM != nil {
			return &r.LIM.Clamps.Eps
		}
		return dlpm(r, &r.Process.ClampEps)
	})
	of(c, "nu", "tedm, tflow: degrees of freedom of the noise, above 2 (inf: Gaussian); a `list` for one per channel", parseNu, func(r *R) *diffusion.Nu {
		switch r.Kind() { // a finite ν would make another process of edm or flow
		case recipe.TFlow:
			return &r.Flow.Nu
		case recipe.TEDM:
			return &r.EDM.Nu
		}
		return nil
	})
	of(c, "sigma-data", "edm, tedm: deviation of the data, of points as they are scaled, a `list` for one per channel (measured if not given)", list(parseFloat),
		func(r *R) *[]float64 { return edm(r, func(p *diffusion.EDM) *[]float64 { return &p.SigmaData }) })
	logSigmaFlags(c)
	of(c, "target", "flow, tflow: what the network predicts, `velocity`, noise (published for tflow) or data", parseText, func(r *R) *string {
		if r.Flow == nil {
			return nil
		}
		return (*string)(&r.Flow.Target)
	})
}

// of is define for a field that not every process has: nil where it is missing.
// The help begins with the processes that have it.
func of[T any](c *catalogue, name, help string, parse func(string) (T, error), field func(*recipe.Recipe) *T) {
	v := &scalar[T]{parse: parse, text: defaultOf(field)}
	owners, _, _ := strings.Cut(help, ":")
	set := func(r *recipe.Recipe) error {
		p := field(r)
		if p == nil {
			return fmt.Errorf("the process is %s, which has no such setting; leave it out, or choose -process %s", r.Kind(), strings.ReplaceAll(owners, ", ", " or "))
		}
		*p = v.v
		return nil
	}
	if b, ok := any(v).(*scalar[bool]); ok { // it may stand alone
		flag := &boolean{scalar[bool]{parse: b.parse, text: b.text}}
		c.add(name, help, flag, func(r *recipe.Recipe) error {
			b.v = flag.v
			return set(r)
		})
		return
	}
	c.add(name, help, v, set)
}

// dlpm returns field if the process is DLPM's.
func dlpm[T any](r *recipe.Recipe, field *T) *T {
	if r.Kind() != recipe.DLPM {
		return nil
	}
	return field
}

// edm returns a field of EDM's process.
func edm[T any](r *recipe.Recipe, field func(*diffusion.EDM) *T) *T {
	if r.EDM == nil {
		return nil
	}
	return field(r.EDM)
}

// parseNu reads degrees of freedom.
func parseNu(text string) (diffusion.Nu, error) {
	if text == "none" {
		return nil, fmt.Errorf("want degrees of freedom, inf for Gaussian noise")
	}
	return list(func(s string) (float64, error) {
		v, err := strconv.ParseFloat(s, 64)
		return number(v, err)
	})(text)
}
