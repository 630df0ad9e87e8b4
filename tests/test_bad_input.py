"""Every public function of the bounds, the sets and the special functions, tried with every kind of bad input.

The functions are found, not listed: a new one, or a new argument, fails here until it is known to the tables below.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import math
import re
from dataclasses import dataclass, field

import numpy as np
import pytest

from isoperimetry import sets
from isoperimetry.bounds import half_space_of_measure
from isoperimetry.special import ndtr, ndtri

MODULES = ("bounds", *(f"bounds.{name}" for name in "sphere cube ball hamming logconcave laplace generator".split()),
           "special")  # fmt: skip
FORMS = ("mu", "log_mu", "accuracy", "log_accuracy")
NAN, INF = math.nan, math.inf


@dataclass
class Argument:
    """What is good for an argument, and what is bad: values with the exception that they raise."""

    good: object
    values: tuple = ()
    types: tuple = ("0.1", None, [1j], np.ma.masked_array([0.1, 0.2], [True, False]))
    broadcasts: bool = True
    more: dict = field(default_factory=dict)


RATE = Argument(0.01, (-0.1, 1.1, [0.1, 2.0], [[0.1, -1e-300]]))
LOG_RATE = Argument(-3.0, (0.1, INF, [-1.0, 1e-300]))
POSITIVE = Argument(1.5, (0.0, -1.0, [1.0, -2.0]))
LENGTH = Argument(1.5, (-1.0, -INF, [1.0, -2.0]))
COUNT = Argument(10, (0, -3), ("10", 2.5, [1j]), broadcasts=False)
NORM = Argument(2.0, (0.5, -1.0, NAN, [2.0, 3.0]), ("2",), broadcasts=False)
ANY = Argument(0.7, ())
CORRELATION = Argument(0.5, (-1.1, 1.1, [0.5, 2.0]))
COVARIANCE = Argument([2.0, 1.0, 3.0], (-1.0, [-1.0, 1.0, 1.0], [[1.0, 2.0]], [NAN, 1.0, 1.0]), (["a"], [1j]), False)

ARGUMENTS = {
    "mu": RATE, "accuracy": Argument(0.9, RATE.values), "log_mu": LOG_RATE, "log_accuracy": LOG_RATE,
    "sigma": Argument(1.5, LENGTH.values), "sigma_new": LENGTH, "eps": LENGTH, "radius": POSITIVE, "scale": POSITIVE,
    "side": POSITIVE, "half_width": POSITIVE, "lipschitz": POSITIVE, "distance": LENGTH, "t": LENGTH,
    "steps": Argument(2, (-1, [1, -1]), ("2", [1j])),
    "q": Argument(0.4, (0.0, 1.0, -0.5, 1.5, [0.5, 1.0])), "robust_fraction": Argument(0.4, RATE.values),
    "dim": COUNT, "classes": Argument(10, (1, 0, -3), ("10", 2.5), broadcasts=False), "p": NORM, "cov": COVARIANCE,
    "parts": Argument(3, (0, -1), ("3", 2.5), broadcasts=False),
    "normal": Argument([1.0, 2.0, 2.0], ([0.0] * 3, [NAN, 1.0], [INF, 1.0], [], 1.0, [[1.0]]), (["a"], [1j]), False),
    "theta": Argument(1.0, (-0.1, 3.2, [1.0, 4.0])), "metric": Argument("chord", ("l2",), (), False),
    "around": Argument("mean", ("mode",), (), False), "conditional": Argument(False, (), (), False),
    "p_a": Argument(0.9, RATE.values), "p_b": Argument(0.05, RATE.values), "error_rate": Argument(0.1, RATE.values),
    "log_error_rate": LOG_RATE,
    "probabilities": Argument([0.5, 0.3, 0.2], ([0.5, 0.6], [-0.1, 1.1], [1.2, -0.2], [], 1.0), (["a"], None), False),
    "values": Argument([0.2, 0.4], ([0.2, 1.4], [-0.1, 0.4]), (["a", "b"], None), False),
    "gradient_norms": Argument([1.0, 2.0], ([-1.0, 2.0],), (["a", "b"], None), False),
    "weights": Argument([0.5, 0.5], ([-0.5, 1.5], [0.0, 0.0]), (["a", "b"],), False),
    "error_set": Argument(sets.Ball([1.0, 0.0], 1.0), (), (3.0, None, [1.0]), False),
    "center": Argument([0.5, 0.0], ([0.5], 1.0, [INF, 0.0], [[0.5, 0.0]]), (["a", "b"],), False),
    "cdf": Argument(ndtr, (), (0.5,), False), "ppf": Argument(ndtri, (), (0.5,), False),
    "sf": Argument(lambda x: ndtr(-x), (), (0.5,), False), "isf": Argument(lambda p: -ndtri(p), (), (0.5,), False),
}  # fmt: skip

# Where a name means something else, or a value that is bad elsewhere is good.
EXCEPTIONS = {
    ("bounds.lipschitz_tail", "t"): ANY, ("bounds.log_lipschitz_tail", "t"): ANY,
    ("bounds.hamming.log_ball_measure", "radius"): Argument(3, (), ("3", [1j])),
    ("bounds.noise_norm", "dim"): Argument(10, (0, -3, [3, 0]), ("10", 2.5, [1j])),
    ("bounds.noise_stability", "rho"): CORRELATION, ("bounds.log_noise_stability", "rho"): CORRELATION,
    ("bounds.lipschitz_tail", "lipschitz"): LENGTH, ("bounds.log_lipschitz_tail", "lipschitz"): LENGTH,
    ("bounds.certified_radius_laplace", "scale"): LENGTH, ("bounds.certified_radius_uniform", "half_width"): LENGTH,
    ("bounds.efficiency", "sigma"): Argument(1.5, (0.0, -1.0, NAN, [1.0, 2.0]), broadcasts=False),
    ("bounds.efficiency", "q"): Argument(0.4, (0.0, 1.0, -0.5, [0.4, 0.5]), broadcasts=False),
}  # fmt: skip

# Arguments that are only good together, or that exclude one another.
LEFT_OUT = {
    "bounds.certified_radius": ("error_rate", "log_error_rate"),
    "bounds.certified_radius_laplace": ("error_rate", "log_error_rate"),
    "bounds.certified_radius_uniform": ("error_rate", "log_error_rate"),
    "bounds.median_distance_bound_norm": ("cov",),
}


def public_functions() -> dict[str, object]:
    found = {}
    for module in MODULES:
        home = importlib.import_module(f"isoperimetry.{module}")
        for name, value in vars(home).items():
            listed = getattr(home, "__all__", None)
            own = name in listed if listed else value.__module__ == home.__name__ if callable(value) else False
            if inspect.isfunction(value) and own and not name.startswith("_"):
                found[f"{module}.{name}"] = value
    return found


FUNCTIONS = public_functions()
BOUNDS = {name: function for name, function in FUNCTIONS.items() if name.startswith("bounds")}


def arguments_of(name: str) -> dict[str, Argument]:
    left_out = LEFT_OUT.get(name, ())
    return {
        key: EXCEPTIONS.get((name, key)) or ARGUMENTS[key]
        for key in inspect.signature(FUNCTIONS[name]).parameters
        if key not in left_out
    }


def good_call(name: str) -> dict[str, object]:
    """Good values for all arguments; of the forms of a rate, the first."""
    given = {key: argument.good for key, argument in arguments_of(name).items()}
    return {key: value for key, value in given.items() if key == "mu" or key not in FORMS}


def one_sentence(error: Exception, key: str) -> None:
    text = str(error)
    assert re.search(rf"\b{key}\b", text), text
    assert "\n" not in text and text[-1] in ".)", text


@pytest.mark.parametrize("name", BOUNDS)
def test_every_argument_is_known_and_good_ones_are_taken(name):
    result = FUNCTIONS[name](**good_call(name))
    if not isinstance(result, sets.HalfSpace):
        assert np.all(np.isfinite(result))


def tried() -> list[tuple[str, str, object, type[Exception]]]:
    cases = []
    for name in BOUNDS:
        for key, argument in arguments_of(name).items():
            cases += [(name, key, value, ValueError) for value in argument.values]
            default = inspect.signature(FUNCTIONS[name]).parameters[key].default
            cases += [
                (name, key, value, TypeError) for value in argument.types if not (value is None and default is None)
            ]
    return cases


@pytest.mark.parametrize(("name", "key"), sorted({(name, key) for name, key, *_ in tried()}))
def test_bad_values_are_refused_in_one_sentence(name, key):
    for other, other_key, value, kind in tried():
        if (other, other_key) == (name, key):
            call = {**good_call(name), key: value}
            if key in FORMS[1:]:
                del call["mu"]
            with pytest.raises(kind) as caught:
                FUNCTIONS[name](**call)
            one_sentence(caught.value, key)


@pytest.mark.parametrize("name", [name for name in BOUNDS if "mu" in arguments_of(name)])
def test_the_rate_is_given_once(name):
    function, call = FUNCTIONS[name], good_call(name)
    results = []
    for form, value in zip(FORMS, (0.3, math.log(0.3), 0.7, math.log(0.7)), strict=True):
        rest = {key: good for key, good in call.items() if key != "mu"}
        results.append(function(**rest, **{form: value}))
        for second in FORMS:
            if second != form:
                with pytest.raises(TypeError, match="pass exactly one of mu, log_mu=, accuracy=, log_accuracy="):
                    function(**rest, **{form: value, second: 0.0})
    with pytest.raises(TypeError, match="given as nothing: pass exactly one of mu"):
        function(**{key: good for key, good in call.items() if key != "mu"})
    if not isinstance(results[0], sets.HalfSpace):
        for result in results[1:]:
            assert result == pytest.approx(results[0], rel=1e-13)


@pytest.mark.parametrize("name", BOUNDS)
def test_shapes_that_do_not_broadcast_are_named(name):
    if BOUNDS[name] is half_space_of_measure:
        return
    keys = [key for key, argument in arguments_of(name).items() if argument.broadcasts and key in good_call(name)]
    for first, second in itertools.pairwise(keys):
        call = good_call(name)
        call[first], call[second] = np.full(2, call[first]), np.full(3, call[second])
        with pytest.raises(ValueError, match="do not broadcast") as caught:
            FUNCTIONS[name](**call)
        one_sentence(caught.value, first)


# Sets: each with good arguments, and the bad ones of each argument.
POINT = ([NAN, 0.0, 0.0], [INF, 0.0, 0.0], [], 1.0, [[1.0]])
WORDS = (["a"], [1j])
SETS = {
    sets.HalfSpace: {"normal": ([1.0, 2.0, 2.0], ([0.0, 0.0], *POINT), WORDS), "offset": (1.0, (NAN, [1.0]), ("1",))},
    sets.Slab: {
        "normal": ([1.0, 2.0, 2.0], ([0.0, 0.0], *POINT), WORDS), "center_offset": (0.5, (NAN, INF, [1.0]), ("1",)),
        "half_width": (1.0, (-1.0, NAN, [1.0]), ("1",)),
    },
    sets.Ball: {"center": ([1.0, 0.0, 0.0], POINT, WORDS), "radius": (1.5, (-1.0, NAN, [1.0]), ("1",))},
    sets.Shell: {
        "center": ([1.0, 0.0, 0.0], POINT, WORDS), "inner": (1.0, (-1.0, NAN, 3.0, [1.0]), ("1",)),
        "outer": (2.0, (-1.0, NAN, 0.5, [1.0]), ("1",)),
    },
    sets.Cylinder: {
        "center": ([1.0, 0.0], ([NAN, 0.0], [INF, 0.0], [], 1.0, [[1.0]], [1.0] * 9), WORDS),
        "radius": (1.5, (-1.0, NAN, [1.0]), ("1",)), "dim": (3, (0, -1, 1), (2.5, "3")),
    },
    sets.Box: {
        "low": ([-1.0, -2.0, 0.0], ([NAN, 0.0, 0.0], [3.0, 0.0, 0.0], [INF, 0.0, 0.0], [], 1.0, [1.0]), WORDS),
        "high": ([1.0, 2.0, 2.0], ([NAN, 9.0, 9.0], [-INF, 9.0, 9.0], [], 1.0, [9.0]), WORDS),
    },
    sets.Orthant: {"thresholds": ([1.0, 0.0, -INF], ([NAN, 0.0], [INF, 0.0], [], 1.0, [[1.0]]), WORDS)},
    sets.Wedge: {"angle": (1.0, (-0.1, 6.3, NAN, [1.0]), ("1",))},
    sets.Cone: {"half_angle": (1.0, (-0.1, 3.2, NAN, [1.0]), ("1",)), "dim": (3, (0, -1), (2.5, "3"))},
    sets.Paraboloid: {
        "offset": (1.0, (NAN, INF, [1.0]), ("1",)), "curvature": (0.5, (NAN, INF, [1.0]), ("1",)),
        "dim": (3, (0, -1), (2.5, "3")),
    },
    sets.Quadric: {
        "A": ([1.0, 2.0, -1.0], ([NAN, 1.0, 1.0], [INF, 1.0, 1.0], [1.0], [[1.0, 2.0, 0.0]] * 3, 1.0), (["a"],)),
        "b": ([1.0, 0.0, 0.0], ([NAN, 0.0, 0.0], [1.0], 1.0), (["a"],)), "c": (1.0, (NAN, INF, [1.0]), ("1",)),
    },
    sets.UnionOfHalfSpaces: {
        "normals": ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], ([[0.0] * 3] * 2, [[NAN, 1.0]] * 2, [1.0], [[]]), (["a"],)),
        "offsets": ([1.0, 2.0], ([NAN, 1.0], [INF, 1.0], [1.0], 1.0), (["a"],)),
    },
}  # fmt: skip
MADE_OF_SETS = (sets.Complement, sets.Union, sets.Moved)  # their arguments are tested in their own files
NO_SETS = (sets.ErrorSet, sets.DistanceLaw)


def a_set(kind: type) -> object:
    return kind(**{key: good for key, (good, *_) in SETS[kind].items()})


def test_every_set_is_known():
    classes = {value for name in sets.__all__ if inspect.isclass(value := getattr(sets, name))}
    assert classes == {*SETS, *MADE_OF_SETS, *NO_SETS}
    functions = {name for name in sets.__all__ if inspect.isfunction(getattr(sets, name))}
    assert functions == {"describe", "from_description", "rotate", "scale", "translate"}


@pytest.mark.parametrize("kind", SETS, ids=lambda kind: kind.__name__)
def test_sets_refuse_bad_arguments(kind):
    assert list(SETS[kind]) == [key for key in inspect.signature(kind).parameters if not key.startswith("_")]
    good = {key: value for key, (value, *_) in SETS[kind].items()}
    for key, (_, values, types) in SETS[kind].items():
        for value, error in [*((value, ValueError) for value in values), *((value, TypeError) for value in types)]:
            with pytest.raises(error) as caught:
                kind(**{**good, key: value})
            text = str(caught.value)
            assert "\n" not in text and text.endswith(".") and re.search(rf"\b{key}\b|\bdim\b", text), text


EXAMPLES = [
    *map(a_set, SETS),
    sets.Complement(a_set(sets.Ball)),
    sets.translate(a_set(sets.Ball), [1.0, 0.0, 0.0]),
    sets.Union(a_set(sets.Ball), sets.Ball([9.0, 0.0, 0.0], 1.0)),
]


@pytest.mark.parametrize("error_set", EXAMPLES, ids=lambda error_set: type(error_set).__name__)
def test_methods_of_sets_refuse_bad_arguments(error_set):
    dim = error_set.dim
    for method in ("contains", "signed_distance"):
        for bad in (np.zeros((4, dim + 1)), np.zeros(dim + 2), 1.0, np.zeros((dim, 0))):
            with pytest.raises(ValueError, match=rf"has dim={dim} but x has shape .*: the last axis must equal dim\."):
                getattr(error_set, method)(bad)
        for bad in (["a"] * dim, [1j] * dim, None):
            with pytest.raises(TypeError, match="x"):
                getattr(error_set, method)(bad)
    volumes = ["volume", "log_volume", "enlarged_volume", "complement_volume", "complement_log_volume"]
    for method in volumes:
        function = getattr(error_set, method)
        first = (0.5,) if method == "enlarged_volume" else ()
        if method == "enlarged_volume" and "enlarged_volume" not in error_set.capabilities:
            first = (0.0,)
        for center in (np.zeros(dim + 1), np.zeros((2, dim)), 1.0, np.full(dim, INF)):
            with pytest.raises(ValueError, match="center"):
                function(*first, center)
        for sigma in (-1.0, [1.0, -1.0]):
            with pytest.raises(ValueError, match="sigma"):
                function(*first, sigma=sigma)
        with pytest.raises(TypeError, match="sigma"):
            function(*first, sigma="1")
        with pytest.raises(TypeError, match="center"):
            function(*first, ["a"] * dim)
    for bad in (-1.0, [0.5, -0.5]):
        with pytest.raises(ValueError, match="eps"):
            error_set.enlarged_volume(bad)
    for p in (0.5, NAN, [1.0, 2.0]):
        with pytest.raises(ValueError, match=r"\bp\b"):
            error_set.enlarged_volume(0.0, p=p)
    with pytest.raises(ValueError, match="do not broadcast"):
        error_set.enlarged_volume(np.zeros(2), sigma=np.ones(3))


@pytest.mark.parametrize("error_set", EXAMPLES, ids=lambda error_set: type(error_set).__name__)
def test_nan_passes_through(error_set):
    dim = error_set.dim
    assert math.isnan(error_set.signed_distance(np.full(dim, NAN)))
    assert math.isnan(error_set.volume(sigma=NAN)) and math.isnan(error_set.volume(np.full(dim, NAN)))
    assert math.isnan(error_set.log_volume(sigma=NAN)) and math.isnan(error_set.enlarged_volume(NAN))
    assert not error_set.contains(np.full(dim, NAN)) or isinstance(error_set, sets.Complement)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.startswith("special")])
def test_special_functions_refuse_other_types(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    good = {"shape": 3, "key": 1, "counter": 2, "dtype": "float64"}
    keys = [key for key, p in parameters.items() if p.default is inspect.Parameter.empty]
    for key in keys:
        with pytest.raises(TypeError):
            FUNCTIONS[name](**{other: good.get(other, 0.5) for other in keys if other != key}, **{key: "0.5"})
