#!/usr/bin/env python3
"""Small U-Nets on patches of real fields: t-EDM, t-Flow, EDM and a flow of logarithms.

    python3 -m venv VENV && VENV/bin/pip install numpy scipy matplotlib iris-sample-data==2.5.2
    npm pack vega-datasets@3.2.1 && tar xzf vega-datasets-3.2.1.tgz
    go build -o heavytail ./cmd/heavytail
    VENV/bin/python results/fields.py --heavytail ./heavytail --precip package/data/annual-precip.json
    VENV/bin/python results/fields.py --heavytail ./heavytail --quick        # synthetic fields, a minute

The fields are volcanic ash of Eyjafjallajökull, 11 May 2010, as the dispersion model NAME
of the Met Office had it (iris-sample-data, Open Government Licence; a table of text, of
which the layer from the ground to flight level 200 is read), and annual precipitation on
a one-degree grid (vega-datasets, public domain in the United States). Neither is kept in
this project. Both are cut into tiles of 24 cells like a chessboard: the white ones are for
training, the black ones held out; a patch of 16 cells lies in one tile.

    VENV/bin/python results/fields.py --report      # tables of results/fields.md and fields.png

Every training is a row of the CSV as soon as it has been judged; rows that are there are
not measured again. Rows are made run by run, so that what is stopped early has all
methods. A training that was killed goes on from its checkpoint.
"""
import argparse
import csv
import json
import os
import subprocess

import numpy as np

SIZE, TILE = 16, 24
COLUMNS = ["spectrum", "ks", "tailks", "r99", "r999", "crpsmean", "crpsmax", "negative", "seconds"]
NU = "4"
METHODS = {  # name: (flags of train, flags of sample, logarithms)
    "EDM": (["-process", "edm"], ["-steps", "18"], False),
    "t-EDM": (["-process", "tedm", "-nu", NU], ["-steps", "25"], False),
    "t-Flow": (["-process", "tflow", "-nu", NU], ["-steps", "25"], False),
    "soft-log flow": (["-process", "flow"], ["-steps", "25"], True),
}


def ash():
    """mg/m³ from the ground to flight level 200, latitude by longitude."""
    import iris_sample_data

    path = os.path.join(os.path.dirname(iris_sample_data.__file__), "sample_data", "NAME_output.txt")
    grid = np.zeros((214, 584))
    with open(path) as f:
        for line in f:
            cells = line.split(",")
            try:
                x, y, v = float(cells[0]), float(cells[1]), float(cells[4])
            except (ValueError, IndexError):
                continue
            grid[int(y) - 1, int(x) - 1] = 1e3 * v
    return grid[:, 110:400]  # beyond them there is next to none


def precip():
    """mm a year."""
    with open(ARGS.precip) as f:
        d = json.load(f)
    return np.array(d["values"], float).reshape(d["height"], d["width"])


def synthetic():
    """exp of a smooth normal field."""
    rng = np.random.default_rng(1)
    z = rng.standard_normal((64, 256))
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(64)))
    z = np.fft.ifft2(np.fft.fft2(z) * np.exp(-(k / 0.1) ** 2)).real
    return np.exp(1.5 * z / z.std())


def patches(grid, least, most):
    """Those for training and those held out, [n, 16, 16], from a chessboard of tiles."""
    out = ([], [])
    for i in range(grid.shape[0] // TILE):
        for j in range(grid.shape[1] // TILE):
            tile = grid[TILE * i:TILE * (i + 1), TILE * j:TILE * (j + 1)]
            for y in range(0, TILE - SIZE + 1, 2):
                for x in range(0, TILE - SIZE + 1, 2):
                    p = tile[y:y + SIZE, x:x + SIZE]
                    if (p > least).mean() >= 0.5 and p.max() < most:
                        out[(i + j) % 2].append(p)
    return np.array(out[0]), np.array(out[1])


class Scale:
    """From the field's unit to that of the network and back."""

    def __init__(self, train, logs):
        self.logs, self.c = logs, np.median(train[train > 0])
        y = self.forth(train) if logs else train
        self.mean, self.dev = y.mean(), y.std()

    def forth(self, x):
        return np.sign(x) * np.log1p(np.abs(x) / self.c)

    def to(self, x):
        return ((self.forth(x) if self.logs else x) - self.mean) / self.dev

    def back(self, y):
        y = y * self.dev + self.mean
        return np.sign(y) * self.c * np.expm1(np.abs(y)) if self.logs else y


# --- measures --------------------------------------------------------------------------


def spectrum(x):
    """Mean logarithm of the power by radial wavenumber 1 … 8, with Hann's window. The mean
    of the power itself is that of the one or two largest patches."""
    w = np.outer(np.hanning(SIZE + 2)[1:-1], np.hanning(SIZE + 2)[1:-1])
    p = np.abs(np.fft.fft2((x - x.mean((1, 2), keepdims=True)) * w)) ** 2
    f = np.fft.fftfreq(SIZE) * SIZE
    r = np.rint(np.hypot(f[:, None], f[None, :])).astype(int)
    rings = np.stack([p[:, r == k].mean(1) for k in range(1, SIZE // 2 + 1)])
    return np.log(np.maximum(rings, 1e-12 * rings.max())).mean(1)


def ks(a, b):
    a, b = np.sort(a.ravel()), np.sort(b.ravel())
    at = np.concatenate([a, b])
    return np.abs(np.searchsorted(a, at, side="right") / len(a) - np.searchsorted(b, at, side="right") / len(b)).max()


def crps(ensemble, observed):
    """Mean over the observations of E|X−y| − E|X−X'|/2, X of the ensemble."""
    e = np.sort(ensemble)
    n = len(e)
    spread = 2 * np.sum((2 * np.arange(n) - n + 1) * e) / (n * (n - 1))
    return np.mean([np.abs(e - y).mean() for y in observed]) - spread / 2


def judge(gen, test, train):
    bound = np.quantile(test, 0.95)
    tail = gen[gen > bound]
    ratio = lambda q: np.quantile(gen, q) / np.quantile(test, q)
    beside = lambda f: crps(f(gen), f(test)) / crps(f(train), f(test))
    return [
        np.sqrt(np.mean((spectrum(gen) - spectrum(test)) ** 2)),
        ks(gen, test),
        ks(tail, test[test > bound]) if len(tail) else 1.0,
        ratio(0.99), ratio(0.999),
        beside(lambda x: x.mean((1, 2))), beside(lambda x: x.max((1, 2))),
        (gen < -0.01 * test.std()).mean(),
    ]


# --- runs ------------------------------------------------------------------------------


def run(field, name, n, train, dir):
    """Trains, draws and returns samples in the field's unit, and seconds."""
    flags, sampling, logs = METHODS[name]
    scale = Scale(train, logs)
    work = os.path.join(dir, "%s-%s-%d" % (field, name.replace(" ", "-"), n))
    data, out = work + ".npy", work + "-samples.npy"
    np.save(data, scale.to(train)[..., None].astype(np.float32))
    before = os.times()
    more = ["-resume"] if os.path.exists(work) else [
        "-data", "npy:" + data, "-range", "-1,1", *flags, "-width", "16", "-mult", "1,1,1", "-attention", "none",
        "-batch", "16", "-steps", str(ARGS.steps), "-lr", "0.002", "-warmup", "50", "-preview-every", "0",
        "-save-every", "100", "-seed", str(n)]
    quiet = dict(check=True, stdout=subprocess.DEVNULL)
    nice = ["nice", "-n", "2", ARGS.heavytail]
    subprocess.run([*nice, "train", "-out", work, "-threads", "1", *more], **quiet)
    subprocess.run([*nice, "sample", "-model", os.path.join(work, "model.safetensors"), "-n", str(ARGS.samples),
                    "-seed", str(1000 * n), "-no-clip", "-threads", "1", *sampling, "-o", out], **quiet)
    after = os.times()
    gen = np.load(out)[..., 0].astype(float)
    return scale.back(gen), after.children_user + after.children_system - before.children_user - before.children_system


# --- the page --------------------------------------------------------------------------

TITLES = {"spectrum": "spectrum", "ks": "KS", "tailks": "KS beyond 95 %", "r99": "99 %", "r999": "99.9 %",
          "crpsmean": "CRPS of the mean", "crpsmax": "CRPS of the largest", "negative": "below 0"}


def beside(pairs):
    """Geometric mean of ratios given by their logarithms, with the p-value of the t-test."""
    from scipy.stats import t as student

    d = np.array(pairs)
    if len(d) < 2 or d.std() == 0:
        return "–"
    p = 2 * student.sf(abs(d.mean()) / (d.std(ddof=1) / len(d) ** 0.5), len(d) - 1)
    return "%.2f (%.2g)" % (np.exp(d.mean()), p)


def tables():
    value = {(r["field"], r["method"], int(r["run"])): r for r in rows(ARGS.o)}

    def size(field, name, n, c):
        """ln of the error; that of a ratio is |ln|."""
        v = float(value[field, name, n][c])
        return np.log(abs(np.log(v))) if c[0] == "r" else np.log(v)

    head = lambda name: "| %s | runs | %s |\n%s|\n" % (name, " | ".join(TITLES.values()), "|---" * (len(TITLES) + 2))
    text = ""
    for field in ("ash", "precip"):
        text += head(field)
        for name in ["training patches", *METHODS]:
            runs = [n for f, m, n in value if (f, m) == (field, name)]
            cells = [name, str(len(runs))]
            for c in TITLES:
                v = np.array([float(value[field, name, n][c]) for n in runs])
                cells.append("–" if not len(v) else "%.3g" % v.mean() if len(v) < 2 else "%.3g ± %.1g" % (v.mean(), v.std(ddof=1)))
            text += "| %s |\n" % " | ".join(cells)
        text += "\n"
    text += head("error over EDM's")
    for name in list(METHODS)[1:]:
        both = [(f, n) for f, m, n in value if m == name and (f, "EDM", n) in value]
        cells = [name, str(len(both))]
        for c in TITLES:
            cells.append("" if c == "negative" else beside([size(f, name, n, c) - size(f, "EDM", n, c) for f, n in both]))
        text += "| %s |\n" % " | ".join(cells)
    return text + """
Means ± standard deviations over runs; the CRPS is over that of the training patches, quantiles are over those held out, `below 0` is the share of values below −1 % of the deviation. The last table has geometric means of errors over those of EDM of the same field and run, of a quantile the size of its logarithm, and in brackets the p-value of Student's t-test of their logarithms; runs of one field share its patches, so these p-values are too small.
"""


def pictures():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fields = {"ash": patches(ash(), 1e-6, 5.0), "precip": patches(precip(), 0.0, np.inf)}
    names = ["held out", *METHODS]
    figure, axes = plt.subplots(2 * len(names), 10, figsize=(8, 2 * len(names) * 0.86))
    for k, (field, (train, test)) in enumerate(fields.items()):
        top = np.quantile(test, 0.999)
        for i, name in enumerate(names):
            path = os.path.join(ARGS.dir, "%s-%s-0-samples.npy" % (field, name.replace(" ", "-")))
            if name == "held out":
                x = test[np.random.default_rng(0).choice(len(test), 10, replace=False)]
            elif os.path.exists(path):
                x = Scale(train, METHODS[name][2]).back(np.load(path)[:10, ..., 0].astype(float))
            else:
                x = np.full((10, SIZE, SIZE), np.nan)
            for j in range(10):
                a = axes[len(names) * k + i, j]
                a.imshow(np.log10(np.maximum(x[j], top * 1e-4)), vmin=np.log10(top * (1e-3 if k == 0 else 1e-2)), vmax=np.log10(top), origin="lower")
                a.set_xticks([]), a.set_yticks([])
                if j == 0:
                    a.set_ylabel("%s\n%s" % (field, name), fontsize=6)
    plt.tight_layout(pad=0.2)
    figure.savefig("results/fields.png", dpi=80)


def report():
    page = open("results/fields.md").read()
    begin, end = "<!-- generated: tables -->", "<!-- end: tables -->"
    if begin not in page:
        page += "\n%s\n%s\n" % (begin, end)
    head, tail = page.split(begin)[0], page.split(end)[1]
    page = head + begin + "\n" + tables() + end + tail
    with open("results/fields.md", "w") as f:
        f.write(page)
    pictures()


def rows(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return list(csv.DictReader(f))


def main():
    fields = {"synthetic": (synthetic, 0.0, np.inf)} if ARGS.quick else {
        "ash": (ash, 1e-6, 5.0),  # mg/m³; more have only the cells about the volcano
        "precip": (precip, 0.0, np.inf)}
    os.makedirs(ARGS.dir, exist_ok=True)
    if not os.path.exists(ARGS.o):
        with open(ARGS.o, "w") as f:
            f.write("method,field,run,%s\n" % ",".join(COLUMNS))
    data = {}
    for field, (make, least, most) in fields.items():
        data[field] = patches(make(), least, most)
        print("%s: %d patches to train on, %d held out" % (field, *map(len, data[field])), flush=True)
    for n in range(ARGS.runs):
        for field, (train, test) in data.items():
            for name in ["training patches", *METHODS]:
                done = {(r["method"], r["field"], int(r["run"])) for r in rows(ARGS.o)}
                if (name, field, n) in done:
                    continue
                if name == "training patches":
                    rng = np.random.default_rng(n)
                    gen, seconds = train[rng.choice(len(train), min(ARGS.samples, len(train)), replace=False)], 0
                else:
                    gen, seconds = run(field, name, n, train, ARGS.dir)
                v = judge(gen, test, train) + [seconds]
                with open(ARGS.o, "a") as f:
                    f.write("%s,%s,%d,%s\n" % (name, field, n, ",".join("%.4g" % x for x in v)))
                print(name, field, n, dict(zip(COLUMNS, ("%.3g" % x for x in v))), flush=True)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-o", help="CSV of rows (default results/fields.csv, with --quick in --dir)")
    p.add_argument("--dir", default="runs/fields", help="folder of models and samples")
    p.add_argument("--heavytail", default="heavytail", help="the program")
    p.add_argument("--precip", default="package/data/annual-precip.json")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--steps", type=int, default=500)
    p.add_argument("--samples", type=int, default=256)
    p.add_argument("--quick", action="store_true", help="synthetic fields: shows that all works, not what is true")
    p.add_argument("--report", action="store_true", help="measure nothing: write the tables and the picture")
    ARGS = p.parse_args()
    if ARGS.quick:
        ARGS.dir += "-quick"
        ARGS.runs, ARGS.steps, ARGS.samples = 1, 60, 8
    ARGS.o = ARGS.o or (os.path.join(ARGS.dir, "fields.csv") if ARGS.quick else "results/fields.csv")
    report() if ARGS.report else main()
