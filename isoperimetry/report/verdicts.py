"""What a page says first: of each model, whether its attack is convicted, in sentences that need no theory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from isoperimetry.report.measured import ModelResults
from isoperimetry.report.text import describe_family
from isoperimetry.results import at_most

# tone -> what it says of the attack; a page shows them by a symbol and a colour too
TONES = {
    "bad": "{} convicted",
    "good": "{} consistent with the bound",
    "open": "{} not convicted",
    "none": "Not audited",
}


def model_verdict(model: ModelResults) -> dict[str, Any]:
    """Return the verdict on the attack of one model: tone, a word for it, and sentences.

    Parameters
    ----------
    model : ModelResults

    Returns
    -------
    dict
        "model", "attack", "tone" (a key of `TONES`), "word", "sentences", "n_images", "n_audited", "n_convicted".
    """
    audited, counts = len(model.audited), Counter(image.verdict for image in model.audited)
    said: list[str] = []
    if model.family is None:
        tone = "none"
        said.append(f"None of {_images(len(model.images))} could be audited: {_statuses(model)}.")
    elif model.n_convicted:
        tone = "bad"
        worst = max(model.family.adjusted_p_values[place] for place in model.family.convicted)
        said.append(describe_family(model.family).replace("The attack", model.attack, 1))
        said.append(
            f"The errors counted in noise force others to lie nearer than those it found (p at most "
            f"{at_most(worst, 1)} there), so that its distances cannot be taken for the distance of the nearest error."
        )
    else:
        tone = "good" if counts["consistent"] == audited else "open"
        told = [f"{counts[word]} {word}" for word in ("consistent", "undecided") if counts[word]]
        said.append(f"{model.attack} is not convicted on any of {_images(audited)} ({', '.join(told)}).")
        said.append("That is no proof that it finds the nearest errors.")
        unbound = sum(math.isinf(audit.bound) for audit in model.audits)
        if unbound:
            said.append(f"On {unbound} of {_images(audited)} no bound follows from the errors counted in noise.")
    share = model.bound_share
    if math.isfinite(share):
        said.append(
            f"From noisy copies, the nearest error that any of the attacks found lies at {share:.2f} of the bound, in "
            "the median."
        )
    elif math.isinf(share):
        said.append("From half of the noisy copies, no attack found any error.")
    if model.family is not None and audited < len(model.images):
        said.append(f"Not audited: {_statuses(model)}.")
    return {
        "model": model.name,
        "attack": model.attack,
        "tone": tone,
        "word": TONES[tone].format(model.attack),
        "sentences": said,
        "n_images": len(model.images),
        "n_audited": audited,
        "n_convicted": model.n_convicted,
    }


def headline(verdicts: Sequence[dict[str, Any]], gates: Sequence[dict[str, Any]] = ()) -> str:
    """Return the first sentence of a page.

    Examples
    --------
    >>> headline([{"model": "masked", "attack": "PGD", "tone": "bad"}, {"model": "a", "attack": "PGD", "tone": "open"}])
    'PGD provably misses errors on masked.'
    """
    said = []
    if gates:
        failed = list(dict.fromkeys(gate["model"] for gate in gates if not gate["met"]))
        said.append(f"The gate is not met by {listed(failed)}." if failed else "The gate is met.")
    bad: dict[str, dict[str, None]] = {}
    for verdict in verdicts:
        if verdict["tone"] == "bad":
            bad.setdefault(verdict["attack"], {})[verdict["model"]] = None  # once, also where several runs have it
    said += [f"{attack} provably misses errors on {listed(list(models))}." for attack, models in bad.items()]
    if not bad:
        none = all(verdict["tone"] == "none" for verdict in verdicts)
        said.append("No image could be audited." if none else "No attack is convicted.")
    return " ".join(said)


def listed(parts: Sequence[str]) -> str:
    """Return parts as a list in words.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _statuses(model: ModelResults) -> str:
    counts = Counter(image.status for image in model.images if image.audit is None)
    return listed([f"{number} {status}" for status, number in counts.most_common()]) if counts else "there is none"


def _images(number: int) -> str:
    return f"{number} image" if number == 1 else f"{number} images"
