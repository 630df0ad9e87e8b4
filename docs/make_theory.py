"""Write the theory pages from the catalogue: ``python docs/make_theory.py``; with ``--check`` only compare the texts.

A page is the record of a theorem and what stands at the function of its picture in docs/pictures: title, call,
neighbours. Nothing under docs/theory is edited by hand. Pictures are drawn anew, and written where they look different.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import textwrap
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import theory_introduction
from pictures import PAGES, save

from isoperimetry.bounds import THEOREMS, Theorem

FOLDER = Path(__file__).parent / "theory"
NOTE = "<!-- Written by docs/make_theory.py: edit the record or the picture's function, then run it. -->"
GROUPS = {
    "Gaussian noise: typical noisy samples": "theorem: typical noisy sample",
    "Gaussian noise: the input itself": (
        "prediction: assumes a half-space|assumes a convex error set|assumes a convex correct region|worst case"
    ),
    "Gaussian noise: functions and lengths": "theorem: Lipschitz function|theorem: noise",
    "Smoothed classifiers": "theorem: smoothed classifier",
    "Other distributions": "theorem: typical sample",
}
WORDS = {"break_long_words": False, "break_on_hyphens": False}
LABELS = {
    "theorem: typical noisy sample": "A theorem about noisy samples, for every error set, and not about the center.",
    "theorem: typical sample": "A theorem about random samples, for every set.",
    "theorem: smoothed classifier": "A theorem about a classifier smoothed by noise, for every base classifier.",
    "theorem: Lipschitz function": "A theorem about functions of noise.",
    "theorem: noise": "A theorem about the noise alone.",
    "prediction: assumes a half-space": "Exact for half-spaces. For other error sets a prediction, and no bound.",
    "assumes a convex error set": "It holds for the center where the error set is convex, or a union of convex sets.",
    "assumes a convex correct region": "A theorem about the center, if the correct region is convex.",
    "worst case": "A theorem about the center, for every error set.",
}


def slug(name: str) -> str:
    """Return the name of a theorem's page and picture, without its ending."""
    return name.lower().replace("_", "-")


def escape(text: str) -> str:
    """Return plain text so that Markdown shows every character of it, in the cell of a table too."""
    return re.sub(r"[\\*`|]|(?<!\w)_|_(?!\w)|<(?=[\w/!?])|\](?=\()", r"\\\g<0>", text)


def fill(text: str) -> str:
    """Return Markdown with its paragraphs and items in lines of at most 120 characters."""
    parts = []
    for part in re.split(r"(\n\n+|\n(?=- ))", text):
        indent = "  " if part.startswith("- ") else ""
        whole = not part.strip() or part.startswith(("#", "|"))
        parts.append(part if whole else textwrap.fill(" ".join(part.split()), 120, subsequent_indent=indent, **WORDS))
    return "".join(parts)


def run(example: str) -> str:
    """Run the statements of an example; return them as a session, with what each really printed."""
    lines, names = [], {"__name__": "__main__"}
    for statement in ast.parse(example).body:
        source = "\n".join(example.splitlines()[statement.lineno - 1 : statement.end_lineno])
        shown = io.StringIO()
        with redirect_stdout(shown):
            exec(compile(ast.Interactive([statement]), "example", "single"), names)
        first, *more = source.splitlines()
        lines += [f">>> {first}", *(f"... {line}" for line in more), *shown.getvalue().splitlines()]
    return "\n".join(lines)


def link(name: str) -> str:
    """Return a link to the page of a theorem, from another one."""
    return f"[{PAGES[name].title}]({slug(name)}.md)"


def theorem_page(theorem: Theorem) -> str:
    """Return the text of a theorem's page."""
    page, name = PAGES[theorem.name], slug(theorem.name)
    words, entry = theorem.cite().split("\n\n", 1)
    extremal = "" if theorem.extremal is None else f"\n\n`{theorem.name}.extremal` makes sets that attain it."
    assumptions = "\n".join(f"- **{escape(each.name)}**: {escape(each.text)}" for each in theorem.assumptions)
    mistake = f"## A common mistake\n\n{escape(theorem.mistake)}\n\n" if theorem.mistake else ""
    place = THEOREMS.index(theorem)
    before, after = THEOREMS[place - 1], THEOREMS[(place + 1) % len(THEOREMS)]
    near = "\n".join(f"- {link(other)}: {escape(THEOREMS[other].direction)}" for other in page.near)
    return f"""{NOTE}

# {page.title}

`{theorem.name}` · **{escape(theorem.label)}** · {escape(theorem.space)}

{escape(theorem.statement)}

```math
{theorem.formula}
```

{LABELS[theorem.label]} The number is {
        "" if theorem.direction.startswith("equal") else "an " if theorem.direction.startswith("upper") else "a "
    }{escape(theorem.direction)}.

![{escape(page.caption.split(". ")[0].rstrip("."))}.](images/{name}.png)

*{escape(page.caption)}*

## In Python

`{theorem.function}`:

```python
{run(page.example)}

```

## Assumptions

{assumptions or "None."}

## How sharp it is

{escape(theorem.tightness)}{extremal}

## Idea of the proof

{escape(theorem.proof)}

{mistake}## Source

{escape(words)}

```bibtex
{entry}
```

## Neighbours

{near}

Before: {link(before.name)}. Next: {link(after.name)}. All: [the theorems](README.md).
"""


def table(theorems: list[Theorem]) -> str:
    """Return the rows of the index for some theorems."""
    rows = [
        f"| {link(theorem.name)}<br>`{theorem.name}` | {escape(theorem.direction)} | {escape(theorem.space)} "
        f"| {escape(theorem.label)} | {escape(theorem.source.authors)} ({theorem.source.year}) |"
        for theorem in theorems
    ]
    return "\n".join(["| theorem | it is | space | label | source |", "| --- | --- | --- | --- | --- |", *rows])


def index() -> str:
    """Return the text of the first page: introduction, table, and what follows for an input."""
    parts = []
    for heading, labels in GROUPS.items():
        chosen = [theorem for theorem in THEOREMS if theorem.label in labels.split("|")]
        parts.append(f"### {heading}\n\n{table(chosen)}")
    tables = "\n\n".join(parts)
    opening, inputs = (fill(text) for text in (theory_introduction.opening(), theory_introduction.inputs()))
    return f"{NOTE}\n\n{opening}\n\n## The theorems\n\n{tables}\n\n{inputs}\n"


def texts() -> dict[str, str]:
    """Return all pages by the names of their files."""
    return {"README.md": index(), **{f"{slug(theorem.name)}.md": theorem_page(theorem) for theorem in THEOREMS}}


def out_of_date(made: dict[str, str]) -> list[str]:
    """Return the names of files that are missing, differ from what is made, or belong to no theorem."""
    pictures = {f"images/{slug(name)}.png" for name in PAGES}
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    texts = {name for name, text in made.items() if name in found and (FOLDER / name).read_text("utf-8") != text}
    return sorted(texts | ({*made, *pictures} ^ found))


def main(words: list[str] | None = None) -> int:
    """Write or compare; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of date")
    parser.add_argument("--texts", action="store_true", help="draw no picture")
    options = parser.parse_args(words)
    made = texts()
    if options.check:
        stale = out_of_date(made)
        for name in stale:
            print(f"docs/theory/{name} is out of date: run python docs/make_theory.py")
        return 1 if stale else 0
    (FOLDER / "images").mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for name in () if options.texts else PAGES:
        if save(name, FOLDER / "images" / f"{slug(name)}.png"):
            print(f"drawn: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
