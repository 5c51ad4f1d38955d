package main

// fields are settings as recipes and the library name them, and their flags.
var fields = map[string]string{
	"sigma_data": "sigma-data", "p_mean": "p-mean", "p_std": "p-std", "log_uniform": "log-uniform", "sigma_min": "sigma-min", "sigma_max": "sigma-max", "nu_coeff": "nu-coeff",
	"clamp_a": "clamp-a", "clamp_eps": "clamp-eps", "num_heads": "heads", "model_channels": "width", "channel_mult": "mult", "num_res_blocks": "blocks",
	"num_blocks": "blocks", "attention_ds": "attention", "attention_resolutions": "attention", "attn_resolutions": "attention",
}
