from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from isoperimetry import plots
from tests.plots.drawn import audit, pixels

AUDIT = audit(0.2)
CARD = {
    "image": 3, "sigma": 0.1, "prediction": 0.21, "prediction_low": 0.19, "prediction_high": 0.24,
    "clean_distances": {"PGD": 0.3, "DDN": "inf"}, "audit": AUDIT.to_dict(),
    "noisy_distances": {"PGD": [0.0, 0.1, 0.2, "inf"], "DDN": ["inf", "inf", 0.1]},
}  # fmt: skip


def rows(ax):
    """Return (words, number) of each row, from the top."""
    texts = [text.get_text().replace("\n", " ") for text in ax.texts if text.get_text()]
    return list(zip(texts[::2], texts[1::2], strict=True))


def marks(ax):
    return [(line.get_label()[1:], line) for line in ax.lines if len(line.get_xdata()) == 1]


def test_every_distance_has_its_words_number_and_place():
    ax = plots.distance_ruler(CARD, dim=784, certified=0.05)
    bound = f"{math.ceil(AUDIT.bound * 1e4) / 1e4:.4f}"
    assert rows(ax) == [
        ("found from the clean image by PGD", "0.3"),
        ("found from the clean image by DDN", "no error found"),
        ("proved: no error is nearer to the clean image", "0.05"),
        ("prediction for the clean image, if the errors are a half-space", "0.21 (0.19 to 0.24)"),
        ("found from noisy images by PGD, median", "0.1"),
        ("found from noisy images by DDN, median", "no error found"),
        ("bound: half of the noisy images have an error within this", bound),
        ("typical noisy image (noise shell)", "2.8"),
    ]
    drawn = marks(ax)
    finite = [(kind, line.get_xdata()[0]) for kind, line in drawn if line.get_marker() not in "<>"]
    expected = [
        ("found", 0.3), ("certified", 0.05), ("prediction", 0.21), ("found from noisy", 0.1), ("bound", AUDIT.bound),
        ("noise", 2.8),
    ]  # fmt: skip
    assert finite == [(kind, pytest.approx(value)) for kind, value in expected]
    heights = [line.get_ydata()[0] for _, line in drawn]
    assert heights == sorted(heights) and ax.yaxis_inverted()
    assert ax.get_xscale() == "log" and ax.get_xlim()[0] < 0.05 and ax.get_xlim()[1] > 2.8
    assert "Image 3" in ax.get_title(loc="left") and "0.1" in ax.get_title(loc="left")


def test_kinds_have_symbols_of_their_own():
    ax = plots.distance_ruler(CARD, dim=784, certified=0.05)
    pixels(ax)
    near = [(kind, line) for kind, line in marks(ax) if line.get_marker() != ">"]
    look = {kind: (line.get_marker(), line.get_markerfacecolor()) for kind, line in near}
    assert len({look[kind] for kind in ("found", "found from noisy", "prediction", "noise")}) == 4
    assert look["prediction"][1] == "#ffffff" and look["found"][1] != "#ffffff"
    lines = {line.get_label(): line for line in ax.lines if len(line.get_xdata()) == 2}
    assert list(lines["_limits"].get_xdata()) == [0.19, 0.24]
    assert list(lines["_proved"].get_xdata()) == [ax.get_xlim()[0], 0.05]
    (arrow,) = (text for text in ax.texts if getattr(text, "arrow_patch", None))
    place = dict(marks(ax))["bound"]
    tip = ax.transAxes.inverted().transform(ax.transData.transform(place.get_xydata()[0]))
    np.testing.assert_allclose(arrow.xyann, tip)
    assert arrow.xy[0] < arrow.xyann[0]  # to the left: within this


def test_failed_searches_are_at_the_right_edge():
    ax = plots.distance_ruler(CARD)
    pixels(ax)
    lost = [line for _, line in marks(ax) if line.get_marker() == ">"]
    for line in lost:
        x, _ = ax.transAxes.inverted().transform(line.get_transform().transform(line.get_xydata()))[0]
        assert 0.95 < x <= 1
    assert len(lost) == 2


def test_close_distances_are_on_a_linear_ruler_from_0():
    ax = plots.distance_ruler({"image": 1, "sigma": 0.1, "clean_distances": {"a": 0.0, "b": 0.2}, "prediction": 0.1})
    assert ax.get_xscale() == "linear" and ax.get_xlim()[0] == 0
    zero = plots.distance_ruler({"image": 1, "clean_distances": {"a": 0.0, "b": 0.01, "c": 3.0}})
    assert zero.get_xscale() == "log"
    assert [line.get_marker() for _, line in marks(zero)] == ["<", "o", "o"]


def test_no_bound_is_said():
    silent = audit(0.2, errors=0)
    ax = plots.distance_ruler({"image": 1, "sigma": 0.1, "audit": silent, "clean_distances": {"a": 0.1}})
    assert rows(ax)[-1][1] == "none: no error was counted"
    part = audit(0.2, q=0.25, conditional=True)
    ax = plots.distance_ruler({"image": 1, "sigma": 0.1, "audit": part})
    assert rows(ax)[0][0] == "bound: 25 % of the correct noisy images have an error within this"


def test_records_are_drawn_as_their_dictionaries_are():
    record = SimpleNamespace(**CARD | {"audit": AUDIT, "clean_distances": {"PGD": 0.3, "DDN": math.inf}})
    assert rows(plots.distance_ruler(record, dim=9)) == rows(plots.distance_ruler(CARD, dim=9))


def test_what_cannot_be_drawn_is_refused():
    empty = {"image": "cat", "status": "already wrong", "sigma": "nan", "clean_distances": {}, "prediction": "nan"}
    with pytest.raises(ValueError, match="card of image cat has no distance to draw: its status is 'already wrong'"):
        plots.distance_ruler(empty, dim=784)
    with pytest.raises(ValueError, match="image \\? has no distance to draw: nothing was measured"):
        plots.distance_ruler({})
    for distance in ("nan", -1.0):
        with pytest.raises(ValueError, match="found from the clean image by a: it must be >= 0"):
            plots.distance_ruler({"clean_distances": {"a": distance}})
    with pytest.raises(TypeError, match="a='far' must be a number"):
        plots.distance_ruler({"clean_distances": {"a": "far"}})
    for certified in (-0.1, math.inf, math.nan):
        with pytest.raises(ValueError, match="certified="):
            plots.distance_ruler(CARD, certified=certified)
    with pytest.raises(ValueError, match="dim=0 must be >= 1"):
        plots.distance_ruler(CARD, dim=0)
    with pytest.raises(TypeError, match=r"card\['audit'\] must be an AttackAudit"):
        plots.distance_ruler(CARD | {"audit": {"bound": 0.2}})
