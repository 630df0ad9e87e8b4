"""Margins of sets: the sign is the membership, and outside the margin is the distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from isoperimetry import sets
from isoperimetry.estimators.margins import has_margin, margin
from isoperimetry.testing import error_sets

OVERLAPPING = sets.Union(
    sets.Ball([3.0, 0.0, 0.0], 1.5), sets.HalfSpace([1.0, 1.0, 0.0], 2.0), sets.Ball([4.0, 1.0, 0.0], 1.5)
)
NESTED = {
    "union": OVERLAPPING,
    "complement": sets.Complement(OVERLAPPING),
    "moved": sets.translate(sets.scale(OVERLAPPING, 1.7), [0.3, -1.0, 2.0]),
    "turned": sets.rotate(sets.Complement(OVERLAPPING), start=[1.0, 0.0, 0.0], end=[0.0, 1.0, 1.0]),
    "union of unions": sets.Union(OVERLAPPING, sets.Complement(sets.Ball([0.0, 0.0, 0.0], 5.0))),
}


@pytest.mark.parametrize("name", NESTED)
def test_the_sign_is_the_membership(name, rng):
    error_set = NESTED[name]
    x = 3.0 * rng.standard_normal((4000, 3))
    values = margin(error_set, x)
    assert has_margin(error_set)
    assert np.array_equal(values <= 0, error_set.contains(x)) and 100 < np.sum(values <= 0) < 3900
    # No margin claims more than the distance to the boundary: half of it away, nothing changes sides.
    step = rng.standard_normal((4000, 3))
    step *= (0.999 * np.abs(values) / np.linalg.norm(step, axis=1))[:, None]
    assert np.array_equal(error_set.contains(x + step), error_set.contains(x))


@settings(deadline=None, max_examples=50)
@given(error_set=error_sets())
def test_of_single_sets_it_is_the_signed_distance(error_set):
    x = np.random.default_rng(5).standard_normal((20, error_set.dim))
    if "signed_distance" in error_set.capabilities:
        assert np.allclose(margin(error_set, x), error_set.signed_distance(x), rtol=1e-12, atol=1e-12)
