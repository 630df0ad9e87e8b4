from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.colors import to_hex

from isoperimetry import bounds, plots
from isoperimetry.checks import AuditVerdict
from tests.plots.drawn import audit, legend, pixels, points


def test_points_and_line_are_in_the_unit_of_the_inputs():
    audits = [audit(0.2, sigma=0.1), audit(0.5, sigma=0.3)]
    ax = plots.distance_against_sigma({"net": audits}, error_rate=0.01)
    found = [line.get_xydata()[0] for line in points(ax, "net")]
    np.testing.assert_allclose(found, [(a.sigma, a.distance_quantile) for a in audits])
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(y, bounds.halfspace_distance(0.01) * np.asarray(x))
    bars = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 2][1:]
    np.testing.assert_allclose(bars, [(a.distance_low, a.distance_high) for a in audits])
    assert "largest median for 1 % errors: 2.326" in next(iter(legend(ax))) and "1 %" in ax.get_xlabel()


def test_other_quantiles_and_correct_starts_have_their_own_line():
    ax = plots.distance_against_sigma({"net": [audit(q=0.75)]}, error_rate=0.1)
    x, y = ax.lines[0].get_data()
    assert y[1] / x[1] == pytest.approx(bounds.quantile_distance_bound(0.1, 1.0, q=0.75))
    both = plots.distance_against_sigma({"net": [audit(), audit(conditional=True)]}, error_rate=0.2)
    every, correct = both.lines[:2]
    assert correct.get_ydata()[1] / correct.get_xdata()[1] == pytest.approx(
        bounds.quantile_distance_bound(0.2, 1.0, q=0.5, conditional=True)
    )
    assert every.get_linestyle() == "-" != correct.get_linestyle() and "correct starts" in correct.get_label()


def test_proved_are_filled_and_failed_are_triangles_at_the_top():
    bad, good, failed = audit(0.9), audit(0.1), audit(math.inf)
    assert bad.verdict is AuditVerdict.ATTACK_FAILING is failed.verdict
    ax = plots.distance_against_sigma({"net": [bad, good, failed]})
    filled, hollow, triangle = points(ax, "net")
    assert to_hex(filled.get_markerfacecolor()) == to_hex(filled.get_markeredgecolor())
    assert to_hex(hollow.get_markerfacecolor()) == "#ffffff"
    pixels(ax)
    x, y = ax.transAxes.inverted().transform(triangle.get_transform().transform(triangle.get_xydata()))[0]
    assert triangle.get_marker() == "^" and 0.9 < y < 1 and 0 < x < 1
    names = set(legend(ax))
    assert {"proved to miss errors (each alone)", "no error found (off the scale)"} <= names
    named = plots.distance_against_sigma({"net": [bad, good]}, convicted={"net": [1]})
    assert [to_hex(line.get_markerfacecolor()) == "#ffffff" for line in points(named, "net")] == [True, False]
    with pytest.raises(ValueError, match="convicted names 'nets'"):
        plots.distance_against_sigma({"net": [bad]}, convicted={"nets": [0]})


def test_what_has_no_common_line_is_refused():
    wide = dataclasses.replace(audit(), stretch=2.0)
    with pytest.raises(ValueError, match="different norms or covariances"):
        plots.distance_against_sigma({"net": [audit(), wide]})
    with pytest.raises(ValueError, match="at least one audit"):
        plots.distance_against_sigma({"net": []})
    with pytest.raises(ValueError, match="mixes audits of q"):
        plots.distance_against_sigma({"net": [audit(), audit(q=0.25)]})
    with pytest.raises(ValueError, match="error_rate=0 must be"):
        plots.distance_against_sigma({"net": [audit()]}, error_rate=0)
    alone = plots.distance_against_sigma({"net": [wide]})
    x, y = alone.lines[0].get_data()
    assert y[1] / x[1] == pytest.approx(2 * bounds.halfspace_distance(0.01))


def test_dictionaries_of_audits_are_drawn_as_the_audits_are():
    audits = [audit(0.9), audit(math.inf), audit(errors=0), audit(q=0.5, radii=None, method="sign")]
    from isoperimetry.plots.records import as_audit

    assert [as_audit("a", a.to_dict()) for a in audits] == audits
    for several in (audit(q=(0.5, 0.75)), audit(radii=(0.1, 0.2)), audit(method="dkw")):
        assert as_audit("a", several.to_dict()) == several
    for draw in (plots.distance_against_sigma, plots.distance_against_error_rate):
        records, dictionaries = draw({"net": audits}), draw({"net": [a.to_dict() for a in audits]})
        for one, other in zip(records.lines, dictionaries.lines, strict=True):
            np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())
        for broken in ({}, {"verdict": "good"}, audits[0].to_dict() | {"verdict": "good"}, 3):
            with pytest.raises(TypeError, match=r"groups\['net'\]\[0\] must be an AttackAudit, or the dictionary"):
                draw({"net": [broken]})
