#!/usr/bin/env python3
"""Writes gradient.csv: derivatives of ln f of stable laws in S0, by differences.

    python stable/testdata/gradient.py > stable/testdata/gradient.csv

The density is that of results/stable_peers.py (28 digits, good to 17 or more);
differences have the fourth order with the step 1e-4 and, for beta = 1, the
one-sided ones of six points. Their error is about 1e-12. Needs mpmath and gmpy2.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../results"))
import mpmath as mp
from stable_peers import exact

mp.mp.dps = 28
POINTS = [
    (1.5, 0.5, -1.5), (1.5, 0, 2), (1.5, 1, 10), (1.5, 1, -3), (0.85, -0.5, 1), (0.5, 0.5, -1), (0.95, 0.5, 0.3),
    (1.01, 0.5, 1), (1, 0.5, 1), (1, 0.25, -20), (1.1, -1, 2), (1.9, 0.3, 50), (1.7, 0.2, 1e6), (0.6, 0.2, 1e-3),
    (1.99, 0.5, 6), (1.7, 0.3, -0.1), (1.02, 0.9, 1e4), (0.7, 1, -1.2), (1, 1, -2), (0.93, -0.3, -7),
    (0.4, 0.7, 3), (1.3, -0.8, 0), (1.95, -0.9, 4), (0.8, 0.99, -1.9),
]


def derivative(f, h):
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


def inwards(f, h):  # of a function of h >= 0, by six points
    return (-137 * f(0) / 60 + 5 * f(h) - 5 * f(2 * h) + 10 * f(3 * h) / 3 - 5 * f(4 * h) / 4 + f(5 * h) / 5) / h


print("# alpha,beta,x, then the derivatives of ln f in S0 by alpha, beta and x")
for alpha, beta, x in POINTS:
    a, b, y = mp.mpf(alpha), mp.mpf(beta), mp.mpf(x)
    h = mp.mpf("1e-4")
    log = lambda a, b, y: mp.log(exact(a, b, y)[0])
    ga = derivative(lambda d: log(a + d, b, y), min(h, (2 - a) / 1000))  # there it bends like (2-a)ln(2-a)
    if abs(beta) == 1:
        small = h if (beta > 0) == (x > 0) else mp.mpf("1e-7")
        gb = inwards(lambda d: log(a, b - d * beta, y), small) * -beta
    else:
        gb = derivative(lambda d: log(a, b + d, y), min(h, (1 - abs(b)) / 1000))
    k = h * max(1, abs(y))
    gx = derivative(lambda d: log(a, b, y + d), k)
    print(",".join([repr(float(v)) for v in (alpha, beta, x)] + [mp.nstr(v, 15) for v in (ga, gb, gx)]), flush=True)
