"""A check as continuous integration takes it: cases with an outcome each, a JUnit file, a summary in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isoperimetry.report import to_markdown
from isoperimetry_bridges.torch.gate import Gate
from isoperimetry_bridges.torch.junit import Case, Outcome, write_junit
from isoperimetry_bridges.torch.records import CheckSettings, ModelCheck
from isoperimetry_bridges.torch.summary import left_out

_ESCAPED = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>#~"})


def check_cases(
    checked: Sequence[ModelCheck], gates: Sequence[Gate], settings: CheckSettings, *, own: bool
) -> list[Case]:
    """Return the outcomes of a check: for each model the gate, if there is one, and whether the attack is convicted.

    Parameters
    ----------
    checked : sequence of ModelCheck
    gates : sequence of Gate
        One for each model, or none.
    settings : CheckSettings
    own : bool
        Whether the models are a user's. The shipped ones are there to show a conviction, which then is no failure.
    """
    nothing = not any(model.audited for model in checked)
    cases = []
    for index, model in enumerate(checked):
        if gates:
            one = gates[index]
            cases.append(
                Case(
                    group=model.name, name="mean error rate in noise", message=one.sentence(),
                    outcome=Outcome.PASSED if one.met else Outcome.FAILED,
                    seconds=model.seconds.get("error rate", 0.0),
                )
            )  # fmt: skip
        outcome, words = Outcome.PASSED, f"{model.attack} is convicted on none of {len(model.audited)} images."
        if model.n_convicted:
            outcome = Outcome.FAILED if own else Outcome.SKIPPED
            words = (
                f"{model.attack} provably misses errors on at least {model.n_convicted} of {len(model.audited)} images "
                f"(confidence {settings.confidence:g}{'' if own else '; this model is shipped to show it'})."
            )
        elif not model.audited:
            outcome = Outcome.ERROR if nothing and not gates else Outcome.SKIPPED
            words = f"No image could be audited: {left_out(model, settings)}."
        cases.append(
            Case(
                group=model.name, name=f"{model.attack} is not convicted", outcome=outcome, message=words,
                seconds=sum(model.seconds.values()),
            )
        )  # fmt: skip
    return cases


def write_cases(
    path: Path, cases: Sequence[Case], checked: Sequence[ModelCheck], about: Mapping[str, Any], *, words: str,
    seconds: float,
) -> None:  # fmt: skip
    """Write the cases as a JUnit file; its properties say with what, and how to repeat it.

    Parameters
    ----------
    path : Path
    cases : sequence of Case
    checked : sequence of ModelCheck
    about : mapping
        What ``results.json`` says of the run.
    words : str
        The reading, shown as what was printed.
    seconds : float
    """
    properties = {f"version of {name}": number for name, number in about["versions"].items()}
    properties |= {f"fingerprint of {model.name}": model.fingerprint for model in checked}
    properties |= {f"setting {name}": value for name, value in about["settings"].items() if value is not None}
    properties |= {key: about[key] for key in ("seed", "command", "source", "data_sha256") if key in about}
    write_junit(path, "isoperimetry check", cases, properties=properties, seconds=seconds, text=words)


def markdown_summary(cases: Sequence[Case], checked: Sequence[ModelCheck], gates: Sequence[Gate], *, words: str) -> str:
    """Return what a reviewer has to see, verdict first: sentences, a small table, the gates, the reading.

    Parameters
    ----------
    cases : sequence of Case
    checked : sequence of ModelCheck
    gates : sequence of Gate
    words : str
        The reading.
    """
    bad = [case for case in cases if case.outcome in (Outcome.FAILED, Outcome.ERROR)]
    kinds = {case.outcome for case in bad}
    verdict = "nothing to judge" if Outcome.ERROR in kinds else "failed" if kinds else "passed"
    lines = [f"### isoperimetry check: {verdict}", ""]
    lines += [f"- **{_plain(case.group)}**: {_plain(case.message)}" for case in bad] + ([""] if bad else [])
    rows = [
        {
            "model": _plain(model.name),
            "audited": f"{len(model.audited)} of {len(model.images)}",
            "wrong": len(model.wrong),
            "convicted": f"{_plain(model.attack)}: {model.n_convicted} of {len(model.audited)}",
        }
        for model in checked
    ]
    headings = {"model": "model", "audited": "images audited", "wrong": "wrong without noise", "convicted": "convicted"}
    lines += [to_markdown(rows, headings), ""]
    lines += [f"- {_plain(str(gate))}" for gate in gates] + ([""] if gates else [])
    return "\n".join([*lines, _plain(words), ""])


def _plain(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return " ".join(text.split()).translate(_ESCAPED)
