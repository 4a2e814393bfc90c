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


def sized_by_batch(*steps, weights=()):
    """A constant whose size is computed of the number of images, `n`, by steps; the last is `m`."""
    nodes = [
        node("Shape", ["image"], "shape"),
        node("Slice", ["shape", "0", "1"], "n"),
        *steps,
        ones("m", "all"),
        node("ReduceSum", ["all"], "answer", **SCALAR),
    ]
    numbers = [ints(str(k), k) for k in (0, 1, 2, 4, 5, 6, 7, 8, 9, 10**9)]
    return model(nodes, [*numbers, ints("minus", -1), *weights])


def of(kind, a, b, out):
    return node(kind, [a, b], out)


# each is 10**9, or more, for some numbers of images, and small for one and for eight
ODD = {
    "for 2 to 7": [  # (n - 1) * (8 - n) + 1
        *(of("Sub", "n", "1", "a"), of("Sub", "8", "n", "b"), of("Mul", "a", "b", "c")),
        *(of("Mul", "c", "1000000000", "d"), of("Add", "d", "1", "m")),
    ],
    "for 4": [
        of("Equal", "n", "4", "is"),
        node("Where", ["is", "1000000000", "1"], "m"),
    ],
    "for 4, by the greater": [  # max(0, 1 - max(n - 4, 4 - n))
        *(of("Sub", "n", "4", "a"), of("Sub", "4", "n", "b"), of("Max", "a", "b", "c")),
        *(of("Sub", "1", "c", "d"), of("Max", "d", "0", "e"), of("Mul", "e", "1000000000", "m")),
    ],
    "for 4, by the remainder": [  # of 7
        *(of("Mod", "n", "7", "a"), of("Sub", "a", "1", "b")),
        *(of("Mul", "b", "b", "c"), of("Mul", "c", "1000000000", "m")),
    ],
    "for 4, as it is not 0": [
        *(of("Sub", "n", "4", "a"), node("Cast", ["a"], "b", to=TensorProto.BOOL)),
        node("Where", ["b", "1", "1000000000"], "m"),
    ],
    "for 5 and more, by their number": [
        *(node("Slice", ["image", "4", "5"], "few"), node("Shape", ["few"], "a")),
        *(node("Slice", ["a", "0", "1"], "b"), of("Mul", "b", "1000000000", "m")),
    ],
    "for 9 and more, by their number": [
        *(node("Slice", ["image", "8", "9"], "few"), node("Shape", ["few"], "a")),
        *(node("Slice", ["a", "0", "1"], "b"), of("Mul", "b", "1000000000", "m")),
    ],
    "for squares": [of("Mul", "n", "n", "m")],
    "of two axes": [
        *(of("Add", "n", "7", "a"), node("Concat", ["a", "a"], "m", axis=0)),
    ],
    "by a table": [
        *(node("Concat", ["0", "0", "0", "0", "1000000000", *["0"] * 5], "t", axis=0),),
        node("Gather", ["t", "n"], "m"),
    ],
}


@pytest.mark.parametrize("kind", ODD)
def test_a_size_that_is_small_for_the_numbers_looked_at_is_refused(kind):
    made = refusal(sized_by_batch(*ODD[kind]))
    assert re.search("not (known|follow|fit)|grows faster", made)


@pytest.mark.parametrize(
    "steps",
    [
        [node("Identity", ["n"], "m")],
        [of("Mul", "n", "8", "a"), of("Div", "a", "4", "m")],
        [node("ReduceProd", ["n"], "m", keepdims=1)],
        [of("Max", "n", "1", "m")],
        [of("Equal", "n", "minus", "is"), node("Where", ["is", "1", "n"], "m")],
        [of("Add", "n", "7", "m")],
    ],
)
def test_a_size_that_follows_the_number_of_images_is_read(steps):
    assert refusal(sized_by_batch(*steps)) == ""


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
    "bytes that are no numbers": (
        model(
            [node("Add", ["image", "w"], "answer")],
            [TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], raw_data=b"123456")],
        ),
        "weights of another size|can't be read",
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
        model(
            [
                node("Constant", [], "w", value=floats("v", 3, 8, 8)),
                node("Add", ["image", "w"], "answer"),
            ]
        ),
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
