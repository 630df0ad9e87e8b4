from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

from isoperimetry import plots
from tests.plots.drawn import legend, pixels, points

NAMES = ["plain", "noisy", "adversarial", "masked"]
X, Y = [0.1, 0.5, 0.4, 0.1], [0.2, 0.9, 1.1, math.inf]
LABELS = {"x_label": "error rate in noise", "y_label": "distance"}


def draw(x=X, y=Y, names=NAMES, **options):
    return plots.rank_agreement(x, y, names=names, **LABELS | {"ax": Figure().subplots()} | options)


def test_points_names_and_bars():
    ax = draw(text="rho = 0.6 [-0.1, 0.9]", x_limits=([0.05, 0.45, 0.38, 0.0], [0.2, 0.6, 0.41, math.inf]))
    for name, x, y in zip(NAMES[:3], X, Y, strict=False):
        np.testing.assert_array_equal(points(ax, name)[0].get_xydata(), [[x, y]])
    bars = [line.get_xdata().tolist() for line in points(ax, "limits")]
    assert bars == [[0.05, 0.2], [0.45, 0.6], [0.38, 0.41], [0.0, ax.get_xlim()[1]]]
    assert [text.get_text() for text in ax.texts] == NAMES
    assert ax.get_title(loc="left") == "rho = 0.6 [-0.1, 0.9]" and "confidence limits" in legend(ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("error rate in noise", "distance")
    upright = draw(y=[1, 2, 3, 4], y_limits=([0.5, 1.5, 2.5, 3.5], [1.5, 2.5, 3.5, 4.5]))
    assert points(upright, "limits")[0].get_ydata().tolist() == [0.5, 1.5]


def test_what_is_off_the_scale_is_at_the_edge():
    ax = draw(x=[0.1, 0.5, "inf", "inf"])
    pixels(ax)
    right, corner = points(ax, "adversarial")[0], points(ax, "masked")[0]
    for line, marker in ((right, ">"), (corner, ">")):
        x, y = ax.transAxes.inverted().transform(line.get_transform().transform(line.get_xydata()))[0]
        assert line.get_marker() == marker and 0.9 < x < 1 and 0 < y < 1
    assert points(draw(), "masked")[0].get_marker() == "^"
    assert "off the scale: no error found" in legend(ax)


def test_names_do_not_meet_each_other_or_other_points():
    rng = np.random.default_rng([8, 4])
    x, y = rng.normal(0.5, 0.02, 10), rng.normal(0.5, 0.02, 10)
    ax = draw(x=[*x, 0.0, 1.0], y=[*y, 0.0, 1.0], names=[f"network {i}" for i in range(12)], ax=None)
    renderer = pixels(ax)
    from matplotlib.text import Text

    boxes = [Text.get_window_extent(text, renderer) for text in ax.texts]
    marks = ax.transData.transform(np.concatenate([line.get_xydata() for line in ax.lines]))
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert not any(box.contains(*mark) for mark in marks)
        assert ax.get_window_extent().padded(2).contains(*box.min)


def test_kinds_have_markers():
    ax = draw(groups=["trained", "trained", "trained", "defence"], y=[1, 2, 3, 4])
    markers = [points(ax, name)[0].get_marker() for name in NAMES]
    assert markers[:3] == ["o"] * 3 and markers[3] == "s"
    assert legend(ax)["trained"].get_marker() == "o" and legend(ax)["defence"].get_marker() == "s"
    assert draw(y=[1, 2, 3, 4]).get_legend() is None


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"names": [], "x": [], "y": []}, "names must hold at least one model"),
        ({"x": [0.1]}, r"x has shape \(1,\) but there are 4 names"),
        ({"y": [0.1, math.nan, 0.1, 0.1]}, "y has 1 entry outside its range"),
        ({"x_limits": ([0.1] * 4, [0.1])}, r"x_limits has shape \(1,\)"),
        ({"groups": ["a"]}, "groups has length 1"),
    ],
)
def test_arguments_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        draw(**changes)


def test_one_model_and_equal_numbers_can_be_drawn():
    for x, y in (([0.0], [0.0]), ([0.3, 0.3], [-1.0, -1.0]), ([math.inf], [math.inf])):
        ax = draw(x=x, y=y, names=["net"] * len(x))
        pixels(ax)
        assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()
