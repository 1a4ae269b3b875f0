"""ONNX files for tests: hostile ones, and pipelines with a named input a column."""

from typing import Any

import numpy as np
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType


def external(location: str, *, nested: bool = False) -> bytes:
    """A model whose values lie in another file; nested: those of a branch."""
    values = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 1], data_location=TensorProto.EXTERNAL)
    values.external_data.add(key="location", value=location)
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    nodes = [helper.make_node("MatMul", ["X", "w"], ["y"])]
    kept = [values]
    if nested:
        out = helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 1])
        branch = helper.make_graph([helper.make_node("Identity", ["w"], ["z"])], "b", [], [out], [values])
        yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
        nodes = [
            helper.make_node("Constant", [], ["c"], value=yes),
            helper.make_node("If", ["c"], ["v"], then_branch=branch, else_branch=branch),
            helper.make_node("MatMul", ["X", "v"], ["y"]),
        ]
        kept = []
    made = helper.make_model(helper.make_graph(nodes, "g", [x], [y], kept), opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    return made.SerializeToString()


def pipeline_onnx(fitted: Any, rows: Any, **options: Any) -> bytes:
    """A fitted pipeline with an input a column of `rows` (pandas), text or a number."""
    inputs = [
        (name, StringTensorType([None, 1]) if rows[name].dtype.kind not in "iufb" else FloatTensorType([None, 1]))
        for name in rows
    ]
    return to_onnx(fitted, initial_types=inputs, target_opset={"": 17, "ai.onnx.ml": 3}, **options).SerializeToString()


def matrix_onnx(fitted: Any, width: int, **options: Any) -> bytes:
    """A fitted model that takes one matrix."""
    first = np.zeros((1, width), np.float32)
    return to_onnx(fitted, first, target_opset={"": 17, "ai.onnx.ml": 3}, **options).SerializeToString()
