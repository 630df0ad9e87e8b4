"""What counts as an error: by default that another class scores higher; or whatever a function of the outputs says."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable
from types import CodeType
from typing import Any

import torch
from torch import Tensor

from isoperimetry.errors import ModelError

Rule = Callable[[Any, Tensor], Tensor]
"""``rule(outputs, labels)``: a number or a truth value for each input of a batch."""


def default_slack(dtype: torch.dtype) -> float:
    """Return the rounding of a logit, relative to the largest, that is called a tie: 64 epsilons, 8 of a half type."""
    return (8 if dtype in (torch.bfloat16, torch.float16) else 64) * torch.finfo(dtype).eps


def read_logits(outputs: Any, rows: int) -> Tensor:
    """Return logits of shape (rows, classes) from what a model returned.

    An object with the attribute ``logits`` stands for those. A head with one number z for each input, shape (rows,) or
    (rows, 1), becomes the two logits (-z / 2, z / 2): class 1 where z > 0, with the loss of a sigmoid.
    """
    logits = getattr(outputs, "logits", outputs)
    if not isinstance(logits, Tensor) or logits.ndim not in (1, 2) or logits.shape[0] != rows or not logits.numel():
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ModelError(
            f"The model must return logits of shape ({rows}, classes) but returned {got}: pass error= or margin= to "
            "judge other outputs."
        )
    if logits.ndim == 1 or logits.shape[1] == 1:
        half = logits.reshape(rows) / 2
        return torch.stack([-half, half], 1)
    return logits


def top_margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the label's logit less the largest of the others, shape (rows,); differentiable."""
    own = logits.gather(1, labels[:, None])
    others = logits.masked_fill(
        torch.zeros_like(logits, dtype=torch.bool).scatter_(1, labels[:, None], True), -torch.inf
    )
    return own[:, 0] - others.amax(1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found out about a batch, on its device.

    Attributes
    ----------
    wrong : Tensor, shape (rows,), bool
        Whether the input is an error.
    near : Tensor, shape (rows,), bool
        Whether the margin is within the slack, so that other arithmetic might decide otherwise.
    broken : Tensor, shape (rows,), bool
        Whether the model's answer is NaN or infinite.
    margins : Tensor, shape (rows,), float
        NaN where the criterion has none.
    """

    wrong: Tensor
    near: Tensor
    broken: Tensor
    margins: Tensor


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """How outputs become errors and margins; see `Classifier` for ``error`` and ``margin``."""

    error: Rule | None = None
    margin: Rule | None = None

    @property
    def by_class(self) -> bool:
        """Whether an error is another class on top."""
        return self.error is None and self.margin is None

    @property
    def has_margin(self) -> bool:
        """Whether there is a margin to follow down."""
        return self.error is None or self.margin is not None

    def margins(self, outputs: Any, labels: Tensor, rows: int) -> Tensor:
        """Return the margins of a batch, shape (rows,): at most 0 at errors; differentiable."""
        if self.margin is not None:
            return _answer("margin", self.margin(outputs, labels), rows)
        if self.error is not None:
            raise ModelError(
                "error= alone has no margin to follow: pass margin= too, a number that is <= 0 at errors, or use "
                'attack="boundary", which asks for answers alone.'
            )
        return top_margins(read_logits(outputs, rows), labels)

    def judge(self, outputs: Any, labels: Tensor, rows: int, slack: float) -> Judgement:
        """Judge a batch; ``slack`` is relative to the largest logit, or to 1 where the margin is the user's."""
        if self.by_class:
            logits = read_logits(outputs, rows)
            logits = logits if logits.dtype == torch.float64 else logits.float()
            margins = top_margins(logits, labels)
            wrong = logits.argmax(1) != labels
            near = margins.abs() <= slack * logits.abs().amax(1)
            return Judgement(wrong=wrong, near=near, broken=~torch.isfinite(logits).all(1), margins=margins)
        if self.margin is not None:
            margins = _answer("margin", self.margin(outputs, labels), rows)
            wrong, near, broken = margins <= 0, margins.abs() <= slack, ~torch.isfinite(margins)
        if self.error is not None:
            wrong = _answer("error", self.error(outputs, labels), rows)
            if wrong.dtype != torch.bool:
                raise ModelError(f"error= must return truth values, one for each input, but returned {wrong.dtype}.")
            if self.margin is None:
                near, broken = torch.zeros_like(wrong), _not_a_number(outputs, wrong)
                margins = torch.full(wrong.shape, torch.nan, device=wrong.device)
        return Judgement(wrong=wrong, near=near, broken=broken, margins=margins)

    def description(self) -> str:
        """Return what names the criterion in a fingerprint; empty for the default."""
        return "" if self.by_class else f"error: {_named(self.error)}, margin: {_named(self.margin)}"


def _not_a_number(outputs: Any, wrong: Tensor) -> Tensor:
    """Return which rows of outputs hold NaN; of outputs that are no tensor, a function ``error`` alone can tell."""
    values = getattr(outputs, "logits", outputs)
    if isinstance(values, Tensor) and values.is_floating_point() and values.shape[:1] == wrong.shape:
        return values.reshape(len(wrong), -1).isnan().any(1)
    return torch.zeros_like(wrong)


def _answer(name: str, answer: Any, rows: int) -> Tensor:
    if not isinstance(answer, Tensor) or answer.shape != (rows,):
        got = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        raise ModelError(
            f"{name}= must return a tensor of shape ({rows},), one entry for each input, but returned {got}."
        )
    return answer


def _named(rule: Rule | None) -> str:
    """Return the name of a function, its byte code and the values it holds, so that one that was changed is another."""
    if rule is None:
        return "none"
    if isinstance(rule, functools.partial):
        return f"partial of {_named(rule.func)} {_text((rule.args, rule.keywords))}"
    name = f"{getattr(rule, '__module__', '')}.{getattr(rule, '__qualname__', type(rule).__qualname__)}"
    code = getattr(rule, "__code__", None)
    if code is None:
        return name
    held = inspect.getclosurevars(rule).nonlocals if inspect.isfunction(rule) else {}
    values = (getattr(rule, "__defaults__", None), getattr(rule, "__kwdefaults__", None), *held.items())
    return f"{name} {_code(code)}" + (f" {_text(values)}" if any(values) else "")


def _code(code: CodeType) -> str:
    constants = [_code(value) if isinstance(value, CodeType) else repr(value) for value in code.co_consts]
    return f"{code.co_code.hex()} {constants} {code.co_names!r}"


def _text(value: Any) -> str:
    """Return the ``repr`` of a value without addresses, which are others in the next process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
