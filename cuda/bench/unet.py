"""The U-Net of the published DLPM checkpoints in PyTorch, for times beside ours.

Parameters have the checkpoints' names. Their values do not matter to the time.
"""
import math
import torch
from torch import nn
from torch.nn import functional as F

CONFIGS = {
    # name: channels, base channels, multipliers, residual blocks, attention at these downsampling factors, heads
    "tiny": (1, 32, (1, 2), 1, {2}, 4),
    "mnist": (1, 32, (1, 2, 2, 2), 2, {2, 4}, 4),
    "cifar10_lt": (3, 128, (1, 2, 2, 2), 2, {16}, 4),
    "cifar10": (3, 128, (1, 2, 2, 2), 2, {4, 8, 16}, 4),
}


def norm(c):
    return nn.GroupNorm(min(32, c), c)


def timestep_embedding(t, dim):
    half = dim // 2
    freqs = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=t.device) / half)
    arg = t[:, None].float() * freqs[None]
    return torch.cat([torch.cos(arg), torch.sin(arg)], dim=1)


class Res(nn.Module):
    def __init__(self, cin, emb, cout):
        super().__init__()
        self.in_layers = nn.Sequential(norm(cin), nn.SiLU(), nn.Conv2d(cin, cout, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(emb, 2 * cout))
        self.out_layers = nn.Sequential(norm(cout), nn.SiLU(), nn.Dropout(0.0), nn.Conv2d(cout, cout, 3, padding=1))
        self.skip_connection = nn.Identity() if cin == cout else nn.Conv2d(cin, cout, 1)

    def forward(self, x, e):
        h = self.in_layers(x)
        scale, shift = self.emb_layers(e)[:, :, None, None].chunk(2, dim=1)
        h = self.out_layers[0](h) * (1 + scale) + shift
        return self.skip_connection(x) + self.out_layers[1:](h)


class Attn(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads = heads
        self.norm = norm(c)
        self.qkv = nn.Conv1d(c, 3 * c, 1)
        self.proj_out = nn.Conv1d(c, c, 1)

    def forward(self, x, e):
        b, c, h, w = x.shape
        flat = x.reshape(b, c, h * w)
        qkv = self.qkv(self.norm(flat)).reshape(b * self.heads, 3 * c // self.heads, h * w)
        q, k, v = qkv.chunk(3, dim=1)
        s = (c // self.heads) ** -0.25
        p = torch.softmax(torch.einsum("bct,bcs->bts", q * s, k * s), dim=-1)
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


class Block(nn.Sequential):
    def forward(self, x, e):
        for m in self:
            x = m(x, e)
        return x


class UNet(nn.Module):
    def __init__(self, channels, base, mult, nres, attn, heads, classes=0):
        super().__init__()
        emb = 4 * base
        self.base = base
        self.time_embed = nn.Sequential(nn.Linear(base, emb), nn.SiLU(), nn.Linear(emb, emb))
        if classes:
            self.label_emb = nn.Embedding(classes, emb)
        self.input_blocks = nn.ModuleList([Block(First(channels, base, 3, padding=1))])
        skips, c, ds = [base], base, 1
        for level, m in enumerate(mult):
            for _ in range(nres):
                self.input_blocks.append(Block(Res(c, emb, m * base), *([Attn(m * base, heads)] if ds in attn else [])))
                c = m * base
                skips.append(c)
            if level < len(mult) - 1:
                self.input_blocks.append(Block(Down(c)))
                skips.append(c)
                ds *= 2
        self.middle_block = Block(Res(c, emb, c), Attn(c, heads), Res(c, emb, c))
        self.output_blocks = nn.ModuleList()
        for level, m in reversed(list(enumerate(mult))):
            for i in range(nres + 1):
                parts = [Res(c + skips.pop(), emb, m * base)]
                c = m * base
                if ds in attn:
                    parts.append(Attn(c, heads))
                if level and i == nres:
                    parts.append(Up(c))
                    ds //= 2
                self.output_blocks.append(Block(*parts))
        self.out = nn.Sequential(norm(c), nn.SiLU(), nn.Conv2d(base, channels, 3, padding=1))

    def forward(self, x, t, y=None):
        e = self.time_embed(timestep_embedding(t, self.base).to(x.dtype))
        if y is not None:
            e = e + self.label_emb(y)
        hs = []
        for b in self.input_blocks:
            x = b(x, e)
            hs.append(x)
        x = self.middle_block(x, e)
        for b in self.output_blocks:
            x = b(torch.cat([x, hs.pop()], dim=1), e)
        return self.out(x)


def build(name):
    return UNet(*CONFIGS[name])
