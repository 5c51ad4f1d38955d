package recipe

import (
	"fmt"
	"math"
	"strings"

	"heavytail/diffusion"
)

// The kinds of process, as the command names them: the process and whether its
// noise is Student-t or of jumps. DDPM is dlpm at α = 2.
const (
	DLPM  = "dlpm"
	LIM   = "lim"
	EDM   = "edm"
	TEDM  = "tedm"
	Flow  = "flow"
	TFlow = "tflow"
	Jump  = "jump"
)

// Kinds lists the kinds of process.
func Kinds() []string { return []string{DLPM, LIM, EDM, TEDM, Flow, TFlow, Jump} }

// defaultNu is the ν of tedm and tflow where none is given.
const defaultNu = 5

// defaultRate is the λ of jump where none is given: Laplace's law.
const defaultRate = 2

// Kind returns the kind of the recipe's process: by its fields, so that an EDM
// with a finite ν is tedm.
func (r Recipe) Kind() string {
	switch {
	case r.LIM != nil:
		return LIM
	case r.EDM != nil && r.EDM.Jump != (diffusion.Jump{}):
		return Jump
	case r.EDM != nil:
		return kindOf(r.EDM.Nu, EDM, TEDM)
	case r.Flow != nil:
		return kindOf(r.Flow.Nu, Flow, TFlow)
	}
	return DLPM
}

func kindOf(nu diffusion.Nu, gaussian, student string) string {
	for _, v := range nu {
		if !math.IsInf(v, 1) {
			return student
		}
	}
	return gaussian
}

// Use changes the process to one of that kind with its defaults and the loss it
// is usually trained with: LIM takes α, the isotropy and the bounds from the
// DLPM process it replaces, tedm and tflow have ν = 5, jump has λ = 2. nn.MLPConfig.Magnitude and
// TailRadius, by which the output of the network for points grows with its input as
// noise of DLPM and LIM asks for, are switched off for EDM and flows. A SongUNet takes EDM's time as it is and the
// others', which end at 1, times 1000. It returns an error for a kind that is none of
// Kinds.
func (r *Recipe) Use(kind string) error {
	old := r.Process
	if old == (diffusion.DLPM{}) { // the preset was of another kind
		old = diffusion.Default(1.8, 1000)
		old.ClampA, old.ClampEps = 20, 200
	}
	if kind != DLPM {
		r.Process = diffusion.DLPM{}
	}
	r.LIM, r.EDM, r.Flow = nil, nil, nil
	if s := r.Network.Song; s != nil {
		s.TimeScale = 1000
		if kind == EDM || kind == TEDM || kind == Jump {
			s.TimeScale = 1
		}
	}
	loss := diffusion.Loss{Kind: diffusion.Squared}
	switch kind {
	case DLPM:
		if r.Process != old {
			r.Process, r.Train.Loss = old, diffusion.Loss{Kind: diffusion.Root}
		}
		return nil
	case LIM:
		clamps := diffusion.LIMClamps{A: old.ClampA, Eps: old.ClampEps}
		r.LIM = &diffusion.LIM{Alpha: old.Alpha, Isotropic: old.Isotropic, Clamps: clamps}
		loss.Kind = diffusion.Huber
	case EDM:
		r.EDM = &diffusion.EDM{}
	case TEDM:
		r.EDM = &diffusion.EDM{Nu: diffusion.Nu{defaultNu}}
	case Jump:
		r.EDM = &diffusion.EDM{Jump: diffusion.Jump{Rate: defaultRate}}
	case Flow:
		r.Flow = &diffusion.Flow{Target: diffusion.TargetVelocity}
	case TFlow:
		r.Flow = &diffusion.Flow{Target: diffusion.TargetVelocity, Nu: diffusion.Nu{defaultNu}}
	default:
		r.Process = old
		return fmt.Errorf("no process %q; there are %s", kind, strings.Join(Kinds(), ", "))
	}
	r.Train.Loss = loss
	if m := r.Network.MLP; m != nil && kind != LIM {
		m.Magnitude, m.TailRadius = false, 0
	}
	return nil
}

// Noiser returns what makes the training examples.
func (r Recipe) Noiser() (diffusion.Examples, error) {
	switch {
	case r.LIM != nil:
		return diffusion.NewLIMNoiser(*r.LIM, r.Train.Seed)
	case r.EDM != nil:
		return diffusion.NewEDMNoiser(*r.EDM, r.Train.Seed)
	case r.Flow != nil:
		return diffusion.NewFlowNoiser(*r.Flow, r.Train.Seed)
	}
	return diffusion.NewNoiser(r.Process, r.Train.Loss, r.Train.Seed)
}

// Noise describes the noise for people: its kind and tail.
func (r Recipe) Noise() string {
	tail := func(nu diffusion.Nu) string {
		if kindOf(nu, "", TEDM) == "" {
			return ""
		}
		return ", ν = " + strings.Trim(fmt.Sprint([]float64(nu)), "[]")
	}
	switch {
	case r.LIM != nil:
		return fmt.Sprintf("lim, α = %v", r.LIM.Alpha)
	case r.Kind() == Jump:
		if j := r.EDM.Jump; j.Share != 0 {
			return fmt.Sprintf("jump, λ = %v, ρ = %v", j.Rate, j.Share)
		}
		return fmt.Sprintf("jump, λ = %v", r.EDM.Jump.Rate)
	case r.EDM != nil:
		return r.Kind() + tail(r.EDM.Nu)
	case r.Flow != nil:
		return r.Kind() + tail(r.Flow.Nu)
	}
	return fmt.Sprintf("dlpm, α = %v", r.Process.Alpha)
}

// validateProcess checks that there is one process, that it is possible and
// that data and loss fit it.
func (r Recipe) validateProcess() error {
	var errs []error // of each process that is there
	var lists []int  // lengths of what may differ by channel
	if r.Process != (diffusion.DLPM{}) {
		errs = append(errs, r.Process.Validate())
	}
	if r.LIM != nil {
		errs = append(errs, r.LIM.Validate())
	}
	if p := r.EDM; p != nil {
		errs = append(errs, p.Validate())
		lists = []int{len(p.Nu), len(p.SigmaData)}
	}
	if f := r.Flow; f != nil {
		errs = append(errs, f.Validate())
		lists = []int{len(f.Nu), len(f.Mean)}
	}
	if len(errs) != 1 {
		return fmt.Errorf("recipe with %d processes; want one of process, lim, edm and flow", len(errs))
	}
	if errs[0] != nil {
		return errs[0]
	}
	if r.Kind() != DLPM && r.Train.Loss.Copies() != 1 {
		return fmt.Errorf("loss: %d copies of each sample; only %s has copies that share a factor A: leave out outer and inner", r.Train.Loss.Copies(), DLPM)
	}
	if err := r.validateSpread(); err != nil {
		return err
	}
	for _, n := range lists {
		if c := r.channels(); n > 1 && c%n != 0 {
			return fmt.Errorf("%s: nu, sigma_data or mean has %d values for samples of %d channels: give one value, or one per channel", r.Kind(), n, c)
		}
	}
	return nil
}

// Spread reports whether the network has a second output, for the variance of its
// target.
func (r Recipe) Spread() bool { return r.Network.MLP != nil && r.Network.MLP.Spread }

// validateSpread checks that the process has samplers that use it and that the loss
// can learn it.
func (r Recipe) validateSpread() error {
	switch {
	case !r.Spread():
		return nil
	case r.LIM != nil || r.Flow != nil || r.Kind() == Jump || r.Process.Scale == diffusion.Given:
		return fmt.Errorf("a network with a second output for the variance, which no sampler of %s uses: want %s, %s or %s, or a network without", r.Kind(), DLPM, EDM, TEDM)
	}
	if r.Train.none() {
		return nil
	}
	return r.Train.Loss.ValidateSpread()
}

// channels returns the number of values that a ν or σ_data may be different for:
// an image's channels, a point's coordinates.
func (r Recipe) channels() int {
	if n := len(r.Data.Shape); n > 0 {
		return r.Data.Shape[n-1]
	}
	return 0
}
