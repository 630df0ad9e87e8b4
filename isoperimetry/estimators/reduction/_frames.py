"""Where moved sets are: the map from the space of a set to the space of the noise, without a matrix of its size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isoperimetry._validate import Array
from isoperimetry.sets.moved import Moved, _Matrix, _Mirrors

Turn = Callable[[Array], Array]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The map ``x - center = factor * turn(y) + origin`` from points y of a set to the noise around its center."""

    origin: Array
    factor: float = 1.0
    turns: tuple[Turn, ...] = ()

    def turned(self, directions: Array) -> Array:
        """Return directions of the set, one a row, as directions of the noise."""
        for turn in self.turns:
            directions = turn(directions)
        return directions

    def image(self, point: Array) -> Array:
        """Return a point of the set, of shape (dim,), as seen from the center of the noise."""
        return np.asarray(self.factor * self.turned(point[None])[0] + self.origin)

    def inside(self, moved: Moved) -> Frame | None:
        """Return the frame of the set inside a moved one; None if its rotation is a function of the user."""
        turns = self.turns
        if moved.turn_back is not None:
            turn = _forward(moved.turn_back)
            if turn is None:
                return None
            turns = (turn, *turns)
        return Frame(self.image(moved.shift), self.factor * moved.factor, turns)


def _forward(turn_back: Turn) -> Turn | None:
    """Return the rotation of which another one is the inverse."""
    if isinstance(turn_back, _Matrix):
        return _Matrix(turn_back.matrix.T)
    if isinstance(turn_back, _Mirrors):
        return _Mirrors(turn_back.mirrors[::-1])
    return None


def completed(columns: Array, *, last: bool) -> Array:
    """Return an orthogonal matrix whose first, or last, columns are given: shape (k, p) to (k, k)."""
    size, count = columns.shape
    if count and not np.array_equal(columns, np.eye(size, count)):
        matrix = np.linalg.qr(columns, mode="complete").Q
        matrix[:, :count] = columns  # the same up to signs
    else:
        matrix = np.eye(size)
    return np.roll(matrix, -count, axis=1) if last else matrix
