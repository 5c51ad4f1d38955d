"""Runs ONNX models: for each folder named, model.onnx on the inputs that inputs.json
lists as [name, type, shape, file], in runs; writes the outputs, float32, beside them."""
import json, os, sys
import numpy as np
import onnxruntime as ort

opt = ort.SessionOptions()
opt.log_severity_level = 3
for folder in sys.argv[1:]:
    at = lambda name: os.path.join(folder, name)
    session = ort.InferenceSession(at("model.onnx"), opt, providers=["CPUExecutionProvider"])
    for run in json.load(open(at("inputs.json"))):
        given = {n: np.fromfile(at(f), dtype=t).reshape(s) for n, t, s, f in run["inputs"]}
        try:
            y, = session.run(["y"], given)
        except Exception as e:
            if not run.get("fails"):
                raise
            print("refused:", str(e).splitlines()[0])
            continue
        assert not run.get("fails"), run
        assert y.dtype == np.float32
        y.tofile(at(run["output"]))
print("onnxruntime", ort.__version__)
