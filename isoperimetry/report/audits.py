"""Audits of a record, made again from its distances and counts: a page repeats no verdict that it has not checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from isoperimetry.checks import AttackAudit, AuditFamily, audit_attack, audit_many
from isoperimetry.intervals import clopper_pearson
from isoperimetry.results import at_most

# Between machines the last digits of p-values and bounds may differ.
_TOLERANCE = 1e-6
_CHECKED = {
    "verified": "checked: every error was verified",
    "deterministic": "checked: the classifier is deterministic",
}
_ADVICE = "The file was changed, or another version wrote it: run the check again."


def as_number(value: Any) -> float:
    """Return a number of a record, in which infinities and NaN are strings.

    Raises
    ------
    TypeError
        If it is none.

    Examples
    --------
    >>> as_number("inf"), as_number(2)
    (inf, 2.0)
    """
    if value in ("inf", "-inf", "nan") or (isinstance(value, int | float) and not isinstance(value, bool)):
        return float(value)
    raise TypeError(f"{value!r} is no number")


def audit_again(stored: Mapping[str, Any], distances: Sequence[float], *, where: str) -> AttackAudit:
    """Return the audit of these distances, asked for as the stored one was.

    Parameters
    ----------
    stored : mapping
        ``to_dict()`` of an `AttackAudit`.
    distances : sequence of float
        From the starts, of the attack that it is about.
    where : str
        Begins the message of an error, for instance "results.json, model 'clean', image 3".

    Returns
    -------
    AttackAudit
        Its reasons are those of this version.

    Raises
    ------
    ValueError
        If the stored audit says something else.

    Examples
    --------
    >>> audit = audit_attack([0.9] * 40, errors=20, trials=1000, sigma=0.1, conditional=False)
    >>> audit_again(audit.to_dict(), [0.9] * 40, where="here") == audit
    True
    """
    reasons = tuple(stored["reasons"])
    unsaid = stored["conditional"] and any("because it is not said" in reason for reason in reasons)
    options: dict[str, Any] = {}
    if stored["radii"] is not None:
        options["radii"] = [as_number(radius) for radius in stored["radii"]]
    elif stored["method"] == "sign":
        options["q"] = [as_number(point["q"]) for point in stored["points"]] or as_number(stored["q"])
    audit = audit_attack(
        distances,
        errors=stored["errors"],
        trials=stored["trials"],
        sigma=as_number(stored["sigma"]),
        confidence=as_number(stored["confidence"]),
        method=stored["method"],
        conditional=None if unsaid else stored["conditional"],
        sampling=stored["sampling"],
        independent=stored["independent"],
        norm=as_number(stored["norm"]),
        dim=stored["dim"],
        checked=[name for name, text in _CHECKED.items() if any(reason.startswith(text) for reason in reasons)],
        **options,
    )
    found = audit.to_dict()
    for name, what in (
        ("verdict", "verdict"),
        ("n_starts", "number of starts"),
        ("n_within", "number within the bound"),
    ):
        if stored[name] != found[name]:
            raise ValueError(
                f"{where}: the record's {what} is {stored[name]!r}, but its distances and counts give {found[name]!r}. "
                f"{_ADVICE}"
            )
    for name, what in (("bound", "bound"), ("p_value", "p-value"), ("missed_fraction", "missed fraction")):
        value, again = as_number(stored[name]), getattr(audit, name)
        if not math.isclose(value, again, rel_tol=_TOLERANCE):
            raise ValueError(
                f"{where}: the record's {what} is {value:.6g}, but its distances and counts give {again:.6g}. {_ADVICE}"
            )
    return audit


def family_again(stored: Mapping[str, Any] | None, audits: Sequence[AttackAudit], *, where: str) -> AuditFamily | None:
    """Return which audits are convicted, all together at the stored confidence; None where there is none.

    Raises
    ------
    ValueError
        If the stored family says something else.
    """
    if (stored is None) != (not audits):
        raise ValueError(f"{where}: the record has {len(audits)} audits, but its family does not fit them. {_ADVICE}")
    if stored is None:
        return None
    family = audit_many(audits, confidence=as_number(stored["confidence"]))
    if tuple(stored["convicted"]) != family.convicted:
        raise ValueError(
            f"{where}: the record convicts {len(stored['convicted'])} of its images, but its audits together convict "
            f"{family.n_convicted}. {_ADVICE}"
        )
    return family


def gate_again(stored: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Return a gate's "model", whether it is "met", and a sentence, from its counts.

    Raises
    ------
    ValueError
        If the stored gate says something else, or is none.
    """
    try:
        model, errors, trials = str(stored["model"]), int(stored["errors"]), int(stored["trials"])
        gate, confidence, met = as_number(stored["max_error"]), as_number(stored["confidence"]), bool(stored["met"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{where}: a gate lacks {error} or is damaged: run the check again.") from error
    limit = clopper_pearson(errors, trials, confidence=confidence, side="upper").high
    if met != (limit <= gate):
        raise ValueError(f"{where}: the record's gate for {model!r} does not follow from its counts. {_ADVICE}")
    counted = f"{errors:,} errors in {trials:,} noise draws"
    if wrong := stored.get("wrong"):
        images = "1 image is" if wrong == 1 else f"{wrong} images are"
        counted += f" ({images} wrong without noise, and count as errors in every draw)"
    sentence = (
        f"{counted} show a mean error rate in noise of at most {at_most(limit, 3)}: the gate of {gate:g} is met."
        if met
        else f"{counted} leave room for a mean error rate in noise of {at_most(limit, 3)}, above the gate of {gate:g}."
    )
    return {"model": model, "met": met, "sentence": f"{sentence} Confidence {100 * confidence:g} %."}
