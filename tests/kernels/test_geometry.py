"""Distances and sections, each against the slow and obvious way, compiled and as plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from isoperimetry.kernels import geometry, radial

FORMS = ["compiled", "py_func"]


def kernel(name: str, form: str, module: Any = geometry) -> Callable[..., Any]:
    function = getattr(module, name)
    return function if form == "compiled" else function.py_func


def length(vector: Any) -> float:
    return math.sqrt(math.fsum(float(t) ** 2 for t in vector))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("k", [0, 1, 7, 8, 9, 16, 37])
def test_distances(form: str, k: int, rng: np.random.Generator) -> None:
    x, center, out = rng.standard_normal((5, 40)), rng.standard_normal(k), np.empty(5)
    kernel("fill_distances", form)(x, center, out)
    # 8 strands of at most 6 squares: half an ulp for each sum and square
    assert out == pytest.approx([length(row[:k] - center) for row in x], rel=16 * 2.0**-53)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e-140, 1e154, 1e200])
def test_squares_neither_overflow_nor_underflow(form: str, size: float, rng: np.random.Generator) -> None:
    row = rng.standard_normal(20)
    distance = kernel("row_distance", form)(size * row, np.zeros(20))
    assert distance == pytest.approx(math.hypot(*(size * row)), rel=1e-14, abs=1e-323)


@pytest.mark.parametrize("form", FORMS)
def test_distances_at_the_edges(form: str) -> None:
    distance = kernel("row_distance", form)
    for n in (1, 9):
        zero, row = np.zeros(n), np.ones(n)
        assert distance(row, row) == 0
        for value in (math.inf, -math.inf):
            row[-1] = value
            assert distance(row, zero) == math.inf
        row[0] = math.nan
        assert math.isnan(distance(row, zero))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("half_angle", [0.0, 0.4, 1.5, 2.0, 3.0])
def test_cone(form: str, half_angle: float, rng: np.random.Generator) -> None:
    x, out = rng.standard_normal((60, 4)), np.empty(60)
    cosine, sine = math.cos(half_angle), math.sin(half_angle)
    kernel("fill_cone_gaps", form)(x, cosine, sine, out)
    for row, gap in zip(x, out, strict=True):
        along, across = row[0], length(row[1:])
        t = max(0.0, along * cosine + across * sine)  # the nearest point of the edge
        distance = math.hypot(along - t * cosine, across - t * sine)
        inside = math.atan2(across, along) <= half_angle
        assert gap == pytest.approx(-distance if inside else distance, abs=1e-14)


@given(st.floats(-50, 50), st.just(0.0) | st.floats(1e-100, 50))
def test_the_root_is_the_nearest_point(ahead: float, across: float) -> None:
    for form in FORMS:
        s = kernel("nearest_on_parabola", form)(ahead, across)
        # The root of a cubic that grows there: right to 4 ulp if its sign changes within them.
        for shift, sign in ((1 - 1e-15, -1), (1 + 1e-15, 1)):
            t = s * shift
            cubic = math.fsum((t**3, 2 * t, -2 * ahead * t, -2 * across))
            rounding = 4 * 2.0**-53 * math.fsum((t**3, 2 * t, 2 * abs(ahead) * t, 2 * across))
            assert sign * cubic >= -rounding


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("curvature", [0.0, 0.3, 25.0, -2.0])
def test_paraboloid(form: str, curvature: float, rng: np.random.Generator) -> None:
    x, out = rng.standard_normal((40, 3)), np.empty(40)
    kernel("fill_paraboloid_gaps", form)(x, 0.2, curvature, out)
    s = np.linspace(0, 4, 40001)
    for row, gap in zip(x, out, strict=True):
        height = row[0] - 0.2 - curvature / 2 * (row[1] ** 2 + row[2] ** 2)
        distance = np.hypot(0.2 + curvature / 2 * s * s - row[0], s - length(row[1:])).min()
        # The curve is sampled in steps of 1e-4: near the curve that is the error.
        assert abs(gap) == pytest.approx(distance, abs=1e-4)
        assert (gap <= 0) == (height >= 0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reach", [-3.0, -1.0, -0.999, -0.2, 0.0, 1e-9, 0.7, 40.0])
@pytest.mark.parametrize("height", [1e-12, 1e-3, 0.7, 30.0, 1e6])
def test_sections_of_the_parallel_body(form: str, reach: float, height: float) -> None:
    radius = kernel("paraboloid_radius", form)(height, reach)
    tip = -reach if reach >= -1 else (reach * reach + 1) / 2
    # At the edge of the section the signed distance is that of the body.
    gap = geometry.paraboloid_gap(tip + height, radius, 1.0)
    assert gap == pytest.approx(reach, rel=1e-9, abs=4e-16 * (height + abs(reach) + 1))
    assert geometry.paraboloid_gap(tip + height, 1.001 * radius, 1.0) >= reach - 1e-15 * abs(reach)


@pytest.mark.parametrize("form", FORMS)
def test_nan_and_zero(form: str) -> None:
    assert kernel("paraboloid_radius", form)(0.0, 0.5) == kernel("paraboloid_radius", form)(0.0, -5.0) == 0
    assert kernel("nearest_on_parabola", form)(0.0, 0.0) == kernel("nearest_on_parabola", form)(1.0, 0.0) == 0
    for name, arguments in (
        ("nearest_on_parabola", (math.nan, 1.0)), ("paraboloid_gap", (1.0, math.nan, 1.0)),
        ("cone_gap", (math.nan, 1.0, 0.8, 0.6)),
    ):  # fmt: skip
        assert math.isnan(kernel(name, form)(*arguments))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 2, 3, 17, 784])
@pytest.mark.parametrize("distance", [0.0, 0.4, 6.0])
def test_density_of_a_distance(form: str, n: int, distance: float) -> None:
    density = kernel("log_distance_density", form, radial)
    for r in math.sqrt(n + distance**2) * np.array([0.9, 1.0, 1.1]):
        if distance:
            with mpmath.workdps(30):
                order, z = mpmath.mpf(n) / 2 - 1, mpmath.mpf(r) * distance
                bessel = mpmath.log(mpmath.besseli(order, z)) - order * mpmath.log(distance)
                truth = float(
                    (order + 1) * mpmath.log(r) - (mpmath.mpf(r) ** 2 + mpmath.mpf(distance) ** 2) / 2 + bessel
                )
        else:
            truth = stats.chi(n).logpdf(r)
        assert density(r, float(n), distance) == pytest.approx(truth, rel=1e-12, abs=1e-12)
        out = np.empty(1)
        kernel("fill_log_distance_density", form, radial)(
            np.array([r]), np.array([float(n)]), np.array([distance]), out
        )
        assert out[0] == density(r, float(n), distance)


def test_the_radius_is_that_of_the_minimiser() -> None:
    # By another way: the section's edge found by bisecting the distance.
    for height, reach in ((0.5, 0.3), (2.0, -0.6), (5.0, -2.5)):
        tip = -reach if reach >= -1 else (reach * reach + 1) / 2
        edge = optimize.brentq(lambda r, a=tip + height, e=reach: geometry.paraboloid_gap(a, r, 1.0) - e, 0.0, 50.0)
        assert geometry.paraboloid_radius(height, reach) == pytest.approx(edge, rel=1e-10)
