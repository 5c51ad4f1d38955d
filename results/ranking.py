"""Sets of 32x32 colour pictures, whole and spoilt, for the table "Which features
rank images" of docs/methods.md: crops of the two photographs in scikit-learn
(CC BY 2.0; pip install scikit-learn pillow).

    python results/ranking.py DIR
    heavytail eval npy:DIR/real.npy npy:DIR/blur2.npy      and so on
"""
import os
import sys

import numpy as np
from sklearn.datasets import load_sample_images

photos, n = load_sample_images().images, 1000


def crops(seed):
    rng, out = np.random.default_rng(seed), []
    for i in range(n):
        a, s = photos[i % 2], rng.choice([64, 96, 128])
        y, x = rng.integers(0, a.shape[0] - s), rng.integers(0, a.shape[1] - s)
        k = s // 32
        out.append(a[y:y + s, x:x + s].astype(np.float32).reshape(32, k, 32, k, 3).mean((1, 3)))
    return np.stack(out)


def blur(x, k):
    p, m = np.pad(x, ((0, 0), (k, k), (k, k), (0, 0)), mode="edge"), 2 * k + 1
    return sum(p[:, i:i + 32, j:j + 32] for i in range(m) for j in range(m)) / m**2


def swap(x, share, rng):
    y = x.copy().reshape(n, 1024, 3)
    for p in y:
        at = rng.permutation(1024)[:int(share * 1024)]
        p[at] = p[rng.permutation(at)]
    return y.reshape(x.shape)


def save(name, x):
    np.save(os.path.join(sys.argv[1], name + ".npy"), np.clip(np.round(x), 0, 255).astype(np.uint8))


os.makedirs(sys.argv[1], exist_ok=True)
rng, other = np.random.default_rng(0), crops(2)
save("real", crops(1))
save("other", other)
save("dark", 0.7 * other)
for s in (10, 25, 60, 255):
    save(f"noise{s}", other + rng.normal(0, s, other.shape))
for k in (1, 2, 4, 8):
    save(f"blur{k}", blur(other, k))
for share in (5, 20, 50, 100):
    save(f"swap{share}", swap(other, share / 100, rng))
