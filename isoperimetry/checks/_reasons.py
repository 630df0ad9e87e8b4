"""What a verdict rests on, in sentences: found, used, and each precondition as checked, assumed or broken."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal

from isoperimetry.checks.verdict import AttackAudit, AuditVerdict, Sampling, say_p_value
from isoperimetry.results import at_least, at_most

# How the starts that are already wrong agree with the error rate.
Zeros = Literal["all", "few", "many", "agree", "none", "left out"]

NOISE = (
    "assumed: Gaussian noise of this scale around one input whose label is kept, in the space in which the distances "
    "are measured."
)
MODEL = (
    "assumed: one classifier for counts and starts; whatever lies between the noisy point and the distance is "
    "1-Lipschitz, such as clipping to the box, and not rounding to 8 bits."
)
DETERMINISTIC = "assumed: the classifier is deterministic."
# What a caller may have checked, by its name in `audit_attack`: the reason without a check, and with it.
CHECKABLE = {
    "deterministic": (DETERMINISTIC, "checked: the classifier is deterministic: asked twice, it answered the same."),
    "verified": ("assumed: every error was verified.", "checked: every error was verified."),
}
OTHER_DRAWS = "assumed: the starts are other draws than those counted (only the radius needs it)."
LARGER_BOUND = (
    "used: the bound for correct starts, because it is not said whether wrong starts were left out; it is the larger "
    "one and holds either way (conditional=False says that none was)."
)


def audit_reasons(
    audit: AttackAudit,
    *,
    zeros: Zeros,
    rate_high: float,
    allowance: float,
    farthest: float,
    needed: int,
    checked: Collection[str],
) -> tuple[str, ...]:
    """Return the reasons of an audit.

    ``farthest`` is the largest distance at which an error was found, ``needed`` the number of starts below which the
    test can never convict.
    """
    return tuple(
        reason
        for reason in (
            _found(audit, zeros, rate_high, allowance),
            _missed(audit),
            no_information(audit.errors, audit.trials, audit.error_rate.low),
            _too_few_starts(audit, needed),
            _choice(audit),
            _zeros(audit, zeros, rate_high),
            _reach(audit, farthest),
            stopping(audit.sampling, audit.trials),
            OTHER_DRAWS if audit.missed_fraction and audit.independent and not _known_radius(audit) else "",
            _norm(audit),
            NOISE,
            MODEL,
            *(texts[name in checked] for name, texts in CHECKABLE.items()),
        )
        if reason
    )


def stopping(sampling: Sampling, trials: int) -> str:
    """Say on what stopping rule the limit of the error rate rests."""
    if sampling == "sequential":
        return "used: a limit of the error rate that holds however the draws were stopped."
    return f"assumed: the number of draws, {trials}, was fixed in advance (sampling='fixed')."


def no_information(errors: int, trials: int, low: float) -> str:
    """Say that the bound is empty, if it is."""
    if low > 0:
        return ""
    return f"found: {errors} errors in {trials} draws: the error rate may be 0 and the bound is +inf: no information."


def _found(audit: AttackAudit, zeros: Zeros, rate_high: float, allowance: float) -> str:
    if zeros == "all":
        return (
            f"found: all {audit.n_starts} starts are already wrong, so that no attack was tested: take a smaller sigma "
            "or an input that the classifier gets right."
        )
    points = "correct noisy points" if audit.conditional else "noisy points"
    beyond = audit.n_tested - audit.n_within
    if audit.verdict is AuditVerdict.ATTACK_FAILING:
        return (
            f"found: {beyond} of {audit.n_tested} starts lie beyond the bound {at_most(audit.bound, 4)}, within which "
            f"at least {at_least(audit.q, 6)} of the {points} have an error (error rate >= "
            f"{at_least(audit.error_rate.low)}): {say_p_value(audit.p_value)}."
        )
    if audit.verdict is AuditVerdict.CONSISTENT and (audit.radii is not None or len(audit.points) > 1):
        where = "radii" if audit.radii is not None else "quantiles"
        return (
            f"found: at each of the {where} the attack is shown to come as near as error rates up to "
            f"{at_most(rate_high, 3)} allow. It is no proof that nearer errors were not missed."
        )
    if audit.verdict is AuditVerdict.CONSISTENT:
        return (
            f"found: the {audit.q:g}-quantile of the attack's distances is at most {at_most(audit.distance_high, 4)}; "
            f"error rates up to {at_most(rate_high, 3)} allow {at_least(allowance, 4)}. It is no proof that nearer "
            "errors were not missed."
        )
    if zeros in ("few", "many"):
        return "found: a precondition is broken, and the test was not applied."
    if math.isinf(audit.bound):
        return f"found: nothing bounds the distance, so that none of {audit.n_tested} starts can be beyond a bound."
    text = (
        f"found: {beyond} of {audit.n_tested} starts lie beyond the bound {at_most(audit.bound, 4)}: too few to "
        f"convict ({say_p_value(audit.p_value)})"
    )
    if _known_radius(audit):
        text += "."
    else:
        text += f", and the attack's {audit.q:g}-quantile is not shown to lie within {at_least(allowance, 4)}."
    if audit.samples_to_decide is None:
        return text
    trials, starts = audit.samples_to_decide
    if starts == math.inf:
        return f"{text} With today's proportions no number of samples decides."
    return f"{text} Today's proportions would decide with about {trials:.0f} draws and {starts:.0f} starts."


def _missed(audit: AttackAudit) -> str:
    if audit.missed_radius is None:
        return ""
    points = "correct noisy points" if audit.conditional else "noisy points"
    radius = f"{'' if audit.exact_radius else 'some radius of at most '}{at_most(audit.missed_radius, 4)}"
    return (
        f"found: on at least {at_least(audit.missed_fraction)} of the {points} an error lies within {radius} and the "
        "attack went farther."
    )


def _too_few_starts(audit: AttackAudit, needed: int) -> str:
    if audit.verdict is not AuditVerdict.UNDECIDED or audit.n_tested >= needed:
        return ""
    return (
        f"found: {audit.n_tested} starts can never convict at confidence {at_least(audit.confidence, 6)}: "
        f"it takes at least {needed}."
    )


def _known_radius(audit: AttackAudit) -> bool:
    return audit.method == "dkw" or audit.radii is not None


def _choice(audit: AttackAudit) -> str:
    """Say how the level is shared where there is more than one quantile, and what must not follow the data."""
    if audit.method == "dkw":
        return (
            "used: all radii at once (Dvoretzky, Kiefer, Wolfowitz; Massart); the one that says most is told. At all "
            "radii no attack can be shown to be consistent."
        )
    count = len(audit.points)
    what, tested = "quantiles", [point.q for point in audit.points]
    if audit.radii is not None:
        what, tested = "radii", list(audit.radii)
    if count == 1:
        return "assumed: the radius was chosen before looking at the distances." if audit.radii is not None else ""
    names = ", ".join(f"{number:.4g}" for number in tested)
    return (
        f"assumed: the {count} {what} ({names}) were chosen before looking at the distances; they share the level, and "
        "the one with the least p-value is told."
    )


def _zeros(audit: AttackAudit, zeros: Zeros, rate_high: float) -> str:
    share = f"{audit.n_zero} of {audit.n_starts} starts are already wrong"
    if zeros == "few":
        return (
            f"broken: only {share}, fewer than error rates of at least {at_least(audit.error_rate.low)} allow: enter "
            "every wrong start as distance 0, or pass conditional=True."
        )
    if zeros == "many":
        return (
            f"broken: {share}, more than error rates of at most {at_most(rate_high, 3)} allow: counts and starts are "
            "not draws of one noise for one classifier."
        )
    if zeros == "agree":
        return f"checked: {share}, as the error rate allows."
    if zeros == "none":
        return LARGER_BOUND
    if zeros == "left out":
        left = f"; {audit.n_zero} wrong starts were left out" if audit.n_zero else ""
        return f"used: the bound for correct starts{left}."
    return ""


def _reach(audit: AttackAudit, farthest: float) -> str:
    if not audit.n_failed:
        return "checked: no start failed, so no box or budget cut the attack off."
    if audit.bound == math.inf:
        return ""
    if farthest >= audit.bound:
        return f"checked: the attack reaches beyond the bound: it found errors up to {at_least(farthest, 4)}."
    found = f"the farthest error that it found is at {farthest:.4g}" if farthest else "it found no error at all"
    return (
        f"assumed: neither box nor budget kept the attack from reaching {at_most(audit.bound, 4)}: {found}, and "
        f"{audit.n_failed} starts failed."
    )


def _norm(audit: AttackAudit) -> str:
    if audit.norm == 2 and audit.stretch == 1:
        return ""
    return f"used: l_{audit.norm:g} distances and a noise whose scale for them is {audit.stretch * audit.sigma:.4g}."
