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

There are two stages (STAGES). The first look was taken while split, spectrum and steps
were being settled. The frozen stage is what is judged: its settings were fixed here before
any of its rows was measured, with seeds, splits and one field (the layer of the ash above)
that nobody had looked at. Change none of it: add a stage.

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
SAMPLES = 256
COLUMNS = ["spectrum", "ks", "tailks", "r99", "r999", "crpsmean", "crpsmax", "negative", "seconds"]
NU = "4"
METHODS = {  # name: (flags of train, flags of sample, logarithms)
    "EDM": (["-process", "edm"], ["-steps", "18"], False),
    "t-EDM": (["-process", "tedm", "-nu", NU], ["-steps", "25"], False),
    "t-Flow": (["-process", "tflow", "-nu", NU], ["-steps", "25"], False),
    "soft-log flow": (["-process", "flow"], ["-steps", "25"], True),
}


# What is measured; run n has the seed `seed` + n and the chessboard moved by shift(n).
STAGES = {
    "first look": dict(fields=["ash", "precip"], runs=2, steps=500, seed=0, shift=lambda n: (0, 0)),
    "frozen": dict(fields=["ash again", "precip again", "ash above"], runs=10, steps=1000, seed=100,
                   shift=lambda n: ((12 + 5 * n) % TILE, (12 + 7 * n) % TILE)),
    "quick": dict(fields=["synthetic"], runs=1, steps=60, seed=0, shift=lambda n: (0, 0)),
}


def ash(layer=0):
    """mg/m³, latitude by longitude; layer 0 is from the ground to flight level 200, 1 from
    there to 350."""
    import iris_sample_data

    path = os.path.join(os.path.dirname(iris_sample_data.__file__), "sample_data", "NAME_output.txt")
    grid = np.zeros((214, 584))
    with open(path) as f:
        for line in f:
            cells = line.split(",")
            try:
                x, y, v = float(cells[0]), float(cells[1]), float(cells[4 + layer])
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


def patches(field, shift):
    """Those for training and those held out, [n, 16, 16], from a chessboard of tiles."""
    make, least, most = FIELDS[field.removesuffix(" again")]
    grid, out = make()[shift[0]:, shift[1]:], ([], [])
    for i in range(grid.shape[0] // TILE):
        for j in range(grid.shape[1] // TILE):
            tile = grid[TILE * i:TILE * (i + 1), TILE * j:TILE * (j + 1)]
            for y in range(0, TILE - SIZE + 1, 2):
                for x in range(0, TILE - SIZE + 1, 2):
                    p = tile[y:y + SIZE, x:x + SIZE]
                    if (p > least).mean() >= 0.5 and p.max() < most:
                        out[(i + j) % 2].append(p)
    return np.array(out[0]), np.array(out[1])


FIELDS = {  # values, what counts as something, and the largest that a patch may have
    "ash": (ash, 1e-6, 5.0),  # mg/m³; more have only the cells about the volcano
    "ash above": (lambda: ash(1), 1e-6, 5.0),
    "precip": (precip, 0.0, np.inf),
    "synthetic": (synthetic, 0.0, np.inf),
}


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


def run(field, name, n, seed, steps, train):
    """Trains, draws and returns samples in the field's unit, and seconds."""
    flags, sampling, logs = METHODS[name]
    scale = Scale(train, logs)
    work = os.path.join(ARGS.dir, ("%s-%s-%d" % (field, name, n)).replace(" ", "-"))
    data, out = work + ".npy", work + "-samples.npy"
    np.save(data, scale.to(train)[..., None].astype(np.float32))
    before = os.times()
    more = ["-resume"] if os.path.exists(work) else [
        "-data", "npy:" + data, "-range", "-1,1", *flags, "-width", "16", "-mult", "1,1,1", "-attention", "none",
        "-batch", "16", "-steps", str(steps), "-lr", "0.002", "-warmup", "50", "-preview-every", "0",
        "-save-every", "100", "-seed", str(seed)]
    quiet = dict(check=True, stdout=subprocess.DEVNULL)
    nice = ["nice", "-n", "2", ARGS.heavytail]
    subprocess.run([*nice, "train", "-out", work, "-threads", "1", *more], **quiet)
    subprocess.run([*nice, "sample", "-model", os.path.join(work, "model.safetensors"), "-n", str(SAMPLES),
                    "-seed", str(1000 * seed), "-no-clip", "-threads", "1", *sampling, "-o", out], **quiet)
    after = os.times()
    gen = np.load(out)[..., 0].astype(float)
    return scale.back(gen), after.children_user + after.children_system - before.children_user - before.children_system


# --- the page --------------------------------------------------------------------------

TITLES = {"spectrum": "spectrum", "ks": "KS", "tailks": "KS beyond 95 %", "r99": "99 %", "r999": "99.9 %",
          "crpsmean": "CRPS of the mean", "crpsmax": "CRPS of the largest", "negative": "below 0"}


def against(value, fields, name, c):
    """The mean error over EDM's, each field by its own, and in brackets the p-value of the
    paired t-test over runs, a run being the mean of its fields."""
    from scipy.stats import ttest_1samp

    def errors(f, m, runs):  # of a ratio it is |ln|
        v = np.array([float(value[f, m, n][c]) for n in runs])
        return np.abs(np.log(v)) if c[0] == "r" else v

    runs = sorted({n for f, _, n in value if f == fields[0]})
    runs = [n for n in runs if all((f, m, n) in value for f in fields for m in (name, "EDM"))]
    if len(runs) < 3:
        return "–"
    base = [errors(f, "EDM", runs) for f in fields]
    d = np.mean([(errors(f, name, runs) - b) / b.mean() for f, b in zip(fields, base)], axis=0)
    return "%.2f (%.1g)" % (1 + d.mean(), ttest_1samp(d, 0).pvalue)


def head(name):
    return "| %s | runs | %s |\n%s|\n" % (name, " | ".join(TITLES.values()), "|---" * (len(TITLES) + 2))


def means(value, field):
    text = head(field)
    for name in ["training patches", *METHODS]:
        runs = [n for f, m, n in value if (f, m) == (field, name)]
        cells = [name, str(len(runs))]
        for c in TITLES:
            v = np.array([float(value[field, name, n][c]) for n in runs])
            cells.append("–" if not len(v) else "%.3g" % v.mean() if len(v) < 2 else "%.3g ± %.1g" % (v.mean(), v.std(ddof=1)))
        text += "| %s |\n" % " | ".join(cells)
    return text + "\n"


def tables():
    value = {(r["field"], r["method"], int(r["run"])): r for r in rows(ARGS.o)}
    frozen = STAGES["frozen"]["fields"]
    text = ""
    for over in [frozen, *([f] for f in frozen)]:
        text += head("error over EDM's, %s" % (over[0] if len(over) == 1 else "all three fields"))
        for name in list(METHODS)[1:]:
            n = len({n for f, m, n in value if f in over and m == name})
            cells = ["" if c == "negative" else against(value, over, name, c) for c in TITLES]
            text += "| %s | %d | %s |\n" % (name, n, " | ".join(cells))
        text += "\n"
    text += "The means ± standard deviations over runs behind them, 1,000 steps:\n\n"
    text += "".join(means(value, f) for f in frozen)
    text += "The first look, 500 steps and another split:\n\n"
    text += "".join(means(value, f) for f in STAGES["first look"]["fields"])
    return text + """The CRPS is over that of the training patches, quantiles are over those held out, `below 0` is the share of values below −1 % of the deviation. The first four tables have mean errors over EDM's, of a quantile |ln| of its ratio, and in brackets the p-value of the paired t-test over the runs; of all three fields a run is the mean of its fields. Runs of a field have other seeds and splits but the same field, so the p-values speak of these fields, not of others; with 21 tests in a table one below 0.0024 is beyond chance.
"""


def pictures():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    frozen = STAGES["frozen"]
    fields = {f: patches(f, frozen["shift"](0)) for f in frozen["fields"][:2]}
    names = ["held out", *METHODS]
    figure, axes = plt.subplots(2 * len(names), 10, figsize=(8, 2 * len(names) * 0.86))
    for k, (field, (train, test)) in enumerate(fields.items()):
        top = np.quantile(test, 0.999)
        for i, name in enumerate(names):
            path = os.path.join(ARGS.dir, ("%s-%s-0-samples.npy" % (field, name)).replace(" ", "-"))
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
                    a.set_ylabel("%s\n%s" % (field.removesuffix(" again"), name), fontsize=6)
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


def measure(stage, n):
    """Run n of a stage: the rows that are missing."""
    for field in stage["fields"]:
        train, test = patches(field, stage["shift"](n))
        seed = stage["seed"] + n
        print("%s %d: %d patches to train on, %d held out" % (field, n, len(train), len(test)), flush=True)
        for name in ["training patches", *METHODS]:
            if (name, field, n) in {(r["method"], r["field"], int(r["run"])) for r in rows(ARGS.o)}:
                continue
            if name == "training patches":
                rng = np.random.default_rng(seed)
                gen, seconds = train[rng.choice(len(train), min(SAMPLES, len(train)), replace=False)], 0
            else:
                gen, seconds = run(field, name, n, seed, stage["steps"], train)
            v = judge(gen, test, train) + [seconds]
            with open(ARGS.o, "a") as f:
                f.write("%s,%s,%d,%s\n" % (name, field, n, ",".join("%.4g" % x for x in v)))
            print(name, field, n, dict(zip(COLUMNS, ("%.3g" % x for x in v))), flush=True)


def main():
    os.makedirs(ARGS.dir, exist_ok=True)
    if not os.path.exists(ARGS.o):
        with open(ARGS.o, "w") as f:
            f.write("method,field,run,%s\n" % ",".join(COLUMNS))
    for name in ["quick"] if ARGS.quick else ["first look", "frozen"]:
        stage = STAGES[name]
        for n in range(min(stage["runs"], ARGS.runs)):
            measure(stage, n)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-o", help="CSV of rows (default results/fields.csv, with --quick in --dir)")
    p.add_argument("--dir", default="runs/fields", help="folder of models and samples")
    p.add_argument("--heavytail", default="heavytail", help="the program")
    p.add_argument("--precip", default="package/data/annual-precip.json")
    p.add_argument("--runs", type=int, default=100, help="at most so many of each stage")
    p.add_argument("--quick", action="store_true", help="synthetic fields: shows that all works, not what is true")
    p.add_argument("--report", action="store_true", help="measure nothing: write the tables and the picture")
    ARGS = p.parse_args()
    if ARGS.quick:
        ARGS.dir += "-quick"
        SAMPLES = 8
    ARGS.o = ARGS.o or (os.path.join(ARGS.dir, "fields.csv") if ARGS.quick else "results/fields.csv")
    report() if ARGS.report else main()
