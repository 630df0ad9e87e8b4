from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.bounds.norms import noise_stretch

deviations = st.lists(st.floats(0.01, 100), min_size=1, max_size=6)
norms = st.one_of(st.sampled_from([1.0, 2.0, math.inf]), st.floats(1, 20))


def lp(x: np.ndarray, p: float) -> float:
    return float(np.linalg.norm(x, ord=p))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"norm": 2}, 1.0),
        ({"norm": math.inf}, 1.0),
        ({"norm": 1, "dim": 784}, 28.0),
        ({"norm": 1.5, "dim": 64}, 2.0),
        ({"cov": [4.0, 1.0]}, 2.0),
        ({"cov": [[4.0, 0.0], [0.0, 1.0]]}, 2.0),
        ({"cov": [[2.0, 1.0], [1.0, 2.0]]}, math.sqrt(3)),
        ({"norm": math.inf, "cov": [[2.0, 1.0], [1.0, 2.0]]}, math.sqrt(2)),
        ({"norm": 1, "cov": [9.0, 16.0]}, 5.0),
        ({"cov": [0.0, 0.0]}, 0.0),
    ],
)
def test_table(arguments: dict, expected: float) -> None:
    assert noise_stretch(**arguments) == pytest.approx(expected, rel=1e-14)
    assert noise_stretch(sigma=0.25, **arguments) == pytest.approx(0.25 * expected, rel=1e-14)


@given(deviations, norms, st.integers(0, 2**32 - 1))
def test_is_the_least_upper_bound_for_diagonal_noise(scales: list[float], p: float, seed: int) -> None:
    t = np.array(scales)
    stretch = noise_stretch(p, cov=t**2)
    v = np.random.default_rng(seed).standard_normal((50, t.size))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    assert max(lp(t * row, p) for row in v) <= stretch * (1 + 1e-12)
    if p >= 2:
        best = np.eye(t.size)[np.argmax(t)]
    else:  # equality in Hölder's inequality
        best = (t / t.max()) ** (p / (2 - p)) if p < 1.99 else np.eye(t.size)[np.argmax(t)]
    assert lp(t * best / np.linalg.norm(best), p) == pytest.approx(stretch, rel=1e-9 if p < 1.99 else 1e-2)


@given(st.integers(1, 1000), norms, st.floats(1e-3, 1e3))
def test_isotropic_is_the_constant_diagonal(dim: int, p: float, sigma: float) -> None:
    assert noise_stretch(p, dim=dim, sigma=sigma) == pytest.approx(
        noise_stretch(p, cov=np.full(dim, sigma**2)), rel=1e-11
    )
    assert noise_stretch(p, dim=dim, sigma=sigma) >= sigma * (1 - 1e-15)


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_dense_covariance(dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((dim, dim))
    cov = root @ root.T
    directions = rng.standard_normal((100, dim))
    for p, dual in ((2, 2), (math.inf, 1)):
        ratio = max(math.sqrt(w @ cov @ w) / lp(w, dual) for w in directions)
        assert ratio <= noise_stretch(p, cov=cov) * (1 + 1e-10)
    _, vectors = np.linalg.eigh(cov)
    w = vectors[:, -1]
    assert math.sqrt(max(w @ cov @ w, 0)) == pytest.approx(noise_stretch(2, cov=cov), rel=1e-9)


def test_assumptions_matter() -> None:
    """On the half-space along the widest axis the bound is attained; with the scale of the narrowest it is false."""
    rate, eps = 0.01, 1.0
    truth = stats.norm.cdf(stats.norm.ppf(rate) + eps / 2)
    assert stats.norm.cdf(stats.norm.ppf(rate) + eps / noise_stretch(cov=[4.0, 1.0, 0.25])) == pytest.approx(truth)
    assert stats.norm.cdf(stats.norm.ppf(rate) + eps / 0.5) > 5 * truth


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"norm": 0.5}, ValueError, r"norm=0.5 must be one number in \[1, inf\]"),
        ({"norm": math.nan}, ValueError, "norm=nan"),
        ({"norm": 1}, ValueError, "norm=1 needs dim"),
        ({"norm": 1, "dim": 2.5}, TypeError, "dim=2.5 must be an integer"),
        ({"norm": 1, "cov": [[2.0, 1.0], [1.0, 2.0]]}, ValueError, "norm=1 with a covariance that is not diagonal"),
        ({"cov": [[2.0, 1.0], [0.5, 2.0]]}, ValueError, "cov is not symmetric"),
        ({"cov": [[1.0, 2.0], [2.0, 1.0]]}, ValueError, "cov has the eigenvalue -1"),
        ({"cov": [1.0, -1.0]}, ValueError, r"cov has 1 entry outside its range, the first is cov\[1\]=-1.0"),
        ({"cov": [math.inf]}, ValueError, "all must be finite"),
        ({"cov": [[1.0, 2.0]]}, ValueError, r"cov has shape \(1, 2\)"),
        ({"cov": []}, ValueError, r"cov has shape \(0,\)"),
        ({"cov": [1.0, 1.0], "dim": 3}, ValueError, "but dim=3"),
        ({"sigma": -1.0}, ValueError, "sigma=-1.0 must be >= 0"),
        ({"sigma": [1.0, 2.0]}, ValueError, r"sigma has shape \(2,\)"),
    ],
)
def test_bad_input(arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        noise_stretch(**arguments)
