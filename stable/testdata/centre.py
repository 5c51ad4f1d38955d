"""Writes centre.json: stable laws next to X = 0, in mpmath with 60 digits.

X is the S1 variate of scale 1 and location 0. With zeta = beta tan(pi alpha/2),
c = 1 - i zeta, its density is Re (1/pi) int_0^inf exp(-iXt - c t^alpha) dt. The
integral is taken along t = tau e^(-i phi), where both exponentials decay, or for
small X by the powers of X, summed until they are below 1e-50; where both can be
had, they must agree. A row is

    alpha, beta, X, f(X), F(X) - F(0), F(0)

with alpha, beta and X float64 numbers, and X = 10^-k times the law's own scale
(cos theta)^(-1/alpha), theta = atan zeta.
Run: python3 centre.py > centre.json
     python3 centre.py check      both ways at some points (minutes)
"""
import json
import sys
from mpmath import mp, mpf, mpc, pi, gamma, sin, cos, tan, atan, exp, factorial, quad

mp.dps = 60


def law(alpha, beta):
    zeta = mpf(0) if alpha in (1, 2) else mpf(beta) * tan(pi * mpf(alpha) / 2)
    theta = atan(zeta)
    return zeta, theta / alpha, cos(theta) ** (1 / mpf(alpha))


def powers(alpha, beta, x):
    """f and the integral of f from 0 to X by the series at 0."""
    _, th, s = law(alpha, beta)
    l = pi / 2 + th
    f = r = mpf(0)
    for n in range(1, 200):
        size = gamma(1 + n / mpf(alpha)) / factorial(n) * (s * x) ** n / pi
        term = (-1) ** (n - 1) * sin(n * l) * size
        f += term
        r += term / n
        if size < mpf(10) ** -50 * s * x:
            return f / x, r
    raise ValueError("series")


def integrals(alpha, beta, x):
    """The same by the rotated Fourier integral."""
    zeta, th, s = law(alpha, beta)
    a = mpf(alpha)
    eta = pi / 2 - atan(zeta)
    phi = min(eta / a, pi / 2) / 2
    turn = exp(mpc(0, -phi))
    z = x * s  # in units of the law's own scale
    c = exp(mpc(0, -atan(zeta)))  # c of the scaled law

    def f(t):
        t = t * turn
        return (exp(mpc(0, -1) * z * t - c * t ** a) * turn).real

    def r(t):
        t = t * turn
        return (exp(-c * t ** a) * (1 - exp(mpc(0, -1) * z * t)) / (mpc(0, 1) * t) * turn).real

    # Beyond the last cut the integrands are below e^-150.
    last, slow = mpf(1), cos(atan(zeta) + a * phi)
    while z * last * sin(phi) + slow * last**a < 150:
        last *= 2
    cuts = [mpf(0)] + [last * mpf(2) ** -k for k in range(int(60 / a), -1, -1)]
    return quad(f, cuts) * s / pi, quad(r, cuts) / pi


alphas = [0.1, 0.3, 0.5, 0.75, 0.89, 0.91, 0.95, 0.99, 1 - 1e-6, 1 - 1e-10, 1 - 2.0**-52,
          1 + 2.0**-52, 1 + 1e-10, 1 + 1e-3, 1.05, 1.09, 1.11, 1.3, 1.7, 1.99, 2]
betas = [0, 1e-6, -0.5, 0.999, 1, -1]
decades = [300, 262, 100, 30, 20, 15, 12, 8, 5, 4, 3, 2.3, 2, 1.5]


def check():
    for a, b in [(0.95, 0), (0.95, 0.5), (1.05, 0.5), (1.3, -0.5), (0.5, 0.5), (0.75, -0.999)]:
        for z in [1e-12, 1e-3]:
            x = z / law(a, b)[2]
            for p, q in zip(powers(a, b, x), integrals(a, b, x)):
                assert abs(p / q - 1) < mpf(10) ** -18, (a, b, z, p, q)


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        sys.exit(check())
    rows = []
    for a in alphas:
        for b in betas if a != 2 else [0]:
            if a < 1 and abs(b) == 1:
                continue  # a law on a half-line has no powers at its end
            _, th, s = law(a, b)
            for k in decades:
                x = float(mpf(10) ** -mpf(k) / s)
                if x < 1e-305 or x > 1e300:
                    continue
                try:
                    f, r = powers(a, b, mpf(x))
                except ValueError:
                    continue
                f0 = mpf(1) / 2 - th / pi
                if abs(f) < mpf(10) ** -300:
                    continue
                rows.append([a, b, x] + [float(v) for v in (f, r, f0)])
    print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")
