from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.colors import to_hex

from isoperimetry import bounds, plots
from isoperimetry.checks import AuditVerdict, audit_attack
from tests.plots.drawn import audit, legend, pixels, points


def test_points_are_the_measured_rate_and_the_distance_over_sigma():
    audits = [audit(0.2, sigma=0.1), audit(0.5, errors=50, sigma=0.2)]
    ax = plots.distance_against_error_rate({"net": audits})
    found = [line.get_xydata()[0] for line in points(ax, "net")]
    expected = [(a.errors / a.trials, a.distance_quantile / a.sigma) for a in audits]
    np.testing.assert_allclose(found, expected)
    assert ax.get_xscale() == "log"


def test_bars_are_the_limits_of_the_test():
    (a,) = audits = [audit()]
    ax = plots.distance_against_error_rate({"net": audits})
    horizontal, vertical = (line for line in ax.lines if len(line.get_xdata()) == 2)
    np.testing.assert_allclose(horizontal.get_xdata(), [a.error_rate.low, 0.02])
    np.testing.assert_allclose(vertical.get_ydata(), np.array([a.distance_low, a.distance_high]) / a.sigma)


@pytest.mark.parametrize("q", [0.5, 0.25])
def test_the_curve_is_the_bound_of_the_theorem(q):
    ax = plots.distance_against_error_rate({"net": [audit(q=q)]})
    (curve,) = (line for line in ax.lines if str(line.get_label()).startswith("optimal"))
    x, y = curve.get_data()
    assert x[0] <= 0.02 / 2.9 and x[-1] >= 0.02 * 2.9
    np.testing.assert_allclose(y, bounds.quantile_distance_bound(x, 1.0, q=q))
    assert ("median" in ax.get_ylabel()) == (q == 0.5) and ("0.25-quantile" in ax.get_ylabel()) == (q == 0.25)


def curve_of(*audits):
    """Return the only curve of a figure."""
    lines = plots.distance_against_error_rate({"net": audits}).lines
    (curve,) = (line for line in lines if str(line.get_label()).startswith("optimal"))
    return curve


def test_correct_starts_have_a_curve_of_their_own():
    correct = audit_attack([0.2] * 20, errors=200, trials=1000, sigma=0.1)
    assert correct.conditional
    assert curve_of(correct).get_linestyle() == "-"  # alone it is the only curve
    ax = plots.distance_against_error_rate({"net": [correct]})
    (curve,) = (line for line in ax.lines if str(line.get_label()).startswith("optimal"))
    np.testing.assert_allclose(
        curve.get_ydata(), bounds.quantile_distance_bound(curve.get_xdata(), 1.0, q=0.5, conditional=True)
    )
    both = plots.distance_against_error_rate({"net": [correct, audit()]})
    upper, lower = sorted(
        (line for line in both.lines if str(line.get_label()).startswith("optimal")),
        key=lambda line: -line.get_ydata()[0],
    )
    assert upper.get_label() == "optimal curve, correct starts" and (upper.get_ydata() >= lower.get_ydata()).all()
    assert lower.get_linestyle() == "-" != upper.get_linestyle()
    (region,) = both.collections  # what lies above both curves
    assert region.get_paths()[0].vertices[:, 1].min() == pytest.approx(upper.get_ydata().min())


def test_curves_that_look_the_same_are_drawn_once():
    rare = audit_attack([0.2] * 20, errors=10, trials=1000, sigma=0.1)
    assert rare.conditional and not audit().conditional
    assert curve_of(rare, audit()).get_label().startswith("optimal curve: ")
    silent = audit_attack([0.2] * 20, errors=0, trials=1000, sigma=0.1)
    assert curve_of(silent, audit()).get_label().startswith("optimal curve: ")


def test_convicted_audits_are_filled_and_others_hollow():
    bad, good = audit(0.9), audit(0.1)
    assert bad.verdict is AuditVerdict.ATTACK_FAILING and good.verdict is not AuditVerdict.ATTACK_FAILING
    ax = plots.distance_against_error_rate({"net": [bad, good]})
    filled, hollow = points(ax, "net")
    assert to_hex(filled.get_markerfacecolor()) == to_hex(filled.get_markeredgecolor())
    assert to_hex(hollow.get_markerfacecolor()) == "#ffffff" != to_hex(hollow.get_markeredgecolor())
    assert {"proved to miss errors (each alone)", "not proved (each alone)"} <= set(legend(ax))


def test_convictions_of_the_family_replace_those_of_each_audit():
    groups = {"net": [audit(0.9), audit(0.9)], "other": [audit(0.9)]}
    ax = plots.distance_against_error_rate(groups, convicted={"net": (1,)})
    faces = [to_hex(line.get_markerfacecolor()) for name in groups for line in points(ax, name)]
    edge = to_hex(points(ax, "net")[1].get_markeredgecolor())
    assert faces == ["#ffffff", edge, "#ffffff"]
    assert {"proved to miss errors (all at once)", "not proved (all at once)"} <= set(legend(ax))
    none = set(legend(plots.distance_against_error_rate(groups, convicted={})))
    assert "not proved (all at once)" in none and not any(label.startswith("proved") for label in none)
    with pytest.raises(ValueError, match=r"convicted names 'nets', which is not in groups"):
        plots.distance_against_error_rate(groups, convicted={"nets": (0,)})
    for place in (2, -1):
        with pytest.raises(ValueError, match=rf"convicted\['net'\] holds {place}, but there are 2 audits"):
            plots.distance_against_error_rate(groups, convicted={"net": (place,)})


def test_failed_attacks_are_at_the_top_with_a_label():
    failed = audit(math.inf)
    assert failed.distance_quantile == math.inf
    ax = plots.distance_against_error_rate({"net": [failed, audit(0.3)]})
    marker, found = points(ax, "net")
    assert marker.get_marker() == "^" != found.get_marker()
    pixels(ax)
    x, y = ax.transAxes.inverted().transform(marker.get_transform().transform(marker.get_xydata()))[0]
    assert 0.9 < y < 1 and 0 < x < 1
    assert found.get_ydata()[0] < 0.9 * ax.get_ylim()[1]
    assert legend(ax)["no error found (off the scale)"].get_marker() == "^"


def test_no_error_drawn_is_at_the_left_edge():
    ax = plots.distance_against_error_rate({"net": [audit(errors=0), audit(math.inf, errors=0), audit()]})
    pixels(ax)
    for marker in points(ax, "net")[:2]:
        x, y = ax.transAxes.inverted().transform(marker.get_transform().transform(marker.get_xydata()))[0]
        assert marker.get_marker() == "<" and 0 < x < 0.05 and 0 < y < 1
    assert "no error drawn in noise" in legend(ax)


@pytest.mark.parametrize("counts", [(0, 1000), (0, 0), (1000, 1000), (1, 10**7)])
def test_extreme_rates_can_be_drawn(counts):
    ax = plots.distance_against_error_rate({"net": [audit(errors=counts[0], trials=counts[1])]})
    pixels(ax)
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all() and ax.get_ylim()[1] > ax.get_ylim()[0]


def test_only_starts_in_error_can_be_drawn():
    ax = plots.distance_against_error_rate({"net": [audit_attack([0.0] * 9, errors=9, trials=9, sigma=1.0)]})
    pixels(ax)
    assert ax.get_ylim()[1] > 0


def test_models_are_told_apart_by_colour_and_marker():
    groups = {name: [audit()] for name in "abcdef"}
    ax = plots.distance_against_error_rate(groups)
    drawn = [points(ax, name)[0] for name in groups]
    assert len({to_hex(line.get_markeredgecolor()) for line in drawn}) == 6
    assert len({line.get_marker() for line in drawn}) == 6
    entries = legend(ax)
    for name, line in zip(groups, drawn, strict=True):
        assert to_hex(entries[name].get_color()) == to_hex(line.get_markeredgecolor())
        assert entries[name].get_marker() == line.get_marker()


def test_labels_say_what_and_in_which_unit():
    ax = plots.distance_against_error_rate({"net": [audit()]})
    assert "errors / draws" in ax.get_xlabel() and "log" in ax.get_xlabel()
    assert ax.get_ylabel().endswith(r"/ $\sigma$") and ax.get_title(loc="left")
    assert any("no error set\nof this rate allows this median" in text.get_text() for text in ax.texts)
    pixels(ax)
    assert all(label.get_text().endswith(" %") for label in ax.get_xticklabels())
    wide = plots.distance_against_error_rate({"net": [dataclasses.replace(audit(), stretch=2.0, norm=1.0, dim=4)]})
    assert "stretch" in wide.get_ylabel()
    assert points(wide, "net")[0].get_ydata()[0] == pytest.approx(points(ax, "net")[0].get_ydata()[0] / 2)


def test_groups_are_checked():
    for groups in ({}, {"net": []}):
        with pytest.raises(ValueError, match="at least one audit"):
            plots.distance_against_error_rate(groups)
    with pytest.raises(ValueError, match=r"q = 0\.25, 0\.5"):
        plots.distance_against_error_rate({"net": [audit(q=0.5)], "other": [audit(q=0.25)]})
