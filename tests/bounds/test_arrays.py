"""The Gaussian bounds of large arrays: the bits of scalars, and errors that name the element."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys

import numpy as np
import pytest

from isoperimetry import bounds
from isoperimetry.bounds import rate

INF, NAN = math.inf, math.nan
FORMS = rate.FORMS
# What each bound needs, and its flags.
BOUNDS = {
    "halfspace_distance": [{}],
    "error_rate_at_sigma": [{"sigma_new": 2.0}],
    "log_error_rate_at_sigma": [{"sigma_new": 2.0}],
    "enlargement": [{"eps": 0.5}, {"eps": 0.0}],
    "log_enlargement": [{"eps": 0.5}, {"eps": 0.0}],
    "log_enlargement_complement": [{"eps": 0.5}, {"eps": 0.0}],
    "quantile_distance_bound": [{"q": 0.7}, {"q": 0.7, "conditional": True}],
    "median_distance_bound": [{}, {"conditional": True}],
    "mean_distance_bound": [{}, {"conditional": True}],
    "log_mean_distance_bound": [{}, {"conditional": True}],
    "second_moment_distance_bound": [{}, {"conditional": True}],
    "required_sigma": [{"eps": 0.5}],
    "gaussian_profile": [{}],
    "log_gaussian_profile": [{}],
}
CASES = [(name, options) for name, cases in BOUNDS.items() for options in cases]
bounds_and_options = pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n} {o}" for n, o in CASES])


def rates_of(form: str, rng: np.random.Generator) -> np.ndarray:
    if form.startswith("log"):
        edges = [0.0, -INF, NAN, -5e-324, -1e-300, -math.log(2), -745.0, -1e6, -1e300, -0.0]
        return np.concatenate([edges, np.log(rng.random(20)), -(10 ** rng.uniform(-20, 9, 20))])
    edges = [0.0, 1.0, 0.5, NAN, 5e-324, 1e-300, 1 - 2.0**-53, 0.075, 0.925, -0.0]
    return np.concatenate([edges, rng.random(20), 10 ** rng.uniform(-300, 0, 10), 1 - 10 ** rng.uniform(-15, 0, 10)])


def with_sigma(name: str, sigma: float) -> dict[str, float]:
    return {"sigma": sigma} if "sigma" in inspect.signature(getattr(bounds, name)).parameters else {}


@bounds_and_options
@pytest.mark.parametrize("form", FORMS)
def test_arrays_have_the_bits_of_scalars(name, options, form, rng):
    function, rates = getattr(bounds, name), rates_of(form, rng)
    others = {**with_sigma(name, 0.3), **options}
    alone = np.array([function(**{form: x}, **others) for x in rates.tolist()])
    places = rng.integers(rates.size, size=5000)
    given = rates[places]
    result = function(**{form: given}, **others)
    np.testing.assert_array_equal(result, alone[places])
    np.testing.assert_array_equal(given, rates[places])  # the input is as it was
    # The same numbers as full arrays, in another layout, and read-only.
    full = {key: np.full(5000, value) if type(value) is float else value for key, value in others.items()}
    np.testing.assert_array_equal(function(**{form: given}, **full), result)
    every_second = np.repeat(given, 2)[::2]
    every_second.flags.writeable = False
    np.testing.assert_array_equal(function(**{form: every_second}, **others), result)
    square = np.asfortranarray(given.reshape(50, 100))
    np.testing.assert_array_equal(function(**{form: square}, **others), result.reshape(50, 100))


def test_required_rates_of_arrays_have_the_bits_of_scalars(rng):
    eps = np.array([0.0, 1e-300, 0.1, 1.0, 40.0, 1e200, INF, NAN])[rng.integers(8, size=5000)]
    fraction = np.array([0.0, 1e-300, 0.3, 0.5, 0.9, 1.0, NAN])[rng.integers(7, size=5000)]
    for function in (bounds.required_error_rate, bounds.log_required_error_rate):
        found = function(eps, 0.3, robust_fraction=fraction)
        for i in range(0, 5000, 41):
            np.testing.assert_equal(found[i], function(float(eps[i]), 0.3, robust_fraction=float(fraction[i])))


@bounds_and_options
def test_the_bad_element_of_a_large_array_is_named(name, options):
    function, others = getattr(bounds, name), {**with_sigma(name, 0.3), **options}
    for form, value, rule in (("mu", 1.5, r"in \[0, 1\]; it"), ("log_accuracy", 0.1, "<= 0; it")):
        given = np.full(10_000, 0.25 if form == "mu" else -0.25)
        given[[7001, 9000]] = value
        with pytest.raises(ValueError, match=rf"{form} has 2 entries .* {form}\[7001\]={value}: all must be {rule}"):
            function(**{form: given}, **others)
    for key in ("eps", "sigma", "sigma_new"):
        if key in others:
            bad = np.ones((100, 100))
            bad[70, 2] = -1.0
            with pytest.raises(ValueError, match=rf"{key} has 1 entry .* {key}\[70, 2\]=-1\.0: all must be >= 0"):
                function(mu=np.full(100, 0.25), **{**others, key: bad})
    if "sigma" in others:
        bad = np.ones(10_000)
        bad[5000] = 0.0
        with pytest.raises(ValueError, match=r"sigma\[5000\]=0\.0: all must be > 0 where 0 < mu < 1"):
            function(mu=0.25, **{**others, "sigma": bad})
    if "q" in others:
        with pytest.raises(ValueError, match=r"q\[1\]=1\.0: all must be in \(0, 1\)"):
            function(mu=np.full((3000, 1), 0.25), **{**others, "q": [0.5, 1.0]})


def test_the_bad_element_of_required_values_is_named():
    eps, fraction = np.ones(10_000), np.full(10_000, 0.5)
    eps[4097], fraction[4098] = -1.0, 1.5
    for function in (bounds.required_error_rate, bounds.log_required_error_rate):
        with pytest.raises(ValueError, match=r"eps\[4097\]=-1\.0"):
            function(eps)
        with pytest.raises(ValueError, match=r"robust_fraction\[4098\]=1\.5"):
            function(1.0, robust_fraction=fraction)
        with pytest.raises(ValueError, match=r"sigma=-1\.0 must be >= 0"):
            function(np.ones(10_000), -1.0)
    with pytest.raises(ValueError, match=r"robust_fraction\[4098\]=1\.5"):
        bounds.required_sigma(1.0, 0.1, robust_fraction=fraction)


@bounds_and_options
def test_nothing_is_computed_for_empty_arrays_but_they_are_checked(name, options):
    function = getattr(bounds, name)
    good, bad = with_sigma(name, 0.3), with_sigma(name, -1.0) or {"eps": -1.0}
    assert function(mu=np.empty((0, 3)), **{**good, **options}).shape == (0, 3)
    with pytest.raises(ValueError, match=r"(sigma|eps)=-1\.0 must be >= 0"):
        function(mu=[], **{**options, **bad})


def test_types_are_refused_by_name():
    with pytest.raises(TypeError, match="mu='a' must be a real number"):
        bounds.enlargement("a", 0.5)
    with pytest.raises(TypeError, match="eps is a masked array"):
        bounds.enlargement(0.1, np.ma.array([1.0]))
    with pytest.raises(TypeError, match=r"mu=0\.1j must be a real number"):
        bounds.halfspace_distance(0.1j)


def test_the_import_compiles_nothing():
    code = "import sys, isoperimetry.bounds; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
