"""Writes small.onnx, what the package onnx of Python makes of the model of
TestGolden: pip install onnx; python small.py"""
import numpy as np
from onnx import TensorProto, checker, helper

def raw(name, kind, dims, data):
    return helper.make_tensor(name, kind, dims, data.tobytes(), raw=True)

tensors = [
    raw("w", TensorProto.FLOAT, [2, 3], np.arange(6, dtype="<f4")),
    raw("shape", TensorProto.INT64, [2], np.array([0, -1], "<i8")),
    raw("half", TensorProto.FLOAT16, [1], np.array([0.5], "<f2")),
]
nodes = [
    helper.make_node("Gemm", ["x", "w"], ["g"], name="product", alpha=0.5, transB=1),
    helper.make_node("Transpose", ["g"], ["t"], perm=[0, 1]),
    helper.make_node("Resize", ["t", "", "s"], ["r"], mode="nearest"),
    helper.make_node("Cast", ["half"], ["h"], to=TensorProto.FLOAT),
    helper.make_node("Softmax", ["t"], ["y"], axis=-1),
]
value = helper.make_tensor_value_info
graph = helper.make_graph(
    nodes, "network",
    [value("x", TensorProto.FLOAT, ["batch", 3], "the samples"), value("s", TensorProto.FLOAT, [2])],
    [value("y", TensorProto.FLOAT, ["batch", 2])], tensors)
model = helper.make_model(graph, producer_name="heavytail", producer_version="1", doc_string="a model",
                          ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
helper.set_model_props(model, {"heavytail": "{}", "long": "x" * 300})
open("small.onnx", "wb").write(model.SerializeToString(deterministic=True))
