from __future__ import annotations

import importlib
import math
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp

from isoperimetry.bounds import logconcave
from isoperimetry.testing import reference

SQUARE_MEAN = "second_moment_distance_bound"

# From quadrature, exact binomial sums and secant roots in 50 to 60 digits, not from the formulas of the module.
KNOWN: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("ndtri", ("1e-1",), {}, "-1.28155156554460046697"),
    ("ndtri", ("1e-10",), {}, "-6.36134090240405620470"),
    ("ndtri", ("1e-20",), {}, "-9.26234008979840757372"),
    ("ndtri", ("0.999",), {}, "3.0902323061678135415"),
    ("ndtri_exp", (-1000000,), {}, "-1414.2077829910173270"),
    ("ndtri_exp", (-(10**12),), {}, "-1414213.5623624311554"),
    ("ndtri_exp", ("-1e-20",), {}, "9.2623400897984075737"),
    ("halfspace_distance", ("1e-300",), {}, "37.047096299361199237"),
    ("halfspace_distance", ("0.01", "0.1"), {}, "0.23263478740408411009"),
    ("enlargement", ("0.01", 1), {}, "0.092362248073693935853"),
    ("log_enlargement", ("1e-300", 10, "0.5"), {}, "-149.06007653950513329"),
    ("log_enlargement", (), {"log_mu": -1000000, "eps": 1000}, "-85790.989057267763589"),
    ("log_enlargement_complement", ("0.3", 40), {}, "-783.75673940952992436"),
    ("quantile_distance_bound", ("0.01",), {"q": "0.9"}, "3.6078994395854415679"),
    ("quantile_distance_bound", ("0.01",), {"q": "0.1"}, "1.0447963084962406339"),
    ("quantile_distance_bound", ("0.3",), {"q": "0.25"}, "0"),
    ("quantile_distance_bound", ("0.2",), {"q": "0.9", "conditional": True}, "2.2466927938825467611"),
    ("median_distance_bound", ("0.01",), {}, "2.3263478740408411009"),
    ("median_distance_bound", ("0.01",), {"conditional": True}, "2.3388813435489103640"),
    ("mean_distance_bound", ("0.01",), {}, "2.3297365375038907380"),
    ("mean_distance_bound", ("0.3",), {}, "0.71477297309570231196"),
    ("mean_distance_bound", ("0.999",), {}, "0.00027685777089617689015"),
    ("mean_distance_bound", ("0.01",), {"conditional": True}, "2.3532692298019098364"),
    (SQUARE_MEAN, ("0.01",), {}, "6.4097776410974464901"),
    ("required_error_rate", (2,), {}, "0.022750131948179207200"),
    ("required_error_rate", (2,), {"robust_fraction": "0.9"}, "0.00051618822964380845100"),
    ("log_required_error_rate", (100,), {}, "-5005.5242086942050886"),
    ("log_required_error_rate", (2000,), {}, "-2000008.5198412427466"),
    ("required_sigma", ("0.5", "0.01"), {}, "0.21492916239199660489"),
    ("required_sigma", ("0.5", "0.01"), {"robust_fraction": "0.9"}, "0.47856218090935099282"),
    ("required_sigma", ("0.5", "0.01"), {"robust_fraction": "0.1"}, "0.13858479383157405708"),
    ("required_sigma", ("0.5", "0.6"), {}, "inf"),
    ("gaussian_profile", ("0.5",), {}, "0.39894228040143267794"),
    ("gaussian_profile", ("0.01",), {}, "0.026652142203458048132"),
    ("log_gaussian_profile", ("1e-300",), {}, "-687.16261064027580437"),
    ("log_gaussian_profile", (), {"log_mu": -1000000}, "-999992.74567471738304"),
    ("error_rate_at_sigma", ("0.01", 1, 2), {}, "0.12237946934590258729"),
    ("log_error_rate_at_sigma", ("0.01", 1, "0.5"), {}, "-13.321962907302467827"),
    ("log_error_rate_at_sigma", ("0.01", 10, 1), {}, "-274.66238410359428633"),
    ("clopper_pearson_lower", (10, 1000), {"confidence": "0.95"}, "0.0054351401447067733352"),
    ("clopper_pearson_lower", (10, 1000), {"confidence": "0.975"}, "0.0048055106910493071916"),
    ("clopper_pearson_upper", (10, 1000), {"confidence": "0.975"}, "0.018313243055112452223"),
    ("clopper_pearson_upper", (0, 1000), {"confidence": "0.95"}, "0.0029912495450952962443"),
    ("clopper_pearson_lower", (1000, 1000), {"confidence": "0.95"}, "0.99700875045490470376"),
    ("clopper_pearson_lower", (0, 10), {}, "0"),
    ("clopper_pearson_upper", (10, 10), {}, "1"),
    ("log_chi2_cdf", (400, 784), {}, "-74.990575918994473521"),
    ("log_chi2_sf", (6, 2), {}, "-3"),
    ("log_ball_probability", (380, 150528), {}, "-67.453441716923396391"),
    ("log_ball_probability", (1, 5, 3), {}, "-7.1995465949159024928"),
    ("log_ball_probability", (20, 784, 5), {}, "-81.195378990065386677"),
    ("log_ball_probability", (40, 3072, 10), {}, "-294.03289984256815519"),
    ("log_ball_probability", (350, 150528, 30), {}, "-1582.8029073849649288"),
    ("log_ball_complement", (2, 2), {}, "-2"),
    ("betaln", ("0.5", "0.5"), {}, "1.1447298858494001741"),
    # the limit of 10 errors in 1000 draws, and the log of the cap of height 0.1 in 150528 dimensions with log 2 added
    ("log_betainc", (10, 991, "0.0054351401447067733352"), {}, "-2.9957322735539909934"),
    ("log_betaincc", ("0.5", "75263.5", "0.01"), {}, "-760.30826590775458059"),
    ("log_betainc_inv", (1, 1, -1000000), {}, "-1000000"),
    ("log_betaincc_inv", (1, 1, -1), {}, "-0.45867514538708189102"),
    ("noise_norm", (3,), {}, "1.5957691216057307118"),
    ("noise_norm", (150528,), {}, "387.97873653182388424"),
    ("worst_case_distance", ("0.01",), {"dim": 2}, "3.0348542587702927017"),
    ("worst_case_distance", ("0.01",), {"dim": 784}, "29.648758814116641819"),
    ("noise_stability", ("0.1", "0.6"), {}, "0.039017465045129032297"),
    ("log_binormal_sf", (0, 0, "0.5"), {}, "-1.0986122886681096914"),
    ("certified_radius", ("0.99",), {"sigma": "0.25"}, "0.58158696851021027522"),
    ("certified_radius", ("0.9", "0.05"), {"sigma": "0.5"}, "0.73160129812401829546"),
    ("certified_radius_laplace", ("0.99",), {"scale": 1}, "3.9120230054281460586"),
    ("certified_radius_laplace", ("0.9", "0.05"), {"scale": 1}, "1.9560115027140730293"),
    ("certified_radius_uniform", ("0.99",), {"half_width": 1}, "0.98"),
    ("lipschitz_tail", (2, 1), {}, "0.022750131948179207200"),
    ("log_lipschitz_tail", (100, 1), {}, "-5005.5242086942050886"),
    ("halfspace_distance_norm", ("0.01", [3, 4]), {"cov": [4, 1]}, "3.3551066177683578156"),
    ("halfspace_distance_norm", ("0.01", [3, -4, 0]), {"p": "inf"}, "1.6616770528863150721"),
    ("median_distance_bound_norm", ("0.01",), {"cov": [4, 1]}, "4.6526957480816822018"),
    ("median_distance_bound_norm", ("0.01",), {"dim": 784, "p": 1}, "65.137740473143550825"),
    ("sphere_cap_measure", (1, 3), {}, "0.22984884706593014130"),
    ("sphere_log_cap_measure", (1, 784), {}, "-138.78699741522591436"),
    ("sphere_cap_angle", ("0.01",), {"dim": 784}, "1.4876808256235475062"),
    ("sphere_enlargement", ("0.01", 1), {"dim": 784, "radius": 28}, "0.092384682731184551690"),
    ("sphere_log_enlargement", ("0.5", "0.5"), {"dim": 3}, "-0.30149331772522769601"),
    ("sphere_log_enlargement_complement", ("0.5", "0.5"), {"dim": 3}, "-1.3459695242821083564"),
    ("sphere_quantile_distance_bound", ("0.01",), {"dim": 784, "radius": 28}, "2.3272340327977751655"),
    ("sphere_quantile_distance_bound", ("0.01",), {"dim": 784, "radius": 28, "chord": True}, "2.3265642170235001881"),
    ("sphere_mean_distance_bound", ("0.5",), {"dim": 2}, "0.39269908169872415481"),
    ("ball_enlargement", ("0.01", "0.2"), {"dim": 10}, "0.053702441461181838920"),
    ("cube_enlargement", ("0.01", "0.5"), {}, "0.14162798978500117974"),
    ("cube_mean_distance_bound", ("0.01",), {}, "0.92943040700634005704"),
    ("hamming_log_ball_measure", (5, 20), {}, "-3.8778760716703552693"),
    ("hamming_enlargement", ("0.0105", 10), {"dim": 100}, "0.38217671720133340210"),
    ("hamming_quantile_distance_bound", ("0.0105",), {"dim": 100}, "12"),
    ("laplace_enlargement", ("0.01", 1), {}, "0.012264504019751569184"),
    ("laplace_log_enlargement", ("0.01", 1), {}, "-4.4010460407561598599"),
    ("laplace_log_enlargement_complement", ("0.01", 1), {}, "-0.0123403336959423102"),
    ("generator_multiclass", ("0.5", "0.5"), {"eps": 1}, "0.68268949213708589717"),
]

# Compared with the functions of the library, which take another route: the space, the function and its arguments.
COMPARED: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("sphere", "gaussian_enlargement", (0.01, 1.0), {"dim": 784, "radius": 28.0}),
    ("ball", "gaussian_enlargement", (0.01, 0.2), {"dim": 10, "radius": 1.5}),
    ("ball", "log_enlargement", (0.01, 0.2), {"dim": 10}),
    ("ball", "log_enlargement", (), {"log_mu": -1000.0, "eps": 0.5, "dim": 784, "radius": 2.0}),
    ("ball", "log_enlargement", (0.0, 0.2), {"dim": 10}),
    ("ball", "log_enlargement_complement", (0.3, 0.9), {"dim": 300, "radius": 2.0}),
    ("ball", "quantile_distance_bound", (0.01,), {"dim": 10, "q": 0.9}),
    ("ball", "quantile_distance_bound", (0.4,), {"dim": 10, "q": 0.25}),
    ("ball", "quantile_distance_bound", (0.0,), {"dim": 10}),
    ("ball", "mean_distance_bound", (0.01,), {"dim": 10, "radius": 2.0}),
    ("ball", "mean_distance_bound", (), {"accuracy": 0.3, "dim": 50}),
    ("ball", "mean_distance_bound", (0.0,), {"dim": 10}),
    ("cube", "log_enlargement", (), {"log_mu": -1e5, "eps": 20.0, "side": 3.0}),
    ("cube", "log_enlargement_complement", (0.5, 2.0), {}),
    ("cube", "quantile_distance_bound", (0.01,), {"q": 0.9, "side": 2.0}),
    ("hamming", "log_enlargement", (0.0105, 10), {"dim": 100}),
    ("hamming", "log_enlargement", (), {"log_mu": -100.0, "steps": 20, "dim": 300}),
    ("hamming", "log_enlargement", (), {"log_accuracy": -50.0, "steps": 3, "dim": 300}),
    ("hamming", "log_enlargement", (0.0105, 0), {"dim": 100}),
    ("hamming", "log_enlargement_complement", (0.5, 100), {"dim": 300}),
    ("hamming", "log_enlargement_complement", (0.25, 100), {"dim": 20}),
    ("hamming", "product_tail", (0.5, 20.0), {"dim": 100}),
    ("hamming", "product_tail", (0.9, 0.0), {"dim": 100}),
    ("hamming", "product_tail", (0.75, 9.0), {"dim": 100}),  # where 1 - mu is the smaller one
    ("hamming", "log_product_tail", (0.5, 10000.0), {"dim": 150528}),
    ("hamming", "log_product_tail", (), {"log_mu": -40.0, "distance": 90.0, "dim": 100}),
    ("hamming", "product_quantile_distance_bound", (0.01,), {"dim": 100, "q": 0.9}),
    ("hamming", "product_quantile_distance_bound", (0.3,), {"dim": 100, "q": 0.25}),
    ("hamming", "product_median_distance_bound", (), {"accuracy": 0.999, "dim": 100}),
    ("hamming", "product_mean_distance_bound", (), {"log_accuracy": -0.01, "dim": 100}),
    ("laplace", "quantile_distance_bound", (0.01,), {"q": 0.9, "scale": 3.0}),
    ("laplace", "quantile_distance_bound", (0.6,), {"q": 0.5}),
    ("laplace", "median_distance_bound", (), {"log_mu": -1000.0, "scale": 0.5}),
    ("logconcave", "enlargement", (0.01, 1.0), {"sigma": 2.0}),
    ("logconcave", "log_enlargement", (), {"log_mu": -1e6, "eps": 1000.0, "sigma": 0.5}),
    ("logconcave", "log_enlargement_complement", (0.3, 40.0), {"sigma": 0.5}),
    ("generator", "enlargement", (0.01, 1.0), {"lipschitz": 2.0}),
    ("generator", "log_enlargement", (), {"log_accuracy": -1e-5, "eps": 3.0, "lipschitz": 0.5}),
]


@pytest.mark.parametrize(("space", "name", "arguments", "keywords"), COMPARED)
def test_agrees_with_the_library(space: str, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    value = getattr(importlib.import_module(f"isoperimetry.bounds.{space}"), name)(*arguments, **keywords)
    truth = float(getattr(reference, f"{space}_{name}")(*arguments, **keywords, digits=25))
    assert math.isclose(value, truth, rel_tol=1e-12)


@pytest.mark.parametrize("rate", [{"mu": 0.01}, {"mu": 0.7}, {"log_mu": -30.0}, {"accuracy": 0.25}])
@pytest.mark.parametrize("eps", [0.0, 0.5, 2.0])
def test_line(rate: dict[str, float], eps: float) -> None:
    """The Gumbel distribution, whose half-lines to the left and to the right grow differently."""
    value = logconcave.enlargement_on_line(
        eps=eps, **rate,
        cdf=lambda x: np.exp(-np.exp(-x)), ppf=lambda p: -np.log(-np.log(p)),
        sf=lambda x: -np.expm1(-np.exp(-x)), isf=lambda p: -np.log(-np.log1p(-p)),
    )  # fmt: skip
    truth = reference.logconcave_enlargement_on_line(
        eps=eps, **rate, digits=25,
        cdf=lambda x: mp.exp(-mp.exp(-x)), ppf=lambda p: -mp.log(-mp.log(p)),
    )  # fmt: skip
    assert math.isclose(value, float(truth), rel_tol=1e-12)


@pytest.mark.parametrize(("name", "arguments", "keywords", "expected"), KNOWN)
def test_known_values(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], expected: str) -> None:
    value = getattr(reference, name)(*arguments, **keywords)
    with mp.workdps(60):
        assert value == mp.mpf(expected) or abs(value / mp.mpf(expected) - 1) < mp.mpf("1e-19")


def test_every_public_name_is_known() -> None:
    checked = {name for name, *_ in KNOWN} | {"ndtr", "log_ndtr", "mills_ratio", "log_mean_distance_bound"}
    checked |= {f"{space}_{name}" for space, name, *_ in COMPARED} | {"logconcave_enlargement_on_line"}
    checked |= {
        "affine_classifier_distance",
        "convex_distance_bound",
        "bobkov_gap",
        "log_noise_stability",
    }  # where the bounds are tested
    assert checked == set(reference.__all__)


@pytest.mark.parametrize("a", [-1000, -20, 0, 2])
def test_moments_are_the_quadrature_of_their_definition(a: int) -> None:
    """E max(0, a + G)**k = phi(a) times the integral of t**k exp(a t - t**2 / 2) over t > 0."""
    with mp.workdps(30):
        points = [mp.mpf(5 * k) / max(1, -a) for k in range(13)]
        mean, square = (mp.npdf(a) * mp.quad(lambda t, k=k: t**k * mp.exp(a * t - t * t / 2), points) for k in (1, 2))
        log_mu = reference.log_ndtr(-a)
        assert mp.almosteq(reference.mean_distance_bound(log_mu=log_mu), mean, mp.mpf("1e-18"))
        assert mp.almosteq(reference.log_mean_distance_bound(log_mu=log_mu), mp.log(mean), mp.mpf("1e-18"))
        assert mp.almosteq(reference.second_moment_distance_bound(log_mu=log_mu), square, mp.mpf("1e-18"))


@pytest.mark.parametrize("x", [-1e150, -1000.0, -38.0, -0.7, -1e-10, 1e-10, 0.6, 5.0])
def test_inverses(x: float) -> None:
    with mp.workdps(50):
        x = mp.mpf(x)
        assert mp.almosteq(reference.ndtri_exp(reference.log_ndtr(x, digits=400), digits=40), x, mp.mpf("1e-39"))
        if x > -1e4:
            assert mp.almosteq(reference.ndtri(reference.ndtr(x)), x, mp.mpf("1e-39"))
            assert mp.almosteq(reference.mills_ratio(x) * mp.npdf(x), reference.ndtr(-x), mp.mpf("1e-45"))


@pytest.mark.parametrize(("errors", "trials"), [(1, 5), (3, 50), (49, 50), (400, 1000)])
def test_clopper_pearson_solves_its_equation(errors: int, trials: int) -> None:
    """P[K >= errors] at the limit, by mpmath's incomplete beta function."""
    with mp.workdps(40):
        low = reference.clopper_pearson_lower(errors, trials, confidence="0.99")
        tail = mp.betainc(errors, trials - errors + 1, 0, low, regularized=True)
        assert mp.almosteq(tail, mp.mpf("0.01"), mp.mpf("1e-30"))
        high = reference.clopper_pearson_upper(trials - errors, trials, confidence="0.99")
        assert mp.almosteq(high, 1 - low, mp.mpf("1e-38"))


def test_four_forms_of_an_error_rate() -> None:
    with mp.workdps(80):
        mu = mp.mpf("0.03")
        forms = [{"mu": mu}, {"log_mu": mp.log(mu)}, {"accuracy": 1 - mu}, {"log_accuracy": mp.log1p(-mu)}]
        for function in (reference.halfspace_distance, reference.mean_distance_bound, reference.gaussian_profile):
            values = [function(**form, digits=50) for form in forms]
            assert all(mp.almosteq(value, values[0], mp.mpf("1e-45")) for value in values)
    with pytest.raises(TypeError, match="exactly one"):
        reference.halfspace_distance(0.1, log_mu=-1.0)
    with pytest.raises(TypeError, match="exactly one"):
        reference.halfspace_distance()


@pytest.mark.parametrize(
    ("mu", "expected"),
    [(0, {"median": "inf", "mean": "inf", "square": "inf"}), (1, {"median": "0", "mean": "0", "square": "0"})],
)
def test_limits(mu: int, expected: dict[str, str]) -> None:
    for conditional in (False, True):
        assert reference.median_distance_bound(mu, conditional=conditional) == mp.mpf(expected["median"])
        assert reference.mean_distance_bound(mu, conditional=conditional) == mp.mpf(expected["mean"])
    assert reference.second_moment_distance_bound(mu) == mp.mpf(expected["square"])
    assert reference.log_mean_distance_bound(mu) == (mpmath.inf if mu == 0 else -mpmath.inf)
    assert reference.gaussian_profile(mu) == 0


def test_digits_hold_where_terms_cancel() -> None:
    """More digits change nothing within the digits that were promised."""
    for function in (reference.mean_distance_bound, reference.second_moment_distance_bound):
        few, many = (function(log_accuracy=-1e12, digits=digits) for digits in (20, 200))
        assert abs(few / many - 1) < mp.mpf("1e-19")
    few, many = (reference.median_distance_bound(log_mu=-1e-300, conditional=True, digits=d) for d in (20, 200))
    assert abs(few / many - 1) < mp.mpf("1e-19")
