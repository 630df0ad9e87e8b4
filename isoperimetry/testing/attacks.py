"""An assertion on attacks, for the tests of whoever relies on one: that it does not provably miss errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, SupportsIndex, TypedDict, Unpack, cast, overload

from numpy.typing import ArrayLike

from isoperimetry.checks import AttackAudit, AuditVerdict, audit_attack, audit_many
from isoperimetry.report import describe, describe_family

_NEEDED = ("distances", "errors", "trials", "sigma")


class AuditOptions(TypedDict, total=False):
    """What `isoperimetry.checks.audit_attack` takes besides the measurement and the confidence."""

    q: float | Sequence[float]
    radii: float | Sequence[float] | None
    method: Literal["sign", "dkw"]
    conditional: bool | None
    sampling: Literal["fixed", "sequential"]
    independent: bool
    norm: float
    dim: SupportsIndex | None
    cov: ArrayLike | None
    checked: Collection[str]


class _Counts(AuditOptions, total=False):
    errors: SupportsIndex
    trials: SupportsIndex
    sigma: float


@overload
def assert_attack_not_failing(
    distances: Mapping[str, Mapping[str, Any]],
    *,
    confidence: float = ...,
    allow_undecided: bool = ...,
    **options: Unpack[_Counts],
) -> dict[str, AttackAudit]: ...
@overload
def assert_attack_not_failing(
    distances: ArrayLike,
    *,
    confidence: float = ...,
    allow_undecided: bool = ...,
    errors: SupportsIndex,
    trials: SupportsIndex,
    sigma: float,
    **options: Unpack[AuditOptions],
) -> AttackAudit: ...
def assert_attack_not_failing(
    distances: ArrayLike | Mapping[str, Mapping[str, Any]],
    *,
    confidence: float = 0.999,
    allow_undecided: bool = True,
    **options: Any,
) -> AttackAudit | dict[str, AttackAudit]:
    """Assert that an attack does not provably miss errors: on one input, or on several at one confidence for all.

    Parameters
    ----------
    distances : array, shape (M,), or mapping from str to mapping
        The distances from the noisy starts of one input, as `isoperimetry.checks.audit_attack` takes them: inf where
        the attack failed, 0 where the start is wrong already. Or for each input, by its name, the arguments of
        `audit_attack` that are its own: ``{"distances": ..., "errors": ..., "trials": ..., "sigma": ...}``.
    errors, trials : int
        Errors among independent draws of the same noise around the same input.
    sigma : float
        Scale of the noise, > 0, in the unit of the distances.
    confidence : float
        An attack that finds the nearest errors fails the assertion with at most probability 1 - confidence; in (0, 1).
        For several inputs by Holm's method, see `isoperimetry.checks.audit_many`.
    allow_undecided : bool
        False: fail too unless the attack is shown, for each input by itself, to be consistent with the bound.
    **options
        Others of `audit_attack`. With several inputs they, and also errors, trials and sigma, hold for all that do not
        say otherwise.

    Returns
    -------
    AttackAudit, or dict from str to AttackAudit
        For one input its audit; for a mapping an audit for each, in its order.

    Raises
    ------
    AssertionError
        If the attack is convicted, with what the verdict says; or if it is undecided and that is not allowed.
    TypeError
        If an argument is missing, unknown or of the wrong type.
    ValueError
        If an argument is out of range, or the mapping is empty.

    Examples
    --------
    >>> print(assert_attack_not_failing([0.1] * 60, errors=20, trials=1000, sigma=0.1).verdict.value)
    consistent
    >>> assert_attack_not_failing([0.9] * 60, errors=20, trials=1000, sigma=0.1)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    AssertionError: The attack provably misses errors. 20 errors in 1,000 noise draws mean that at least half of ...
    """
    __tracebackhide__ = True  # pytest then shows the line of the test that called
    if not isinstance(distances, Mapping):
        audit = _audit("assert_attack_not_failing", {"distances": distances, **options}, confidence)
        if audit.verdict is AuditVerdict.ATTACK_FAILING or not (allow_undecided or _consistent(audit)):
            raise AssertionError(describe(audit))
        return audit
    audits = {}
    for name, own in distances.items():
        if not isinstance(own, Mapping):
            raise TypeError(
                f"distances[{name!r}] is a {type(own).__name__}: it must be a mapping, such as "
                '{"distances": [...], "errors": 10, "trials": 1000, "sigma": 0.1}.'
            )
        if "confidence" in own:
            raise TypeError(f"distances[{name!r}] has a confidence: give one for all inputs together.")
        try:
            audits[name] = _audit(f"distances[{name!r}]", {**options, **own}, confidence)
        except ValueError as error:
            raise ValueError(f"distances[{name!r}]: {error}") from error
    if not audits:
        raise ValueError("distances is empty: name at least one input.")
    family = audit_many(list(audits.values()), confidence=confidence)
    names = list(audits)
    convicted = [names[index] for index in family.convicted]
    undecided = [] if allow_undecided else [name for name in names if not _consistent(audits[name])]
    if convicted or undecided:
        told = convicted or undecided
        lines = [describe_family(family), *(f"{name}: {describe(audits[name])}" for name in told)]
        raise AssertionError("\n".join(lines))
    return audits


def _audit(owner: str, arguments: dict[str, Any], confidence: float) -> AttackAudit:
    __tracebackhide__ = True
    missing = [name for name in _NEEDED if name not in arguments]
    if missing:
        raise TypeError(f"{owner} lacks {', '.join(missing)}: an audit needs distances, errors, trials and sigma.")
    known = {*_NEEDED, *AuditOptions.__optional_keys__}
    for name in arguments:
        if name not in known:
            raise TypeError(f"{owner} has no argument {name}: audit_attack takes {', '.join(sorted(known))}.")
    return audit_attack(confidence=confidence, **cast(Any, arguments))


def _consistent(audit: AttackAudit) -> bool:
    return audit.verdict is AuditVerdict.CONSISTENT
