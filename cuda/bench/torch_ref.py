#!/usr/bin/env python3
"""PyTorch's times for what heavytail bench cuda timed, on the same GPU.

    torch_ref.py OURS.jsonl TF32.jsonl BF16.jsonl OUT.json

The first three are the outputs of heavytail bench cuda -json, exact and in the modes
cuda,tf32 and cuda,bf16, of which those may be empty. Each case is run in four
ways: float32 without tensor cores, TF32, bfloat16, and, where it fuses something,
compiled. Operands are random and rotate over 200 MB, so that they do not stay
in the second-level cache; a case runs as many times behind each other between two
events as ours did, and the median of at least 20 such times counts; what is
compiled is compiled before. Prints a table, microseconds of one run, and writes
everything to OUT.json, again after each case.
"""
import json
import statistics
import sys

import torch
import torch.nn.functional as F

import unet

DEV = "cuda"
ROTATED = 200 << 20


def mode(name):
    """Sets the arithmetic of a mode and returns the type of its tensors."""
    torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
    torch.backends.cudnn.allow_tf32 = name == "tf32"
    torch.backends.cudnn.benchmark = True
    return torch.bfloat16 if name == "bf16" else torch.float32


def rand(*shape, dt):
    return torch.randn(*shape, device=DEV, dtype=torch.float32).to(dt)


def image(n, c, h, dt):
    return rand(n, c, h, h, dt=dt).to(memory_format=torch.channels_last)


def sets(make, count):
    """Operands of count elements in all, as often as ROTATED holds them."""
    return [make() for _ in range(max(1, min(16, ROTATED // max(4 * count, 1) + 1)))]


def time_us(f, args, runs):
    for a in args[:3]:
        f(*a)
    torch.cuda.synchronize()
    times, i = [], 0
    while len(times) < 20 or (sum(times) < 300 and len(times) < 200):
        a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        a.record()
        for _ in range(runs):
            f(*args[i % len(args)])
            i += 1
        b.record()
        torch.cuda.synchronize()
        times.append(a.elapsed_time(b))
    return statistics.median(times) * 1e3 / runs


def gemm(s, dt):
    m, n, k = s["M"], s["N"], s["K"]
    return torch.mm, sets(lambda: (rand(m, k, dt=dt), rand(k, n, dt=dt)), m * k + k * n + m * n)


def conv_args(s, dt):
    n, h, c, o, k, stride = s["N"], s["H"], s["C"], s["O"], s["k"], s.get("stride", 1)
    out = h // stride
    return sets(lambda: (image(n, c, h, dt), rand(o, c, k, k, dt=dt).to(memory_format=torch.channels_last), rand(o, dt=dt)),
                n * h * h * c + n * out * out * o), stride, k // 2


def conv(s, dt):
    args, stride, pad = conv_args(s, dt)
    return lambda x, w, b: F.conv2d(x, w, b, stride=stride, padding=pad), args


def conv_bwd(s, dt):
    args, stride, pad = conv_args(s, dt)
    y = F.conv2d(*args[0], stride=stride, padding=pad)
    args = [(torch.randn_like(y), x, w) for x, w, _ in args]
    return lambda dy, x, w: torch.ops.aten.convolution_backward(
        dy, x, w, [w.shape[0]], [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, [True, True, True]), args


def groupnorm_silu(s, dt):
    n, h, c, g = s["N"], s["H"], s["C"], s["G"]
    w, b = rand(c, dt=dt), rand(c, dt=dt)
    return lambda x: F.silu(F.group_norm(x, g, w, b)), sets(lambda: (image(n, c, h, dt),), 2 * n * h * h * c)


def attention(s, dt):
    n, t, heads, d = s["N"], s["T"], s["heads"], s["d"]
    return F.scaled_dot_product_attention, sets(lambda: tuple(rand(n, heads, t, d, dt=dt) for _ in range(3)), 4 * n * t * heads * d)


def attention_bwd(s, dt):
    """Forward and backward: PyTorch's backward needs what its forward keeps."""
    f, args = attention(s, dt)

    def both(q, k, v):
        f(q.requires_grad_(), k.requires_grad_(), v.requires_grad_()).sum().backward()
        q.grad = k.grad = v.grad = None

    return both, args


def silu(s, dt):
    return F.silu, sets(lambda: (rand(s["n"], dt=dt),), 2 * s["n"])


def adamw(s, dt):
    p = torch.nn.Parameter(rand(s["n"], dt=torch.float32))
    p.grad = torch.randn_like(p)
    return torch.optim.AdamW([p], fused=True).step, [()]


def normal(s, dt):
    x = torch.empty(s["n"], device=DEV)
    return x.normal_, [()]


def net(name, n, dt):
    model = unet.build(name).to(DEV).to(memory_format=torch.channels_last)
    return model, image(n, unet.CONFIGS[name][0], 32, dt), torch.linspace(0.1, 0.9, n, device=DEV)


def forward(s, dt):
    model, x, t = net(s["config"], s["N"], dt)
    model = model.eval().to(dt)  # all of it: autocast would compute the norms in float32

    def f():
        with torch.no_grad():
            return model(x, t)

    return f, [()]


def train(s, dt):
    model, x, t = net(s["config"], s["N"], torch.float32)
    target = torch.randn_like(x)
    opt = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)

    def f():
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=dt == torch.bfloat16):
            loss = (model(x, t) - target).square().mean(dim=(1, 2, 3)).sqrt().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()

    return f, [()]


CASES = {"gemm": gemm, "conv": conv, "conv_bwd": conv_bwd, "groupnorm_silu": groupnorm_silu, "attention": attention,
         "attention_bwd": attention_bwd, "silu": silu, "adamw": adamw, "normal": normal, "unet": forward, "train": train}
COMPILED = {"groupnorm_silu", "unet"}  # a training step takes minutes to compile


def run(r, name, compiled):
    """The time of a case in a mode, or None if PyTorch refuses it."""
    try:
        f, args = CASES[r["op"]](dict(r["shape"], config=r.get("config")), mode(name))
        us = time_us(torch.compile(f) if compiled else f, args, r.get("runs", 1))
    except Exception as e:  # must not end the others
        print("%s in %s: %s" % (r["name"], name, str(e)[:200]), file=sys.stderr)
        us = None
    f = args = None
    torch.cuda.empty_cache()
    return us


def read(path):
    """The lines of a file of JSON, of which a last one may be cut short."""
    lines = []
    with open(path) as f:
        for line in f:
            try:
                lines.append(json.loads(line))
            except ValueError:
                print("%s: not JSON: %s" % (path, line[:80]), file=sys.stderr)
    return lines


def main():
    ours, *fast = [read(path) for path in sys.argv[1:4]]
    for r in ours:
        r["us"], r["torch"] = r["median_ms"] * 1e3, {}
        for name, times in zip(("tf32", "bf16"), fast):
            r["us " + name] = next((x["median_ms"] * 1e3 for x in times if x["name"] == r["name"]), None)

    def save():
        with open(sys.argv[4], "w") as f:
            json.dump(ours, f, indent=1)

    def mine(r):
        return " ".join(cell(r[k]) for k in ("us", "us tf32", "us bf16"))

    def cell(us):
        return "%10s" % "-" if us is None else "%10.1f" % us

    print("%s, PyTorch %s; microseconds" % (torch.cuda.get_device_name(), torch.__version__))
    print("%-48s %10s %10s %10s | %10s %10s %10s" % ("", "ours", "ours tf32", "ours bf16", "fp32", "tf32", "bf16"))
    for r in ours:
        if r["op"] in CASES:
            r["torch"] = {name: run(r, name, False) for name in ("fp32", "tf32", "bf16")}
            save()
        print("%-48s %s | %s" % (r["name"], mine(r), " ".join(cell(r["torch"].get(k)) for k in ("fp32", "tf32", "bf16"))), flush=True)
    # Last, since a network takes a minute to compile: the largest of each kind.
    largest = {r["op"]: r for r in sorted(ours, key=lambda r: r["us"]) if r["op"] in COMPILED}
    print("%-48s %10s %10s %10s | %10s %10s %10s" % ("compiled", "ours", "ours tf32", "ours bf16", "", "tf32", "bf16"))
    for r in largest.values():
        for name in ("tf32", "bf16"):
            r["torch"][name + " compiled"] = run(r, name, True)
            save()
        print("%-48s %s | %10s %s" % (r["name"], mine(r), "", " ".join(cell(r["torch"][k + " compiled"]) for k in ("tf32", "bf16"))), flush=True)


if __name__ == "__main__":
    main()
