"""check_onnx.py FILE: checks a model with the checker of the onnx package, and prints its operator set, its sizes and its metadata."""

import json
import sys

import onnx

onnx.checker.check_model(sys.argv[1], full_check=True)
model = onnx.load(sys.argv[1])


def sizes(port):
    return [each.dim_param or each.dim_value for each in port.type.tensor_type.shape.dim]


print(
    json.dumps(
        {
            "operators": model.opset_import[0].version,
            "inputs": {port.name: sizes(port) for port in model.graph.input},
            "outputs": {port.name: sizes(port) for port in model.graph.output},
            "metadata": {each.key: each.value for each in model.metadata_props},
        }
    )
)
