"""What a theorem is: a plain function and a record of what it says, when it holds and who proved it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from isoperimetry import sets
from isoperimetry.results import Record, Source, to_json
from isoperimetry.sets import ErrorSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption(Record):
    """A condition of a theorem.

    Attributes
    ----------
    name : str
        A few words.
    text : str
        The condition in one sentence.
    holds : callable
        Takes an error set; True, False, or None where looking at the set cannot decide it.
    """

    name: str
    text: str
    holds: Callable[[Any], bool | None]

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"

    def to_dict(self) -> dict[str, Any]:
        """Return the words as JSON-safe values."""
        return {"name": self.name, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Theorem(Record):
    """A theorem and the function that evaluates it.

    Attributes
    ----------
    name : str
        The name of the record, in capitals.
    statement : str
        A sentence and a formula.
    formula : str
        The inequality in LaTeX, of the kind that matplotlib reads too.
    label : str
        What the number is: "theorem: typical noisy sample", "prediction: assumes a half-space", "assumes a convex
        correct region", "worst case", or what else it speaks of.
    space : str
        Where the samples live.
    assumptions : tuple of Assumption
        What must hold.
    direction : str
        "upper", "lower" or "equal", and of what.
    source : Source
        Where it was published.
    bound : callable
        The plain function; calling the record calls it.
    extremal : callable or None
        Makes the set that attains equality.
    tightness : str
        How sharp it is, and for which sets.
    proof : str
        The idea of the proof.
    mistake : str
        How it is often misread or misquoted; empty if nothing is known.

    Examples
    --------
    >>> from isoperimetry.bounds import GAUSSIAN_DISTANCE
    >>> round(GAUSSIAN_DISTANCE(0.01, 0.5), 6)
    1.163174
    >>> GAUSSIAN_DISTANCE.extremal(0.5, dim=2)
    HalfSpace(normal=[1.0, 0.0], offset=0.0)
    """

    name: str
    statement: str
    formula: str
    label: str
    space: str
    assumptions: tuple[Assumption, ...]
    direction: str
    source: Source
    bound: Callable[..., float | Any]
    extremal: Callable[..., ErrorSet] | None
    tightness: str
    proof: str
    mistake: str

    def __call__(self, *args: Any, **kwargs: Any) -> float | Any:
        """Return ``bound(*args, **kwargs)``."""
        return self.bound(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.name} ({self.label}; {self.direction}): {self.statement}"

    def __repr__(self) -> str:
        return f"<Theorem {self.name}: {self.label}>"

    def check(self, error_set: Any) -> dict[str, bool | None]:
        """Return, by name, whether the assumptions hold for a set; None where looking at the set cannot decide it."""
        return {assumption.name: assumption.holds(error_set) for assumption in self.assumptions}

    @property
    def function(self) -> str:
        """The dotted name under which the bound is imported."""
        name, home = self.bound.__name__, self.bound.__module__.split(".")
        package = ".".join(home[:2])
        if getattr(import_module(package), name, None) is self.bound:
            return f"{package}.{name}"
        return f"{'.'.join(home[:3])}.{name}"

    def describe(self) -> str:
        """Return all that is known about the theorem, in lines of text with its source as BibTeX at the end."""
        assumptions = "".join(f"\n- {assumption}" for assumption in self.assumptions)
        extremal = "none" if self.extremal is None else f"made by {self.extremal.__name__}"
        fields = {
            self.name: self.statement, "Formula": self.formula, "Label": self.label, "Space": self.space,
            "What it bounds": self.direction, "Assumptions": assumptions or "none", "Extremal set": extremal,
            "Tightness": self.tightness, "Proof idea": self.proof, "Common mistake": self.mistake,
            "Function": self.function, "Source": self.cite(),
        }  # fmt: skip
        return "".join(f"{title}: {text}\n".replace(": \n", ":\n") for title, text in fields.items() if text)

    def cite(self) -> str:
        """Return the source in words and as a BibTeX entry."""
        return f"{self.source}\n\n{self.bibtex()}"

    def bibtex(self) -> str:
        """Return the source as a BibTeX entry alone."""
        source = self.source
        surname = re.split(r",| and ", source.authors)[0].split()[-1]
        word = next(word for word in re.findall(r"\w+", source.title) if len(word) > 3)  # tells two of a year apart
        plain = unicodedata.normalize("NFKD", f"{surname}{source.year}{word}").encode("ascii", "ignore").decode()
        key = re.sub(r"\W", "", plain).lower()
        authors = source.authors.replace(" and ", ", ")
        if source.authors.startswith("The "):  # a group has no family name
            authors = f"{{{source.authors}}}"
        entry = {
            "author": authors if source.authors.startswith("The ") else authors.replace(", ", " and "),
            "title": f"{{{source.title}}}",
            "howpublished": source.venue,
            "year": str(source.year),
            "note": source.number,
        }
        lines = ",\n".join(f"  {name} = {{{text}}}" for name, text in entry.items() if text)
        return f"@misc{{{key},\n{lines}\n}}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-safe values; functions become their names."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__} | {"bound": self.function}
        return {name: value.__name__ if callable(value) else to_json(value) for name, value in fields.items()}


def undecided(error_set: Any) -> None:
    """Return None: looking at the set cannot decide."""
    return None


def _is_half_space(error_set: Any) -> bool | None:
    match error_set:
        case sets.HalfSpace():
            return True
        case sets.Complement() | sets.Moved():
            return _is_half_space(error_set.error_set)
        case sets.UnionOfHalfSpaces():
            return bool(np.all(np.abs(error_set.units - error_set.units[0]) <= 1e-15))  # one direction, to rounding
        case sets.Union():  # what more than one part makes together is not looked into
            return _is_half_space(error_set.parts[0]) if len(error_set.parts) == 1 else None
        case sets.Orthant():
            return bool(np.isfinite(error_set.thresholds).sum() == 1)
        case sets.Box():
            return bool(np.isfinite(error_set.low).sum() + np.isfinite(error_set.high).sum() == 1)
        case sets.Wedge():
            return error_set.angle == math.pi
        case sets.Cone():
            return error_set.half_angle == math.pi / 2
        case sets.Paraboloid():
            return error_set.curvature == 0
        case sets.Quadric():  # a form that is written with weights may still cancel to 0: this is not looked into
            form = error_set.A[1] if isinstance(error_set.A, tuple) else error_set.A
            return True if not np.any(form) and np.any(error_set.b) else None
        case sets.Slab() | sets.Ball() | sets.Shell() | sets.Cylinder():
            return False
    return None


def _is_beyond_faces(error_set: Any) -> bool | None:
    match error_set:
        case sets.UnionOfHalfSpaces():
            return True
        case sets.Moved():
            return _is_beyond_faces(error_set.error_set)
        case sets.Union():
            return _is_beyond_faces(error_set.parts[0]) if len(error_set.parts) == 1 else None
        case sets.Complement():
            inner = error_set.error_set
            if isinstance(inner, sets.Slab | sets.Box | sets.Orthant | sets.HalfSpace):
                return True
            if isinstance(inner, sets.Complement):
                return _is_beyond_faces(inner.error_set)
            return False if isinstance(inner, sets.Ball | sets.Shell | sets.Cylinder) and inner.dim > 1 else None
        case sets.Slab() | sets.Ball() | sets.Shell() | sets.Cylinder():
            return False
    return True if _is_half_space(error_set) else None


def _is_convex(error_set: Any) -> bool | None:
    match error_set:
        case sets.HalfSpace() | sets.Slab() | sets.Ball() | sets.Cylinder() | sets.Box() | sets.Orthant():
            return True
        case sets.Wedge():
            return error_set.angle <= math.pi or error_set.angle == 2 * math.pi
        case sets.Cone():
            return error_set.half_angle in (0, math.pi) or error_set.half_angle <= math.pi / 2
        case sets.Paraboloid():
            return error_set.curvature >= 0
        case sets.Moved():
            return _is_convex(error_set.error_set)
        case sets.UnionOfHalfSpaces():
            return True  # each part is
        case sets.Complement():
            return True if _is_half_space(error_set) else None
    return None


GAUSSIAN_NOISE = Assumption(
    name="isotropic Gaussian noise",
    text="The samples are draws of N(center, sigma**2 I), in the space where distances are measured, in l2.",
    holds=undecided,
)
ONE_CENTER = Assumption(
    name="one center",
    text="The error rate belongs to one center at one sigma; the average over several inputs over-claims.",
    holds=undecided,
)
HALF_SPACE = Assumption(
    name="half-space",
    text="The error set is a half-space, as for a linear classifier of two classes.",
    holds=_is_half_space,
)
CONVEX_PARTS = Assumption(
    name="convex error set",
    text="The error set is convex, or the union of as many convex sets as are given.",
    holds=_is_convex,
)
BEYOND_FACES = Assumption(
    name="polyhedral correct region",
    text="The correct region is an intersection of at most K - 1 half-spaces.",
    holds=_is_beyond_faces,
)
