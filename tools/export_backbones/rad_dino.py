"""Write RAD-DINO, a vision transformer trained on chest X-rays without labels, to one ONNX file, as a frozen backbone.

    pip install torch transformers onnx onnxscript openvino
    python -m tools.export_backbones.rad_dino --out rad_dino.onnx

It downloads the published weights (346 MB, from Hugging Face). With --random nothing is downloaded, to try the script.
"""

import argparse
from pathlib import Path
from typing import Any

from tools.export_backbones.onnx_file import Input, write

INPUT = Input(image_size=518, channels=3, mean=0.5307, std=0.2583)
PATCHES = 37  # in a row, of 14 x 14 pixels each
WIDTH = 768  # numbers that stand for one patch


def network(weights: str | None) -> Any:
    """The patches' tokens as a map 768 x 37 x 37, without the class token. They can be negative."""
    import torch
    from transformers import Dinov2Config, Dinov2Model

    class FeatureMap(torch.nn.Module):
        def __init__(self, transformer: Any) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, image: Any) -> Any:
            tokens = self.transformer(pixel_values=image).last_hidden_state[:, 1:]
            return tokens.transpose(1, 2).reshape(-1, WIDTH, PATCHES, PATCHES)

    torch.set_num_threads(1)
    torch.manual_seed(0)  # of --random
    if weights is None:
        return FeatureMap(Dinov2Model(Dinov2Config(image_size=INPUT.image_size)))
    transformer = Dinov2Model.from_pretrained(weights, use_safetensors=True)  # a pickle could run any code
    config = transformer.config
    if (config.image_size, config.patch_size, config.hidden_size) != (INPUT.image_size, 14, WIDTH):
        raise SystemExit(f"{weights} is not a ViT-B/14 for pictures of 518 pixels, as RAD-DINO is")
    return FeatureMap(transformer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", default="microsoft/rad-dino", help="a name, or a folder")
    parser.add_argument("--random", action="store_true")
    asked = parser.parse_args()
    try:
        built = network(None if asked.random else asked.weights)
    except OSError as fault:
        raise SystemExit(f"{asked.weights} could not be read or downloaded: {fault}") from None
    write(built, INPUT, asked.out)


if __name__ == "__main__":
    main()
