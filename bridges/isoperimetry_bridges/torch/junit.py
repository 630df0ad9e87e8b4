"""Results as JUnit XML, the form in which GitHub, GitLab and Jenkins take the outcomes of tests."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from isoperimetry_bridges.torch.files import replacing

# What XML 1.0 cannot hold, in whatever spelling.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Outcome(enum.Enum):
    """How a case went; a failure is a finding, an error means that there is none."""

    PASSED = "passed"
    FAILED = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of a test report.

    Attributes
    ----------
    group, name : str
        What was tested, and for what; neither should change from run to run, so that a history can be kept.
    outcome : Outcome
    message : str
        One sentence.
    seconds : float
    """

    group: str
    name: str
    outcome: Outcome
    message: str = ""
    seconds: float = 0.0


def write_junit(
    path: Path,
    suite: str,
    cases: Sequence[Case],
    *,
    properties: Mapping[str, object],
    seconds: float,
    text: str = "",
    created: datetime.datetime | None = None,
) -> None:
    """Write one test suite, whole or not at all, in a form that is valid by the schemas of Ant and of Jenkins.

    Parameters
    ----------
    path : Path
    suite : str
        Its name.
    cases : sequence of Case
    properties : mapping
        How the results came about; values are shown by `str`.
    seconds : float
        Of the whole run.
    text : str, optional
        What was printed.
    created : datetime, optional
        With a time zone; default: now.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "junit.xml"
    >>> case = Case(group="clean", name="gate", outcome=Outcome.FAILED, message="Not met.")
    >>> write_junit(path, "check", [case], properties={"seed": 0}, seconds=1.5)
    >>> print(path.read_text().splitlines()[-6].strip())
    <failure type="failure" message="Not met.">Not met.</failure>
    """
    created = (created or datetime.datetime.now(datetime.UTC)).astimezone(datetime.UTC)
    counts = {kind: sum(case.outcome is kind for case in cases) for kind in Outcome}
    root = ElementTree.Element("testsuites")
    # Of several suites in one file each has a number and a package.
    top = _child(
        root, "testsuite", id=0, package=_word(suite), name=_word(suite),
        timestamp=created.strftime("%Y-%m-%dT%H:%M:%S"), hostname=_word(platform.node() or "localhost"),
        tests=len(cases), failures=counts[Outcome.FAILED], errors=counts[Outcome.ERROR],
        skipped=counts[Outcome.SKIPPED], time=f"{seconds:.3f}",
    )  # fmt: skip
    listed = _child(top, "properties")
    for name, value in properties.items():
        _child(listed, "property", name=_word(name), value=value)
    for case in cases:
        one = _child(top, "testcase", classname=_word(case.group), name=_word(case.name), time=f"{case.seconds:.3f}")
        if case.outcome is not Outcome.PASSED:
            kind = case.outcome.value
            _child(one, kind, type=kind, message=case.message).text = _clean(case.message)
    _child(top, "system-out").text = _clean(text)
    _child(top, "system-err")
    ElementTree.indent(root)
    with replacing(path) as partial:
        ElementTree.ElementTree(root).write(partial, encoding="utf-8", xml_declaration=True)


def _child(parent: ElementTree.Element, tag: str, **attributes: object) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, {name: _clean(str(value)) for name, value in attributes.items()})


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)


def _word(text: str) -> str:
    """Return a text as the schemas want names: not empty, and with no space but single ones inside."""
    return " ".join(text.split()) or "-"
