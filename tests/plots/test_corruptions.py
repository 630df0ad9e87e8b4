from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

from isoperimetry import plots
from isoperimetry.intervals import clopper_pearson
from tests.plots.drawn import legend, pixels

ERRORS = {
    "plain": {"gaussian_noise": [20, 40, 60, 80, 100], "fog": [10, 20, 30, 40, 50]},
    "noisy": {"gaussian_noise": [10, 20, 30, 40, 50], "fog": [30, 60, 90, 120, 150]},
}
RECORD = {
    "models": {
        name: {"errors": errors, "trials": 200, "clean_error": {"errors": 5, "trials": 200}}
        for name, errors in ERRORS.items()
    }
}


def test_lines_are_accuracies_and_bands_their_intervals():
    axes = plots.corruption_accuracy(RECORD)
    assert [ax.get_title(loc="left") for ax in axes] == ["gaussian noise", "fog"]
    for ax, kind in zip(axes, ERRORS["plain"], strict=True):
        for name, line, band in zip(ERRORS, ax.lines, ax.collections, strict=True):
            assert line.get_label() == f"_{name}"
            counts = [5, *ERRORS[name][kind]]
            np.testing.assert_array_equal(line.get_xdata(), range(6))
            np.testing.assert_allclose(line.get_ydata(), [100 - count / 2 for count in counts])
            limits = clopper_pearson(counts, 200, confidence=0.95)
            drawn = band.get_paths()[0].vertices[:, 1]
            assert drawn.min() == pytest.approx(100 * (1 - limits.high.max()))
            assert drawn.max() == pytest.approx(100 * (1 - limits.low.min()))
    assert len({line.get_marker() for line in axes[0].lines}) == 2
    assert len({line.get_linestyle() for line in axes[0].lines}) == 2
    (shared,) = axes[0].figure.legends
    texts = [text.get_text() for text in shared.get_texts()]
    assert texts == ["plain", "noisy", "95 % intervals (Clopper-Pearson, each alone)"]
    pixels(axes[0])
    assert shared.get_window_extent().y1 < axes[-1].get_window_extent().y0


def test_models_are_chosen_and_severity_zero_needs_the_clean_error():
    bare = {"models": {name: {"errors": errors, "trials": 200} for name, errors in ERRORS.items()}}
    panels = Figure().subplots(1, 3)
    axes = plots.corruption_accuracy(bare, models=["noisy"], ax=panels)
    assert axes.tolist() == panels[:2].tolist()
    assert [line.get_label() for line in axes[0].lines] == ["_noisy"]
    np.testing.assert_array_equal(axes[0].lines[0].get_xdata(), range(1, 6))
    with pytest.raises(ValueError, match="ax has 1 axes for 2 corruptions"):
        plots.corruption_accuracy(bare, ax=[panels[0]])


def test_nineteen_corruptions_fit():
    many = {f"corruption_{i}": [i, i, i, i, i] for i in range(19)}
    axes = plots.corruption_accuracy({"models": {"net": {"errors": many, "trials": 200}}})
    assert len(axes) == 19
    pixels(axes[0])
    boxes = [ax.get_window_extent() for ax in axes]
    assert min(box.height for box in boxes) > 50 and min(box.width for box in boxes) > 80


def test_changes_are_in_points_of_the_mean_accuracy():
    ax = plots.corruption_change(RECORD, "plain")
    (noisy,) = (line for line in ax.lines if line.get_label() == "_noisy")
    np.testing.assert_allclose(noisy.get_xdata(), [-30.0, 15.0])  # of 200 images, 60 more errors and 30 fewer
    assert [text.get_text() for text in ax.get_yticklabels()] == ["fog", "gaussian noise"]
    band = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    half = 100 * math.sqrt(2 * math.log(2 / 0.05) / 200)
    np.testing.assert_allclose([band.x0, band.x1], [-half, half])
    assert any("within 19 points (95 %, Hoeffding, each alone)" in name for name in legend(ax))
    assert "plain" in ax.get_title(loc="left") and ax.get_xlim()[0] < -30


def test_the_band_of_chance_holds_its_confidence():
    # Both models err on 30 % and on other images: the widest differences that two equal models have. 2000 repetitions
    # in which the band may be left with probability at most 0.05, so more than 100 + 4.9 sd has probability < 1e-6.
    rng = np.random.default_rng([8, 2026])
    n = 200
    first, other = rng.binomial(n, 0.3, 2000), rng.binomial(n, 0.3, 2000)
    half = 100 * math.sqrt(2 * math.log(2 / 0.05) / n)
    assert (np.abs(first - other) * 100 / n > half).sum() <= 148


def test_what_cannot_be_compared_is_refused():
    for draw in (plots.corruption_accuracy, lambda record: plots.corruption_change(record, "plain")):
        for record in ({}, {"models": {}}):
            with pytest.raises(ValueError, match="at least one model"):
                draw(record)
        models = RECORD["models"]
        cases = {
            "'snow' for one of 'plain' and 'other' alone": {"errors": ERRORS["plain"] | {"snow": [1]}, "trials": 200},
            "no errors or no trials of 'other'": {"errors": {}, "trials": 200},
            "errors=20 must be <= trials=9": {"errors": ERRORS["plain"], "trials": 9},
        }
        for message, entry in cases.items():
            with pytest.raises(ValueError, match=message):
                draw({"models": models | {"other": entry}})
    with pytest.raises(ValueError, match="models names 'net', but corruptions has 'plain', 'noisy'"):
        plots.corruption_accuracy(RECORD, models=["net"])
    with pytest.raises(ValueError, match="baseline='net' must be one of 'plain', 'noisy'"):
        plots.corruption_change(RECORD, "net")
    with pytest.raises(ValueError, match="no model besides 'plain'"):
        plots.corruption_change(RECORD, "plain", models=["plain"])
    fewer = {"models": RECORD["models"] | {"other": {"errors": ERRORS["plain"], "trials": 201}}}
    with pytest.raises(ValueError, match="'other' on other numbers of images or severities than 'plain'"):
        plots.corruption_change(fewer, "plain")
    with pytest.raises(ValueError, match="confidence=95 must be"):
        plots.corruption_accuracy(RECORD, confidence=95)
