"""The four forms of an error rate, and what all functions of one have in common."""

from __future__ import annotations

import inspect
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry import bounds
from isoperimetry.bounds import rate
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import error_rates, log_error_rates

FORMS = ("mu", "log_mu", "accuracy", "log_accuracy")
# Every function of an error rate, with what else it needs.
FUNCTIONS = {
    "halfspace_distance": {},
    "error_rate_at_sigma": {"sigma": 1.0, "sigma_new": 2.0},
    "log_error_rate_at_sigma": {"sigma": 1.0, "sigma_new": 2.0},
    "enlargement": {"eps": 0.5},
    "log_enlargement": {"eps": 0.5},
    "log_enlargement_complement": {"eps": 0.5},
    "quantile_distance_bound": {"q": 0.7},
    "median_distance_bound": {},
    "mean_distance_bound": {},
    "log_mean_distance_bound": {},
    "second_moment_distance_bound": {},
    "required_sigma": {"eps": 0.5},
    "gaussian_profile": {},
    "log_gaussian_profile": {},
    "worst_case_distance": {"dim": 10},
    "convex_distance_bound": {"parts": 3},
    "halfspace_distance_norm": {"normal": [1.0, 2.0]},
    "median_distance_bound_norm": {"dim": 10},
}
# Their own tests have them: they take no scale of the noise, or return a pair.
OTHERS = {"half_space_of_measure", "noise_stability", "log_noise_stability", "affine_classifier_distance"}
functions = pytest.mark.parametrize("name", FUNCTIONS)


def test_every_function_of_a_rate_is_listed():
    takers = {
        name
        for name, value in inspect.getmembers(bounds, inspect.isfunction)
        if "log_accuracy" in inspect.signature(value).parameters
    }
    assert takers - OTHERS == set(FUNCTIONS)


@functions
def test_the_four_forms_agree(name):
    values = {"mu": 0.25, "log_mu": math.log(0.25), "accuracy": 0.75, "log_accuracy": math.log(0.75)}
    results = [getattr(bounds, name)(**{form: value}, **FUNCTIONS[name]) for form, value in values.items()]
    assert results == pytest.approx([results[0]] * 4, rel=1e-14)


@functions
def test_a_scalar_gives_a_float_and_arrays_broadcast(name):
    function, others = getattr(bounds, name), FUNCTIONS[name]
    assert type(function(mu=np.float32(0.25), **others)) is float
    column, row = np.array([[0.2], [0.3]]), np.array([0.5, 1.0, 2.0])
    key = "sigma" if "sigma" in inspect.signature(function).parameters else "eps"
    table = function(mu=column, **{**others, key: row})
    assert table.shape == (2, 3) and table.dtype == np.float64
    single = [[function(mu=mu, **{**others, key: x}) for x in row.tolist()] for mu in (0.2, 0.3)]
    np.testing.assert_array_equal(table, single)
    np.testing.assert_array_equal(column, [[0.2], [0.3]])
    assert function(mu=[], **others).shape == (0,)
    with pytest.raises(ValueError, match=r"mu \(2,\).* (sigma|eps) \(3,\) do not broadcast|shapes of .*mu \(2,\)"):
        function(mu=[0.2, 0.3], **{**others, key: row})


@functions
@pytest.mark.parametrize(
    ("forms", "message"),
    [({}, "given as nothing: pass exactly one"), ({"mu": 0.1, "log_accuracy": -0.1}, "given as mu and log_accuracy")],
)
def test_exactly_one_form(name, forms, message):
    with pytest.raises(TypeError, match=message):
        getattr(bounds, name)(**forms, **FUNCTIONS[name])


@functions
@pytest.mark.parametrize(
    ("form", "value"), [("mu", -0.1), ("mu", 1.1), ("accuracy", 2.0), ("log_mu", 0.1), ("log_accuracy", 1e-300)]
)
def test_a_rate_out_of_range_is_refused(name, form, value):
    with pytest.raises(ValueError, match=f"{form}="):
        getattr(bounds, name)(**{form: value}, **FUNCTIONS[name])
    with pytest.raises(ValueError, match=rf"{form}\[1\]="):
        getattr(bounds, name)(**{form: [0.0, value]}, **FUNCTIONS[name])


@functions
def test_nan_passes_through_without_a_warning(name):
    function, others = getattr(bounds, name), FUNCTIONS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in FORMS:
            assert math.isnan(function(**{form: math.nan}, **others))
        lengths = [key for key in ("sigma", "eps", "sigma_new", "q") if key in inspect.signature(function).parameters]
        for key in lengths:
            for mu in (0.0, 0.3, 0.5, 0.7, 1.0):
                assert math.isnan(function(mu=mu, **{**others, key: math.nan})), (key, mu)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "required_sigma"])
def test_without_noise_a_rate_is_0_or_1(name):
    function, others = getattr(bounds, name), FUNCTIONS[name]
    for form, value in (("mu", 0.3), ("log_mu", -1e6), ("accuracy", 1e-300), ("log_accuracy", -1e-9)):
        with pytest.raises(ValueError, match=r"sigma=0\.0 must be > 0 where 0 < mu < 1: without noise"):
            function(**{form: value}, **{**others, "sigma": 0.0})
    with pytest.raises(ValueError, match=r"the first is sigma\[1\]"):
        function(mu=0.3, **{**others, "sigma": [1.0, 0.0]})
    for mu in (0.0, 1.0):
        assert not math.isnan(function(mu=mu, **{**others, "sigma": 0.0}))
    with pytest.raises(ValueError, match=r"sigma=-1\.0 must be >= 0"):
        function(mu=0.3, **{**others, "sigma": -1.0})


@pytest.mark.parametrize(
    ("name", "missing"),
    [("enlargement", "eps"), ("log_enlargement", "eps"), ("error_rate_at_sigma", "sigma and sigma_new")],
)
def test_an_argument_left_out_is_named(name, missing):
    with pytest.raises(TypeError, match=f"^{missing} must be given too"):
        getattr(bounds, name)(0.1)


@given(st.sampled_from(FORMS), error_rates(), log_error_rates())
def test_conversions_keep_what_was_given(form, linear, log):
    value = log if form.startswith("log") else linear
    read = rate.read_rate(**{name: value if name == form else None for name in FORMS})
    exact = reference.ndtri_exp if form.startswith("log") else reference.ndtri
    sign = 1 if form.endswith("mu") else -1
    assert_ulp(read.z, sign * exact(value, digits=40), 2)
    kept = {"mu": read.linear, "log_mu": read.log, "accuracy": read.complement, "log_accuracy": read.log_complement}
    assert kept[form] == value
    # The other three, in the relative error that the given digits allow.
    assert np.exp(read.log) == pytest.approx(float(read.linear), rel=1e-9, abs=1e-307)
    assert np.exp(read.log_complement) == pytest.approx(float(read.complement), rel=1e-9, abs=1e-307)
    assert float(read.linear) + float(read.complement) == pytest.approx(1.0, rel=4e-16)


def test_log1mexp():
    x = np.array([-1e-300, -1e-10, -0.5, -0.7, -30.0, -800.0])
    expected = [
        -690.7755278982137,
        -23.02585092999405,
        -0.9327521295671886,
        -0.6863410028083851,
        -9.357622968840175e-14,
        0.0,
    ]
    np.testing.assert_allclose(rate.log1mexp(x), expected, rtol=1e-9)
