from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    GAUSSIAN_ENLARGEMENT,
    enlargement,
    halfspace_distance,
    log_enlargement,
    log_enlargement_complement,
)
from isoperimetry.sets import HalfSpace, Slab
from isoperimetry.special import ndtr
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_theorem, assert_ulp
from isoperimetry.testing.strategies import error_rates, error_sets, log_error_rates, sigmas

lengths = st.floats(0, 40)  # in units of sigma


@pytest.mark.parametrize("eps", [1e-9, 0.3, 2.0, 36.0])
@pytest.mark.parametrize(
    ("form", "value"),
    [("mu", mu) for mu in (1e-300, 1e-20, 0.01, 0.4, 0.99)]
    + [("accuracy", 1e-10), ("log_mu", -1e6), ("log_mu", -50.0), ("log_mu", -1e-9), ("log_accuracy", -1e4)],
)
def test_table(form, value, eps):
    exact = {"digits": 30, form: value, "eps": eps}
    moved = -float(reference.halfspace_distance(digits=30, **{form: value})) + eps
    # The probit and its sum with eps are each right to an ulp; d log Phi / dz is at most 1 / M <= |z| + 1.
    size = max(abs(moved), abs(moved - eps))
    slack = 4 * np.spacing(size) * (abs(moved) + 1)
    log, log_rest = log_enlargement(**{form: value}, eps=eps), log_enlargement_complement(**{form: value}, eps=eps)
    for actual, function in ((log, reference.log_enlargement), (log_rest, reference.log_enlargement_complement)):
        truth = function(**exact)
        assert_ulp(actual, truth, 4, absolute=slack * min(1.0, abs(float(truth))) + 5e-324)
    truth = reference.enlargement(**exact)
    assert_ulp(enlargement(**{form: value}, eps=eps), truth, 4, absolute=slack * float(truth) + 5e-324)


def test_table_of_published_decimals():
    assert enlargement(0.01, 1.0) == pytest.approx(0.092362248073693935853, rel=1e-13)
    assert log_enlargement(1e-300, 10.0, 0.5) == pytest.approx(-149.06007653950513329, rel=1e-14)
    assert log_enlargement(log_mu=-1e6, eps=1000.0) == pytest.approx(-85790.989057267763589, rel=1e-14)
    assert log_enlargement_complement(0.3, 40.0) == pytest.approx(-783.75673940952992436, rel=1e-14)


@given(error_rates(), lengths, sigmas())
def test_equality_on_extremal(mu, length, sigma):
    half_space = GAUSSIAN_ENLARGEMENT.extremal(mu, sigma, dim=2)
    truth = half_space.enlarged_volume(length * sigma, sigma=sigma)
    assert enlargement(mu, length * sigma, sigma) == pytest.approx(truth, rel=1e-11, abs=1e-15)


@given(st.data(), sigmas())
def test_holds(data, sigma):
    error_set = data.draw(error_sets(scale=sigma))
    assert_theorem(
        GAUSSIAN_ENLARGEMENT, error_set, sigma=sigma, levels=(0.0, 0.01, 0.1, 0.5, 1.0, 5.0), tolerance=1e-12
    )


@given(error_rates(), log_error_rates(), lengths, lengths, sigmas())
@example(mu=0.1, log_mu=-1.0, first=0.0, second=5e-324, sigma=1.0)
def test_laws(mu, log_mu, first, second, sigma):
    small, large = sorted((first, second))
    assert enlargement(mu, 0.0, sigma) == mu
    assert (
        mu <= enlargement(mu, small * sigma, sigma) <= enlargement(mu, large * sigma, sigma) * (1 + 1e-13) <= 1 + 1e-13
    )
    assert enlargement(mu / 2, first) <= enlargement(mu, first)
    assert enlargement(mu, first, 2 * sigma) <= enlargement(mu, first, sigma)
    assert log_enlargement(log_mu=log_mu, eps=0.0) == log_mu <= log_enlargement(log_mu=log_mu, eps=first) <= 0
    assert enlargement(mu, first) == pytest.approx(math.exp(log_enlargement(mu, first)), rel=1e-12, abs=1e-300)
    rest = log_enlargement_complement(mu, first)
    assert enlargement(mu, first) == pytest.approx(-math.expm1(rest), rel=1e-12, abs=1e-300)
    # Semigroup, in the smaller tail: in two steps as far as in one.
    half_way = log_enlargement(log_mu=log_mu, eps=first)
    if half_way < -1:
        twice = log_enlargement(log_mu=half_way, eps=second), log_enlargement_complement(log_mu=half_way, eps=second)
        once = (
            log_enlargement(log_mu=log_mu, eps=first + second),
            log_enlargement_complement(log_mu=log_mu, eps=first + second),
        )
        assert min(twice) == pytest.approx(min(once), rel=1e-11)
    # The complement of the enlargement, enlarged as far, leaves the complement of the set.
    back = log_enlargement_complement(log_mu=rest, eps=first)
    assert back == pytest.approx(math.log(mu), rel=1e-11, abs=1e-11)
    if mu < 0.5:
        assert enlargement(mu, halfspace_distance(mu)) == pytest.approx(0.5, abs=1e-14 + 4e-16 * halfspace_distance(mu))


@given(st.lists(error_rates(), min_size=2, max_size=5), lengths)
def test_pooled_rates_claim_too_much(rates, length):
    assert np.mean(enlargement(rates, length)) <= enlargement(np.mean(rates), length) * (1 + 1e-12)


def test_limits():
    inf = math.inf
    assert enlargement([0.0, 0.3, 1.0], [[0.0], [1.0], [inf]]).tolist()[0] == [0, 0.3, 1]
    assert enlargement(0.0, 1e308) == 0 and enlargement(0.0, inf) == 0 and enlargement(0.0, 1.0, 0.0) == 0
    assert enlargement(1.0, 1.0) == enlargement(1.0, 0.0, 0.0) == enlargement(1.0, inf, 0.0) == 1
    assert enlargement(0.3, inf) == enlargement(5e-324, inf, inf) == 1
    assert enlargement(0.3, 5.0, inf) == 0.3
    assert enlargement(log_mu=-1e6, eps=0.0) == 0.0
    assert log_enlargement(log_mu=-1e300, eps=0.0) == -1e300
    assert log_enlargement(log_mu=-1e300, eps=1e150) == pytest.approx(-8.578643762690495e298, rel=1e-3)
    assert log_enlargement([0.0, 1.0], 1.0).tolist() == [-inf, 0]
    assert log_enlargement_complement([0.0, 1.0], 1.0).tolist() == [0, -inf]
    assert log_enlargement_complement(accuracy=0.3, eps=0.0) == math.log(0.3)
    assert log_enlargement_complement(0.3, inf) == -inf
    with pytest.raises(ValueError, match=r"eps=-1\.0 must be >= 0"):
        enlargement(0.3, -1.0)


def test_assumptions_matter():
    # Wider noise along the normal: the bound for the narrow scale claims more than a half-space across it has.
    half_space = HalfSpace([1.0, 0.0], 2.0 * halfspace_distance(0.01))
    truth = ndtr((1.0 - half_space.offset) / 2.0)
    assert truth == pytest.approx(enlargement(0.01, 1.0, 2.0))
    assert truth < 0.2 * enlargement(0.01, 1.0, 0.5)
    # A mixture over several inputs: a tenth of them always wrong, the others never.
    always, never = HalfSpace([1.0], -math.inf), HalfSpace([1.0], math.inf)
    pooled = 0.1 * always.enlarged_volume(2.0) + 0.9 * never.enlarged_volume(2.0)
    assert pooled == pytest.approx(0.1) and enlargement(0.1, 2.0) > 0.7


def test_a_slab_grows_strictly_faster():
    slab = Slab([1.0], 2.0, 0.5)
    assert slab.enlarged_volume(0.5) > 1.05 * enlargement(slab.volume(), 0.5)
