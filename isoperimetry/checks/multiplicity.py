"""Many audits at once: which of them convict at one confidence for the whole family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoperimetry import _validate
from isoperimetry.checks.verdict import AttackAudit
from isoperimetry.results import Record, at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFamily(Record):
    """The result of `audit_many`.

    Attributes
    ----------
    confidence : float
        With which all convictions of the family are right.
    n_audits, n_convicted : int
        How many audits there are, and how many at least are of a failing attack.
    convicted : tuple of int
        Their places in the sequence.
    adjusted_p_values : tuple of float
        Holm's: the family's error level at which each would just be convicted.
    """

    confidence: float
    n_audits: int
    n_convicted: int
    convicted: tuple[int, ...]
    adjusted_p_values: tuple[float, ...]

    def __str__(self) -> str:
        return (
            f"the attack fails on at least {self.n_convicted} of {self.n_audits} (all at once, confidence "
            f"{at_least(self.confidence, 6)})"
        )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for their number, in the given order.

    Naming those with an adjusted p-value <= a names any true null with probability at most a, however the tests depend
    on each other (Holm 1979, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6).

    Parameters
    ----------
    p_values : sequence of float, length J
        Each in [0, 1].

    Returns
    -------
    tuple of float, length J
        Each in [0, 1] and not below its p-value.

    Examples
    --------
    >>> holm([0.01, 0.5, 0.02])
    (0.03, 0.5, 0.04)
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return tuple(adjusted.tolist())


def audit_many(audits: Sequence[AttackAudit], *, confidence: float) -> AuditFamily:
    """Judge audits of several inputs at one confidence for all of them, by Holm's method on their p-values.

    Parameters
    ----------
    audits : sequence of AttackAudit
        At least one. Their own confidence plays no role, but that what it shows to be broken is not convicted.
    confidence : float
        Probability that no attack that finds the nearest errors is named, in (0, 1).

    Returns
    -------
    AuditFamily
        Which audits are convicted, and how many at least.

    Raises
    ------
    TypeError
        If an entry is no AttackAudit.
    ValueError
        If there are none, or ``confidence`` is outside (0, 1).

    Examples
    --------
    >>> from isoperimetry.checks import audit_attack
    >>> bad = audit_attack([0.9] * 60, errors=10, trials=1000, sigma=0.1)
    >>> good = audit_attack([0.1] * 60, errors=10, trials=1000, sigma=0.1)
    >>> print(audit_many([bad, good], confidence=0.999))
    the attack fails on at least 1 of 2 (all at once, confidence 0.999)
    """
    confidence = _validate.as_confidence(confidence)
    audits = list(audits)
    for index, audit in enumerate(audits):
        if not isinstance(audit, AttackAudit):
            raise TypeError(f"audits[{index}] is a {type(audit).__name__}: all must come from audit_attack.")
    if not audits:
        raise ValueError("audits is empty: pass at least one result of audit_attack.")
    adjusted = holm([audit.p_value for audit in audits])
    convicted = tuple(index for index, p in enumerate(adjusted) if p <= 1.0 - confidence)
    return AuditFamily(
        confidence=confidence,
        n_audits=len(audits),
        n_convicted=len(convicted),
        convicted=convicted,
        adjusted_p_values=adjusted,
    )
