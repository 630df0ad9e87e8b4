from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

from isoperimetry import plots
from tests.plots.drawn import legend, pixels


def test_shell_and_boundary_are_to_scale():
    ax = plots.noise_shell(0.01, sigma=0.1, dim=784)
    boundary, clean, noisy = ax.lines
    assert boundary.get_xdata()[0] == pytest.approx(0.23263478740408408)
    np.testing.assert_allclose([clean.get_xydata()[0], noisy.get_xydata()[0]], [[0, 0], [0, 2.8]])
    (ring,) = ax.patches
    outer, width = ring.radii[0], ring.width
    # chi-square with 784 degrees of freedom, by the approximation of Wilson and Hilferty, good to 1e-4 here
    expected = [0.1 * math.sqrt(784 * (1 - 2 / 7056 + z * math.sqrt(2 / 7056)) ** 3) for z in (-1.959964, 1.959964)]
    np.testing.assert_allclose([outer - width, outer], expected, rtol=2e-5)
    pixels(ax)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    box = ax.get_window_extent()
    assert (x1 - x0) / box.width == pytest.approx((y1 - y0) / box.height)
    assert x1 > outer and ax.get_aspect() == 1.0 and not ax.child_axes


def test_numbers_and_kinds_are_in_the_legend():
    said = " | ".join(legend(plots.noise_shell(0.01, sigma=0.1, dim=3072, ax=Figure().subplots())))
    assert "= 5.543 away" in said and "= 0.2326 (prediction)" in said and "its errors: 1 % of noisy images" in said
    inside = " | ".join(legend(plots.noise_shell(0.9, sigma=0.1, dim=3072, ax=Figure().subplots())))
    assert "= -0.1282 (prediction; the clean image lies inside)" in inside


def test_a_boundary_too_near_to_be_seen_is_magnified():
    ax = plots.noise_shell(0.01, sigma=0.1, dim=150_528)
    (inset,) = ax.child_axes
    pixels(ax)
    edge = inset.lines[0].get_xdata()[0]
    assert edge == pytest.approx(0.23263478740408408) and inset.get_xlim()[1] == pytest.approx(3 * edge)
    scale = [np.ptp(axes.get_xlim()) / axes.get_window_extent().width for axes in (ax, inset)]
    assert inset.get_title() == f"{scale[0] / scale[1]:.3g} times as large"
    assert [text.get_text() for text in inset.texts] == ["", "0.2326"]
    assert not plots.noise_shell(0.01, sigma=0.1, dim=3072, ax=Figure().subplots()).child_axes


@pytest.mark.parametrize("mu", [1e-12, 0.5, 1 - 1e-12])
def test_any_rate_is_in_view(mu):
    ax = plots.noise_shell(mu, sigma=1.0, dim=2, ax=Figure().subplots())
    pixels(ax)
    assert ax.get_xlim()[0] < ax.lines[0].get_xdata()[0] < ax.get_xlim()[1]


def test_arguments_are_checked():
    for bad, message in (
        ({"mu": 0.0}, r"mu=0.0 must be one number in \(0, 1\)"),
        ({"mu": math.nan}, r"mu=nan must be one number in \(0, 1\)"),
        ({"sigma": -1.0}, r"sigma=-1.0 must be > 0"),
        ({"sigma": math.inf}, "sigma=inf must be finite"),
        ({"sigma": math.nan}, "sigma=nan must be finite"),
        ({"dim": 1}, "dim=1 must be >= 2"),
    ):
        with pytest.raises(ValueError, match=message):
            plots.noise_shell(**{"mu": 0.01, "sigma": 0.1, "dim": 9} | bad)
    with pytest.raises(TypeError, match=r"dim=9\.5 must be an integer"):
        plots.noise_shell(0.01, 0.1, 9.5)
