package main

// fields are settings as recipes and the library name them, and their flags. Settings that
// errors call by their names (setting lr) are not among them: these are the flags'.
var fields = map[string]string{
	"sigma_data": "sigma-data", "p_mean": "p-mean", "p_std": "p-std", "log_uniform": "log-uniform", "sigma_min": "sigma-min", "sigma_max": "sigma-max", "nu_coeff": "nu-coeff",
	"clamp_a": "clamp-a", "clamp_eps": "clamp-eps", "num_heads": "heads", "model_channels": "width", "channel_mult": "mult", "num_res_blocks": "blocks",
	"Options.Columns": "columns", "Options.Given": "given", "Options.Missing": "missing", "Options.Separator": "separator", "Options.Decimal": "decimal", "Options.Background": "background",
	"Options.Range": "range", "Options.Size": "size", "Options.Channels": "channels", "Options.LongTail": "long-tail", "Options.Window": "window", "Options.Held": "held", "Options.HeldOut": "held-out",
	"data.Options.N": "points", "Options.N": "n", "Options.Dir": "out", "Start.Data": "data", "Start.Preset": "preset", "Start.From": "from", "Start.Resume": "resume", "Start.Device": "device",
	"train.Start.From": "train from", "Conversion.Type": "type", "Conversion.EMA": "ema", "Conversion.Rate": "rate", "Conversion.WeightsOnly": "weights-only", "Conversion.Height": "size",
	"Edit.Init": "init", "Edit.Mask": "mask", "Edit.Strength": "strength", "Edit.Resample": "resample", "Samples.Frames": "frames", "output.Share": "shard",
	"num_blocks": "blocks", "attention_ds": "attention", "attention_resolutions": "attention", "attn_resolutions": "attention",
}
