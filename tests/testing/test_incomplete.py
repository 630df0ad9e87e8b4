"""The truth of the gamma and beta families against integrals of the densities: another route to each number."""

from __future__ import annotations

from typing import Any

import pytest
from mpmath import mp

from isoperimetry.testing import reference

DIGITS = 30


def integral(log_density: Any, start: Any, end: Any, mode: Any, scale: Any) -> Any:
    """Return the log of the integral of exp(log_density) over [start, end] with breaks around its largest place."""
    peak = min(max(mode, start), end)
    breaks = {start, end, *(peak + k * scale for k in range(-60, 61, 3))}
    top = log_density(peak)
    total = mp.quad(lambda t: mp.exp(log_density(t) - top), sorted(t for t in breaks if start <= t <= end))
    return mp.log(total) + top


@pytest.mark.parametrize(("x", "dim"), [(3, 5), (0.5, 1.5), (30, 10), (350**2, 150528), (400**2, 150528), (700, 784)])
def test_chi2(x: float, dim: float) -> None:
    with mp.workdps(DIGITS):
        a, x = mp.mpf(dim) / 2, mp.mpf(x)

        def log_density(t: Any) -> Any:
            return (a - 1) * mp.log(t / 2) - t / 2 - mp.log(2) - mp.loggamma(a)

        deep = abs(x - dim) / dim  # how fast the density falls at x: exp(-deep t / 2)
        scale = min(mp.sqrt(2 * a), 4 / deep if deep else mp.inf)
        start, end = max(mp.mpf(10) ** -12 if dim > 2 else mp.mpf(10) ** -40, x - 60 * scale), x + 60 * scale
        if x < dim:
            value, truth = integral(log_density, start, x, dim - 2, scale), reference.log_chi2_cdf(x, dim)
        else:
            value, truth = integral(log_density, x, end, dim - 2, scale), reference.log_chi2_sf(x, dim)
        assert abs(value / truth - 1) < 1e-20


@pytest.mark.parametrize(
    ("radius", "dim", "distance"), [(1, 5, 3), (20, 784, 5), (10, 20, 12), (110, 15000, 30), (0.5, 3, 0.25)]
)
def test_ball_is_the_integral_of_its_slices(radius: float, dim: int, distance: float) -> None:
    """Along the axis to the center: int phi(D + u) P[|Z'|**2 <= r**2 - u**2] du, Z' of dim - 1."""
    with mp.workdps(20):
        r, d = mp.mpf(radius), mp.mpf(distance)

        def log_slice(u: Any) -> Any:
            inner = reference.log_chi2_cdf(r * r - u * u, dim - 1, digits=20)
            return inner - (d + u) ** 2 / 2 - mp.log(2 * mp.pi) / 2

        grid = [r * mp.mpf(k) / 20 for k in range(-19, 20)]
        mode = max(grid, key=log_slice)
        value = integral(log_slice, max(-r, mode - 12), min(r, mode + 12), mode, mp.mpf(1))
        truth = reference.log_ball_probability(radius, dim, distance)
        assert abs(value / truth - 1) < 1e-12


@pytest.mark.parametrize(
    ("a", "b", "x"),
    [(2, 3, 0.25), (10, 991, 0.004), (60, 10**12, 5e-11), (30, 20, 0.4), (1000, 3000, 0.2), (75263.5, 0.5, 0.25)],
)
def test_beta(a: float, b: float, x: float) -> None:
    with mp.workdps(DIGITS):
        a, b, x = mp.mpf(a), mp.mpf(b), mp.mpf(x)
        normalisation = reference.betaln(a, b)

        def log_density(t: Any) -> Any:
            return (a - 1) * mp.log(t) + (b - 1) * mp.log1p(-t) - normalisation

        scale = min(mp.sqrt(a * b / (a + b) ** 3), 2 * x / a)
        value = integral(log_density, max(x * mp.mpf(10) ** -10, x - 60 * scale), x, a / (a + b), scale)
        assert abs(value / reference.log_betainc(a, b, x) - 1) < 1e-15


@pytest.mark.parametrize(("n", "c"), [(150528, "0.1"), (784, "0.5403023058681397"), (3, "0.25")])
def test_caps(n: int, c: str) -> None:
    """The height of a uniform point of the sphere has a density proportional to (1 - t**2)**((n - 3) / 2)."""
    with mp.workdps(DIGITS):
        height, m = mp.mpf(c), mp.mpf(n - 1) / 2
        constant = mp.loggamma(m + 0.5) - mp.loggamma(m) - mp.log(mp.pi) / 2
        scale = min((1 - height) / 60, 2 / (m * height))
        value = integral(lambda t: (m - 1) * mp.log1p(-t * t) + constant, height, height + 60 * scale, height, scale)
        truth = reference.log_betaincc("0.5", m, height * height) - mp.log(2)
        assert abs(value / truth - 1) < 1e-20


@pytest.mark.parametrize(("a", "b", "log_p"), [(10, 991, -3), (0.5, 75263.5, -1e5), (3, 2, -1e-20), (1e12, 7, -500)])
def test_quantile_is_the_inverse(a: float, b: float, log_p: float) -> None:
    with mp.workdps(150):  # x may be next to 1
        x = mp.exp(reference.log_betainc_inv(a, b, log_p, digits=150))
        assert abs(reference.log_betainc(a, b, x) / mp.mpf(log_p) - 1) < 1e-25
        x = mp.exp(reference.log_betaincc_inv(a, b, log_p, digits=150))
        assert abs(reference.log_betaincc(a, b, x) / mp.mpf(log_p) - 1) < 1e-25
