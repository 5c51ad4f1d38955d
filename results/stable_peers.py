#!/usr/bin/env python3
"""What other packages compute of Nolan's table of stable laws, and what is true.

    python results/stable_peers.py exact TABLE OUT   exact values of every 1009th row, and
                                                     of rows where the table errs
    python results/stable_peers.py scipy TABLE -o results/stable-others.csv
                                                     the rows of results/stable.md; those of
                                                     the same program and version are replaced
    python results/stable_peers.py pylevy TABLE
    python results/stable_peers.py aub TABLE
    python results/stable_peers.py r TABLE 10        needs Rscript and stabledist; of
                                                     every tenth row
    python results/stable_peers.py quick             the values of stable/testdata/nolan.csv:
                                                     some of them again, and scipy beside all

TABLE is a CSV file, gzipped or not, with the columns alpha, beta, x, p, density:
quantiles in S0 and densities there. The public benchmark that
it comes from is levy-stable-benchmarks (its data/nolan_pdf_quantile.dat).
Needs numpy, mpmath and gmpy2, and the peer (pip install scipy==1.17.0
levy-stable==2.0.0 aub-htp==1.1.1; Debian: r-cran-stabledist).
"""
import csv
import gzip
import math
import os
import subprocess
import sys
import tempfile
import time

import numpy as np


def read(path):
    """Returns the rows as an array."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as f:
        return np.array([[float(v) for v in r] for r in csv.reader(f) if r and not r[0].startswith("#")])


def exact(alpha, beta, x):
    """Returns density, P(X <= x) and P(X > x) by the integrals of Zolotarev and
    Nolan, to about 18 digits (the last two have the sum 1 to that)."""
    import mpmath as mp

    mp.mp.dps = 28
    # float64 stand for the decimals of the table, other numbers for themselves.
    a, b = (mp.mpf(repr(v)) if isinstance(v, float) else mp.mpf(v) for v in (alpha, beta))
    x = mp.mpf(x)
    if alpha == 1 and beta == 0:
        return 1 / (mp.pi * (1 + x * x)), mp.atan2(1, -x) / mp.pi, mp.atan2(1, x) / mp.pi
    if alpha == 2:
        return mp.exp(-x * x / 4) / (2 * mp.sqrt(mp.pi)), mp.erfc(-x / 2) / 2, mp.erfc(x / 2) / 2
    if alpha == 1:
        if b < 0:
            f, lo, up = exact(alpha, -beta, -x)
            return f, up, lo
        lo, hi = -mp.pi / 2, mp.pi / 2

        def logg(s, t):  # s from the lower end, t to the upper; rises with s
            u = mp.pi / 2 * (1 - b) + b * s  # pi/2 + b theta
            return -mp.pi * x / (2 * b) + mp.log(2 / mp.pi * u / mp.sin(min(s, t))) - u / b * mp.cos(s) / mp.sin(min(s, t))

        length, rising = mp.pi, True
    else:
        zeta = b * mp.tan(mp.pi * a / 2)
        X = x + zeta
        if X < 0:
            f, lo, up = exact(alpha, -beta, -x)
            return f, up, lo
        t0 = mp.atan(zeta) / a
        if alpha < 1 and beta == -1:
            return mp.mpf(0), mp.mpf(1), mp.mpf(0)
        length = mp.pi / 2 + t0
        if alpha < 1 and beta == 1:
            length = mp.pi
        e = a / (a - 1)
        # Where the integrand is flat this angle begins at 0, but for rounding.
        gap, rest = mp.pi - max(a, 1) * length, max(mp.pi - length, mp.mpf(0))
        if abs(beta) == 1 and (beta > 0) == (alpha < 1):
            gap = mp.mpf(0)

        def logg(s, t):  # s = theta + t0, t = pi/2 - theta
            sa = mp.sin(gap + a * t) if alpha > 1 and t < s else mp.sin(a * s)
            st = mp.sin(min(t, rest + s))  # of pi - t too
            v = mp.log(mp.cos(a * t0)) / (a - 1) + e * mp.log(st / sa)
            # cos(a t0 + (a - 1) theta) is the sine of gap + |a - 1|·distance.
            return e * mp.log(X) + v + mp.log(mp.sin(gap + (a - 1) * t if alpha > 1 else gap + (1 - a) * s) / st)

        rising = alpha < 1

    def place(w):  # s and t for w = ln(s/t), so that neither end cancels
        u = mp.exp(-abs(w))
        big = length / (1 + u)
        return (big, big * u) if w > 0 else (big * u, big)

    def solve(target, lo=mp.mpf(-2000), hi=mp.mpf(2000)):
        for _ in range(45):
            m = (lo + hi) / 2
            if (logg(*place(m)) < target) == rising:
                lo = m
            else:
                hi = m
        return lo

    levels = [mp.mpf(v) for v in (-300, -160, -80, -50, -35, -25, -18, -12, -8, -5, -3, -1.5, -0.5, 0.4, 1, 1.6, 2.2, 2.8, 3.4, 4, 4.5, 4.9)]
    cuts = sorted({solve(v) for v in levels})
    n = 24
    fint, qint, pint = mp.mpf(0), mp.mpf(0), mp.mpf(0)
    nodes = leg(n)
    for u, v in zip(cuts, cuts[1:]):
        m = max(1, int(mp.ceil((v - u) / 5)))
        for k in range(m):
            lo_, hi_ = u + (v - u) * k / m, u + (v - u) * (k + 1) / m
            for z, w in nodes:
                s, t = place((lo_ + hi_) / 2 + (hi_ - lo_) / 2 * z)
                lg = logg(s, t)
                ds = w * (hi_ - lo_) / 2 * s * t / length
                g = mp.exp(lg)
                eg = mp.exp(-g)
                fint += ds * g * eg
                qint += ds * eg
                pint -= ds * mp.expm1(-g)
    # beyond the cuts g is 0 or infinite
    s, t = place(cuts[0])
    if rising:
        qint += s
    else:
        pint += s
    s, t = place(cuts[-1])
    if rising:
        pint += t
    else:
        qint += t
    if alpha == 1:
        return fint / (2 * b), qint / mp.pi, pint / mp.pi
    f = a / (mp.pi * abs(a - 1) * X) * fint
    if alpha < 1:  # F = (pi - length)/pi + int e^-g/pi
        return f, (mp.pi - length + qint) / mp.pi, pint / mp.pi
    return f, (mp.pi - length + pint) / mp.pi, qint / mp.pi


_leg = {}


def leg(n):
    """Returns nodes and weights of Gauss and Legendre on [-1, 1]."""
    import mpmath as mp

    if n not in _leg:
        out = []
        for i in range(n):
            z = mp.cos(mp.pi * (i + 0.75) / (n + 0.5))
            for _ in range(8):
                p, d = mp.legendre(n, z), n * (mp.legendre(n - 1, z) - z * mp.legendre(n, z)) / (1 - z * z)
                z -= p / d
            d = n * (mp.legendre(n - 1, z) - z * mp.legendre(n, z)) / (1 - z * z)
            out.append((z, 2 / ((1 - z * z) * d * d)))
        _leg[n] = out
    return _leg[n]


# Rows of the table that differ from every program that is exact there.
WRONG = [
    (0.1, 1, 1e-5), (0.1, 0.9, 0.06), (0.1, 0.5, 0.26), (0.1, 0, 0.48), (0.2, 1, 1e-5), (0.2, 0.9, 0.065), (0.2, 0.5, 0.26),
    (0.3, 1, 1e-5), (0.3, 1, 4e-5), (1, 1, 0.993), (1, 0.7, 0.992), (1, 0.9, 0.993),
]


def sample(rows):
    """Returns the rows that the exact values are made for."""
    pick = np.zeros(len(rows), bool)
    pick[::1009] = True
    for alpha, step in ((0.1, 50), (1, 20)):  # where the table errs most
        at = np.nonzero((rows[:, 0] == alpha) & (rows[:, 1] == 0.5))[0]
        pick[at[::step]] = True
    for a, b, p in WRONG:
        pick[(rows[:, 0] == a) & (rows[:, 1] == b) & (rows[:, 3] == p)] = True
    return pick


def write_exact(table, out):
    import mpmath as mp

    rows = read(table)
    with gzip.open(out, "wt") as f:
        f.write("# alpha,beta,x,p,density: rows of the table of J. P. Nolan's quantiles of stable laws in S0 as used by\n")
        f.write("# the benchmark levy-stable-benchmarks; then density, P(X <= x) and P(X > x) at the float64 x by the\n")
        f.write("# integrals of Zolotarev and Nolan in arithmetic of 28 digits (results/stable_peers.py exact).\n")
        for a, b, x, p, d in rows[sample(rows)]:
            v = exact(float(a), float(b), float(x))
            if abs(v[1] + v[2] - 1) > 1e-17:
                print("sum", a, b, x, mp.nstr(v[1] + v[2] - 1, 3), file=sys.stderr)
            f.write(",".join([repr(float(t)) for t in (a, b, x, p, d)] + [mp.nstr(t, 18) for t in v]) + "\n")
            f.flush()


# A peer is a function of (x, alpha, beta) for x an array in S0; None where it
# gives up. It returns the density or the distribution.
def peer_scipy():
    from scipy.stats import levy_stable

    levy_stable.parameterization = "S0"
    return levy_stable.pdf, levy_stable.cdf


def peer_pylevy():
    import levy

    return (lambda x, a, b: levy.pdf(x, alpha=a, beta=b)), (lambda x, a, b: levy.cdf(x, alpha=a, beta=b))


def peer_aub():
    from aub_htp import alpha_stable

    def s1(x, a, b):
        return x if a in (1, 2) else x + b * math.tan(math.pi * a / 2)

    # Its distribution is the general one of scipy.stats, an integral from
    # -infinity of an interpolated density at 80 ms a value: left out.
    return (lambda x, a, b: alpha_stable.pdf(s1(x, a, b), a, b)), None


def peer_r():
    def call(name):
        def whole(rows):
            with tempfile.TemporaryDirectory() as d:
                np.savetxt(os.path.join(d, "x"), rows[:, :3], fmt="%.17g")
                code = (
                    f"suppressMessages(library(stabledist)); x <- as.matrix(read.table('{d}/x')); y <- numeric(nrow(x)); "
                    f"law <- paste(x[,1], x[,2]); t <- system.time(for (k in unique(law)) {{ i <- which(law == k); "
                    f"y[i] <- tryCatch(suppressWarnings({name}(x[i,3], x[i[1],1], x[i[1],2], pm=0)), error=function(e) NaN) }})[[1]]; "
                    f"write(format(y, digits=17), '{d}/y', 1); cat(t, '\\n')"
                )
                out = subprocess.run(["Rscript", "-e", code], check=True, capture_output=True, text=True).stdout
                return np.loadtxt(os.path.join(d, "y")), float(out.split()[-1])

        whole.whole = True
        return whole

    return call("dstable"), call("pstable")


def program(name):
    """Returns a peer's name with its version."""
    if name == "r":
        code = "cat(packageDescription('stabledist')$Version)"
        return "R stabledist " + subprocess.run(["Rscript", "-e", code], check=True, capture_output=True, text=True).stdout
    from importlib.metadata import version

    return {"scipy": "scipy ", "pylevy": "pylevy ", "aub": "AUB-HTP "}[name] + version({"scipy": "scipy", "pylevy": "levy-stable", "aub": "aub-htp"}[name])


HEAD = "method,setting,run,e1,e2,e3,e4,e5,e6,e7,e8,digits,values,microseconds\n"


def keep(path, key, values):
    """Puts a row into a file in place of one of the same key."""
    lines = {}
    if os.path.exists(path):
        with open(path) as f:
            lines = {tuple(line.split(",")[:2]): line for line in f.readlines()[1:]}
    lines[key] = ",".join([*key, "0"] + [f"{v:.9g}" for v in values]) + "\n"
    with open(path, "w") as f:
        f.writelines([HEAD] + [lines[k] for k in sorted(lines)])


def run(name, table, every=1, out=None):
    rows = read(table)[:: int(every)]
    fs = {"scipy": peer_scipy, "pylevy": peer_pylevy, "aub": peer_aub, "r": peer_r}[name]()
    for what, col, f in (("density", 4, fs[0]), ("distribution", 3, fs[1])):
        if f is None:
            continue
        got = np.full(len(rows), np.nan)
        seconds, refused, why = 0.0, 0, {}
        laws = sorted({(r[0], r[1]) for r in rows})
        if hasattr(f, "whole"):  # takes all rows and its own time
            got, seconds = f(rows)
            laws = []
        for a, b in laws:
            at = np.nonzero((rows[:, 0] == a) & (rows[:, 1] == b))[0]
            try:
                f(rows[at[:1], 2], float(a), float(b))  # tables that are read once do not count
                t = time.process_time()
                got[at] = f(rows[at, 2], float(a), float(b))
                seconds += time.process_time() - t
            except Exception as e:  # a peer's refusal is a result
                refused += len(at)
                why.setdefault(f"{type(e).__name__}: {' '.join(str(e).split())[:90]}", []).append((float(a), float(b)))
        want = rows[:, col]
        size = want if col == 4 else np.minimum(want, 1 - want)
        err = np.abs(got - want) / size
        err[~np.isfinite(err)] = np.inf
        done = max(len(rows) - refused, 1)
        shares = [np.mean(err <= 10.0**-k) for k in range(1, 9)]
        if out:  # nan: whether all digits of the table agree takes values beside x, too
            keep(out, (program(name), what), [*shares, math.nan, len(rows), 1e6 * seconds / done])
        print(f"| {name} | {what} | {' | '.join(f'{100 * v:.2f}' for v in shares)} | {1e6 * seconds / done:.3g} us | refused {refused}, not finite {np.sum(~np.isfinite(got)) - refused} |", flush=True)
        for line, at in why.items():
            print(f"    {len(at)} laws, {at[0]} to {at[-1]}: {line}")


def quick(table="stable/testdata/nolan.csv"):
    """Computes some of the committed exact values again and holds scipy to all of them."""
    rows = read(table)
    some = [r for r in rows if r[0] >= 0.5][::8]
    for r in some:
        for got, want in zip(exact(*(float(v) for v in r[:3])), r[5:]):
            if not abs(float(got) - want) <= 1e-15 * want:
                sys.exit(f"{table} has {want} where the integrals give {float(got)}: alpha, beta, x = {r[:3]}")
    for f, col, least in ((peer_scipy()[0], 5, 0.85), (peer_scipy()[1], 6, 0.85)):
        got = np.array([float(f(r[2], r[0], r[1])) for r in rows])
        size = np.minimum(rows[:, 6], rows[:, 7]) if col == 6 else rows[:, col]
        share = np.mean(np.abs(got - rows[:, col]) <= 1e-6 * size)
        print(f"scipy, {'distribution' if col == 6 else 'density'}: {100 * share:.0f} % of {len(rows)} values within 1e-6 of the exact ones")
        if share < least:
            sys.exit(f"want {100 * least:.0f} %")
    print(f"{len(some)} exact values again, as committed")


if __name__ == "__main__":
    np.seterr(all="ignore")
    out = None
    if sys.argv[-2:-1] == ["-o"]:
        out = sys.argv.pop()
        sys.argv.pop()
    if sys.argv[1:2] == ["exact"] and len(sys.argv) == 4:
        write_exact(*sys.argv[2:])
    elif sys.argv[1:] == ["quick"]:
        quick()
    elif len(sys.argv) in (3, 4):
        run(*sys.argv[1:], out=out)
    else:
        sys.exit(__doc__)
