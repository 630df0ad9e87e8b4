"""All theorems of the library in one tuple that can be searched."""

from __future__ import annotations

import difflib
from typing import SupportsIndex, overload

from isoperimetry.bounds import (
    ball,
    cube,
    gaussian,
    generator,
    hamming,
    laplace,
    lipschitz,
    logconcave,
    smoothing,
    sphere,
)
from isoperimetry.bounds.theorem import Theorem


class Catalogue(tuple[Theorem, ...]):
    """A tuple of theorems with lookup by name and search by what they say.

    Examples
    --------
    >>> THEOREMS["GAUSSIAN_DISTANCE"].direction
    'upper limit of a quantile of the distance from noisy samples'
    >>> [theorem.name for theorem in THEOREMS.search(assumption="half-space")]
    ['HALFSPACE_DISTANCE', 'HALFSPACE_RATE', 'HALFSPACE_DISTANCE_NORM']
    """

    __slots__ = ()

    @overload
    def __getitem__(self, key: SupportsIndex) -> Theorem: ...
    @overload
    def __getitem__(self, key: slice) -> Catalogue: ...
    @overload
    def __getitem__(self, key: str) -> Theorem: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> Theorem | Catalogue:
        """Return the theorem of that name, in any case, or position; ValueError names those that are near."""
        if isinstance(key, str):
            name, names = key.upper().replace("-", "_"), [theorem.name for theorem in self]
            if name not in names:
                near = difflib.get_close_matches(name, names, n=3, cutoff=0.3)
                hint = f"Perhaps {' or '.join(near)}?" if near else "THEOREMS lists them all."
                raise ValueError(f"theorem={key!r} must be the name of a theorem. {hint}")
            return self[names.index(name)]
        found = tuple.__getitem__(self, key)
        return Catalogue(found) if isinstance(found, tuple) else found

    def __contains__(self, key: object) -> bool:
        """Return whether a theorem, or one of that name, is among them."""
        if isinstance(key, str):
            return any(theorem.name == key.upper().replace("-", "_") for theorem in self)
        return tuple.__contains__(self, key)

    def __repr__(self) -> str:
        return "\n".join(repr(theorem) for theorem in self) or "<no theorem>"

    def search(
        self,
        *,
        space: str | None = None,
        assumption: str | None = None,
        direction: str | None = None,
        label: str | None = None,
    ) -> Catalogue:
        """Return the theorems whose fields contain the given words, in any case.

        Parameters
        ----------
        space : str, optional
            Part of the space, for instance "R^n".
        assumption : str, optional
            Part of the name of one of the assumptions, for instance "half-space".
        direction : str, optional
            Part of the direction, for instance "upper" or "noisy samples".
        label : str, optional
            Part of the label, for instance "noisy sample", "prediction" or "worst case".

        Returns
        -------
        Catalogue
            Those that match everything that was given.
        """

        def matches(theorem: Theorem) -> bool:
            names = " | ".join(condition.name for condition in theorem.assumptions)
            pairs = (
                (space, theorem.space),
                (assumption, names),
                (direction, theorem.direction),
                (label, theorem.label),
            )
            return all(wanted is None or wanted.lower() in text.lower() for wanted, text in pairs)

        return Catalogue(theorem for theorem in self if matches(theorem))

    def table(self) -> str:
        """Return the catalogue as a Markdown table."""
        rows = [
            f"| {theorem.name} | {theorem.statement} | {theorem.direction} | {theorem.source.authors} "
            f"({theorem.source.year}) |"
            for theorem in self
        ]
        return "\n".join(["| name | statement | direction | source |", "| --- | --- | --- | --- |", *rows])


THEOREMS = Catalogue(
    (
        gaussian.GAUSSIAN_ENLARGEMENT,
        gaussian.GAUSSIAN_DISTANCE,
        gaussian.GAUSSIAN_MEAN_DISTANCE,
        gaussian.GAUSSIAN_SECOND_MOMENT,
        gaussian.GAUSSIAN_REQUIRED_RATE,
        gaussian.GAUSSIAN_REQUIRED_SIGMA,
        gaussian.GAUSSIAN_PROFILE,
        gaussian.HALFSPACE_DISTANCE,
        gaussian.HALFSPACE_RATE,
        gaussian.HALFSPACE_DISTANCE_NORM,
        gaussian.NORM_DISTANCE,
        gaussian.GAUSSIAN_FUNCTIONAL,
        gaussian.NOISE_STABILITY,
        gaussian.NOISE_NORM,
        gaussian.CENTER_WORST_CASE,
        gaussian.CENTER_CONVEX,
        gaussian.CENTER_AFFINE,
        lipschitz.LIPSCHITZ_TAIL,
        smoothing.SMOOTHING_RADIUS,
        smoothing.SMOOTHING_RADIUS_LAPLACE,
        smoothing.SMOOTHING_RADIUS_UNIFORM,
        sphere.SPHERE_ENLARGEMENT,
        sphere.SPHERE_DISTANCE,
        sphere.SPHERE_MEAN_DISTANCE,
        sphere.SPHERE_GAUSSIAN_ENLARGEMENT,
        cube.CUBE_ENLARGEMENT,
        cube.CUBE_DISTANCE,
        ball.BALL_ENLARGEMENT,
        ball.BALL_DISTANCE,
        hamming.HAMMING_ENLARGEMENT,
        hamming.HAMMING_DISTANCE,
        hamming.PRODUCT_DISTANCE,
        logconcave.LOGCONCAVE_ENLARGEMENT,
        logconcave.LINE_ENLARGEMENT,
        laplace.LAPLACE_ENLARGEMENT,
        generator.GENERATOR_ENLARGEMENT,
        generator.GENERATOR_MULTICLASS,
    )
)
"""The catalogue of all theorems."""
