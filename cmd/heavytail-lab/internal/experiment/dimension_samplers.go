package experiment

import (
	"context"
	"iter"

	"heavytail/diffusion"
)

// samplers are those of a process with n evaluations, or one less.
func (p noiseProcess) samplers(n int) []exactSampler {
	if p.alpha > 0 {
		return dlpmSamplers(p.alpha, n)
	}
	edm := diffusion.EDM{Nu: diffusion.Nu{p.nu}, SigmaData: []float64{0.5}}
	flow := diffusion.Flow{Nu: edm.Nu, Target: diffusion.TargetVelocity}
	name := map[bool][]string{true: {"t-EDM", "t-Flow"}, false: {"EDM", "flow"}}[p.nu < 1e9]
	first := func() float64 { return edm.Sigmas(2)[0] }
	out := []exactSampler{
		{name: name[0], ode: true, start: first,
			trajectory: func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
				return follow(diffusion.EDMSampler{Process: edm, Steps: (n + 1) / 2}.Trajectory(ctx, l.data, x, seeds), x, begin)
			}},
		{name: name[1], ode: true, start: func() float64 { return 1 },
			trajectory: func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
				return follow(diffusion.FlowSampler{Process: flow, Steps: n / 2}.Trajectory(ctx, flow.FromData(l.data), x, seeds), x, begin)
			}},
	}
	for _, v := range []struct {
		name   string
		make   diffusion.TEDMAncestral
		moment bool
	}{{"ancestral", diffusion.TEDMAncestral{}, false}, {"ancestral exact moment", diffusion.TEDMAncestral{}, true}, {"ancestral published", diffusion.TEDMAncestral{DropFactor: true}, false}} {
		if name[0] == "EDM" && v.name != "ancestral" {
			continue // all are the same
		}
		if name[0] == "EDM" && n > 40 {
			continue // the rows of the others say what they need
		}
		out = append(out, exactSampler{name: name[0] + " " + v.name,
			trajectory: func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
				s := v.make
				s.Process, s.Steps, s.Eta = edm, n, 1
				if v.moment {
					s.Moment = l.moment
				}
				return follow(s.Trajectory(ctx, l.data, x, seeds), x, begin)
			}})
	}
	return out
}

// each are samplers with noise that is independent from element to element.
func (p noiseProcess) each(n int) (out []exactSampler) {
	if p.alpha > 0 {
		process := diffusion.Default(p.alpha, n+1)
		process.Isotropic = false
		for _, s := range chainExact(process, n) {
			if s.name == "DLPM 1.5" || s.name == "DLIM 1.5" {
				s.name, s.ode, s.each = s.name+" each", false, true
				out = append(out, s)
			}
		}
		return out
	}
	return []exactSampler{{name: "t-EDM each", each: true,
		trajectory: func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
			edm := diffusion.EDM{Nu: make(diffusion.Nu, l.d), SigmaData: []float64{0.5}}
			for i := range edm.Nu {
				edm.Nu[i] = p.nu
			}
			return follow(diffusion.EDMSampler{Process: edm, Steps: (n + 1) / 2}.Trajectory(ctx, l.data, x, seeds), x, begin)
		}}}
}

// dlpmSamplers are those of DLPM's process.
func dlpmSamplers(alpha float64, n int) []exactSampler {
	return chainExact(diffusion.Default(alpha, n+1), n)
}

func chainExact(p diffusion.DLPM, n int) (out []exactSampler) {
	for _, s := range []struct {
		name    string
		sampler diffusion.Sampler[diffusion.Denoiser, float32]
	}{
		{"DLPM", diffusion.DLPMSampler{Process: p, ConsistentStart: true}},
		{"DLPM published start", diffusion.DLPMSampler{Process: p}},
		{"DLIM", diffusion.DLIM{Process: p}},
		{"DLIM2", diffusion.DLIM2{Process: p, Steps: n / 2}},
		{"DLIM SDE", diffusion.DLIMSDE{Process: p, ConsistentStart: true}},
	} {
		e := exactSampler{name: alphaMethod(s.name, p.Alpha), ode: s.name == "DLIM" || s.name == "DLIM2"}
		e.start = func() float64 {
			sched, err := p.Schedule(0)
			if err != nil {
				panic(err)
			}
			return sched.SigmaBar[n]
		}
		e.trajectory = func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
			sched, err := p.Schedule(0)
			if err != nil {
				return err
			}
			narrow := make([]float32, len(x))
			err = follow(s.sampler.Trajectory(ctx, l.eps(sched), narrow, seeds), narrow, func(y []float32) {
				if begin == nil {
					return
				}
				begin(x)
				for i, v := range x {
					y[i] = float32(v)
				}
			})
			for i, v := range narrow {
				x[i] = float64(v)
			}
			return err
		}
		out = append(out, e)
	}
	return out
}

// alphaMethod names a method of noise S_α.
func alphaMethod(name string, alpha float64) string { return setting(name, alpha) }

// follow runs a trajectory to its end; begin, if there is one, changes the start.
func follow[T float32 | float64](steps iter.Seq2[int, error], x []T, begin func([]T)) error {
	for _, err := range steps {
		if err != nil {
			return err
		}
		if begin != nil {
			begin(x)
			begin = nil
		}
	}
	return nil
}
