"""python3 results/ncnn_layers.py hot|cold CHANNELS,CHANNELS,SIDE ...

Single 3x3 convolutions in ncnn, in float32 on one thread: the median of each of its forms, Winograd's F(6x6), F(4x4) and
F(2x2) and products, of which the least stands in docs/speed.md. Hot is one layer again and again, its weights in the
caches. Cold are so many of that shape in turn that 256 MB of weights, at most 2,000 layers, come from memory; all write to
the same buffers. Needs ncnn from PyPI.
"""
import os
import statistics
import sys
import tempfile
import time

import ncnn
import numpy as np

VALUES = {"63": 64, "43": 36, "23": 16, "products": 9}  # kept of a pair of channels
blobs, work = ncnn.PoolAllocator(), ncnn.PoolAllocator()


def write(path, read, written, side):
    with open(path + ".param", "w") as f:
        f.write(f"7767517\n2 2\nInput in0 0 1 in0 0={side} 1={side} 2={read}\n")
        f.write(f"Convolution c0 1 1 in0 out0 0={written} 1=3 4=1 5=1 6={9 * read * written}\n")
    w = np.random.RandomState(0).randn(written, read, 3, 3) / np.sqrt(9 * read)
    with open(path + ".bin", "wb") as f:
        f.write(bytes(4) + w.astype("<f4").tobytes() + bytes(4 * written))


def load(path, form):
    net = ncnn.Net()
    net.opt.num_threads, net.opt.lightmode = 1, True
    net.opt.blob_allocator, net.opt.workspace_allocator = blobs, work
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage"):
        setattr(net.opt, name, False)
    net.opt.use_winograd_convolution = form != "products"
    for name in ("23", "43", "63"):
        setattr(net.opt, f"use_winograd{name}_convolution", form == name)
    net.load_param(path + ".param")
    net.load_model(path + ".bin")
    return net


def run(net, x):
    start = time.perf_counter()
    ex = net.create_extractor()
    ex.input("in0", x)
    ex.extract("out0")
    return (time.perf_counter() - start) * 1e3


def main():
    path = os.path.join(tempfile.mkdtemp(), "layer")
    for shape in sys.argv[2:]:
        read, written, side = map(int, shape.split(","))
        write(path, read, written, side)
        x = ncnn.Mat(np.random.RandomState(1).randn(read, side, side).astype(np.float32)).clone()
        for form, values in VALUES.items():
            n = 1 if sys.argv[1] == "hot" else min(2000, (256 << 20) // (4 * read * written * values))
            nets = [load(path, form) for _ in range(n)]
            for net in nets:
                run(net, x)
            times, end = [], time.perf_counter() + 0.3
            while time.perf_counter() < end or len(times) < n:
                times.append(run(nets[len(times) % n], x))
            print(f"{sys.argv[1]} {read}->{written} at {side}x{side}, {form}: {statistics.median(times):.4f} ms", flush=True)


main()
