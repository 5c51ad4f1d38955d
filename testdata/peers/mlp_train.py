"""Times one training of the experiments tails and grid in PyTorch.

The published 2-D network (55,010 parameters) and settings: 640 steps of 1024
points, AdamW at 5e-3, DLPM's loss with one A per point; then 15,000 points by
100 steps of DLPM. Prints seconds of training and of sampling, by the clock and
of the processor (on a busy machine compare the latter), as does

    HEAVYTAIL_PEER=1 go test -run TestPlanarSpeed -v ./cmd/heavytail-lab/internal/experiment

It also prints how the points compare with the data, as the experiments' rows
do: quantiles of |x| by the data's (tails), or the share of points farther than
0.4 from every mode (grid).

usage: mlp_train.py [tails|grid] [threads] [alpha] [seed]
"""
import math
import sys
import time

import torch
from torch import nn



def arg(i, default):
    return sys.argv[i] if len(sys.argv) > i else default


EXPERIMENT, ALPHA = arg(1, "tails"), float(arg(3, 1.7))
T, BATCH, STEPS, DRAWN = 100, 1024, 640, 15000
torch.set_num_threads(int(arg(2, 1)))
torch.manual_seed(int(arg(4, 1)))


def multiplier(n, alpha=ALPHA):
    """A = 2K, K positive stable of index alpha/2, by Kanter's formula."""
    a = alpha / 2
    v = math.pi * torch.rand(n, dtype=torch.float64).clamp_(1e-12, 1 - 1e-12)
    e = -torch.log(torch.rand(n, dtype=torch.float64).clamp_(min=1e-300))
    k = torch.sin(a * v) / torch.sin(v) ** (1 / a) * (torch.sin((1 - a) * v) / e) ** ((1 - a) / a)
    return (2 * k).float()


class Block(nn.Module):
    def __init__(self, units, emb):
        super().__init__()
        self.first, self.norm1 = nn.Linear(units, units), nn.LayerNorm(units)
        self.time = nn.Linear(emb, units)
        self.second, self.norm2 = nn.Linear(units, units), nn.LayerNorm(units)
        self.act = nn.SiLU()

    def forward(self, h, e):
        u = self.act(self.norm1(self.first(h))) + self.act(self.time(e))
        return self.act(self.norm2(self.second(u)) + h)


class Net(nn.Module):
    def __init__(self, units=64, emb=32, blocks=5):
        super().__init__()
        self.act = nn.SiLU()
        self.time1, self.time2 = nn.Linear(1, emb), nn.Linear(emb, emb)
        self.inp, self.norm = nn.Linear(2, units), nn.LayerNorm(units)
        self.blocks = nn.ModuleList(Block(units, emb) for _ in range(blocks))
        self.out = nn.Linear(units, 2)

    def forward(self, x, t):
        e = self.act(self.time2(self.act(self.time1(t[:, None]))))
        h = self.act(self.norm(self.inp(x)))
        for b in self.blocks:
            h = b(h, e)
        return self.out(h)


def points():
    if EXPERIMENT == "tails":
        return 0.05 * multiplier(20000, 1.7).sqrt()[:, None] * torch.randn(20000, 2)
    w = torch.tensor([.01, .1, .3, .2, .02, .15, .02, .15, .05])
    k = torch.multinomial(w, 32000, replacement=True)
    return torch.stack([k // 3, k % 3], 1) + 0.1 * torch.randn(32000, 2)


def schedule():
    def f(tau):
        return math.cos((tau / T + .008) / 1.008 * math.pi / 2) ** 2
    bar = [f(t) / f(0) for t in range(T)]
    step = [1.] + [bar[t] / bar[t - 1] for t in range(1, T)]
    power = 1 / ALPHA
    return tuple(torch.tensor([v ** power for v in s]) for s in
                 (step, [1 - v for v in step], bar, [1 - v for v in bar]))


def train(net, data, gamma_bar, sigma_bar):
    opt = torch.optim.AdamW(net.parameters(), lr=5e-3)
    order, at = torch.randperm(len(data)), 0
    for _ in range(STEPS):
        if at + BATCH > len(data):
            order, at = torch.randperm(len(data)), 0
        x0 = data[order[at:at + BATCH]]
        at += BATCH
        t = torch.randint(1, T, (BATCH,))
        eps = multiplier(BATCH).sqrt()[:, None] * torch.randn(BATCH, 2)
        x = gamma_bar[t, None] * x0 + sigma_bar[t, None] * eps
        loss = ((net(x, t / T) - eps) ** 2).mean(1).sqrt().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss.item()


@torch.no_grad()
def sample(net, gamma, sigma, sigma_bar):
    sums = [torch.zeros(DRAWN)]
    for t in range(1, T):
        sums.append(sigma[t] ** 2 * multiplier(DRAWN) + gamma[t] ** 2 * sums[-1])
    x = sigma_bar[T - 1] * multiplier(DRAWN).sqrt()[:, None] * torch.randn(DRAWN, 2)
    for t in range(T - 1, 0, -1):
        big = 1 - gamma[t] ** 2 * sums[t - 1] / sums[t]
        eps = net(x, torch.full((DRAWN,), t / T))
        x = (x - big[:, None] * sigma_bar[t] * eps) / gamma[t]
        if t > 1:
            x = x + (big * sums[t - 1]).sqrt()[:, None] * torch.randn(DRAWN, 2)
    return x


net = Net()
assert sum(p.numel() for p in net.parameters()) == 55010
gamma, sigma, gamma_bar, sigma_bar = schedule()
def clock():
    return time.perf_counter(), time.process_time()


start = clock()
data = points()
loss = train(net, data, gamma_bar, sigma_bar)
middle = clock()
drawn = sample(net, gamma, sigma, sigma_bar)
end = clock()
train, sample = ([b - a for a, b in zip(*p)] for p in ((start, middle), (middle, end)))
print(f"torch {torch.__version__} {EXPERIMENT} threads {torch.get_num_threads()}: train {train[0]:.2f} s ({train[1]:.2f} s CPU), "
      f"sample {sample[0]:.2f} s ({sample[1]:.2f} s CPU), last loss {loss:.3f}")
if EXPERIMENT == "tails":
    levels = torch.tensor([.95, .99, .999])
    ratio = torch.quantile(drawn.norm(dim=1), levels) / torch.quantile(data.norm(dim=1), levels)
    print(f"alpha {ALPHA}: quantiles of |x| at .95, .99, .999 by the data's:", *(f"{v:.3g}" for v in ratio))
else:
    modes = torch.tensor([[i, j] for i in range(3) for j in range(3)]).float()
    outside = (torch.cdist(drawn, modes).min(1).values > 0.4).float().mean()
    print(f"alpha {ALPHA}: share outside of the modes {outside:.4f}")
