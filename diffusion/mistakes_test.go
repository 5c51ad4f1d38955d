package diffusion

import (
	"context"
	"fmt"
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
