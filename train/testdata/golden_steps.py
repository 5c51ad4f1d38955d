"""python3 golden_steps.py IN OUT: computes IN/NAME.json, runs that TestGoldenSteps wrote, into OUT/golden_NAME.json and .npy.

A second trainer, written from the papers and docs/methods.md and not from the Go code: mirroring, dropping of classes,
scaling of columns, noising, targets, networks, losses, clipping, AdamW, learning rates and moving averages, with PyTorch
for layers, gradients, clipping and the optimiser. From the other side come the recipe's text, the start weights, the data
and what is left to chance: which sample, mirrored or not, with or without its class, and uniforms, normals and multipliers.
Everything is done in float64, and again in float32 with the samples of a batch in ORDERS different orders: by how much
these runs differ from the first says what rounding does.
"""
import json
import math
import pathlib
import random
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "cuda" / "bench"))
from unet import UNet, embedding  # the same as timed beside ours


class Block(nn.Module):
    def __init__(self, units, emb):
        super().__init__()
        self.group_norm1, self.group_norm2 = nn.LayerNorm(units), nn.LayerNorm(units)
        self.mlp_1 = nn.Sequential(nn.Identity(), nn.Linear(units, units))
        self.t_proj = nn.Sequential(nn.Identity(), nn.Linear(emb, units))
        self.mlp_2 = nn.Sequential(nn.Identity(), nn.Linear(units, units))

    def forward(self, h, e):
        u = F.silu(self.group_norm1(self.mlp_1(h))) + F.silu(self.t_proj(e))
        return F.silu(self.group_norm2(self.mlp_2(u)) + h)


class MLP(nn.Module):
    """The network for points: |x| passes the first normalisation by two features, and beyond tail_radius a part grows with x."""
    KNOTS = 8

    def __init__(self, c):
        super().__init__()
        self.scale, self.emb, self.radius = c["time_scale"], c["time_emb"], c.get("tail_radius", 0)
        self.magnitude, dim, units = c.get("magnitude", False), c["dim"], c["units"]
        self.time_mlp = nn.ModuleDict({"2": nn.Linear(self.emb, self.emb)})
        self.linear_in, self.group_norm_in = nn.Linear(dim + self.magnitude, units), nn.LayerNorm(units)
        self.midblocks = nn.ModuleList(Block(units, self.emb) for _ in range(c["blocks"]))
        self.outblocks_mean = nn.ModuleList([Block(units, self.emb), nn.Linear(units, dim)])
        if self.magnitude:
            self.tail = nn.Linear(self.KNOTS * dim, dim, bias=False)

    def forward(self, x, t, labels=None):
        e = F.silu(self.time_mlp["2"](embedding(t, self.emb, self.scale)))
        r = x.norm(dim=1, keepdim=True)
        y = torch.cat([x * torch.asinh(r) / r, torch.log(torch.sqrt(1 + r * r))], dim=1) if self.magnitude else x
        h = F.silu(self.group_norm_in(self.linear_in(y)))
        for b in self.midblocks:
            h = b(h, e)
        y = self.outblocks_mean[1](self.outblocks_mean[0](h, e))
        if self.magnitude:
            at = 2.0 ** np.arange(1 - self.KNOTS, 1)
            s = np.clip(t.double().numpy(), at[0], 1)
            hats = np.stack([np.interp(s, at, np.eye(self.KNOTS)[k]) for k in range(self.KNOTS)], 1) / s[:, None]
            far = x * torch.clamp(1 - self.radius / r, min=0)
            y = y + self.tail((torch.tensor(hats, dtype=x.dtype)[:, :, None] * far[:, None, :]).flatten(1))
            self.far = int((r > self.radius).sum())
        return y


def unet_of(c):
    return UNet(c["in_channels"], c["out_channels"], c["model_channels"], c["channel_mult"], c["num_res_blocks"], c.get("attention_ds", []),
                c["num_heads"], c.get("num_classes", 0), c["time_scale"], c.get("magnitude", False))


# The processes: (input, target, time) of one sample of data x0, arrays [..., channel], in float64.

def dlpm(p, draw, copy, x0):
    alpha, T = p["alpha"], p["steps"]

    def bar(t):  # ᾱ_t of the cosine schedule
        f = [math.cos((u / T + 0.008) / 1.008 * math.pi / 2) ** 2 for u in (t, 0)]
        return f[0] / f[1]
    a = np.array(draw["a"][copy])
    if p.get("clamp_a"):
        a = np.minimum(a, p["clamp_a"])
    eps = (np.sqrt(a) * np.array(draw["z"][copy])).reshape(x0.shape)
    t = int(draw["level"])
    return bar(t) ** (1 / alpha) * x0 + (1 - bar(t)) ** (1 / alpha) * eps, eps, t / T


def lim(p, draw, copy, x0):
    alpha, clamps = p["alpha"], p["clamps"]
    t = 1e-5 + (0.9946 - 1e-5) * draw["level"]
    gamma = math.cos((t + 0.008) / 1.008 * math.pi / 2) / math.cos(0.008 / 1.008 * math.pi / 2)
    sigma = (1 - gamma ** alpha) ** (1 / alpha)
    bound = min(clamps["a"], clamps["skewed"] * 2 * math.cos(math.pi * alpha / 4) ** (2 / alpha))
    e = np.sqrt(np.minimum(np.array(draw["a"][copy]), bound)) * np.array(draw["z"][copy])
    e = np.clip(e, -clamps["eps"], clamps["eps"])
    size = np.linalg.norm(e)
    seen.setdefault("norms", []).append(size / clamps["norm"])
    if size > clamps["norm"]:
        e = e / size * clamps["norm"]
    e = e.reshape(x0.shape)
    return gamma * x0 + sigma * e, -e / alpha, t


def edm(p, draw, copy, x0):
    sigma = math.exp(p["p_mean"] + p["p_std"] * draw["level"])
    nu = p["nu"][0]
    noise = sigma * np.array(draw["z"][copy]).reshape(x0.shape) / math.sqrt(draw["kappa"])
    variance = nu / (nu - 2) * sigma ** 2
    data = np.array(p["sigma_data"])
    skip, out, cin = data ** 2 / (variance + data ** 2), np.sqrt(variance) * data / np.sqrt(variance + data ** 2), 1 / np.sqrt(variance + data ** 2)
    x = x0 + noise
    return cin * x, (x0 - skip * x) / out, math.log(sigma) / 4


def flow(p, draw, copy, x0):
    t, smin = draw["level"], p["sigma_min"]
    n = np.array(draw["z"][copy]).reshape(x0.shape)
    assert p["target"] == "velocity"
    return t * x0 + (1 - (1 - smin) * t) * n, x0 - (1 - smin) * n, t


ORDERS = 8
PROCESSES = {"process": dlpm, "lim": lim, "edm": edm, "flow": flow}
seen = {}


def example(run, draw):
    """The rows of one sample, its copies, and its class."""
    recipe = run["recipe"]
    shape = recipe["data"]["shape"]
    x0 = np.array(run["data"][draw["index"]]).reshape(shape)
    scaling = recipe["data"].get("scaling")
    if scaling:
        assert scaling["kind"] == "robust"
        columns = np.array(run["data"])
        low, mid, high = np.quantile(columns, [0.25, 0.5, 0.75], axis=0)
        x0 = (x0 - mid) / ((high - low) / 2)
    if draw["flip"]:
        x0 = x0[:, ::-1]
    label = -1 if draw["drop"] or not run["labels"] else run["labels"][draw["index"]]
    name, = (k for k in PROCESSES if k in recipe)
    for key in "flip", "drop":
        seen.setdefault(key, []).append(draw[key])
    return [PROCESSES[name](recipe[name], draw, c, x0) for c in range(len(draw["z"]))], label


def residuals(kind, diff):
    diff = diff.flatten(1)
    if kind == "huber":
        a = diff.abs()
        return torch.where(a < 1, a * a / 2, a - 0.5).mean(dim=1)
    return (diff * diff).mean(dim=1)


def sample_loss(loss, means):
    """Of one sample's means [outer, inner]."""
    groups = means.mean(dim=1)
    if loss["kind"] == "root":
        groups = groups.sqrt()
    return groups.median() if loss.get("median") else groups.mean()  # torch's is the lower median


def rate(r, n):
    warm = r.get("warmup", 0)
    if n < warm:
        return r["lr"] * (n + 1) / (warm + 1)
    progress = (n - warm) / (r["total"] - warm) if "total" in r else 0
    return {"": lambda: r["lr"], "constant": lambda: r["lr"], "linear": lambda: r["lr"] * (1 - progress),
            "cosine": lambda: r["lr"] * (1 + math.cos(math.pi * progress)) / 2,
            "step": lambda: r["lr"] * r["gamma"] ** (n // r["every"])}[r.get("kind", "")]()


def steps(run, dtype, order=None):
    recipe, t = run["recipe"], run["recipe"]["train"]
    net = unet_of(recipe["network"]["unet"]) if "unet" in recipe["network"] else MLP(recipe["network"]["mlp"])
    net = net.to(dtype)
    own = dict(net.named_parameters())
    names = [p["name"] for p in run["params"]]
    assert sorted(names) == sorted(own), set(names) ^ set(own)
    with torch.no_grad():
        for p in run["params"]:
            assert list(own[p["name"]].shape) == p["shape"], p["name"]
            own[p["name"]].copy_(torch.tensor(p["values"], dtype=torch.float64).reshape(p["shape"]))
    opt = torch.optim.AdamW(net.parameters(), betas=(t["beta1"], t["beta2"]), eps=t["eps"], weight_decay=t["weight_decay"])
    averages = [[own[n].detach().clone() for n in names] for _ in t["ema"]]
    out = {"loss": [], "norm": [], "rate": []}
    for n, draws in enumerate(run["steps"]):
        examples = [example(run, d) for d in draws]
        if order:
            order.shuffle(examples)
        copies = len(examples[0][0])
        rows = [e for e, _ in examples for e in e]
        x, target = (torch.tensor(np.stack([r[i] for r in rows]), dtype=dtype) for i in (0, 1))
        times = torch.tensor([r[2] for r in rows], dtype=torch.float32).to(dtype)  # a float32 to the network, in both
        labels = [label for _, label in examples for _ in range(copies)]
        if x.dim() == 4:  # channels last outside
            x, target = x.permute(0, 3, 1, 2), target.permute(0, 3, 1, 2)
        means = residuals(t["loss"]["kind"], net(x, times, labels) - target)
        means = means.reshape(len(examples), t["loss"].get("outer", 1), t["loss"].get("inner", 1))
        losses = torch.stack([sample_loss(t["loss"], m) for m in means])
        sizes = net.sizes(x)[::copies] if isinstance(net, UNet) else torch.ones(len(examples), dtype=dtype)
        opt.zero_grad()
        (losses / sizes).mean().backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), t.get("clip") or math.inf)
        for g in opt.param_groups:
            g["lr"] = rate(t["rate"], n)
        opt.step()
        warm = t.get("ema_warmup", 0)
        with torch.no_grad():
            for mu, shadow in zip(t["ema"], averages):
                if warm:
                    mu = min(mu, (1 + n) / (warm + n))
                for s, name in zip(shadow, names):
                    s.mul_(mu).add_(own[name], alpha=1 - mu)
        out["loss"].append(losses.mean().item())
        out["norm"].append(norm.item())
        out["rate"].append(rate(t["rate"], n))
        seen.setdefault("sizes", []).extend(sizes.tolist())
        if isinstance(net, MLP) and net.magnitude:
            seen["far"] = seen.get("far", 0) + net.far
    rows = [[own[n].detach() for n in names]] + averages
    return out, np.stack([torch.cat([p.flatten() for p in r]).double().numpy() for r in rows])


def main(source, target):
    torch.use_deterministic_algorithms(True)
    for path in sorted(pathlib.Path(source).glob("*.json")):
        seen.clear()
        run = json.loads(path.read_text())
        out, rows = steps(run, torch.float64)
        rough = [steps(run, torch.float32, random.Random(i)) for i in range(ORDERS)]
        worst = {k: max(abs(a / b - 1) for r, _ in rough for a, b in zip(r[k], out[k])) for k in ("loss", "norm")}
        worst["weights"] = np.max([np.abs(r - rows).max(axis=1) for _, r in rough], axis=0).tolist()
        out["rounding"] = worst
        print(path.stem, rows.shape, worst, "loss", out["loss"], "norm", out["norm"])
        print("  flips", np.mean(seen["flip"]), "drops", np.mean(seen["drop"]), "sizes", min(seen["sizes"]), max(seen["sizes"]), "rows in the tail", seen.get("far"))
        if "norms" in seen:
            print("  norms over the bound", sorted({round(v.item(), 2) for v in seen["norms"]}))
        base = pathlib.Path(target) / f"golden_{path.stem}"
        base.with_suffix(".json").write_text(json.dumps(out, indent=1) + "\n")
        np.save(base.with_suffix(".npy"), rows.astype(np.float32))


if __name__ == "__main__":
    main(*sys.argv[1:])
