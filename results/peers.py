#!/usr/bin/env python3
"""Runs the samplers of other packages, as they are published, with exact denoisers.

    python3 -m venv VENV && VENV/bin/pip install nvidia-physicsnemo==2.2.2 diffusers==0.42.1 scipy
    VENV/bin/python results/peers.py [-o results/peers-others.csv] [--only WORD] [--dlpm CLONE]
    go run ./cmd/heavytail-lab run peers -data results

The first writes a line for each sampler, target, dimension, number of steps and run:
quantiles of |x| at 50, 90, 99 and 99.9 % and how often the denoiser was asked for one
sample. Lines that are there are not measured again. The second divides by the law's
quantiles, adds our samplers, and writes the page. --dlpm is a clone of the DLPM
repository (darioShar/DLPM, which has no licence: nothing of it is here).

The denoisers here are the only part of this file that could be wrong about a package;
they share no code with ours. Data and noise are scale mixtures of normals, x_0 = s √V z
and n = √A z', so x_0 and n are normal given V and A: with Q = s²V + τ²A and q = τ²A/Q

    E[x_0 | x] = x · E[1−q | r],   p(r | Q) ∝ Q^(−d/2) exp(−r²/(2Q)),   r = |x|
"""
import argparse
import functools
import math
import os
import sys
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

SAMPLES, RUNS, STEPS = 10_000, 5, (64, 18, 256)
ALPHA, NU = 1.5, 3
LONG = {
    "student": ("PhysicsNeMo legacy stochastic", "PhysicsNeMo scheduler churn 40", "diffusers EDMEuler churn 40",
                "diffusers Euler churn 40", "diffusers Euler churn 40 with the noise before the model"),
    "stable": ("DLPM repository dlpm",),
    "normal": ("PhysicsNeMo scheduler churn 40", "diffusers DDPM", "diffusers EDMEuler churn 40"),
}

# --- laws of V and A: density of w = ln V on a grid, or a constant ---------------------


def student(nu):
    return ("grid", -math.log(2 + 200 / nu), 40.0, lambda w: -nu / 2 * w - nu / 2 * np.exp(-w))


def stable_log_density(alpha):
    """ln of the density of ln A, A = 2K, K positive stable of index a = α/2: by Kanter's
    form ln K = g(V) − c ln E, V uniform on (0, π), E exponential."""
    a = alpha / 2
    c = (1 - a) / a
    y = np.exp(np.arange(-60.0, math.log(math.pi), 0.002))  # π − V
    v = math.pi - y
    g = np.log(np.sin(a * v)) - np.log(np.sin(y)) / a + c * np.log(np.sin((1 - a) * v))
    grid = np.arange(-2.0, 40.0, 0.01)
    out = np.empty_like(grid)
    for i, w in enumerate(grid - math.log(2)):
        e = np.exp(np.minimum((g - w) / c, 7.0))
        out[i] = math.log(max(np.sum(e * np.exp(-e) * y) * 0.002 / (c * math.pi), 1e-300))
    return grid, out


def stable(alpha):
    grid, logs = stable_log_density(alpha)
    low = grid[np.argmax(logs > -60)]
    return ("grid", low, 39.9, lambda w: np.interp(w, grid, logs))


def constant(v):
    return ("constant", v)


LAWS = {"normal": constant(1.0), "student": student(NU), "stable": stable(ALPHA)}
SCALES = {"normal": 0.5, "student": 0.5 / math.sqrt(3), "stable": 0.25}


@functools.cache
class Exact:
    """E[x_0 | x_0 + τ n = x] for rows of d values."""

    def __init__(self, target, noise, d):
        self.data, self.noise, self.s, self.d, self.tables = LAWS[target], noise, SCALES[target], d, {}

    def nodes(self, tau):
        """ln Q, ln of its weight, and the mean of 1−q there."""
        s2, t2 = self.s**2, tau**2
        if self.data[0] == "constant" and self.noise[0] == "constant":
            a, b = s2 * self.data[1], t2 * self.noise[1]
            return np.array([math.log(a + b)]), np.zeros(1), np.array([a / (a + b)])
        if self.data[0] == "constant" or self.noise[0] == "constant":
            known = s2 * self.data[1] if self.data[0] == "constant" else t2 * self.noise[1]
            law, factor = (self.noise, t2) if self.data[0] == "constant" else (self.data, s2)
            w = np.arange(law[1], law[2], 0.025)
            v = factor * np.exp(w)
            p = known / (known + v) if self.data[0] == "constant" else v / (known + v)
            return np.log(known + v), law[3](w), p
        # In (ln Q, ln odds) the volume is that of (ln V, ln A).
        o = np.arange(-50.0, 50.0, 0.1)
        lnp, lnq = -np.logaddexp(0, -o), -np.logaddexp(0, o)
        low = min(self.data[1] + math.log(s2), self.noise[1] + math.log(t2))
        u = np.arange(low, 40.0, 0.1)
        v = u[:, None] + lnp - math.log(s2)
        a = u[:, None] + lnq - math.log(t2)
        inside = (v >= self.data[1]) & (v <= self.data[2]) & (a >= self.noise[1]) & (a <= self.noise[2])
        f = np.zeros_like(v)
        f[inside] = np.exp(self.data[3](v[inside]) + self.noise[3](a[inside]))
        total = f.sum(1)
        keep = total > 0
        return u[keep], np.log(total[keep]), (f[keep] @ np.exp(lnp)) / total[keep]

    def table(self, tau):
        key = float(tau)
        if key not in self.tables:
            u, logw, p = self.nodes(key)
            two = self.data[0] == "grid" and self.noise[0] == "grid"
            step = 0.03 if two else 0.01  # below a known scale the odds turn fast
            low = 0.5 * u.min() - 7
            r = np.arange(low, 0.5 * u.max() + 1, step)
            share = np.empty_like(r)
            for i in range(0, len(r), 256):
                e = logw - self.d / 2 * u - np.exp(2 * r[i:i + 256, None] - u) / 2
                e = np.exp(e - e.max(1, keepdims=True))
                share[i:i + 256] = (e @ p) / e.sum(1)
            self.tables[key] = (low, step, torch.from_numpy(share))
        return self.tables[key]

    def __call__(self, x, tau):
        low, step, share = self.table(tau)
        flat = x.reshape(x.shape[0], -1).double()
        at = ((flat.norm(dim=1).clamp(min=1e-150).log() - low) / step).clamp(0, len(share) - 1.001)
        at = torch.nan_to_num(at)
        k = at.long()
        p = torch.lerp(share[k], share[k + 1], at - k)
        return (flat * p[:, None]).reshape(x.shape).to(x.dtype)


# --- PhysicsNeMo -----------------------------------------------------------------------


def physicsnemo_samplers(target, d, n):
    from physicsnemo.diffusion.noise_schedulers import EDMNoiseScheduler, StudentTEDMNoiseScheduler
    from physicsnemo.diffusion.preconditioners import EDMPrecondSuperResolution
    from physicsnemo.diffusion.samplers import deterministic_sampler, sample, stochastic_sampler
    from physicsnemo.experimental.models.diffusion.preconditioning import tEDMPrecondSuperRes

    inflation = math.sqrt(NU / (NU - 2))

    def legacy(copied):
        """The package's class, its forward and all; the network below it is exact."""
        net = tEDMPrecondSuperRes(1, 0, d, model_type="SongUNet", nu=NU, model_channels=4, channel_mult=[1], num_blocks=1, attn_resolutions=[])
        exact = Exact(target, LAWS["student"], d)

        def below(self, x, img_lr, sigma, *args, **kwargs):  # gets the inflated σ
            assert sigma.numel() == 1
            return exact(x, sigma.item() / inflation)

        EDMPrecondSuperResolution.forward = below
        if copied:  # the one line that mends it
            plain = net.forward
            net.forward = lambda x, lr, sigma, *a, **k: plain(x, lr, sigma.clone(), *a, **k)
        return net

    def latents():
        return StudentTEDMNoiseScheduler(nu=NU)._sample_student_t(SAMPLES, d, 1, 1)

    def deterministic(copied):
        return lambda: deterministic_sampler(legacy(copied), latents(), torch.zeros(SAMPLES, 0, 1, 1), num_steps=n, solver="heun", S_churn=0)

    def stochastic(copied, churn):
        return lambda: stochastic_sampler(legacy(copied), latents(), torch.zeros(SAMPLES, 0, 1, 1), num_steps=n, sigma_max=80, S_churn=churn)

    def scheduler(kind, noise, solver, **options):
        def run():
            s = kind()
            exact = Exact(target, noise, d)
            den = s.get_denoiser(x0_predictor=lambda x, t: exact(x, t[0].item()))
            t = s.timesteps(n)
            x = s.init_latents((d,), t[0].expand(SAMPLES))
            return sample(den, x, s, num_steps=n, solver=solver, solver_options=options)
        return run

    heun, longer = 2 * n - 1, n > 64
    out = []
    if target in ("student", "normal"):
        t = lambda: StudentTEDMNoiseScheduler(nu=NU)
        out = [
            ("legacy stochastic", heun, stochastic(False, 0)),
            ("legacy stochastic, sigma copied", heun, stochastic(True, 0)),
            ("legacy stochastic churn 40, sigma copied", heun, stochastic(True, 40)),
            ("scheduler churn 40", 2 * n, scheduler(t, LAWS["student"], "edm_stochastic_heun", S_churn=40, num_steps=n)),
        ]
        if not longer:
            out += [
                ("legacy deterministic", heun, deterministic(False)),
                ("legacy deterministic, sigma copied", heun, deterministic(True)),
                ("scheduler Heun", heun, scheduler(t, LAWS["student"], "heun")),
            ]
    if target == "normal":
        out.append(("Gaussian scheduler churn 40", 2 * n, scheduler(EDMNoiseScheduler, LAWS["normal"], "edm_stochastic_heun", S_churn=40, num_steps=n)))
    return [("PhysicsNeMo " + name, e, f) for name, e, f in out]


# --- diffusers -------------------------------------------------------------------------


def diffusers_samplers(target, d, n):
    import diffusers as df

    exact = Exact(target, LAWS["normal"], d)

    def alphas(make, churn=None):
        """Schedulers whose model sees x = √ᾱ x_0 + √(1−ᾱ) n."""
        def run():
            s = make()
            s.set_timesteps(n)
            x = torch.randn(SAMPLES, d) * s.init_noise_sigma
            for t in s.timesteps:
                bar = s.alphas_cumprod[int(t)].double().item()
                g, b = math.sqrt(bar), math.sqrt(1 - bar)
                eps = ((x.double() - g * exact(x.double() / g, b / g)) / b).float()
                x = s.step(eps, t, x).prev_sample
            return x
        return run

    def sigmas(make, output, **options):
        """Schedulers whose state is x_0 + σ n; output makes what the model says."""
        def run():
            s = make()
            s.set_timesteps(n)
            x = torch.randn(SAMPLES, d) * s.init_noise_sigma
            for t in s.timesteps:
                s.scale_model_input(x, t)  # finds the step
                sigma = float(s.sigmas[s.step_index])
                x = s.step(output(s, exact(x.double(), sigma), x.double(), sigma).float(), t, x, **options).prev_sample
            return x
        return run

    epsilon = lambda s, D, x, sigma: (x - D) / sigma

    def raw(s, D, x, sigma):  # F with D = c_skip x + c_out F
        sd = s.config.sigma_data
        skip, out = sd**2 / (sigma**2 + sd**2), sigma * sd / math.sqrt(sigma**2 + sd**2)
        return (D - skip * x) / out

    def churned():
        """The levels of EulerDiscreteScheduler, and the churn that its step makes after the
        model was asked made before: what the published algorithm says."""
        s = df.EulerDiscreteScheduler()
        s.set_timesteps(n)
        x = (torch.randn(SAMPLES, d) * s.init_noise_sigma).double()
        for sigma, after in zip(s.sigmas[:-1].tolist(), s.sigmas[1:].tolist()):
            hat = sigma * (1 + min(40 / n, 2**0.5 - 1))
            x = x + torch.randn_like(x) * math.sqrt(hat**2 - sigma**2)
            x = x + (after - hat) * (x - exact(x, hat)) / hat
        return x

    multistep = lambda: df.EDMDPMSolverMultistepScheduler()
    out = [
        ("DDPM, clip_sample on", n, alphas(lambda: df.DDPMScheduler())),
        ("DDPM", n, alphas(lambda: df.DDPMScheduler(clip_sample=False))),
        ("DDPM trailing", n, alphas(lambda: df.DDPMScheduler(clip_sample=False, timestep_spacing="trailing"))),
        ("EulerAncestral", n, sigmas(df.EulerAncestralDiscreteScheduler, epsilon)),
        ("Euler churn 40", n, sigmas(df.EulerDiscreteScheduler, epsilon, s_churn=40)),
        ("Euler churn 40 with the noise before the model", n, churned),
        ("EDMEuler churn 40", n, sigmas(df.EDMEulerScheduler, raw, s_churn=40)),
    ]
    if n <= 64:
        out += [
            ("DDIM", n, alphas(lambda: df.DDIMScheduler(clip_sample=False))),
            ("DDIM trailing", n, alphas(lambda: df.DDIMScheduler(clip_sample=False, timestep_spacing="trailing"))),
            ("DPM-Solver++", n, alphas(lambda: df.DPMSolverMultistepScheduler())),
            ("Euler", n, sigmas(df.EulerDiscreteScheduler, epsilon)),
            ("EDMEuler", n, sigmas(df.EDMEulerScheduler, raw)),
            ("EDM DPM-Solver++", n, sigmas(multistep, raw)),
            ("Heun", 2 * n - 1, sigmas(df.HeunDiscreteScheduler, epsilon)),
        ]
    return [("diffusers " + name, e, f) for name, e, f in out]


# --- the DLPM repository ---------------------------------------------------------------


def dlpm_samplers(target, d, n):
    if "dlpm" not in sys.modules and not ARGS.dlpm or target == "normal":
        return []
    from dlpm.methods.GenerativeLevyProcess import GenerativeLevyProcess

    exact = Exact(target, LAWS["stable"], d)

    def run(loop):
        p = GenerativeLevyProcess(ALPHA, torch.device("cpu"), n + 1, rescale_timesteps=True)
        class Model:
            eval = staticmethod(lambda: None)

            def __call__(self, x, t):
                i = round(t[0].item() * (n + 1))
                g, b = p.dlpm.bargammas[i].double().item(), p.dlpm.barsigmas[i].double().item()
                if target == "stable":  # x_0 and ε are of one law: exact and linear
                    a, c = (g * SCALES["stable"]) ** ALPHA, b**ALPHA
                    D = x.double() / g * (a / (a + c))
                else:
                    D = exact(x.double() / g, b / g)
                return ((x.double() - g * D) / b).float()

        return getattr(p, loop)(Model(), [SAMPLES, d])

    out = [("dlpm", n, lambda: run("p_sample_loop"))]
    if n <= 64:
        out.append(("dlim", n, lambda: run("ddim_sample_loop")))
    return [("DLPM repository " + name, e, f) for name, e, f in out]


# --- the table -------------------------------------------------------------------------


def quantiles(x):
    r = np.sort(x.reshape(x.shape[0], -1).double().norm(dim=1).numpy())
    out = []
    for p in (0.5, 0.1, 0.01, 0.001):
        at = len(r) * (1 - p) - 0.5
        k = int(at)
        out.append(r[k] + (at - k) * (r[k + 1] - r[k]))
    return out


def fresh(target, d):
    """A draw of the law, which tells whether this file draws what it says."""
    z = np.random.randn(SAMPLES, d)
    if target == "student":
        z /= np.sqrt(np.random.chisquare(NU, (SAMPLES, 1)) / NU)
    if target == "stable":
        a = ALPHA / 2
        v, e = np.random.uniform(0, math.pi, (SAMPLES, 1)), np.random.exponential(1, (SAMPLES, 1))
        z *= np.sqrt(2 * np.sin(a * v) / np.sin(v) ** (1 / a) * (np.sin((1 - a) * v) / e) ** ((1 - a) / a))
    return torch.from_numpy(z * SCALES[target])


def main():
    done = set()
    if os.path.exists(ARGS.o):
        with open(ARGS.o) as f:
            done = {tuple(line.split(",")[:3]) for line in f}
    else:
        with open(ARGS.o, "w") as f:
            f.write("method,setting,run,q50,q90,q99,q999,evaluations\n")
    for n in ARGS.steps:
        for target in ("student", "stable", "normal"):
            for d in (1, 2):
                methods = [("drawn by peers.py", 0, lambda: fresh(target, d))] if n == 64 else []
                for make in (physicsnemo_samplers, diffusers_samplers, dlpm_samplers):
                    methods += make(target, d, n)
                if n > 64:  # only what tells a wrong end from long steps
                    methods = [m for m in methods if d == 1 and m[0] in LONG[target]]
                for name, evaluations, f in methods:
                    name = name.replace(",", " with")
                    if ARGS.only not in name:
                        continue
                    for run in range(RUNS):
                        key = (name, "%s %d %d" % (target, d, n), str(run))
                        if key in done:
                            continue
                        torch.manual_seed(1 + run)
                        np.random.seed(1 + run)
                        with torch.no_grad():
                            q = quantiles(f())
                        with open(ARGS.o, "a") as out:
                            out.write(",".join(key) + ",%.6g,%.6g,%.6g,%.6g,%d\n" % (*q, evaluations))
                    print(*key, flush=True)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-o", default="results/peers-others.csv")
    p.add_argument("--only", default="", help="methods whose names have this in them")
    p.add_argument("--dlpm", default="", help="folder of a clone of the DLPM repository")
    p.add_argument("--steps", type=lambda s: [int(v) for v in s.split(",")], default=STEPS)
    ARGS = p.parse_args()
    if ARGS.dlpm:
        sys.path.insert(0, ARGS.dlpm)
    main()
