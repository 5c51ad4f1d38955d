"""python3 results/ncnn_unet.py --keep DIR [--bin ./heavytail] [--rounds 3] [--count 60] CONFIG:BATCH:THREADS ...

Forward passes of the published U-Nets in ncnn, in float32, in turns with `heavytail bench unet`: the median of each round,
then the median of the rounds. Needs torch, ncnn and pnnx from PyPI. What pnnx converted stays in DIR for the next time.

The network is that of cuda/bench/unet.py with weights that torch draws. Two things are written otherwise, of the same
arithmetic, because ncnn is faster so: attention is scaled_dot_product_attention (ncnn computes an Einsum term by term, in
one thirtieth of the speed), and 1x1 convolutions of rows are ones of images. Before it is timed, every way must give what
torch gives within 1e-4 of the largest output.

A batch goes through ncnn in four ways, of which the fastest counts: as one batch on all threads; image after image on all
threads; and both in as many processes as threads, each with one thread and its share of the images.
"""
import argparse
import json
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import time

import ncnn
import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cuda/bench"))
import unet


def embedding(t, dim, scale=1):
    """That of cuda/bench/unet.py in float32, as ncnn has no other."""
    half = dim // 2
    arg = scale * t[:, None] * torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
    return torch.cat([torch.cos(arg), torch.sin(arg)], dim=1)


def pointwise(conv, x):
    return F.conv2d(x, conv.weight[..., None], conv.bias)


def attention(self, x, e):
    b, c, h, w = x.shape
    qkv = pointwise(self.qkv, self.norm(x)).reshape(b, self.heads, 3 * c // self.heads, h * w)
    q, k, v = (part.transpose(2, 3) for part in qkv.chunk(3, dim=2))
    a = F.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(b, c, h, w)
    return x + pointwise(self.proj_out, a)


def convert(config, folder):
    """Returns where the parts of the network lie for ncnn, whose file is written if there is none, and the network."""
    torch.manual_seed(1)
    net = unet.build(config).eval()
    path = os.path.join(folder, config)
    if not os.path.exists(path + ".ncnn.bin"):
        import pnnx

        unet.embedding, unet.Attention.forward, plain = embedding, attention, (unet.embedding, unet.Attention.forward)
        x, t = inputs(config, 1)
        pnnx.export(net, path + ".pt", inputs=(x, t), fp16=False)
        unet.embedding, unet.Attention.forward = plain
    return path, net


def inputs(config, batch):
    torch.manual_seed(2)
    return torch.randn(batch, unet.CONFIGS[config][0], 32, 32), torch.linspace(0.1, 0.9, batch)


class Ncnn:
    """Runs x at the times t, as one batch or image after image."""

    def __init__(self, path, x, t, threads, together):
        self.net = ncnn.Net()
        self.net.opt.num_threads = threads
        for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage"):
            setattr(self.net.opt, name, False)
        self.net.load_param(path + ".ncnn.param")
        self.net.load_model(path + ".ncnn.bin")
        self.parts = [(x[i : i + 1], t[i : i + 1]) for i in range(len(x))]
        if together:
            self.parts = [(x, t)]
        self.parts = [tuple(ncnn.Mat(np.ascontiguousarray(v), batch_index=0).clone() for v in (a, b[:, None])) for a, b in self.parts]

    def run(self):
        out = []
        for x, t in self.parts:
            ex = self.net.create_extractor()
            ex.input("in0", x)
            ex.input("in1", t)
            out.append(ex.extract("out0")[1])
        return out

    def check(self):
        return np.concatenate([y.numpy(batch_index=0).reshape(y.n, -1) for y in self.run()])

    def close(self):
        pass


def work(pipe, path, x, t, together):
    part = Ncnn(path, x, t, 1, together)
    while command := pipe.recv():
        pipe.send(part.check() if command == "check" else len(part.run()))


class Processes:
    """The same in so many processes, each with one thread and its share of the images."""

    def __init__(self, path, x, t, processes, together):
        self.pipes, n = [], -(-len(x) // processes)
        for i in range(0, len(x), n):
            ours, theirs = multiprocessing.Pipe()
            multiprocessing.Process(target=work, args=(theirs, path, x[i : i + n], t[i : i + n], together), daemon=True).start()
            self.pipes.append(ours)

    def ask(self, command):
        for p in self.pipes:
            p.send(command)
        return [p.recv() for p in self.pipes]

    def run(self):
        return self.ask("run")

    def check(self):
        return np.concatenate(self.ask("check"))

    def close(self):
        for p in self.pipes:
            p.send(None)


def ways(path, x, t, threads):
    w = {"ncnn, a batch": Ncnn(path, x, t, threads, True)}
    if len(x) > 1:
        w["ncnn, images in turn"] = Ncnn(path, x, t, threads, False)
    if len(x) > 1 and threads > 1:
        w["ncnn, a batch in each process"] = Processes(path, x, t, threads, True)
        w["ncnn, images in turn in each process"] = Processes(path, x, t, threads, False)
    return w


def heavytail(a, config, batch, threads):
    command = [a.bin, "bench", "unet", "-config", config, "-batch", batch, "-threads", threads, "-count", a.count, "-json"]
    return json.loads(subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout)["median_ms"]


def median(run, count):
    run()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--keep", required=True)
    p.add_argument("--bin", default="./heavytail")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--count", type=int, default=60)
    p.add_argument("cases", nargs="+")
    a = p.parse_args()
    torch.set_num_threads(1)
    for case in a.cases:
        config, batch, threads = case.split(":")
        batch, threads = int(batch), int(threads)
        path, net = convert(config, a.keep)
        x, t = inputs(config, batch)
        with torch.no_grad():
            want = net(x, t).reshape(batch, -1).numpy()
        w = ways(path, x.numpy(), t.numpy(), threads)
        for name, way in w.items():
            error = np.abs(way.check() - want).max() / np.abs(want).max()
            print(f"{case} {name}: off by {error:.1e} of the largest output", flush=True)
            assert error < 1e-4
        times = {}
        for _ in range(a.rounds):
            for name, way in w.items():
                times.setdefault(name, []).append(median(way.run, a.count))
            times.setdefault("heavytail", []).append(heavytail(a, config, batch, threads))
        for way in w.values():
            way.close()
        ours = statistics.median(times["heavytail"])
        for name, ms in times.items():
            m = statistics.median(ms)
            print(f"{case:16s} {name:38s} {m:8.2f} ms, {m / ours:5.2f} of ours, rounds {[round(v, 2) for v in ms]}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
