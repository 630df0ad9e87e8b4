"""What figures take: records, or what became of them in a file of results, where infinity is a string."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from isoperimetry.checks import AttackAudit, AuditPoint, AuditVerdict
from isoperimetry.results import Guarantee, Interval


def number(name: str, value: Any) -> float:
    """Return a number, also from the strings "inf", "-inf" and "nan" of a file of results; None is NaN."""
    if value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r} must be a number.") from None


def floats(values: Any) -> Any:
    """Return a sequence with the strings "inf" and "nan" of a file of results as the numbers that they are."""
    if isinstance(values, list | tuple):
        return [float(value) if value in ("inf", "-inf", "nan") else value for value in values]
    return values


def field(record: Any, name: str, default: Any = None) -> Any:
    """Return a field of a record or of its dictionary."""
    return record.get(name, default) if isinstance(record, Mapping) else getattr(record, name, default)


def as_audit(name: str, audit: AttackAudit | Mapping[str, Any]) -> AttackAudit:
    """Return an audit, or what its dictionary was made from."""
    if isinstance(audit, AttackAudit):
        return audit
    try:
        names = [item.name for item in dataclasses.fields(AttackAudit) if item.name in audit]
        fields: dict[str, Any] = {name: audit[name] for name in names}
        rate: dict[str, Any] = dict(fields["error_rate"])
        points: list[dict[str, Any]] = [
            {key: value if key == "n_within" else float(value) for key, value in point.items()}
            for point in fields.get("points", ())
        ]
        rate |= {key: float(rate[key]) for key in ("low", "high", "log_low", "log_high", "confidence") if key in rate}
        for key in ("norm", "samples_to_decide", "radii"):
            if isinstance(fields.get(key), list):
                fields[key] = tuple(map(float, fields[key]))
        for key, value in fields.items():
            if value in ("inf", "-inf", "nan"):
                fields[key] = float(value)
        return AttackAudit(
            **fields | {
                "verdict": AuditVerdict(fields["verdict"]),
                "error_rate": Interval(**rate | {"guarantee": Guarantee(rate.get("guarantee", "finite sample"))}),
                "points": tuple(AuditPoint(**point) for point in points),
                "reasons": tuple(fields["reasons"]),
            }
        )  # fmt: skip
    except (TypeError, KeyError, ValueError, AttributeError):
        raise TypeError(f"{name} must be an AttackAudit, or the dictionary that its to_dict() returns.") from None


def as_groups(groups: Mapping[str, Sequence[AttackAudit | Mapping[str, Any]]]) -> dict[str, list[AttackAudit]]:
    """Return the audits of each model: at least one, and all of the same level of the quantile."""
    read = {
        name: [as_audit(f"groups[{name!r}][{i}]", audit) for i, audit in enumerate(group)]
        for name, group in groups.items()
    }
    levels = sorted({audit.q for group in read.values() for audit in group})
    if not levels:
        raise ValueError("groups must hold at least one audit: there is nothing to draw.")
    if len(levels) > 1:
        raise ValueError(f"groups mixes audits of q = {', '.join(map(str, levels))}: they have no curve in common.")
    return read


def as_filled(
    groups: Mapping[str, Sequence[AttackAudit]], convicted: Mapping[str, Collection[int]] | None
) -> dict[str, set[int]]:
    """Return the places of the convicted audits in each group."""
    if convicted is None:
        return {
            name: {i for i, audit in enumerate(group) if audit.verdict is AuditVerdict.ATTACK_FAILING}
            for name, group in groups.items()
        }
    for name, places in convicted.items():
        if name not in groups:
            raise ValueError(f"convicted names {name!r}, which is not in groups: use the same names.")
        for place in places:
            if not 0 <= place < len(groups[name]):
                raise ValueError(
                    f"convicted[{name!r}] holds {place}, but there are {len(groups[name])} audits: count from 0."
                )
    return {name: set(convicted.get(name, ())) for name in groups}
