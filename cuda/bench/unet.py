"""The U-Net of the published DLPM checkpoints in PyTorch: for times beside ours, and for the golden steps of training.

Parameters have the checkpoints' names. golden_steps.py of train/testdata computes its gradients; for times the values of
the parameters do not matter.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

CONFIGS = {
    # channels, base channels, multipliers, residual blocks, attention at these downsampling factors, heads
    "tiny": (1, 32, (1, 2), 1, {2}, 4),
    "mnist": (1, 32, (1, 2, 2, 2), 2, {2, 4}, 4),
    "cifar10_lt": (3, 128, (1, 2, 2, 2), 2, {16}, 4),
    "cifar10": (3, 128, (1, 2, 2, 2), 2, {4, 8, 16}, 4),
}


def embedding(t, dim, scale=1):
    """cos, then sin, of scale·t at dim/2 frequencies 10000^(−k/half), of the device of t."""
    half = dim // 2
    freq = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float64, device=t.device) / half)
    arg = scale * t[:, None].double() * freq
    return torch.cat([torch.cos(arg), torch.sin(arg)], dim=1).to(t.dtype)


def norm(c):
    return nn.GroupNorm(min(32, c), c)


class Res(nn.Module):
    def __init__(self, cin, emb, cout):
        super().__init__()
        self.in_layers = nn.Sequential(norm(cin), nn.SiLU(), nn.Conv2d(cin, cout, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(emb, 2 * cout))
        self.out_layers = nn.Sequential(norm(cout), nn.SiLU(), nn.Identity(), nn.Conv2d(cout, cout, 3, padding=1))
        self.skip_connection = nn.Identity() if cin == cout else nn.Conv2d(cin, cout, 1)

    def forward(self, x, e):
        scale, shift = self.emb_layers(e)[:, :, None, None].chunk(2, dim=1)
        h = self.out_layers[0](self.in_layers(x)) * (1 + scale) + shift
        return self.skip_connection(x) + self.out_layers[1:](h)


class Attention(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads, self.norm, self.qkv, self.proj_out = heads, norm(c), nn.Conv1d(c, 3 * c, 1), nn.Conv1d(c, c, 1)

    def forward(self, x, e):
        b, c, h, w = x.shape
        flat = x.reshape(b, c, h * w)
        q, k, v = self.qkv(self.norm(flat)).reshape(b * self.heads, 3 * c // self.heads, h * w).chunk(3, dim=1)
        p = torch.softmax(torch.einsum("bct,bcs->bts", q, k) / math.sqrt(c // self.heads), dim=-1)
        a = torch.einsum("bts,bcs->bct", p, v).reshape(b, c, h * w)
        return (flat + self.proj_out(a)).reshape(b, c, h, w)


class Down(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.op = nn.Conv2d(c, c, 3, stride=2, padding=1)

    def forward(self, x, e):
        return self.op(x)


class Up(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x, e):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class First(nn.Conv2d):
    def forward(self, x, e):
        return super().forward(x)


class Layers(nn.Sequential):
    def forward(self, x, e):
        for m in self:
            x = m(x, e)
        return x


class UNet(nn.Module):
    """With magnitude the input is divided by its size s, with ln s as one more channel, and the output times s."""

    def __init__(self, inputs, outputs, base, mult, nres, attention, heads, classes=0, scale=1, magnitude=False):
        super().__init__()
        self.base, self.scale, self.magnitude = base, scale, magnitude
        emb = 4 * base
        self.time_embed = nn.Sequential(nn.Linear(base, emb), nn.SiLU(), nn.Linear(emb, emb))
        if classes:
            self.label_emb = nn.Embedding(classes, emb)
        self.input_blocks = nn.ModuleList([Layers(First(inputs + magnitude, base, 3, padding=1))])
        skips, width, ds, levels = [base], base, 1, list(enumerate(mult))
        for level, m in levels:
            for _ in range(nres):
                self.input_blocks.append(Layers(Res(width, emb, m * base), *([Attention(m * base, heads)] if ds in attention else [])))
                width = m * base
                skips.append(width)
            if level < len(levels) - 1:
                self.input_blocks.append(Layers(Down(width)))
                skips.append(width)
                ds *= 2
        self.middle_block = Layers(Res(width, emb, width), Attention(width, heads), Res(width, emb, width))
        self.output_blocks = nn.ModuleList()
        for level, m in reversed(levels):
            for i in range(nres + 1):
                parts = [Res(width + skips.pop(), emb, m * base)]
                width = m * base
                if ds in attention:
                    parts.append(Attention(width, heads))
                if level and i == nres:
                    parts.append(Up(width))
                    ds //= 2
                self.output_blocks.append(Layers(*parts))
        self.out = nn.Sequential(norm(width), nn.SiLU(), nn.Conv2d(base, outputs, 3, padding=1))

    def sizes(self, x):
        return torch.sqrt(1 + (x * x).mean(dim=(1, 2, 3))) if self.magnitude else torch.ones(len(x), dtype=x.dtype, device=x.device)

    def forward(self, x, t, labels=None):
        """labels are classes, negative for none, or None."""
        e = self.time_embed(embedding(t, self.base, self.scale).to(x.dtype))
        if labels is not None:
            known = torch.tensor([[v >= 0] for v in labels], dtype=x.dtype, device=x.device)
            e = e + known * self.label_emb(torch.tensor([max(v, 0) for v in labels], device=x.device))
        if self.magnitude:
            s = self.sizes(x)[:, None, None, None]
            x = torch.cat([x / s, torch.log(s).expand(-1, 1, *x.shape[2:])], dim=1)
        skips = []
        for b in self.input_blocks:
            x = b(x, e)
            skips.append(x)
        x = self.middle_block(x, e)
        for b in self.output_blocks:
            x = b(torch.cat([x, skips.pop()], dim=1), e)
        return self.out(x) * s if self.magnitude else self.out(x)


def build(name):
    channels, *rest = CONFIGS[name]
    return UNet(channels, channels, *rest)
