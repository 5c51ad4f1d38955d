package diffusers

import (
	"encoding/json"
	"fmt"

	"heavytail/diffusion"
)

// A schedulerConfig is scheduler_config.json of DDPMScheduler or DDIMScheduler.
type schedulerConfig struct {
	Class      *string         `json:"_class_name"`
	Times      *float64        `json:"num_train_timesteps"`
	Start      *float64        `json:"beta_start"`
	End        *float64        `json:"beta_end"`
	Schedule   *string         `json:"beta_schedule"`
	Trained    json.RawMessage `json:"trained_betas"`
	Variance   *string         `json:"variance_type"`
	Clip       *bool           `json:"clip_sample"`
	ClipRange  *float64        `json:"clip_sample_range"`
	Prediction *string         `json:"prediction_type"`
	Threshold  *bool           `json:"thresholding"`
	Spacing    *string         `json:"timestep_spacing"`
	Offset     *float64        `json:"steps_offset"`
	ZeroSNR    *bool           `json:"rescale_betas_zero_snr"`
	AlphaOne   *bool           `json:"set_alpha_to_one"`
}

// schedulerDefaults are what diffusers takes for keys that are not there.
func schedulerDefaults() schedulerConfig {
	return schedulerConfig{Times: new(1000.0), Start: new(1e-4), End: new(0.02), Schedule: new("linear"), Variance: new("fixed_small"), Clip: new(true), ClipRange: new(1.0),
		Prediction: new("epsilon"), Threshold: new(false), Spacing: new("leading"), Offset: new(0.0), ZeroSNR: new(false), AlphaOne: new(true)}
}

// scheduler returns the process that scheduler_config.json describes.
func scheduler(text []byte) (p diffusion.DLPM, err error) {
	raw := schedulerDefaults()
	if err := decode(text, &raw); err != nil {
		return p, err
	}
	r := &reader{}
	class := value(r, "_class_name", raw.Class)
	ddpm := class == "DDPMScheduler"
	unsupported := func(name string, v any) { r.fail("%s is %v, which is not supported", name, v) }
	switch {
	case r.err == nil && !ddpm && class != "DDIMScheduler":
		return p, fmt.Errorf("_class_name is %s, which is not supported; want DDPMScheduler or DDIMScheduler", quoted(class))
	case len(raw.Trained) > 0 && string(raw.Trained) != "null":
		unsupported("trained_betas", "a list")
	case value(r, "thresholding", raw.Threshold):
		unsupported("thresholding", true)
	case value(r, "rescale_betas_zero_snr", raw.ZeroSNR):
		unsupported("rescale_betas_zero_snr", true)
	case !ddpm && !value(r, "set_alpha_to_one", raw.AlphaOne):
		unsupported("set_alpha_to_one", false)
	case value(r, "clip_sample", raw.Clip) && value(r, "clip_sample_range", raw.ClipRange) != 1:
		unsupported("clip_sample_range", *raw.ClipRange)
	}
	b := diffusion.Betas{Schedule: value(r, "beta_schedule", raw.Schedule), Prediction: value(r, "prediction_type", raw.Prediction), Spacing: value(r, "timestep_spacing", raw.Spacing)}
	if ddpm {
		switch variance := value(r, "variance_type", raw.Variance); variance {
		case "fixed_small", "fixed_small_log": // the log of which is taken twice and back
		case "fixed_large":
			b.Large = true
		default:
			unsupported("variance_type", quoted(variance))
		}
	}
	if b.Schedule != "squaredcos_cap_v2" {
		b.Start, b.End = value(r, "beta_start", raw.Start), value(r, "beta_end", raw.End)
	}
	if b.Spacing == "leading" {
		b.Offset = r.whole("steps_offset", raw.Offset)
	}
	if b.Schedule == "sigmoid" && !ddpm {
		unsupported("beta_schedule", quoted(b.Schedule))
	}
	b.Free = raw.Clip != nil && !*raw.Clip
	times := r.whole("num_train_timesteps", raw.Times)
	if r.err == nil && (times < 2 || times >= 1<<16) {
		r.fail("num_train_timesteps is %d; want 2 to %d", times, 1<<16-1)
	}
	if r.err != nil {
		return p, r.err
	}
	p = diffusion.DLPM{Alpha: 2, Isotropic: true, Scale: diffusion.Given, Steps: times + 1, Betas: b}
	return p, p.Validate()
}
