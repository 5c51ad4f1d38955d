"""Makes the folders and the golden values of this directory with diffusers itself:

    pip install torch diffusers==0.42.1 safetensors
    python make.py

Every folder is one configuration of UNet2DModel with random weights and a scheduler;
golden.json beside it holds inputs and outputs. schedules.json holds the states of
diffusers' schedulers with a network that is a formula.
"""

import json
import os
import shutil

import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from safetensors.torch import load_file, save_file

torch.set_num_threads(1)

base = dict(sample_size=8, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(4, 8), norm_num_groups=2,
            attention_head_dim=None, down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"))

# What is not said is the default of UNet2DModel.
networks = {
    # As google/ddpm-cifar10-32: sines first, shifted frequencies, padding below and right.
    "ddpm": dict(base, block_out_channels=(4, 4, 8), layers_per_block=2, freq_shift=1, flip_sin_to_cos=False, downsample_padding=0, norm_eps=1e-6,
                 down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D")),
    "heads": dict(base, attention_head_dim=2, downsample_padding=1, time_embedding_dim=12,
                  down_block_types=("AttnDownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "AttnUpBlock2D")),
    "fourier": dict(base, time_embedding_type="fourier", mid_block_scale_factor=1.4142135623730951, flip_sin_to_cos=False, in_channels=1, out_channels=1),
    "resnet": dict(base, downsample_type="resnet", upsample_type="resnet", resnet_time_scale_shift="scale_shift", attention_head_dim=4,
                   down_block_types=("AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D")),
    "shift": dict(base, block_out_channels=(4, 8, 8), downsample_type="resnet", upsample_type="resnet", resnet_time_scale_shift="scale_shift", attn_norm_num_groups=4,
                  down_block_types=("AttnDownBlock2D", "AttnDownBlock2D", "DownBlock2D"), up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D")),
    "classes": dict(base, num_class_embeds=5, center_input_sample=True, add_attention=False, sample_size=(4, 8)),
    "timestep": dict(base, class_embed_type="timestep", num_class_embeds=7, mid_block_type=None, down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D")),
    "learned": dict(base, time_embedding_type="learned", num_train_timesteps=20, num_class_embeds=3, dropout=0.25),
}
linear = dict(num_train_timesteps=1000)
schedulers = {
    "ddpm": DDPMScheduler(variance_type="fixed_large", **linear), "heads": DDIMScheduler(beta_schedule="scaled_linear", prediction_type="v_prediction", **linear),
    "fourier": DDPMScheduler(timestep_spacing="trailing"), "resnet": DDPMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="sample"), "shift": DDIMScheduler(),
    "classes": DDPMScheduler(clip_sample=False, num_train_timesteps=50), "timestep": DDIMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction"),
    "learned": DDPMScheduler(num_train_timesteps=20, beta_end=0.4),
}
old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def network(name, seed):
    torch.manual_seed(seed)
    net = UNet2DModel(**networks[name]).eval()
    with torch.no_grad():
        for key, p in net.named_parameters():
            if "norm" in key and key.endswith("weight"):
                p.copy_(1 + 0.3 * torch.randn_like(p))
            elif key.endswith("bias"):
                p.copy_(0.3 * torch.randn_like(p))
            if name == "heads":
                p.copy_(p.half().float())
    return net


def rename(folder):
    """Gives the weights of attention the names that they had before diffusers 0.15."""
    path = folder + "/diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    out = {}
    for key, v in weights.items():
        for new, was in old.items():
            if ".attentions." in key:
                key = key.replace("." + new + ".", "." + was + ".")
        out[key] = v
    save_file(out, path)


def values(t):
    return [float(f"{v:.9g}") for v in t.detach().double().flatten()]


for seed, name in enumerate(networks):
    shutil.rmtree(name, ignore_errors=True)
    net = network(name, seed)
    pipeline = name in ("heads", "learned")  # the layout of a pipeline, or of google/ddpm-*
    folder = name + "/unet" if pipeline else name
    variant = "fp16" if name == "heads" else None
    saved = net.half() if variant else net
    saved.save_pretrained(folder, safe_serialization=name != "resnet", variant=variant, max_shard_size="12KB" if name == "shift" else "10GB")
    net = saved.float()
    schedulers[name].save_pretrained(name + "/scheduler" if pipeline else name)
    if pipeline:
        with open(name + "/model_index.json", "w") as f:
            json.dump({"_class_name": "DDPMPipeline", "scheduler": ["diffusers", type(schedulers[name]).__name__], "unet": ["diffusers", "UNet2DModel"]}, f, indent=1)
    if name == "ddpm":
        rename(name)
    c = networks[name]
    n, size = 3, c["sample_size"]
    h, w = size if isinstance(size, tuple) else (size, size)
    x = torch.randn(n, c["in_channels"], h, w)
    t = torch.tensor([19, 3, 0]) if name == "learned" else torch.tensor([999, 250, 1])
    classes = c.get("num_class_embeds")
    labels = torch.tensor([classes - 1, 0, 1]) if classes else None
    with torch.no_grad():
        y = net(x, t, class_labels=labels).sample
    last = lambda v: values(v.permute(0, 2, 3, 1))
    with open(name + "/golden.json", "w") as f:
        json.dump({"x": last(x), "t": values(t), "labels": labels.tolist() if classes else None, "y": last(y), "parameters": sum(p.numel() for p in net.parameters())}, f)


def formula(x, t):
    """What stands in for a network in schedules.json."""
    return 0.9 * x / (1 + 0.1 * x * x) + 0.001 * float(t % 7) - 0.002


out = []
for kind in (DDPMScheduler, DDIMScheduler):
    for schedule in ("linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"):
        if kind is DDIMScheduler and schedule == "sigmoid":
            continue
        for prediction in ("epsilon", "sample", "v_prediction"):
            for steps, spacing, offset, train, large, clip in ((50, "leading", 0, 1000, False, False), (12, "trailing", 0, 1000, False, True), (7, "leading", 1, 100, True, False),
                                                              (9, "linspace", 0, 100, True, True)):
                if kind is DDIMScheduler and spacing == "linspace":
                    continue  # its previous time is not the next of its list
                if kind is DDIMScheduler and spacing == "trailing":
                    steps = 10  # where they divide the times, it is
                more = dict(variance_type="fixed_large" if large else "fixed_small") if kind is DDPMScheduler else {}
                s = kind(num_train_timesteps=train, beta_schedule=schedule, prediction_type=prediction, timestep_spacing=spacing, steps_offset=offset, clip_sample=clip, **more)
                # In float32 the cumulative product leaves σ̄ three digits at the first levels: the
                # same code in float64, with diffusers' betas.
                s.alphas = 1 - s.betas.double()
                s.alphas_cumprod = torch.cumprod(s.alphas, dim=0)
                s.set_timesteps(steps)
                torch.manual_seed(len(out))
                x = torch.randn(1, 1, 1, 3, dtype=torch.float64)
                run = {"scheduler": type(s).__name__, "config": {k: v for k, v in s.config.items() if not k.startswith("_")}, "timesteps": s.timesteps.tolist(), "states": [values(x)], "noise": []}
                for t in s.timesteps:
                    y = formula(x, int(t))
                    if kind is DDIMScheduler:
                        x = s.step(y, t, x, eta=0.0, use_clipped_model_output=True).prev_sample
                    else:
                        state = torch.random.get_rng_state()
                        z = torch.randn(x.shape, dtype=x.dtype)
                        torch.random.set_rng_state(state)
                        x = s.step(y, t, x).prev_sample
                        run["noise"].append(values(z))
                    run["states"].append(values(x))
                out.append(run)
with open("schedules.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(r) for r in out) + "\n]\n")
os.system("du -sh . && du -a . | sort -n | tail -40")
