"""The distance of the center itself, for affine classifiers."""

from __future__ import annotations

import numpy as np

from isoperimetry.bounds import affine_classifier_distance
from isoperimetry.intervals import clopper_pearson
from isoperimetry.sets import UnionOfHalfSpaces


def test_margin_of_an_affine_classifier_lies_in_its_bracket(rng):
    """The error rate comes from samples; all twenty intervals contain it but for a probability of 1e-6."""
    for dim, classes in ((2, 3), (5, 4), (5, 10), (100, 10)) * 5:
        normals, n = rng.standard_normal((classes - 1, dim)), 20_000
        error_set = UnionOfHalfSpaces(normals, rng.uniform(0.3, 2.5, classes - 1))
        sigma = rng.uniform(0.5, 1.0)
        errors = int(np.count_nonzero(error_set.contains(sigma * rng.standard_normal((n, dim)))))
        rate = clopper_pearson(errors, n, confidence=1 - 5e-8)
        low, _ = affine_classifier_distance(rate.high, sigma, classes=classes)
        _, high = affine_classifier_distance(rate.low, sigma, classes=classes)
        assert low <= error_set.signed_distance(np.zeros(dim)) <= high
