"""Figures of a volume's run."""

from __future__ import annotations

import dataclasses
import math

import pytest

from isoperimetry import sets
from isoperimetry.estimate import Estimate, Step
from isoperimetry.estimators import volume
from isoperimetry.results import Guarantee

plots = pytest.importorskip("isoperimetry.plots")
pytest.importorskip("matplotlib")

LN10 = math.log(10.0)


def estimate(*, shift=0.0, high=0.1, **changes):
    """A run of three looks at a measure of 1e-3, or ``10**shift`` times that."""
    middle = -3.0 * LN10 + shift * LN10
    trace = tuple(
        Step(n_calls=n, log_value=middle + error, log_low=middle - width, log_high=middle + width)
        for n, error, width in ((100, 0.1, 0.5), (1000, -0.05, 0.2), (10_000, 0.0, 0.1))
    )
    fields = {
        "log_value": middle, "log_interval": (middle - 0.1, middle + high), "log_spread": (middle - 0.1, middle + 0.1),
        "confidence": 0.95, "guarantee": Guarantee.FINITE_SAMPLE, "method": "crude", "stopped": "n_samples",
        "trace": trace,
    }  # fmt: skip
    return Estimate(**{**fields, **changes})


def test_the_line_is_the_estimate_at_each_look():
    ax = plots.volume_run(estimate(), log_truth=-3.0 * LN10)
    line = ax.lines[0]
    assert list(line.get_xdata()) == [100, 1000, 10_000] and ax.get_xscale() == "log"
    assert list(line.get_ydata()) == pytest.approx([1e-3 * math.exp(0.1), 1e-3 * math.exp(-0.05), 1e-3], rel=1e-12)
    bar = ax.lines[1].get_ydata()
    assert list(bar) == pytest.approx([1e-3 * math.exp(-0.1), 1e-3 * math.exp(0.1)], rel=1e-12)
    assert ax.lines[-1].get_ydata()[0] == pytest.approx(1e-3, rel=1e-12)


def test_measures_below_the_smallest_float_are_drawn_by_their_logarithm():
    ax = plots.volume_run(estimate(shift=-400.0))
    assert list(ax.lines[0].get_ydata())[-1] == pytest.approx(-403.0, rel=1e-12)
    assert ax.yaxis.get_major_formatter()(-403.0, None) == "1e-403"


def test_an_upper_limit_far_away_is_named():
    ax = plots.volume_run(estimate(high=5.0))
    assert [text.get_text() for text in ax.texts] == ["upper limit 0.1485"]
    assert ax.get_ylim()[1] < 3e-3
    assert not plots.volume_run(estimate()).texts


def test_what_has_no_run_is_refused():
    with pytest.raises(ValueError, match="has no run to draw: it is exact"):
        plots.volume_run(volume(sets.HalfSpace([1.0], 1.0)))
    blind = dataclasses.replace(
        estimate(), trace=(Step(n_calls=9, log_value=-math.inf, log_low=-math.inf, log_high=0.0),)
    )
    with pytest.raises(ValueError, match="no error was seen"):
        plots.volume_run(blind)


def test_levels_of_splitting():
    found = volume(
        sets.UnionOfHalfSpaces([[1, 0, 0], [1, 1, 0], [1, 1, 1]], [4.0, 4.5, 4.2]), method="splitting", rng=1
    )
    ax = plots.splitting_levels(found)
    heights = list(ax.lines[0].get_ydata())
    assert heights == sorted(heights, reverse=True) and len(heights) > 5
    with pytest.raises(ValueError, match="has no levels"):
        plots.splitting_levels(estimate())
