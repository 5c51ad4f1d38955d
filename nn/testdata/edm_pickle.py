"""Writes edm/*.pkl, networks in the form of the EDM code's snapshots, for
TestEDMPickle: python edm_pickle.py, with PyTorch. The weights are those of songFill
(song_test.go), so that the outputs are those that the EDM code itself printed.

What matters is the form: a class that is pickled as a call of
torch_utils.persistence._reconstruct_persistent_obj with a dictionary that holds its
name, its source and its attributes; modules inside of modules; storages as bytes of
torch.save's old form; numbers of numpy; dnnlib's dictionaries.
"""
import math
import os
import pickle
import sys
import types

import numpy as np
import torch
from torch import nn

persistence = types.ModuleType("torch_utils.persistence")
dnnlib = types.ModuleType("dnnlib.util")
for m in (types.ModuleType("torch_utils"), persistence, types.ModuleType("dnnlib"), dnnlib):
    sys.modules[m.__name__] = m


class EasyDict(dict):
    pass


def _reconstruct_persistent_obj(meta):
    raise RuntimeError("never called here")


EasyDict.__module__, EasyDict.__qualname__, dnnlib.EasyDict = "dnnlib.util", "EasyDict", EasyDict
_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj


class Persistent:
    """What is pickled by its name, its source and its attributes."""

    def __reduce_ex__(self, protocol):
        meta = dict(type="class", version=6, module_src="# the source of the classes\n", class_name=type(self).__name__, state=self.__dict__)
        return _reconstruct_persistent_obj, (meta,), None


class Module(Persistent, nn.Module):
    def __init__(self, **attributes):
        super().__init__()
        for k, v in attributes.items():
            setattr(self, k, v)
        self._init_args, self._init_kwargs = (), EasyDict(attributes)


class PositionalEmbedding(Module):
    pass


class FourierEmbedding(Module):
    def __init__(self, n):
        super().__init__()
        self.register_buffer("freqs", (torch.arange(n // 2) + 1) / 2)


class Linear(Module):
    def __init__(self, i, o):
        super().__init__(in_features=i, out_features=o)
        self.weight, self.bias = nn.Parameter(torch.zeros(o, i)), nn.Parameter(torch.zeros(o))


class Conv2d(Module):
    def __init__(self, i, o, k, up=False, down=False, taps=(1, 1)):
        super().__init__(in_channels=i, out_channels=o, up=up, down=down, fused_resample=False)
        self.weight, self.bias = nn.Parameter(torch.zeros(o, i, k, k)), nn.Parameter(torch.zeros(o))
        f = torch.tensor(taps, dtype=torch.float32)
        self.register_buffer("resample_filter", f.outer(f)[None, None] / f.sum() ** 2 if up or down else None)


class GroupNorm(Module):
    def __init__(self, c):
        super().__init__(num_groups=min(32, c // 4), eps=1e-6)
        self.weight, self.bias = nn.Parameter(torch.ones(c)), nn.Parameter(torch.zeros(c))


class UNetBlock(Module):
    def __init__(self, i, o, emb, taps, up=False, down=False, attention=False):
        # numpy's √½ is a number of numpy in the file
        super().__init__(in_channels=i, out_channels=o, emb_channels=emb, num_heads=1 if attention else 0, dropout=0.13,
                         skip_scale=np.sqrt(0.5), adaptive_scale=False)
        self.norm0 = GroupNorm(i)
        self.conv0 = Conv2d(i, o, 3, up, down, taps)
        self.affine = Linear(emb, o)
        self.norm1 = GroupNorm(o)
        self.conv1 = Conv2d(o, o, 3)
        self.skip = Conv2d(i, o, 1, up, down, taps) if i != o or up or down else None
        if attention:
            self.norm2, self.qkv, self.proj = GroupNorm(o), Conv2d(o, 3 * o, 1), Conv2d(o, o, 1)


class SongUNet(Module):
    """8×8 images of two channels, two levels of 8 and 16, attention at 4×4."""

    def __init__(self, ncsnpp):
        super().__init__(label_dropout=0, embedding_type="fourier" if ncsnpp else "positional")
        noise, emb, taps = (16, 32, (1, 3, 3, 1)) if ncsnpp else (8, 32, (1, 1))
        self.map_noise = FourierEmbedding(noise) if ncsnpp else PositionalEmbedding(num_channels=noise, max_positions=10000, endpoint=True)
        self.map_label = self.map_augment = None
        self.map_layer0, self.map_layer1 = Linear(noise, emb), Linear(emb, emb)
        e = self.enc = nn.ModuleDict()
        e["8x8_conv"] = Conv2d(2, 8, 3)
        e["8x8_block0"] = UNetBlock(8, 8, emb, taps)
        e["4x4_down"] = UNetBlock(8, 8, emb, taps, down=True)
        if ncsnpp:
            e["4x4_aux_residual"] = Conv2d(2, 8, 3, down=True, taps=taps)
        e["4x4_block0"] = UNetBlock(8, 16, emb, taps, attention=True)
        d = self.dec = nn.ModuleDict()
        d["4x4_in0"] = UNetBlock(16, 16, emb, taps, attention=True)
        d["4x4_in1"] = UNetBlock(16, 16, emb, taps)
        d["4x4_block0"] = UNetBlock(32, 16, emb, taps)
        d["4x4_block1"] = UNetBlock(24, 16, emb, taps, attention=True)
        d["8x8_up"] = UNetBlock(16, 16, emb, taps, up=True)
        d["8x8_block0"] = UNetBlock(24, 8, emb, taps)
        d["8x8_block1"] = UNetBlock(16, 8, emb, taps)
        d["8x8_aux_norm"] = GroupNorm(8)
        d["8x8_aux_conv"] = Conv2d(8, 2, 3)


class DhariwalUNet(Module):
    pass


class EDMPrecond(Module):
    def __init__(self, model):
        super().__init__(img_resolution=8, img_channels=2, label_dim=0, use_fp16=False, sigma_min=0, sigma_max=float("inf"), sigma_data=0.5)
        self.model = model


class VPPrecond(EDMPrecond):
    pass


class EDMLoss(Persistent):
    def __init__(self):
        self.P_mean, self.P_std, self.sigma_data = -1.2, 1.2, 0.5


class AugmentPipe(Module):
    def __init__(self):
        super().__init__(p=0.12)
        self.register_buffer("Hz_geom", torch.ones(3))


def fill(net):
    for k, (name, p) in enumerate(net.named_parameters()):
        v = [0.1 * math.sin(0.37 * i + 0.11 * k) + ("norm" in name) * name.endswith(".weight") for i in range(p.numel())]
        p.data = torch.tensor(v, dtype=torch.float64).to(torch.float32).reshape(p.shape)
    return net.eval().requires_grad_(False)


def snapshot(net, name, protocol=4):
    data = dict(ema=net, loss_fn=EDMLoss(), augment_pipe=AugmentPipe(), dataset_kwargs=EasyDict(class_name="training.dataset.ImageFolderDataset", resolution=8))
    with open(os.path.join(os.path.dirname(__file__), "edm", name), "wb") as f:
        pickle.dump(data, f, protocol)


snapshot(fill(EDMPrecond(SongUNet(False))), "ddpmpp.pkl")
snapshot(fill(EDMPrecond(SongUNet(True))), "ncsnpp.pkl", 3)
snapshot(EDMPrecond(DhariwalUNet()), "dhariwal.pkl")
snapshot(VPPrecond(PositionalEmbedding()), "vp.pkl")
