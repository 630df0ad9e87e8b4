from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given

from isoperimetry.errors import NotExact
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    Cone,
    Cylinder,
    HalfSpace,
    Moved,
    Orthant,
    Paraboloid,
    Quadric,
    Shell,
    Slab,
    Union,
    UnionOfHalfSpaces,
    Wedge,
    describe,
    from_description,
    rotate,
    scale,
    translate,
)
from isoperimetry.testing.strategies import error_sets

INF = math.inf
TURN = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
BALL = {"type": "Ball", "center": [1.0, 0.0, 0.0], "radius": 1.5}
SETS = [
    HalfSpace([1.0, 2.0, -2.0], 0.7), HalfSpace([1.0, 2.0, -2.0], -INF), Slab([1.0, 2.0, -2.0], 0.5, 0.4),
    Ball([0.5, 0.0, 1.0], 1.2), Ball(np.ones(9), INF), Shell([0.5, 0.0, 1.0], 0.4, INF),
    Cylinder([0.5, 1.0], 1.2, 784), Box([-1.0, 0.0, -INF], [0.5, 1.5, INF]), Orthant([0.1, -INF, -0.2]),
    Orthant(np.full(784, -3.0)), Wedge(1.0), Cone(0.7, 12), Paraboloid(0.5, -0.2, 5),
    UnionOfHalfSpaces([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]], [0.9, 1.2]), UnionOfHalfSpaces(3.0 * np.eye(7), np.ones(7)),
    Quadric([2.0, 0.5, 0.5], [-4.0, 0.0, 1.0], 1.0), Quadric([[2.0, 1.0], [1.0, 0.5]], [0.0, 0.0], -3.0),
    Quadric((np.eye(6, 2) + 0.1, np.array([1.0, -2.0])), np.arange(6.0), 0.3),
    Complement(Box(-2 * np.ones(8), 2 * np.ones(8))), Union(Ball([3.0, 0.0], 1.0), Complement(Ball([0.0, 0.0], 9.0))),
    translate(Cone(0.7, 3), [0.3, -0.2, 1.0]), scale(Ball([1.0, 0.0], 1.0), 2.0),
    translate(scale(Paraboloid(0.5, 0.2, 5), 1.5), np.eye(5)[2]), translate(Ball([1.0, 0.0], 1.0), [0.0, 0.0]),
    rotate(Box([-1.0, 0.0, -INF], [0.5, 1.5, INF]), TURN), rotate(Wedge(1.0), start=[1.0, 0.0], end=[1.0, 5.0]),
    translate(scale(rotate(Cone(0.7, 3), TURN), 0.5), [0.3, -0.2, 1.0]),
    rotate(translate(rotate(Cone(0.7, 3), TURN), [0.3, -0.2, 1.0]), start=[1.0, 2.0, 3.0], end=[-1.0, 2.0, 0.0]),
    Complement(translate(Union(HalfSpace([1.0, 0.0], 2.0), Slab([0.0, 1.0], 5.0, 1.0)), [0.5, 0.5])),
]  # fmt: skip


def both(function):
    try:
        return function()
    except NotExact as error:
        return type(error)


def assert_same(first, second, x, tolerance):
    for name in ("contains", "signed_distance"):
        one, other = both(lambda name=name: getattr(first, name)(x)), both(lambda name=name: getattr(second, name)(x))
        assert one is other if one is NotExact else one == pytest.approx(other, rel=tolerance, abs=tolerance)
    for name in ("log_volume", "complement_log_volume"):
        one, other = (both(lambda name=name, s=s: getattr(s, name)(0.1 * x[0], 0.8)) for s in (first, second))
        assert one is other if one is NotExact else one == pytest.approx(other, rel=100 * tolerance, abs=1e-300)


@pytest.mark.parametrize("error_set", SETS, ids=lambda s: type(s).__name__)
def test_there_and_back(error_set, rng):
    description = describe(error_set)
    text = json.dumps(description, allow_nan=False)
    back = from_description(json.loads(text))
    assert back.dim == error_set.dim
    turned = "rotate" in text  # in a plane: its second direction is known to rounding
    assert_same(back, error_set, rng.normal(size=(20, error_set.dim)), 1e-12 if turned else 0.0)
    if not turned:
        assert describe(back) == description


@given(error_set=error_sets())
def test_all_sets_have_descriptions(error_set):
    back = from_description(json.loads(json.dumps(describe(error_set), allow_nan=False)))
    x = np.random.default_rng(0).normal(size=(5, error_set.dim))
    assert_same(back, error_set, x, 1e-9 if "rotate" in str(describe(error_set)) else 0.0)


def test_every_type_is_described():
    types = set()

    def collect(description):
        if isinstance(description, dict):
            types.add(description.get("type"))
            for value in description.values():
                collect(value)
        elif isinstance(description, list):
            for value in description:
                collect(value)

    for error_set in SETS:
        collect(describe(error_set))
    with pytest.raises(ValueError, match="must be one of") as caught:
        from_description({"type": "Bal"})
    known = str(caught.value).removesuffix(".").split("must be one of ")[1].split(", ")
    assert types - {None} == set(known)


def test_what_is_written():
    assert describe(HalfSpace([1.0, 0.0], INF)) == {"type": "HalfSpace", "normal": [1.0, 0.0], "offset": "inf"}
    assert describe(translate(scale(Wedge(1.0), 2.0), [3.0, 0.0])) == {
        "type": "translate", "shift": [3.0, 0.0],
        "set": {"type": "scale", "factor": 2.0, "set": {"type": "Wedge", "angle": 1.0}},
    }  # fmt: skip
    box = describe(Box([-INF] * 784, 5 * np.eye(784)[3]))
    assert box["low"] == {"repeat": "-inf", "dim": 784} and box["high"] == {"axis": 3, "dim": 784, "times": 5.0}
    union = describe(UnionOfHalfSpaces(np.eye(6)[:2], [1.0, 2.0]))
    assert union["normals"] == [{"axis": 0, "dim": 6}, {"axis": 1, "dim": 6}] and union["offsets"] == [1.0, 2.0]
    assert describe(Quadric((np.ones((5, 1)), [2.0]), np.zeros(5), 1.0))["A"] == {
        "columns": [{"repeat": 1.0, "dim": 5}], "weights": [2.0],
    }  # fmt: skip


def test_what_a_person_may_write():
    half = from_description({"type": "HalfSpace", "normal": {"axis": 1, "dim": 3}, "offset": 2})
    assert half.normal.tolist() == [0, 1, 0] and half.offset == 2
    ball = from_description({"type": "Ball", "center": {"repeat": 0.5, "dim": 4}, "radius": "inf"})
    assert ball.center.tolist() == [0.5] * 4 and ball.radius == INF
    matrix = from_description({"type": "Quadric", "A": [[2, 0], {"axis": 1, "dim": 2}], "b": [0, 0], "c": -1})
    assert matrix.A.tolist() == [[2, 0], [0, 1]]
    low_rank = from_description({
        "type": "Quadric", "A": {"columns": [{"axis": 0, "dim": 3, "times": 2}, [1, 1, 0]], "weights": [1, -1]},
        "b": {"repeat": 0, "dim": 3}, "c": 1,
    })  # fmt: skip
    assert low_rank.A[0].tolist() == [[2, 1], [0, 1], [0, 0]] and low_rank.A[1].tolist() == [1, -1]
    turned = from_description({"type": "rotate", "set": BALL, "start": [1, 0, 0], "end": {"axis": 2, "dim": 3}})
    assert isinstance(turned, Moved) and turned.signed_distance([0.0, 0.0, 1.0]) == pytest.approx(-1.5)
    arrays = from_description({"type": "Box", "low": np.zeros(2), "high": (1.0, np.float32(2.0))})
    assert arrays.low.tolist() == [0, 0] and arrays.high.tolist() == [1, 2]
    given_back = {"type": "Complement", "set": dict(BALL)}
    from_description(given_back)
    assert given_back == {"type": "Complement", "set": BALL}  # what is given is not changed


@pytest.mark.parametrize(
    ("description", "error", "message"),
    [
        (3, TypeError, "description=3 must be a dictionary with the key 'type'."),
        ({"center": [0]}, ValueError, "description has no field 'type': it must be one of Ball, "),
        ({"type": "Bal"}, ValueError, "type='Bal' must be one of Ball, Box, Complement, "),
        ({"type": ["Ball"]}, ValueError, "type=['Ball'] must be one of Ball, "),
        ({"type": "Ball", "center": [0.0]}, ValueError, "radius is missing: the fields of Ball are center, radius."),
        ({**BALL, "radios": 1}, ValueError, "radios is not known: the fields of Ball are center, radius."),
        ({**BALL, "radius": -1}, ValueError, "radius=-1.0 must be >= 0: it is a radius"),
        ({**BALL, "radius": True}, TypeError, 'radius=True must be a number, or one of the strings "inf" and "-inf".'),
        ({**BALL, "radius": "wide"}, TypeError, "radius='wide' must be a number"),
        ({**BALL, "radius": 10**400}, ValueError, "radius=1000000000"),
        ({**BALL, "center": 1.0}, TypeError, "center=1.0 must be a list of numbers, or {\"repeat\": value"),
        ({**BALL, "center": [1.0, None]}, TypeError, "center[1]=None must be a number"),
        ({**BALL, "center": [1.0, "inf"]}, ValueError, "center has 1 entry outside its range"),
        ({**BALL, "center": {"repeat": 1}}, ValueError, "center has the fields repeat: a vector is a list, or has"),
        ({**BALL, "center": {"axis": 3, "dim": 3}}, ValueError, "center.axis=3 must be below dim=3"),
        ({**BALL, "center": {"axis": -1, "dim": 3}}, ValueError, "center.axis=-1 must be >= 0"),
        ({**BALL, "center": {"repeat": 1, "dim": 2.5}}, TypeError, "center.dim=2.5 must be an integer."),
        ({**BALL, "center": {"repeat": [1], "dim": 2}}, TypeError, "center.repeat=[1] must be a number"),
        ({"type": "Cone", "half_angle": 1, "dim": True}, TypeError, "dim=True must be an integer."),
        ({"type": "Cone", "half_angle": 1, "dim": 1}, ValueError, "dim=1 must be >= 2"),
        ({"type": "Complement", "set": {**BALL, "radius": -1}}, ValueError, "set.radius=-1.0 must be >= 0"),
        ({"type": "Complement", "set": [BALL]}, TypeError, "set=[{'type': 'Ball'"),
        ({"type": "Union", "sets": [BALL, {**BALL, "radius": -1}]}, ValueError, "sets[1].radius=-1.0 must be >= 0"),
        ({"type": "Union", "sets": [BALL, {"type": "X"}]}, ValueError, "sets[1].type='X' must be one of Ball"),
        ({"type": "Union", "sets": [BALL, {"type": "Ball"}]}, ValueError, "sets[1].center is missing: the fields"),
        ({"type": "Union", "sets": [BALL, 3]}, TypeError, "sets[1]=3 must be a dictionary"),
        ({"type": "Union", "sets": BALL}, TypeError, "sets={'type': 'Ball'"),
        ({"type": "Union", "sets": []}, TypeError, "Union needs at least one set"),
        ({"type": "Complement", "set": {"type": "Union", "sets": [BALL, {"type": "Wedge", "angle": 1}]}},
         ValueError, "set: The sets of a union have the dimensions [3, 2]"),
        ({"type": "Complement", "set": {"type": "translate", "set": BALL, "shift": [1]}},
         ValueError, "set: Ball has dim=3 but shift has shape (1,)"),
        ({"type": "scale", "set": BALL, "factor": 0}, ValueError, "factor=0.0 must be finite and > 0"),
        ({"type": "rotate", "set": BALL}, TypeError, "A rotation is given by matrix, or by start= and end="),
        ({"type": "rotate", "set": BALL, "matrix": [[1, 0], [0]]}, ValueError, "matrix[1] has 1 entries but matrix[0]"),
        ({"type": "Quadric", "A": {"columns": []}, "b": [0], "c": 1}, ValueError, 'A must have the fields "columns"'),
        ({"type": "Quadric", "A": {"columns": [], "weights": []}, "b": [0], "c": 1}, ValueError, "A must have "),
        ({"type": "Union", "sets": [{"type": "Quadric", "A": [1, 2], "b": [0], "c": 1}]},
         ValueError, "sets[0].A has shape (2,) but must have"),
        ({"type": "UnionOfHalfSpaces", "normals": [1.0], "offsets": [1.0]}, TypeError, "normals[0]=1.0 must be a list"),
    ],
)  # fmt: skip
def test_wrong_descriptions(description, error, message):
    with pytest.raises(error) as caught:
        from_description(description)
    text = str(caught.value)
    assert text.startswith(message) and "\n" not in text and text.endswith("."), text


def test_sets_without_description():
    class Own(Ball):
        pass

    for error_set in (Own([0.0], 1.0), 3, Complement(Own([0.0], 1.0))):
        with pytest.raises(TypeError, match="has no description: it must be made of the sets"):
            describe(error_set)
    with pytest.raises(TypeError, match="it is turned by a function, so make it with rotate"):
        describe(Moved(Ball([0.0], 1.0), np.zeros(1), 1.0, lambda points: -points))
