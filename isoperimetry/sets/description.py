"""Error sets as dictionaries that JSON can hold and a person can write, and back."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.results import to_json
from isoperimetry.sets.ball import Ball
from isoperimetry.sets.base import ComplementedSet
from isoperimetry.sets.box import Box
from isoperimetry.sets.cone import Cone
from isoperimetry.sets.cylinder import Cylinder
from isoperimetry.sets.halfspace import HalfSpace
from isoperimetry.sets.halfspaces import UnionOfHalfSpaces
from isoperimetry.sets.moved import Moved, _Matrix, _Mirrors, rotate, scale, translate
from isoperimetry.sets.orthant import Orthant
from isoperimetry.sets.paraboloid import Paraboloid
from isoperimetry.sets.quadric import Quadric
from isoperimetry.sets.shell import Shell
from isoperimetry.sets.slab import Slab
from isoperimetry.sets.transform import Complement
from isoperimetry.sets.union import Union
from isoperimetry.sets.wedge import Wedge

Reader = Callable[[Any, str], Any]

SHORT = 4  # entries of a vector that is written out whatever they are


def describe(error_set: ComplementedSet) -> dict[str, Any]:
    """Return an error set as a dictionary that JSON can hold; `from_description` takes it back.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        Any of them, unions, complements and moved sets included.

    Returns
    -------
    dict
        Strings, numbers, lists and dictionaries; infinities are the strings "inf" and "-inf". Long vectors with one
        value, and those along an axis, are written short: see `from_description`.

    Raises
    ------
    TypeError
        If the set is not one of the library, or is moved by a function of the user.

    Examples
    --------
    >>> from isoperimetry.sets import Ball, Complement
    >>> describe(Complement(Ball([0.0] * 784, radius=28.0)))
    {'type': 'Complement', 'set': {'type': 'Ball', 'center': {'repeat': 0.0, 'dim': 784}, 'radius': 28.0}}
    """
    if isinstance(error_set, Moved):
        return _describe_moved(error_set)
    kind = type(error_set).__name__
    form = _FORMS.get(kind)
    if form is None or form.make is not type(error_set):
        raise TypeError(
            f"error_set={error_set!r} has no description: it must be made of the sets of isoperimetry.sets."
        )
    if isinstance(error_set, Complement):
        return {"type": kind, "set": describe(error_set.error_set)}
    if isinstance(error_set, Union):
        return {"type": kind, "sets": [describe(one) for one in error_set.sets]}
    return {"type": kind, **{name: _written(getattr(error_set, name)) for name in form.fields}}


def from_description(description: dict[str, Any]) -> ComplementedSet:
    """Return the error set that a dictionary describes, for instance one read from a JSON file.

    Parameters
    ----------
    description : dict
        ``"type"`` names the set, and the other fields are the arguments of its constructor: ``{"type": "HalfSpace",
        "normal": [1, 0], "offset": 3}``. Sets made of others nest: ``{"type": "Complement", "set": {...}}``,
        ``{"type": "Union", "sets": [{...}, {...}]}``, and the moves "translate" with "set" and "shift", "scale" with
        "set" and "factor", and "rotate" with "set" and "matrix", or "start" and "end". For a vector write

        - a list of numbers, among them "inf" and "-inf" where a set takes them;
        - ``{"repeat": value, "dim": n}``: n entries of one value;
        - ``{"axis": i, "dim": n}``: 1 in the entry i, counted from 0, else 0; with ``"times": value`` that instead of
          1.

        A matrix is a list of vectors, its rows. The "A" of a `Quadric` is a matrix, a vector (its diagonal), or
        ``{"columns": [vector, ...], "weights": [...]}``, the sum of ``weights_j`` times the product of column j with
        itself.

    Returns
    -------
    set of `isoperimetry.sets`

    Raises
    ------
    ValueError
        If a type is not known, a field is missing or not known, or the set refuses a value; the message begins with
        the path of what is wrong, such as ``sets[1].radius``.
    TypeError
        If something is of the wrong type.

    Examples
    --------
    >>> far = {"type": "Ball", "center": {"axis": 0, "dim": 784, "times": 30.0}, "radius": 31.0}
    >>> errors = from_description({"type": "Union", "sets": [
    ...     far, {"type": "HalfSpace", "normal": {"repeat": 1.0, "dim": 784}, "offset": 3.0}]})
    >>> errors
    Union(Ball(dim=784, radius=31.0), HalfSpace(dim=784, offset=3.0))
    >>> from_description({"type": "Ball", "center": [0, 0], "radius": -1})
    Traceback (most recent call last):
    ValueError: radius=-1.0 must be >= 0: it is a radius, in the unit of the inputs.
    """
    return _read_set(description, "")


def _read_set(value: Any, path: str) -> ComplementedSet:
    if not isinstance(value, dict):
        raise TypeError(f"{path or 'description'}={_short(value)} must be a dictionary with the key 'type'.")
    if "type" not in value:
        raise ValueError(f"{path or 'description'} has no field 'type': it must be one of {', '.join(_FORMS)}.")
    kind = value["type"]
    if not isinstance(kind, str) or kind not in _FORMS:
        raise ValueError(f"{_join(path, 'type')}={_short(kind)} must be one of {', '.join(_FORMS)}.")
    form = _FORMS[kind]
    words = f"the fields of {kind} are {', '.join((*form.fields, *form.optional))}."
    for name in value:
        if name not in ("type", *form.fields, *form.optional):
            raise ValueError(f"{_join(path, name)} is not known: {words}")
    for name in form.fields:
        if name not in value:
            raise ValueError(f"{_join(path, name)} is missing: {words}")
    readers = {**form.fields, **form.optional}
    given = {name: reader(value[name], _join(path, name)) for name, reader in readers.items() if name in value}
    inside = [given.pop("set")] if "set" in given else given.pop("sets", [])
    try:
        return form.make(*inside, **given)
    except (TypeError, ValueError) as error:
        raise type(error)(_located(str(error), path, readers)) from error


def _located(message: str, path: str, names: dict[str, Reader]) -> str:
    """Return the message of a constructor with the path put before."""
    if not path:
        return message
    begins = any(message.startswith(name) and not message[len(name) :][:1].isalnum() for name in names)
    return f"{path}.{message}" if begins else f"{path}: {message}"


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read_sets(value: Any, path: str) -> list[ComplementedSet]:
    return [_read_set(one, f"{path}[{i}]") for i, one in enumerate(_listed(value, path, "sets"))]


def _listed(value: Any, path: str, what: str) -> list[Any]:
    if isinstance(value, np.ndarray) and value.ndim:
        return list(value)
    if not isinstance(value, list | tuple):
        raise TypeError(f"{path}={_short(value)} must be a list of {what}.")
    return list(value)


def _number(value: Any, path: str) -> float:
    if isinstance(value, str) and value in ("inf", "-inf"):
        return float(value)
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f'{path}={_short(value)} must be a number, or one of the strings "inf" and "-inf".')
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f'{path}={_short(value)} is beyond the largest float: write "inf" for no limit.') from None


def _whole(value: Any, path: str, *, low: int = 1) -> int:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{path}={_short(value)} must be an integer.")
    return _validate.as_count(path, int(value), low=low)


def read_vector(value: Any, path: str) -> Array:
    """Return the vector that a list or a shorthand describes; ``path`` is where it stands, for messages."""
    if isinstance(value, dict):
        return _from_shorthand(value, path)
    entries = _listed(value, path, 'numbers, or {"repeat": value, "dim": n}, or {"axis": i, "dim": n}')
    if all(type(entry) is float for entry in entries):  # an image has 150 528 of them
        return np.array(entries, dtype=np.float64)
    return np.array([_number(entry, f"{path}[{i}]") for i, entry in enumerate(entries)], dtype=np.float64)


def _from_shorthand(value: dict[str, Any], path: str) -> Array:
    if set(value) == {"repeat", "dim"}:
        return np.full(_whole(value["dim"], f"{path}.dim"), _number(value["repeat"], f"{path}.repeat"))
    if set(value) not in ({"axis", "dim"}, {"axis", "dim", "times"}):
        raise ValueError(
            f'{path} has the fields {", ".join(map(str, value)) or "none"}: a vector is a list, or has "repeat" and '
            '"dim", or "axis", "dim" and perhaps "times".'
        )
    dim, axis = _whole(value["dim"], f"{path}.dim"), _whole(value["axis"], f"{path}.axis", low=0)
    if axis >= dim:
        raise ValueError(f"{path}.axis={axis} must be below dim={dim}: axes are counted from 0.")
    vector = np.zeros(dim)
    vector[axis] = _number(value.get("times", 1.0), f"{path}.times")
    return vector


def _matrix(value: Any, path: str) -> Array:
    rows = [read_vector(row, f"{path}[{i}]") for i, row in enumerate(_listed(value, path, "vectors"))]
    for i, row in enumerate(rows):
        if row.shape != rows[0].shape:
            raise ValueError(f"{path}[{i}] has {row.size} entries but {path}[0] has {rows[0].size}: all must be equal.")
    return np.array(rows, dtype=np.float64)


def _second_order(value: Any, path: str) -> Array | tuple[Array, Array]:
    """Return the matrix of a quadric in the form that it takes."""
    if isinstance(value, dict) and value.keys() & {"columns", "weights"}:
        if set(value) != {"columns", "weights"} or not _listed(value["columns"], f"{path}.columns", "vectors"):
            raise ValueError(
                f'{path} must have the fields "columns", with one vector or more, and "weights", no other.'
            )
        return _matrix(value["columns"], f"{path}.columns").T, read_vector(value["weights"], f"{path}.weights")
    rows = value if isinstance(value, list | tuple | np.ndarray) else ()
    if any(isinstance(row, list | tuple | dict | np.ndarray) for row in rows):
        return _matrix(value, path)
    return read_vector(value, path)


def _written(value: Any) -> Any:
    """Return the value of a field as JSON holds it."""
    if isinstance(value, tuple):
        factors, weights = value
        return {"columns": [_written(column) for column in factors.T], "weights": _written(weights)}
    if not isinstance(value, np.ndarray):
        return to_json(value)
    if value.ndim == 2:
        return [_written(row) for row in value]
    if value.size > SHORT:
        places = np.flatnonzero(value)
        if np.array_equal(value, np.full(value.size, value[0])):
            return {"repeat": to_json(float(value[0])), "dim": value.size}
        if places.size == 1:
            axis = int(places[0])
            times = {} if value[axis] == 1 else {"times": to_json(float(value[axis]))}
            return {"axis": axis, "dim": value.size, **times}
    return to_json(value)


def _describe_moved(moved: Moved) -> dict[str, Any]:
    """Return a moved set as rotated, then scaled, then translated, as far as it is."""
    inner = describe(moved.error_set)
    turn = moved.turn_back
    if isinstance(turn, _Matrix):
        inner = {"type": "rotate", "set": inner, "matrix": _written(turn.matrix)}
    elif isinstance(turn, _Mirrors) and len(turn.mirrors) == 2:
        middle, start = turn.mirrors  # of the directions, and the first of them: its mirror image is the other
        end = 2.0 * float(middle @ start) * middle - start
        inner = {"type": "rotate", "set": inner, "start": _written(start), "end": _written(end)}
    elif turn is not None:
        raise TypeError(f"error_set={moved!r} has no description: it is turned by a function, so make it with rotate.")
    if moved.factor != 1:
        inner = {"type": "scale", "set": inner, "factor": moved.factor}
    if moved.shift.any():
        inner = {"type": "translate", "set": inner, "shift": _written(moved.shift)}
    return inner


@dataclass(frozen=True, slots=True)
class _Form:
    """What makes a set, and the fields that it needs or may have, with what reads each."""

    make: Callable[..., ComplementedSet]
    fields: dict[str, Reader]
    optional: dict[str, Reader]


def _form(make: Callable[..., ComplementedSet], **fields: Reader) -> _Form:
    return _Form(make, fields, {})


_FORMS: dict[str, _Form] = {
    "Ball": _form(Ball, center=read_vector, radius=_number),
    "Box": _form(Box, low=read_vector, high=read_vector),
    "Complement": _form(Complement, set=_read_set),
    "Cone": _form(Cone, half_angle=_number, dim=_whole),
    "Cylinder": _form(Cylinder, center=read_vector, radius=_number, dim=_whole),
    "HalfSpace": _form(HalfSpace, normal=read_vector, offset=_number),
    "Orthant": _form(Orthant, thresholds=read_vector),
    "Paraboloid": _form(Paraboloid, offset=_number, curvature=_number, dim=_whole),
    "Quadric": _form(Quadric, A=_second_order, b=read_vector, c=_number),
    "Shell": _form(Shell, center=read_vector, inner=_number, outer=_number),
    "Slab": _form(Slab, normal=read_vector, center_offset=_number, half_width=_number),
    "Union": _form(Union, sets=_read_sets),
    "UnionOfHalfSpaces": _form(UnionOfHalfSpaces, normals=_matrix, offsets=read_vector),
    "Wedge": _form(Wedge, angle=_number),
    "rotate": _Form(rotate, {"set": _read_set}, {"matrix": _matrix, "start": read_vector, "end": read_vector}),
    "scale": _form(scale, set=_read_set, factor=_number),
    "translate": _form(translate, set=_read_set, shift=read_vector),
}
