"""Write TorchXRayVision's DenseNet121 to one ONNX file, for use as a frozen backbone.

    pip install torch torchvision torchxrayvision onnx onnxscript openvino
    python -m tools.export_backbones.torchxrayvision_densenet --out torchxrayvision.onnx

It downloads the published weights (about 28 MB, from GitHub). They are a pickle, which can run any code while it is
read: take them from that address only. With --random nothing is downloaded, to try the script.
"""

import argparse
from pathlib import Path
from typing import Any

from tools.export_backbones.onnx_file import Input, write

INPUT = Input(image_size=224, channels=1, mean=0.5, std=1 / 2048)  # brings pixels to -1024..1024


def network(weights: str | None) -> Any:
    """The map 1024 x 7 x 7, after the ReLU through which TorchXRayVision's own classifier sees `features`."""
    import torch
    from torchxrayvision.models import DenseNet

    class FeatureMap(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = DenseNet(weights=weights).features

        def forward(self, image: Any) -> Any:
            return torch.relu(self.features(image))

    torch.set_num_threads(1)
    torch.manual_seed(0)  # of --random
    return FeatureMap()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", default="densenet121-res224-all", help="its name says what trained it")
    parser.add_argument("--random", action="store_true")
    asked = parser.parse_args()
    if not asked.weights.startswith("densenet121-"):
        parser.error("--weights must be the name of a DenseNet121 of TorchXRayVision, such as densenet121-res224-nih")
    try:
        built = network(None if asked.random else asked.weights)
    except OSError as fault:
        raise SystemExit(f"{asked.weights} could not be downloaded: {fault}") from None
    write(built, INPUT, asked.out)


if __name__ == "__main__":
    main()
