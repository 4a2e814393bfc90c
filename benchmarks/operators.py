"""Whether the ONNX files of Keras applications are read: operators of each, and why it is refused.

    python benchmarks/operators.py [--applications MobileNetV2,VGG19] [--side 97]

Networks have random weights. One application of each family takes 8 minutes on two busy cores.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import onnx

from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.onnx.sizes import refusal
from napari_marrow.learning.settings import TrainingSettings

FAMILIES = (
    "MobileNet,MobileNetV2,MobileNetV3Small,EfficientNetB0,EfficientNetV2B0,EfficientNetV2S,"
    "DenseNet121,ResNet50,ResNet50V2,Xception,InceptionV3,InceptionResNetV2,NASNetMobile,VGG19"
)


def main() -> None:
    """Export each application and print what is in its file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--applications", default=FAMILIES)
    parser.add_argument("--side", type=int, default=97)
    asked = parser.parse_args()
    start_keras()
    from napari_marrow.learning.networks import build
    from napari_marrow.learning.onnx.export import convert_by_keras

    print("| application | operators | seconds to read | refused, as it | kinds |")
    print("|---|---|---|---|---|")
    for name in asked.applications.split(","):
        settings = TrainingSettings(
            model="pretrained", application=name, input_size=asked.side, members=1
        )
        network = build(settings, 3)
        network(np.zeros((1, asked.side, asked.side, 3), np.float32))
        model = convert_by_keras(network)
        begun = time.perf_counter()
        reason = refusal(model)
        seconds = time.perf_counter() - begun
        nodes = onnx.load_from_string(model).graph.node
        kinds = " ".join(sorted({node.op_type for node in nodes}))
        print(f"| {name} | {len(nodes)} | {seconds:.2f} | {reason} | {kinds} |", flush=True)


if __name__ == "__main__":
    main()
