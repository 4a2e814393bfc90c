"""What of an ONNX model is refused before it is opened; none of these models is ever run."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from napari_marrow.learning.onnx import sizes
from napari_marrow.learning.onnx.operators import ADMITTED, MAX_OPERATORS
from napari_marrow.learning.onnx.sizes import refusal

SCALAR = {"keepdims": 0}
STATUS = Path("/proc/self/status")


def node(kind, given, *out, **attributes):
    return helper.make_node(kind, given, out, **attributes)


def ints(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def floats(name, *shape):
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def ones(size, out, kind=TensorProto.FLOAT):
    """An operator that makes an array of ones of a size."""
    return node("ConstantOfShape", [size], out, value=helper.make_tensor("v", kind, [1], [1]))


def model(nodes, weights=(), inputs=(), functions=(), opset=17):
    """A model of images of 8 pixels, of which the last node makes the answer."""
    images = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 8, 8])
    answer = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [images, *inputs], [answer], weights)
    versions = [("", opset), ("ai.onnx.ml", 3), ("own", 1)]
    opsets = [helper.make_opsetid(*x) for x in versions]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions)
    return made.SerializeToString()


def read_by_slice(count):
    """A constant of so many numbers, of which one is read: inferring shapes would copy all."""
    nodes = [
        ones("size", "all", TensorProto.INT64),
        node("Slice", ["all", "zero", "one"], "first"),
        node("Cast", ["first"], "answer", to=TensorProto.FLOAT),
    ]
    return model(nodes, [ints("size", count), ints("zero", 0), ints("one", 1)])


def stretched(declared, count=40_000):
    """A weight that is also an input, and says of itself that it is as long as the batch."""
    nodes = [
        node("Cast", ["weight"], "values", to=TensorProto.FLOAT),
        node("Unsqueeze", ["values", "one"], "column"),
        node("MatMul", ["column", "row"], "table"),
        node("ReduceMax", ["table"], "answer", **SCALAR),
    ]
    weight = numpy_helper.from_array(np.ones(count, np.uint8), "weight")
    row = floats("row", 1, 20_000)
    said = helper.make_tensor_value_info("weight", TensorProto.UINT8, declared)
    return model(nodes, [weight, row, ints("one", 1)], [said])


def several(count, n_values):
    """So many constants of so many numbers, and their sums."""
    pairs = [
        (ones("size", f"c{k}"), node("ReduceSum", [f"c{k}"], f"s{k}", **SCALAR))
        for k in range(count)
    ]
    total = node("Sum", [f"s{k}" for k in range(count)], "answer")
    return model([x for pair in pairs for x in pair] + [total], [ints("size", n_values)])


def matrices(count):
    """A product of stacks of matrices of one number."""
    nodes = [ones("size", "stack"), node("MatMul", ["stack", "stack"], "product")]
    nodes.append(node("ReduceSum", ["product"], "answer", **SCALAR))
    return model(nodes, [ints("size", count, 1, 1)])


def convolved():
    """A convolution with one channel, which is computed in blocks of channels."""
    nodes = [ones("size", "x"), node("Conv", ["x", "w"], "y")]
    nodes.append(node("ReduceSum", ["y"], "answer", **SCALAR))
    return model(nodes, [ints("size", 1, 1, 3000, 3000), floats("w", 1, 1, 1, 1)])


def used_often(count):
    """One weight that as many products use, each of which may take a copy."""
    names = ["flat", *(f"v{k}" for k in range(count))]
    nodes = [node("Flatten", ["image"], "flat")]
    nodes += [node("MatMul", [a, "w"], b) for a, b in pairwise(names)]
    return model(nodes, [floats("w", 192, 192)])


def vectors(n_classes=2, n_vectors=1, n_intercepts=None, kind="SVMClassifier"):
    """A classifier of scikit-learn with so many classes."""
    lists = {"classlabels_ints": list(range(n_classes)), "coefficients": [1.0] * 192}
    if kind == "SVMClassifier":
        lists |= {"vectors_per_class": [n_vectors] * 2, "support_vectors": [1.0] * 192}
    else:
        lists |= {"intercepts": [1.0] * (n_intercepts or n_classes)}
    return model(
        [
            node("Flatten", ["image"], "flat"),
            node(kind, ["flat"], "label", "answer", domain="ai.onnx.ml", **lists),
        ]
    )


def twice(levels):
    """Functions of which each calls the next one twice."""
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made = []
    for k in range(levels):
        kind, domain = ("Neg", "") if k == levels - 1 else (f"f{k + 1}", "own")
        body = [node(kind, ["x"], "a", domain=domain), node(kind, ["a"], "b", domain=domain)]
        made.append(helper.make_function("own", f"f{k}", ["x"], ["b"], body, versions))
    return model([node("f0", ["image"], "answer", domain="own")], functions=made)


def branched():
    def branch(kind):
        said = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        return helper.make_graph([node(kind, ["image"], "y")], "b", [], [said])

    yes = numpy_helper.from_array(np.array(True), "yes")
    choice = node("If", ["yes"], "answer", then_branch=branch("Neg"), else_branch=branch("Abs"))
    return model([choice], [yes])


def sized_by(operator, *given):
    """A constant whose size one operator computes of numbers."""
    names = [f"x{k}" for k in range(len(given))]
    nodes = [node(operator, names, "size"), ones("size", "all")]
    nodes.append(node("ReduceSum", ["all"], "answer", **SCALAR))
    return model(nodes, [ints(name, value) for name, value in zip(names, given, strict=True)])


NONE = "none of the operators"
REFUSED = {
    "a large constant, read in part": (read_by_slice(400_000_000), "400000000 values"),
    "a weight as an input of any length": (stretched(["k"]), "40000 x 20000 values"),
    "a weight as an input of length 1": (stretched([1]), "40000 x 20000 values"),
    "several constants": (several(2, 40_000_000), "constants"),
    "a stack of matrices": (matrices(3_000_000), "constants"),
    "a convolution with one channel": (convolved(), "constants"),
    "a weight that is used often": (used_often(10), "constants much larger than its weights"),
    "text": (
        model(
            [node("Expand", ["t", "size"], "all"), node("Cast", ["all"], "answer", to=1)],
            [helper.make_tensor("t", TensorProto.STRING, [1], [b"1"]), ints("size", 9)],
        ),
        "no array of numbers",
    ),
    "text of numbers": (model([node("Cast", ["image"], "answer", to=8)]), "no array of numbers"),
    "Einsum": (model([node("Einsum", ["image"], "answer", equation="abcd->a")]), NONE),
    "ConvTranspose": (model([node("ConvTranspose", ["image", "image"], "answer")]), NONE),
    "LRN": (model([node("LRN", ["image"], "answer", size=10**9)]), NONE),
    "a branch": (branched(), NONE),
    "functions": (twice(17), "functions of its own"),
    "many operators": (
        model([node("Neg", ["image"], f"n{k}") for k in range(MAX_OPERATORS + 1)]),
        "operators",
    ),
    "many classes": (vectors(10_000), "by way of 1000[0-9]{5} values"),
    "more support vectors than it has": (vectors(2, 10**9), "do not fit each other"),
    "more scores than classes": (
        vectors(2, n_intercepts=5, kind="LinearClassifier"),
        "do not fit each other",
    ),
    "two weights of one name": (
        model([node("Add", ["image", "w"], "answer")], [floats("w", 1), floats("w", 2)]),
        "two weights of one name",
    ),
    "a result under the name of a weight": (
        model([node("Neg", ["image"], "w"), node("Neg", ["w"], "answer")], [floats("w", 1)]),
        "a name that is taken",
    ),
    "a result of nothing": (model([node("Neg", ["nothing"], "answer")]), "what is not there"),
    "an image cropped as it says": (
        model(
            [
                node(
                    "Resize",
                    ["image", "", "s"],
                    "answer",
                    coordinate_transformation_mode="tf_crop_and_resize",
                )
            ],
            [floats("s", 4)],
        ),
        "Resize",
    ),
    "a quotient that is rounded": (sized_by("Div", -7, -2), "not known before"),
    "a remainder of a negative number": (sized_by("Mod", -7, 3), "not known before"),
    "a product that wraps": (sized_by("Mul", 2**40, 2**40), "not known before"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_model_is_refused_for_what_is_in_its_graph(kind, monkeypatch):
    if kind == "a weight that is used often":
        monkeypatch.setattr(sizes, "MAX_CONSTANT_VALUES", 0)
    made, reason = REFUSED[kind]
    assert re.search(reason, refusal(made))


@pytest.mark.parametrize(
    "made",
    [
        read_by_slice(1000),
        stretched(["k"], 100),
        several(8, 1000),
        matrices(1000),
        used_often(10),
        vectors(3),
        sized_by("Div", 7, 2),
        sized_by("Mul", 3, 2),
    ],
)
def test_small_ones_of_the_same_form_are_read(made):
    assert refusal(made) == ""


def test_all_results_for_one_image_together_are_limited(monkeypatch):
    made = model([node("Neg", ["image"], "a"), node("Neg", ["a"], "b"), node("Neg", ["b"], "c")])
    assert refusal(made) == ""
    # three results of 3 x 8 x 8, whose channels count as 16
    monkeypatch.setattr(sizes, "MAX_ALL_VALUES", 3 * 16 * 8 * 8)
    assert refusal(made) == ""
    monkeypatch.setattr(sizes, "MAX_ALL_VALUES", 3 * 16 * 8 * 8 - 1)
    assert "values for one image" in refusal(made)


def test_the_page_lists_the_operators_that_are_read():
    page = (Path(__file__).parents[3] / "docs" / "bundle.md").read_text("utf-8")
    listed = re.search(r"are read:\n\n((?:> .*\n)+)", page)[1]
    named = sorted(re.findall(r"`(\w+)`", listed))
    assert named == sorted(name for names in ADMITTED.values() for name in names)


@pytest.mark.skipif(not STATUS.exists(), reason="the kernel of Linux tells the peak of memory")
def test_looking_at_a_model_takes_no_memory_for_its_constants():
    """It has 20 million, 160 MB; ONNX's own inference of a whole model would make them."""
    made = read_by_slice(20_000_000)
    refusal(read_by_slice(10))  # what is imported is imported
    peak_kib()
    before = peak_kib()
    assert refusal(made) == ""
    assert peak_kib() - before < 20_000


def peak_kib():
    """The peak of memory since this was called last."""
    found = int(re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())[1])
    STATUS.with_name("clear_refs").write_text("5")
    return found
