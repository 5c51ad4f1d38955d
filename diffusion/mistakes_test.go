package diffusion

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A nil context and a nil denoiser are mistakes of the program: they panic with
// the sampler's name and the remedy, with an edit and without.
func TestMistakesPanicWithWords(t *testing.T) {
	var none context.Context
	ok := t.Context()
	edm := EDM{}
	for _, e := range []*Edit{nil, {Image: []float32{1, 2}, Known: []bool{true, false}}} {
		for name, sample := range map[string]func(ctx context.Context) error{
			"DLPM": func(ctx context.Context) error {
				_, err := DLPMSampler{Process: Default(1.7, 9), Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
			"DLIM": func(ctx context.Context) error {
				_, err := DLIM{Process: Default(1.7, 9), Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
			"LIM": func(ctx context.Context) error {
				_, err := LIMSampler{Process: LIM{Alpha: 1.7}, Steps: 5, Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
			"EDM": func(ctx context.Context) error {
				_, err := EDMSampler{Process: edm, Steps: 5, Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
			"t-EDM": func(ctx context.Context) error {
				_, err := TEDMAncestral{Process: TEDM(5), Steps: 5, Eta: 1, Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
			"t-EDM SDE": func(ctx context.Context) error {
				_, err := TEDMSDE{Process: TEDM(5), Steps: 5, Beta: 1, Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
			"DPM-Solver++": func(ctx context.Context) error {
				_, err := DPMSolver{Process: edm, Steps: 5, Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
			"jump": func(ctx context.Context) error {
				_, err := JumpSampler{Process: EDM{Jump: Jump{Rate: 2}}, Steps: 5, Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
			"flow": func(ctx context.Context) error {
				_, err := FlowSampler{Process: Flow{Target: TargetData}, Steps: 5, Edit: e}.Sample(ctx, nil, []uint64{1}, 2)
				return err
			},
		} {
			text := func(ctx context.Context) (text string) {
				defer func() { text = fmt.Sprint(recover()) }()
				return fmt.Sprint("no panic: ", sample(ctx))
			}
			require.Equal(t, "diffusion: "+name+": a nil context: use context.Background()", text(none))
			require.Equal(t, "diffusion: "+name+": a nil denoiser: give the function that estimates", text(ok))
		}
	}
}

// A function that is made of a network says that there is none when it is called.
func TestNoNetwork(t *testing.T) {
	ctx, one, two := t.Context(), []float64{1}, []float32{1}
	given := betaProcesses()[0]
	field, edm := Flow{Target: TargetVelocity}, EDM{}
	require.NoError(t, given.Validate())
	for name, f := range map[string]func(){
		"EDM.Precondition":           func() { edm.Precondition(nil)(ctx, one, one, one) },
		"EDM.PreconditionDerivative": func() { edm.PreconditionDerivative(nil)(ctx, one, one, one, one, one) },
		"WithSpread": func() {
			den, _ := WithSpread(nil)
			den(ctx, two, two, two)
		},
		"Flow.Velocity":              func() { field.Velocity(nil)(ctx, one, one, one) },
		"Flow.DataDerivative":        func() { field.DataDerivative(nil)(ctx, one, one, one, one, one) },
		"Flow.FromData":              func() { field.FromData(nil)(ctx, one, one, one) },
		"Flow.DataDenoiser":          func() { field.DataDenoiser(nil)(ctx, one, one, one) },
		"LIM.FromScore":              func() { LIM{Alpha: 1.8}.FromScore(nil)(ctx, two, two, two) },
		"LIM.FromScoreDerivative":    func() { LIM{Alpha: 1.8}.FromScoreDerivative(nil)(ctx, two, two, two, two, two) },
		"DLPM.FromNetwork":           func() { given.FromNetwork(nil)(ctx, two, two, two) },
		"DLPM.FromNetworkDerivative": func() { given.FromNetworkDerivative(nil)(ctx, two, two, two, two, two) },
		"DLPM.DataDenoiser": func() {
			den, err := given.DataDenoiser(nil)
			require.NoError(t, err)
			require.Panics(t, func() { den(ctx, one, one, one) })
			den, err = Default(2, 9).DataDenoiser(nil)
			require.NoError(t, err)
			den(ctx, one, one, one)
		},
	} {
		require.PanicsWithValue(t, "diffusion: "+name+": a nil denoiser: give the function that estimates", f)
	}
}

// A density asks the denoiser about points only, and says what is missing before it does.
func TestDensityOfNothing(t *testing.T) {
	s, ctx := Density{Steps: 3}, t.Context()
	data := func(context.Context, []float64, []float64, []float64, []float64, []float64) error {
		panic("asked about no points")
	}
	eps := func(context.Context, []float32, []float32, []float32, []float32, []float32) error {
		panic("asked about no points")
	}
	var none context.Context
	for name, of := range map[string]func(ctx context.Context, without bool) ([]LogDensity, error){
		"EDM": func(ctx context.Context, without bool) ([]LogDensity, error) {
			if without {
				return s.EDM(ctx, EDM{}, nil, nil, 2)
			}
			return s.EDM(ctx, EDM{}, data, nil, 2)
		},
		"DLPM": func(ctx context.Context, without bool) ([]LogDensity, error) {
			if without {
				return s.DLPM(ctx, Default(1.7, 9), nil, nil, 2)
			}
			return s.DLPM(ctx, Default(1.7, 9), eps, nil, 2)
		},
		"LIM": func(ctx context.Context, without bool) ([]LogDensity, error) {
			if without {
				return s.LIM(ctx, LIM{Alpha: 1.7}, nil, nil, 2)
			}
			return s.LIM(ctx, LIM{Alpha: 1.7}, eps, nil, 2)
		},
	} {
		got, err := of(ctx, false)
		require.NoError(t, err, name)
		require.Empty(t, got, name)
		require.PanicsWithValue(t, "diffusion: density of "+name+": a nil denoiser: give the function that estimates", func() { of(ctx, true) })
		require.PanicsWithValue(t, "diffusion: density of "+name+": a nil context: use context.Background()", func() { of(none, false) })
	}
}

// Arguments that can only be mistakes panic with words too, or are errors.
func TestImpossibleArguments(t *testing.T) {
	for _, d := range []int{-1, math.MaxInt/8 + 1} {
		want := fmt.Sprintf(": 1 samples of %d values", d)
		den := func(context.Context, []float64, []float64, []float64) error { return nil }
		require.PanicsWithValue(t, "diffusion: EDM"+want, func() { _, _ = EDMSampler{Steps: 3}.Sample(t.Context(), den, []uint64{1}, d) })
		require.PanicsWithValue(t, "diffusion: DLPM"+want, func() { _, _ = DLPMSampler{Process: Default(1.7, 9)}.Sample(t.Context(), nil, []uint64{1}, d) })
	}
	require.PanicsWithValue(t, "diffusion: Nu.Inflation of group 5: there are 2, numbered from 0", func() { Nu{3, 4}.Inflation(5) })
	require.PanicsWithValue(t, "diffusion: Nu.Inflation of group 1: there are 1, numbered from 0", func() { Nu{}.Inflation(1) })
	for _, text := range []string{"nan", "3,NaN", "none"} {
		_, err := ParseNu(text)
		require.ErrorContains(t, err, "want degrees of freedom", text)
	}
	for _, p := range []DLPM{Default(1.7, 9), betaProcesses()[0]} {
		require.ErrorIs(t, p.CheckSteps(-1), &OptionError{Field: "Steps"})
		require.ErrorIs(t, p.CheckSteps(0), &OptionError{Field: "Steps"})
	}
}
