"""Records as text: strict JSON, Markdown tables, and what a verdict says in plain English."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from isoperimetry import results
from isoperimetry.checks import AttackAudit, AuditFamily, AuditVerdict
from isoperimetry.checks.verdict import say_p_value
from isoperimetry.results import at_least, at_most


def to_json(records: Any, *, indent: int | None = 2) -> str:
    """Return records as strict JSON (RFC 8259).

    Parameters
    ----------
    records : Record, or a sequence or mapping of records and plain values
        What to write. Infinities and NaN become strings, arrays become lists, enumerations their values.
    indent : int or None
        Spaces for each level; None: one line.

    Returns
    -------
    str
        The JSON text, without a newline at its end.

    Raises
    ------
    TypeError
        If a value has no form in JSON.

    Examples
    --------
    >>> print(to_json({"distances": (0.5, float("inf"))}, indent=None))
    {"distances": [0.5, "inf"]}
    """
    return json.dumps(results.to_json(records), indent=indent, allow_nan=False, ensure_ascii=False)


def format_value(value: Any) -> str:
    """Return one cell of a table: numbers to four digits, an empty string for None.

    Examples
    --------
    >>> [format_value(value) for value in (0.0123456, float("inf"), 7, None, ("a", "b"))]
    ['0.01235', 'inf', '7', '', 'a, b']
    """
    value = results.to_json(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(format_value, value))
    return str(value)


def to_markdown(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str] | Sequence[str]) -> str:
    """Return a table in GitHub's Markdown, aligned so that it reads well as plain text too.

    Parameters
    ----------
    rows : iterable of mapping
        One mapping a row, for instance the ``to_dict()`` of a record.
    columns : sequence of str, or mapping from str to str
        The keys to show in this order; a mapping also gives their headings. A key that a row lacks is left empty.

    Returns
    -------
    str
        The table, without a newline at its end. Columns that hold only numbers are aligned to the right.

    Raises
    ------
    ValueError
        If there is no column.

    Examples
    --------
    >>> print(to_markdown([{"model": "clean", "rate": 0.01}, {"model": "noisy", "rate": 0.25}], ["model", "rate"]))
    | model | rate |
    | :---- | ---: |
    | clean | 0.01 |
    | noisy | 0.25 |
    """
    headings = dict(columns) if isinstance(columns, Mapping) else {key: key for key in columns}
    if not headings:
        raise ValueError("columns must name at least one column: a table cannot be empty.")
    rows = list(rows)
    columns_of_cells = []
    for key, heading in headings.items():
        cells = [_escape(heading), *(_escape(format_value(row.get(key))) for row in rows)]
        width = max(3, *map(len, cells))
        if _all_numbers(row.get(key) for row in rows):
            cells = [cell.rjust(width) for cell in cells]
            rule = "-" * (width - 1) + ":"
        else:
            cells = [cell.ljust(width) for cell in cells]
            rule = ":" + "-" * (width - 1)
        columns_of_cells.append([cells[0], rule, *cells[1:]])
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns_of_cells, strict=True))


def describe(audit: AttackAudit) -> str:
    """Return what the verdict on an attack says, for a reader who has not met the theorem.

    Parameters
    ----------
    audit : AttackAudit
        The result of `isoperimetry.checks.audit_attack`.

    Returns
    -------
    str
        Two or three sentences on one line: the verdict, the numbers that it rests on, and what it does not say.

    Examples
    --------
    >>> from isoperimetry.checks import audit_attack
    >>> print(describe(audit_attack([0.5] * 30, errors=20, trials=1000, sigma=0.1)))  # doctest: +ELLIPSIS
    The attack provably misses errors. 20 errors in 1,000 noise draws mean that at least half of the noisy points ...
    """
    confidence = _percent(audit.confidence)
    counted = f"{audit.errors:,} errors in {audit.trials:,} noise draws"
    broken = "".join(f" {reason[:1].upper()}{reason[1:]}" for reason in audit.reasons if reason.startswith("broken:"))
    if audit.n_zero == audit.n_starts:
        return (
            f"Undecided: all {audit.n_starts} starts are errors already, so that no attack was tested. Take a "
            "smaller sigma, or an input that the classifier gets right."
        )
    if broken:
        return f"Undecided, as the test does not apply.{broken}"
    if math.isinf(audit.bound):
        return _without_bound(audit, counted, confidence)
    share = "half" if audit.q == 0.5 else _percent(audit.q)
    points = "the noisy points that are not in error" if audit.conditional else "all noisy points"
    within = f"{audit.n_within} of {audit.n_tested} starts"
    basis = (
        f"{counted} mean that at least {share} of {points} have an error within {at_most(audit.bound, 4)} "
        f"({at_most(audit.bound / audit.sigma, 4)} sigma)"
    )
    if audit.verdict is AuditVerdict.ATTACK_FAILING:
        missed = ""
        if audit.missed_radius is not None:
            radius = f"{'' if audit.exact_radius else 'some radius of at most '}{at_most(audit.missed_radius, 4)}"
            missed = (
                f" On at least {_percent(audit.missed_fraction, 3)} of {points} an error lies within {radius} and the "
                "attack missed it."
            )
        return (
            f"The attack provably misses errors. {basis}, but it found one that near from only {within} "
            f"({say_p_value(audit.p_value)}; confidence {confidence}).{missed}"
        )
    if audit.verdict is AuditVerdict.CONSISTENT:
        return (
            f"The attack is consistent with the bound. {basis}, and it found one that near from {within}: with "
            f"confidence {confidence} its distances are no longer than the bound allows. This does not prove that it "
            "finds the nearest errors: they may be nearer still."
        )
    basis += f"; the attack found one that near from {within} ({say_p_value(audit.p_value)})."
    return f"Undecided at confidence {confidence}. {basis} {_needed(audit)}".rstrip()


def _without_bound(audit: AttackAudit, counted: str, confidence: str) -> str:
    """Say what is left where the error rate may be 0: no distance is too long."""
    nothing = f"{counted} give no bound on the distance, as the error rate may be 0, so that no attack can be convicted"
    advice = "Draw more noise, or noise of a larger sigma."
    if audit.verdict is AuditVerdict.CONSISTENT:
        return (
            f"The attack comes as near as any error rate that these counts allow would ask for (confidence "
            f"{confidence}). {nothing}. {advice}"
        )
    needed = _needed(audit)
    return f"Undecided at confidence {confidence}. {nothing}. {advice}{f' {needed}' if needed else ''}"


def describe_family(family: AuditFamily) -> str:
    """Return in one sentence how many of several audited inputs are convicted.

    Parameters
    ----------
    family : AuditFamily
        The result of `isoperimetry.checks.audit_many`.

    Returns
    -------
    str
        A sentence that holds for all inputs together at the confidence of the family.

    Examples
    --------
    >>> from isoperimetry.checks import audit_attack, audit_many
    >>> audits = [audit_attack([far] * 30, errors=20, trials=1000, sigma=0.1) for far in (0.5, 0.2, 0.9)]
    >>> print(describe_family(audit_many(audits, confidence=0.999)))
    The attack provably misses errors on at least 2 of 3 inputs (all together at confidence 99.9 %).
    """
    confidence = _percent(family.confidence)
    if family.n_convicted == 0:
        return f"The attack is convicted on none of {family.n_audits} inputs (all together at confidence {confidence})."
    return (
        f"The attack provably misses errors on at least {family.n_convicted} of {family.n_audits} inputs "
        f"(all together at confidence {confidence})."
    )


def _needed(audit: AttackAudit) -> str:
    if audit.samples_to_decide is None:
        return ""
    trials, starts = audit.samples_to_decide
    if math.isinf(trials) or math.isinf(starts):
        return "At today's proportions no number of draws and starts would decide."
    return f"At today's proportions about {trials:,.0f} noise draws and {starts:,.0f} starts would decide."


def _percent(fraction: float, digits: int = 6) -> str:
    """Return a confidence, or a part that holds at least, rounded down."""
    return f"{(100 * Decimal(at_least(fraction, digits))).normalize():f} %"


def _escape(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _all_numbers(values: Iterable[Any]) -> bool:
    """Return whether there are numbers and nothing else; None is an empty cell."""
    shown = [value for value in map(results.to_json, values) if value is not None]
    return bool(shown) and all(_is_number(value) for value in shown)


def _is_number(value: Any) -> bool:
    return value in ("inf", "-inf", "nan") or (isinstance(value, int | float) and not isinstance(value, bool))


def three_digits(value: float) -> str:
    """Return a length for reading, with three digits also where the last ones are zeros.

    Examples
    --------
    >>> [three_digits(value) for value in (0.34, 7.2, 163.0, 0.002704, 0.0)]
    ['0.340', '7.20', '163', '0.00270', '0']
    """
    return f"{value:#.3g}".rstrip(".") if value else "0"


def reason_kind(reason: str) -> tuple[str, str]:
    """Return the kind of a reason, "found", "used", "checked", "assumed" or "broken", and its sentence.

    Examples
    --------
    >>> reason_kind("checked: every error was verified.")
    ('checked', 'Every error was verified.')
    """
    kind, _, text = reason.partition(": ")
    return kind, text[:1].upper() + text[1:]


def escape(text: str) -> str:
    r"""Return text on one line in which Markdown and HTML see no marks.

    Examples
    --------
    >>> print(escape("<script> and *stars*"))
    \<script\> and \*stars\*
    """
    return re.sub(r"([\\`*_\[\]<>|$])", r"\\\1", " ".join(text.split()))
