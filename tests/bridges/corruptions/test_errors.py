"""Counts of errors under corruption, their means and ratios, and runs that go on where they were stopped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from isoperimetry.intervals import clopper_pearson  # noqa: E402
from isoperimetry_bridges.torch import Classifier  # noqa: E402
from isoperimetry_bridges.torch.corruptions import (  # noqa: E402
    ALEXNET,
    NOT_NOISE,
    PARAMETERS,
    STANDARD,
    CorruptionErrors,
    corrupt,
    corruption_errors,
    corruptions_record,
    frost_source,
)
from isoperimetry_bridges.torch.corruptions.frost import PHOTOGRAPHS  # noqa: E402

NAMES = ["gaussian_noise", "contrast", "fog"]


class Bright(torch.nn.Module):
    """Says 1 where the mean is above 1/2; may break off after a number of calls."""

    def __init__(self, calls: float = float("inf")) -> None:
        super().__init__()
        self.left = calls

    def forward(self, x: Any) -> Any:
        if self.left <= 0:
            raise KeyboardInterrupt
        self.left -= 1
        mean = x.mean((1, 2, 3))
        return torch.stack([0.5 - mean, mean - 0.5], 1)


def images(seed: int, count: int = 30) -> tuple[Any, Any]:
    x = torch.from_numpy(np.random.default_rng([seed, 5]).random((count, 3, 8, 8), dtype=np.float32))
    x = (x + torch.linspace(-0.12, 0.12, count).view(-1, 1, 1, 1)).clamp(0, 1)
    return x, (x.mean((1, 2, 3)) > 0.505).long()


def classifier(calls: float = float("inf"), **options: Any) -> Classifier:
    return Classifier(Bright(calls).eval(), name="bright", batch_size=8, **options)


def record(**change: Any) -> CorruptionErrors:
    given: dict[str, Any] = {
        "name": "net",
        "parameters": "cifar-c",
        "files": "memory",
        "severities": (1, 3),
        "trials": 50,
        "clean": 5,
        "errors": {"fog": (10, 20), "snow": (5, 15), "contrast": (30, 40)},
        "seed": 1,
    }
    return CorruptionErrors(**(given | change))


def test_counts(seed: int) -> None:
    x, y = images(seed)
    found = corruption_errors(
        classifier(), x, y, names=NAMES, severities=[1, 4], parameters="cifar-c", rng=seed, image_ids=range(100, 130)
    )
    assert found.trials == 30 and found.severities == (1, 4) and tuple(found.errors) == tuple(NAMES)
    assert found.clean == int(classifier().wrong(x, y).sum()) > 0
    for name in NAMES:
        for place, severity in enumerate((1, 4)):
            made = corrupt(x, name, severity, parameters="cifar-c", rng=seed, image_ids=range(100, 130))
            assert found.errors[name][place] == int(classifier().wrong(made, y).sum())
    assert len({found.errors[name] for name in NAMES}) > 1
    assert found.parameters == "cifar-c" and found.files == "memory" and found.seed == seed
    assert len(corruption_errors(classifier(), x[:2], y[:2], rng=0, severities=[1]).errors) == len(STANDARD) == 15


def test_another_box(seed: int) -> None:
    """Black and white are the ends of the classifier's box."""
    x, y = images(seed)

    class Shifted(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return Bright()((x + 1) / 4)

    options: dict[str, Any] = {"names": NAMES, "severities": [2], "rng": seed}
    found = corruption_errors(Classifier(Shifted().eval(), bounds=(-1.0, 3.0)), 4 * x - 1, y, **options)
    assert found.errors == corruption_errors(classifier(), x, y, **options).errors


def test_a_run_goes_on_where_it_was_stopped(seed: int, tmp_path: Any) -> None:
    x, y = images(seed)
    options: dict[str, Any] = {"names": NAMES, "severities": [1, 4], "rng": seed, "store": tmp_path / "run"}
    # Two calls ask whether there is a model, four count clean images, and four each of six kinds of corrupted ones.
    with pytest.raises(KeyboardInterrupt):
        corruption_errors(classifier(2 + 4 + 3 * 4 + 1), x, y, **options)
    done: list[int] = []
    resumed = corruption_errors(classifier(2 + 3 * 4), x, y, progress=lambda n, total, what: done.append(n), **options)
    assert resumed == corruption_errors(classifier(), x, y, names=NAMES, severities=[1, 4], rng=seed)
    assert max(done) == 7 * 30
    assert corruption_errors(classifier(2), x, y, **options) == resumed
    for change in ({"rng": seed + 1}, {"parameters": "cifar-c"}, {"files": "jpeg"}):
        with pytest.raises(ValueError, match="is of another run"):
            corruption_errors(classifier(), x, y, **(options | change))
    with pytest.raises(ValueError, match="another image or label"):
        corruption_errors(classifier(), 1 - x, y, **options)
    with pytest.raises(ValueError, match="rng=None"):
        corruption_errors(classifier(), x, y, **(options | {"rng": None}))


def test_a_store_with_other_pictures_of_frost_is_refused(seed: int, tmp_path: Path) -> None:
    x, y = images(seed, 4)
    options: dict[str, Any] = {"severities": [1], "rng": seed, "store": tmp_path / "run"}
    corruption_errors(classifier(), x, y, names=["fog"], **options)
    found = corruption_errors(classifier(), x, y, names=["fog", "frost"], **options)
    assert found.provenance["frost"]["pictures"] in ("texture", "photographs")
    with pytest.raises(ValueError, match="'frost' is"):
        corruption_errors(classifier(), x, y, names=["fog", "frost"], **options, frost_folder=dark_pictures(tmp_path))


def dark_pictures(folder: Path) -> Path:
    """Return a folder of black pictures of frost."""
    image_module = pytest.importorskip("PIL.Image")
    for name in PHOTOGRAPHS:
        image_module.new("RGB", (90, 70)).save(folder / name)
    return folder


def test_pictures_of_frost_are_an_argument(seed: int, tmp_path: Path) -> None:
    x, y = images(seed, 12)
    options: dict[str, Any] = {"names": ["fog", "frost"], "severities": [1, 5], "rng": seed}
    folders: list[Any] = ["texture", dark_pictures(tmp_path)]
    found = [corruption_errors(classifier(), x, y, frost_folder=folder, **options) for folder in folders]
    for one, folder in zip(found, folders, strict=True):
        assert one.provenance["frost"] == frost_source(folder)
        for place, severity in enumerate((1, 5)):
            made = corrupt(x, "frost", severity, rng=seed, frost_folder=folder)
            assert one.errors["frost"][place] == int(classifier().wrong(made, y).sum())
    assert found[0].errors["fog"] == found[1].errors["fog"] and found[0].errors["frost"] != found[1].errors["frost"]
    # Black frost takes light away, by the weight of the image.
    weights = [row[0] for row in PARAMETERS["imagenet-c"]["frost"]]
    made = corrupt(x, "frost", 5, rng=seed, frost_folder=str(tmp_path))
    assert float((made - weights[4] * x).abs().max()) < 1.01 / 255
    assert "frost" not in corruption_errors(classifier(), x, y, **(options | {"names": ["fog"]})).provenance
    for bad, kind, message in (
        (tmp_path / "none", ValueError, "none' has no file frost1.png: it must be the folder 'frost'"),
        (3, TypeError, "frost_folder=3 must be a path, 'texture' or None"),
    ):
        with pytest.raises(kind, match=re.escape(message)) as refused:
            corruption_errors(classifier(), x, y, frost_folder=bad, **options)
        assert str(refused.value).startswith("frost_folder=")
        with pytest.raises(kind, match=re.escape(message)):
            corrupt(x, "frost", 1, rng=seed, frost_folder=bad)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-1.0, 3.0)])
def test_images_of_8_bits(seed: int, bounds: tuple[float, float]) -> None:
    """Bytes are counted as what they stand for in the classifier's box, tensors and arrays alike."""
    x, y = images(seed)
    levels = (255 * x).round().byte()
    low, high = bounds

    class Scaled(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return Bright()((x - low) / (high - low))

    net = Classifier(Scaled().eval(), bounds=bounds)
    options: dict[str, Any] = {"names": [*NAMES, "pixelate"], "severities": [2], "rng": seed}
    expected = corruption_errors(net, low + (high - low) * (levels.float() / 255), y, **options)
    array = levels.numpy()[:, :, ::-1].copy()[:, :, ::-1]  # runs backwards in memory
    array.flags.writeable = False
    for given in (levels, levels.contiguous(memory_format=torch.channels_last), array):
        assert corruption_errors(net, given, y, **options) == expected
    assert len(set(expected.errors.values())) > 1


def test_means_and_ratios() -> None:
    found = record()
    assert found.clean_error == 0.1
    assert [round(found.error_rate(name), 12) for name in found.errors] == [0.3, 0.2, 0.7]
    assert found.mean_error() == pytest.approx(0.4)
    assert found.mean_error(without=NOT_NOISE) == pytest.approx(0.2)
    base = record(name="base", clean=10, errors={"fog": (30, 30), "snow": (20, 20), "contrast": (20, 15)}, trials=50)
    ratios = {"fog": 0.5, "snow": 0.5, "contrast": 2.0}
    assert found.corruption_error(base) == pytest.approx(ratios)
    assert found.corruption_error({"fog": 0.6, "snow": 0.4, "contrast": 0.35}) == pytest.approx(ratios)
    assert found.mean_corruption_error(base) == pytest.approx(1.0)  # no ratio of means, which would be 0.89
    assert found.mean_corruption_error(base, without=["contrast"]) == pytest.approx(0.5)
    assert found.relative_corruption_error(base) == pytest.approx({"fog": 0.5, "snow": 0.5, "contrast": 4.0})
    assert found.relative_mean_corruption_error(base, without=NOT_NOISE) == pytest.approx(0.5)
    assert found.mean_corruption_error(found) == 1
    assert set(ALEXNET) == {*STANDARD, "clean"}
    # The mean error of AlexNet that the paper gives, 1.0 relative to itself.
    assert np.mean([ALEXNET[name] for name in STANDARD]) == pytest.approx(0.787, abs=0.005)


def test_intervals() -> None:
    found = record()
    assert found.interval("fog", 3, confidence=0.9) == clopper_pearson(20, 50, confidence=0.9)
    assert found.interval("clean") == clopper_pearson(5, 50)
    both = found.interval("fog")
    parts = [clopper_pearson(count, 50, confidence=0.975) for count in (10, 20)]
    assert both.low == pytest.approx(sum(one.low for one in parts) / 2)
    assert both.high == pytest.approx(sum(one.high for one in parts) / 2)
    assert both.low < found.error_rate("fog") < both.high and both.confidence == 0.95
    with pytest.raises(ValueError, match="severity=2 was not measured"):
        found.interval("fog", 2)


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ({"fog": 0.5, "snow": 0.5}, "baseline lacks 'contrast'"),
        ({"fog": 0.0, "snow": 0.5, "contrast": 0.1}, "baseline has no error under 'fog'"),
        ({"fog": 0.5, "snow": 0.5, "contrast": float("nan")}, "baseline has no error under 'contrast'"),
        (record(severities=(1, 2)), "baseline has severities=(1, 2) but must have (1, 3)"),
        (record(files="jpeg"), "baseline has files='jpeg' but must have 'memory'"),
        (record(parameters="imagenet-c"), "baseline has parameters='imagenet-c' but must have 'cifar-c'"),
        (record(errors={"fog": (1, 1), "snow": (0, 0), "contrast": (1, 1)}), "baseline has no error under 'snow'"),
    ],
)
def test_baselines_that_are_refused(baseline: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        record().mean_corruption_error(baseline)


def test_relative_errors_that_are_refused() -> None:
    with pytest.raises(ValueError, match="baseline lacks 'clean'"):
        record().relative_corruption_error({"fog": 0.5, "snow": 0.5, "contrast": 0.5})
    with pytest.raises(ValueError, match="no error above its clean one under 'snow'"):
        record().relative_mean_corruption_error(record(errors={"fog": (9, 9), "snow": (5, 5), "contrast": (9, 9)}))
    with pytest.raises(ValueError, match="leaves no corruption"):
        record().mean_error(without=["fog", "snow", "contrast"])
    with pytest.raises(ValueError, match="corruption='rain' was not measured"):
        record().error_rate("rain")
    with pytest.raises(TypeError, match="without='fog'"):
        record().mean_error(without="fog")


def test_record_of_models() -> None:
    one, other = record(), record(name="other", clean=0)
    found = corruptions_record([one, other])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["format"] == 1 and found["kind"] == "corruptions" and found["n_images"] == 50
    assert (found["parameters"], found["files"], found["seed"]) == ("cifar-c", "memory", 1)
    assert found["models"]["net"]["clean_error"] == {"errors": 5, "trials": 50}
    assert found["models"]["other"]["errors"]["fog"] == [10, 20] and found["models"]["other"]["trials"] == 50
    assert found["summary"]["net"]["mean_error"] == pytest.approx(0.4)
    assert found["summary"]["net"]["mean_error_without_fog_and_contrast"] == pytest.approx(0.2)
    assert one.to_dict() == corruptions_record([one])
    assert str(one).startswith("net: mean error 0.4 under 3 corruptions, 0.1 without (50 images, cifar-c, memory)")
    for models, message in (
        ([], "at least one"),
        ([one, record(files="jpeg", name="b")], "'b' has files='jpeg' but 'net' has 'memory'"),
        ([one, one], "must differ"),
    ):
        with pytest.raises(ValueError, match=message):
            corruptions_record(models)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["rain"]}, "name='rain' is no corruption"),
        ({"names": "fog"}, "names='fog' must be a sequence"),
        ({"names": []}, "names=[] must be a sequence"),
        ({"names": ["fog", "fog"]}, "must be a sequence of distinct values"),
        ({"severities": [6]}, "severity=6 must be"),
        ({"files": "png"}, "files='png' must be"),
        ({"parameters": "cifar"}, "parameters='cifar' must be"),
    ],
)
def test_refused(change: dict[str, Any], message: str, seed: int) -> None:
    x, y = images(seed, 2)
    with pytest.raises(ValueError, match=re.escape(message)):
        corruption_errors(classifier(), x, y, rng=0, **change)


def test_images_without_colour_channels_are_refused(seed: int) -> None:
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 2)).eval()
    with pytest.raises(ValueError, match=re.escape("images has shape (3, 2, 2, 2) but must be (n, 3, h, w)")):
        corruption_errors(module, torch.zeros(3, 2, 2, 2), torch.zeros(3, dtype=torch.int64), rng=0)
