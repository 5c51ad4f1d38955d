"""python3 results/variates.py: random variates of other packages, millions a second.

One thread, batches of 524,288 as `heavytail bench noise` has them (scipy's stable laws an
eighth), medians of seven. Needs numpy, scipy and torch from PyPI.
"""
import math
import statistics
import time

import numpy as np
import scipy
import torch
from scipy.stats import levy_stable

N = 1 << 19
ALPHA = 1.7

torch.set_num_threads(1)
generator = np.random.Generator(np.random.SFC64(1))
row = np.empty(N, np.float32)
single = torch.empty(N)
double = torch.empty(N, dtype=torch.float64)


def stable_of_tensors():
    """Chambers, Mallows and Stuck's formula for a symmetric law, as one writes it in torch."""
    u = torch.rand(N).sub_(0.5).mul_(math.pi)
    w = torch.empty(N).exponential_()
    return torch.sin(ALPHA * u) / torch.cos(u) ** (1 / ALPHA) * (torch.cos((1 - ALPHA) * u) / w) ** ((1 - ALPHA) / ALPHA)


CASES = {
    "uniform, torch": (N, lambda: single.uniform_()),
    "exponential, torch": (N, lambda: single.exponential_()),
    "exponential, NumPy": (N, lambda: generator.standard_exponential(out=row, dtype=np.float32)),
    "normal, torch": (N, lambda: single.normal_()),
    "normal, NumPy": (N, lambda: generator.standard_normal(out=row, dtype=np.float32)),
    "stable 1.7, torch": (N, stable_of_tensors),
    "stable 1.7 in float64, scipy": (N // 8, lambda: levy_stable.rvs(ALPHA, 0, size=N // 8, random_state=generator)),
    "stable 1.5, 0.5 in float64, scipy": (N // 8, lambda: levy_stable.rvs(1.5, 0.5, size=N // 8, random_state=generator)),
    "normal in float64, torch": (N, lambda: double.normal_()),
    "Student's t, 3, in float64, NumPy": (N, lambda: generator.standard_t(3, N)),
    "chi square, 3, in float64, NumPy": (N, lambda: generator.chisquare(3, N)),
}


def rate(n, draw):
    draw()
    times = []
    for _ in range(7):
        start = time.perf_counter()
        draw()
        times.append(time.perf_counter() - start)
    return n / statistics.median(times) / 1e6


print(f"numpy {np.__version__}, scipy {scipy.__version__}, torch {torch.__version__}")
for name, (n, draw) in CASES.items():
    print(f"{name:36s} {rate(n, draw):7.1f}")
