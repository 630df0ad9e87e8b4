"""Corruptions of photographs of 224 pixels against the package imagecorruptions, on one thread of a CPU.

    python -m pip install -c constraints.txt -e ".[torch]" --group bench
    python -m pip install --no-deps imagecorruptions==1.1.2
    python -m pip install opencv-python-headless scikit-image "setuptools<81"
    python -m benchmarks.corruptions

Bytes in, bytes out: both get the same array of 8 bits, pixel by pixel in memory, and return one like it; the package
one photograph at a time, which is how it works, ours all at once, through a view with channels first that copies
nothing. What ours needs for float32 in and out, channel by channel in memory, as a model takes images, is told as well
("float"). Before anything is timed, the results are compared: image by image to one grey level where nothing is
random, and by the mean change of the images where it is. All are timed in turn, severity by severity, by the time of
the thread on a core. Of what the package can no longer run (it calls interfaces that are gone from NumPy and
scikit-image), our own time is told. Writes ``benchmarks/results/corruptions.json`` and prints a table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isoperimetry_bridges.torch.corruptions import CORRUPTIONS, corrupt, frost_source
from isoperimetry_bridges.torch.output import environment

FIXED = ("defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression", "saturate")
"""Nothing in them is random."""

OTHERWISE = {
    "elastic_transform": "the package leaves out the affine map and has other displacements than the authors",
    "motion_blur": "the package and the authors' program blur along different lines",
}
"""Where the package does something else than the authors' program, so that results cannot be compared."""


def photographs(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return photographs of foolbox, shape (count, 224, 224, 3)."""
    import foolbox
    from PIL import Image

    paths = sorted((Path(foolbox.__file__).parent / "data").glob("imagenet_*.jpg"))[:count]
    return np.stack([np.asarray(Image.open(path).convert("RGB").resize((224, 224))) for path in paths])


def difference(name: str, severity: int, images: Any, ours: Tensor, theirs: Callable[[Any], Any]) -> dict[str, float]:
    """Compare results in grey levels; refuse to go on where they do not agree."""
    mine = ours.permute(0, 2, 3, 1).numpy().astype(float)
    other = np.stack([theirs(image) for image in images]).astype(float)
    if name in FIXED:
        found = {
            "largest_difference": float(np.abs(mine - other).max()),
            "differing": float((mine != other).mean()),
        }
        agree = found["largest_difference"] <= 1
    else:
        found = {"change": float(np.abs(mine - images).mean()), "change_theirs": float(np.abs(other - images).mean())}
        slack = {"frost": 0.5, "spatter": 1.0}.get(name, 0.15)  # one of five pictures; few and large drops
        agree = abs(found["change"] / found["change_theirs"] - 1) < slack or name in OTHERWISE
    if not agree:
        raise SystemExit(f"{name} at severity {severity} differs: {found}")
    return found


def timed(work: Callable[[], object]) -> float:
    """Return seconds of this thread on a core: all work is done in it, and other processes do not count."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def measure(name: str, images: Any, repeats: int) -> dict[str, Any]:
    """Return milliseconds an image of all, at each severity: median, and quarter and three quarters of the repeats."""
    import imagecorruptions  # type: ignore[import-not-found,unused-ignore]

    x = torch.from_numpy(images).permute(0, 3, 1, 2)
    planes = x.contiguous().float().div(255)
    row: dict[str, Any] = {"severities": []}
    for severity in range(1, 6):

        def ours(severity: int = severity) -> Tensor:
            return corrupt(x, name, severity, rng=1)

        def floats(severity: int = severity) -> Tensor:
            return corrupt(planes, name, severity, rng=1)

        def theirs(image: Any, severity: int = severity) -> Any:
            return imagecorruptions.corrupt(image, severity=severity, corruption_name=name)

        result = ours()
        try:
            found: dict[str, Any] = difference(name, severity, images, result, theirs)
            runs: Callable[[], object] | None = lambda theirs=theirs: [theirs(image) for image in images]  # noqa: E731
        except (TypeError, AttributeError) as error:  # an interface that is gone: said, not hidden
            found, runs = {"error": f"{type(error).__name__}: {error}"}, None
        if not torch.equal(floats().mul_(255).round_().byte(), result):
            raise SystemExit(f"{name} at severity {severity} is not the same for float32 and uint8.")
        times: dict[str, list[float]] = {"ours": [], "float": [], "theirs": []}
        for _ in range(repeats):
            times["ours"].append(timed(ours))
            times["float"].append(timed(floats))
            if runs is not None:
                times["theirs"].append(timed(runs))
        for who, seconds in times.items():
            if seconds:
                quarters = statistics.quantiles([1e3 * one / len(images) for one in seconds], n=4)
                found[f"{who}_ms"] = [round(one, 4) for one in quarters]
        if runs is not None:
            ratios = [b / a for a, b in zip(times["ours"], times["theirs"], strict=True)]
            found["ratio"] = [round(one, 3) for one in statistics.quantiles(ratios, n=4)]
        row["severities"].append(found)
    row["ours_ms"] = statistics.median(one["ours_ms"][1] for one in row["severities"])
    row["float_ms"] = statistics.median(one["float_ms"][1] for one in row["severities"])
    if all("ratio" in one for one in row["severities"]):
        row["theirs_ms"] = statistics.median(one["theirs_ms"][1] for one in row["severities"])
        row["ratio"] = statistics.median(one["ratio"][1] for one in row["severities"])
    if name in OTHERWISE:
        row["note"] = OTHERWISE[name]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", default="", help="corruptions whose name has this in it; nothing is written")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "corruptions.json")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # those of the package
    import cv2  # type: ignore[import-not-found,unused-ignore]

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    np.random.seed(0)  # noqa: NPY002, TID251  # what the package draws from
    images = photographs(arguments.images)
    results: dict[str, Any] = {
        "environment": environment(),
        "threads": 1,
        "images": len(images),
        "repeats": arguments.repeats,
        "frost": frost_source(),
        "corruptions": {},
    }
    print(
        f"{'ms an image':20s} {'ours':>8s} {'float':>8s} {'theirs':>8s} {'ratio':>7s}  quarters of it, severity 1 to 5"
    )
    for name in CORRUPTIONS:
        if arguments.only not in name:
            continue
        row = results["corruptions"][name] = measure(name, images, arguments.repeats)
        spread = " ".join(f"{one['ratio'][0]:.1f}-{one['ratio'][2]:.1f}" for one in row["severities"] if "ratio" in one)
        print(
            f"{name:20s}  {row['ours_ms']:8.3f} {row['float_ms']:8.3f} {row.get('theirs_ms', float('nan')):8.3f} "
            f"{row.get('ratio', float('nan')):7.2f}  {spread}",
            flush=True,
        )
    ratios = [row["ratio"] for row in results["corruptions"].values() if "ratio" in row]
    results["median_ratio"], results["n_compared"] = statistics.median(ratios), len(ratios)
    print(f"median ratio over {len(ratios)}: {results['median_ratio']:.2f}")
    if not arguments.only:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
