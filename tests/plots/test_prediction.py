from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

from isoperimetry import bounds, plots
from tests.plots.drawn import legend, pixels


def test_prediction_line_and_points():
    ax = plots.halfspace_prediction({"net": ([0.1, 0.2], [0.3, 0.5]), "other": ([0.4], [0.9])})
    line, net, other = ax.lines
    x, y = line.get_data()
    np.testing.assert_allclose(y, bounds.halfspace_distance(0.01) * np.asarray(x))
    assert line.get_linestyle() == "--" and "half-space prediction: 2.326" in next(iter(legend(ax)))
    np.testing.assert_allclose(net.get_xydata(), [[0.1, 0.3], [0.2, 0.5]])
    np.testing.assert_allclose(other.get_xydata(), [[0.4, 0.9]])
    assert "1 %" in ax.get_xlabel() and "unit of the inputs" in ax.get_ylabel()
    assert "not a bound" in ax.get_title(loc="left")


def test_prediction_at_other_rates():
    ax = plots.halfspace_prediction({"net": ([0.1], [0.2])}, error_rate=0.1)
    x, y = ax.lines[0].get_data()
    assert y[1] / x[1] == pytest.approx(1.2815515655446004) and "10 %" in ax.get_xlabel()
    below = plots.halfspace_prediction({"net": ([0.1], [0.0])}, error_rate=0.9)
    pixels(below)
    assert below.get_ylim()[0] < 0 < below.get_ylim()[1]


def test_prediction_shows_failures_at_the_top():
    ax = plots.halfspace_prediction({"net": ([0.1, 0.2, 0.3], [0.3, math.inf, math.inf])})
    _, found, lost = ax.lines
    assert len(found.get_xdata()) == 1 and lost.get_marker() == "^"
    np.testing.assert_allclose(lost.get_xdata(), [0.2, 0.3])
    assert "no error found (off the scale)" in legend(ax)
    only = plots.halfspace_prediction({"net": ([0.1], [math.inf])})
    pixels(only)


@pytest.mark.parametrize(
    "pair, message",
    [
        (([0.1, 0.2], [0.1]), "2 sigmas and 1 distances"),
        (([0.1, 0.0], [0.1, 0.1]), "> 0"),
        (([0.1], [-0.1]), ">= 0"),
        (([0.1, math.nan], [0.1, 0.1]), "image 1"),
        (([0.1, 0.1], [math.nan, 0.1]), "image 0"),
        (([math.inf], [0.1]), "image 0"),
        (([], []), "at least one image"),
        ((0.1, 0.1), "one of each"),
    ],
)
def test_prediction_refuses_points(pair, message):
    with pytest.raises(ValueError, match=message):
        plots.halfspace_prediction({"net": pair})


def test_prediction_refuses_rates():
    with pytest.raises(ValueError, match=r"error_rate=1.0 must be one number in \(0, 1\)"):
        plots.halfspace_prediction({"net": ([0.1], [0.2])}, error_rate=1.0)
    with pytest.raises(ValueError, match="at least one image"):
        plots.halfspace_prediction({})


def test_limits_of_sigma_are_bars_that_stay_in_the_picture():
    ax = plots.halfspace_prediction(
        {"net": ([0.1, 0.2, 0.3], [0.3, 0.5, math.inf], [0.0, 0.18, 0.2], [0.12, math.inf, 0.4])}
    )
    right = ax.get_xlim()[1]
    drawn = sorted(tuple(segment.ravel()) for bar in ax.collections for segment in bar.get_segments())
    assert [(low, high) for low, _, high, _ in drawn] == [(0.0, 0.12), (0.18, right), (0.2, right)]
    assert [height for _, height, _, _ in drawn[:2]] == [0.3, 0.5] and drawn[2][1] > 0.9  # with the triangle
    assert "confidence limits of $\\sigma$" in legend(ax)
    assert "confidence limits of $\\sigma$" not in legend(plots.halfspace_prediction({"net": ([0.1], [0.2])}))


def test_histograms_count_the_images_of_own_figures():
    sigmas, distances = np.linspace(0.1, 0.5, 12), [*np.linspace(0.2, 1.2, 10), math.inf, math.inf]
    ax = plots.halfspace_prediction({"net": (sigmas, distances), "other": ([0.3], [0.4])})
    above, beside = ax.child_axes
    counts = [[int(patch.get_data().values.sum()) for patch in side.patches] for side in (above, beside)]
    assert counts == [[12, 1], [10, 1]]  # distances that are off the scale have no place beside
    assert above.get_xlim() == ax.get_xlim() and beside.get_ylim() == ax.get_ylim()
    pixels(ax)
    assert ax.get_legend().get_window_extent().x0 > beside.get_window_extent().x1
    assert len({patch.get_linestyle() for patch in above.patches}) == 2
    given = Figure().subplots()
    assert not plots.halfspace_prediction({"net": (sigmas, distances)}, ax=given).child_axes
    assert not plots.halfspace_prediction({"net": ([0.1] * 9, [0.1] * 9)}).child_axes


def test_strings_of_a_file_of_results_are_numbers():
    ax = plots.halfspace_prediction({"net": ([0.1, 0.2], ["inf", 0.3])})
    assert ax.lines[1].get_xydata().tolist() == [[0.2, 0.3]] and ax.lines[2].get_marker() == "^"


@pytest.mark.parametrize(
    "sequences, message",
    [
        (([0.1],), "has 1 sequences"),
        (([0.1], [0.1], [0.1]), "has 3 sequences"),
        (([0.1], [0.1], [0.1, 0.2], [0.1]), "2 lower and 1 upper limits of 1 sigmas"),
        (([0.1], [0.1], [0.2], [0.3]), "limits that leave out sigma at image 0"),
        (([0.1], [0.1], [-0.2], [0.3]), ">= 0"),
    ],
)
def test_limits_are_checked(sequences, message):
    with pytest.raises(ValueError, match=message):
        plots.halfspace_prediction({"net": sequences})
