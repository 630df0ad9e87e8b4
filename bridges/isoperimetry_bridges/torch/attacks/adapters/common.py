"""What the adapters share: the model as a package sees it, and the state of the process, put back afterwards.

A package returns inputs. Whether they are errors, and how far away, is asked and measured here, as for our own attacks.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from isoperimetry.errors import IsoperimetryError
from isoperimetry_bridges.torch.attacks.base import Box, NearestErrors, attack_in_batches, into_box, probe
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.faults import is_out_of_memory, raised
from isoperimetry_bridges.torch.models.packages import needed
from isoperimetry_bridges.torch.models.randomness import global_randomness

# Where there is no box, the one that a package is told about leaves this many radii around all starts.
ROOM = 2.0


class AttackFailed(IsoperimetryError, RuntimeError):
    """An attack of another package raised an error."""


@contextmanager
def undisturbed(classifier: Classifier, seed: int) -> Iterator[None]:
    """Run code of others: with its own random numbers, and with all that it changes in the process put back.

    Put back are the generators of Python, NumPy and torch, whether gradients are recorded, the default type, cuDNN's
    flags, the trace function (AutoAttack removes it), and the flags ``training`` and ``requires_grad`` of the model.
    Weights have no gradient inside, so that none is accumulated. The GPU of the model is the current one. One thread at
    a time.
    """
    cudnn, names = torch.backends.cudnn, ("enabled", "benchmark", "deterministic")
    with global_randomness(seed, classifier.device), torch.enable_grad():
        flags = [getattr(cudnn, name) for name in names]
        dtype, trace = torch.get_default_dtype(), sys.gettrace()
        modes = [(part, part.training) for part in classifier.module.modules()]
        weights = [(weight, weight.requires_grad) for weight in classifier.module.parameters()]
        try:
            for weight, wanted in weights:
                if wanted:
                    weight.requires_grad_(False)
            yield
        finally:
            for weight, wanted in weights:
                if weight.requires_grad != wanted:
                    weight.requires_grad_(wanted)
            for part, training in modes:
                part.training = training
            sys.settrace(trace)
            torch.set_default_dtype(dtype)
            for name, flag in zip(names, flags, strict=True):
                if getattr(cudnn, name) != flag:
                    setattr(cudnn, name, flag)


class View(nn.Module):
    """The classifier as a package sees it: a module from images in ``bounds`` to logits.

    It is deaf to what a package does to modules (mode, device, gradients of weights): the classifier stays as it is.
    Images have three axes, whatever the inputs of the classifier have, and are float32.

    Parameters
    ----------
    classifier : Classifier
    starts : Tensor, shape (n, ...)
        All that will be attacked; without ``box`` they set the bounds.
    eps : float
        The radius in the unit of the inputs.
    box : (float, float) or None
    unit : bool
        Whether the package insists on [0, 1]: the bounds are then mapped to it, and the radius with them.
    """

    def __init__(self, classifier: Classifier, starts: Tensor, eps: float, box: Box | None, unit: bool) -> None:
        super().__init__()
        room = ROOM * eps
        low, high = box or (float(starts.min()) - room, float(starts.max()) + room)
        self.offset, self.width = (low, high - low) if unit else (0.0, 1.0)
        self.bounds = (0.0, 1.0) if unit else (low, high)
        self.eps, self.box = eps / self.width, box
        self.classifier, self.shape = classifier, starts.shape[1:]
        # Packages ask a module's first parameter where it lives.
        self.anchor = nn.Parameter(torch.zeros((), device=classifier.device), requires_grad=False)
        self.training = False

    def train(self, mode: bool = True) -> View:
        """Stay in evaluation mode."""
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (n, classes), float32."""
        inputs = (self.offset + self.width * x).to(self.classifier.input_dtype).reshape(-1, *self.shape)
        return self.classifier.logits(inputs.to(self.classifier.device)).float()

    @property
    def n_classes(self) -> int:
        """How many classes the classifier knows."""
        middle = torch.full((1, *self.shape), sum(self.bounds) / 2, device=self.classifier.device)
        with torch.no_grad():
            return int(self(middle).shape[1])

    def inward(self, x: Tensor) -> Tensor:
        """Return inputs of the classifier as images of the package, shape (n, channels, height, width)."""
        shape = self.shape if len(self.shape) == 3 else (1, 1, math.prod(self.shape))
        low, high = self.bounds
        return ((x - self.offset) / self.width).float().reshape(-1, *shape).clamp(low, high)

    def outward(self, starts: Tensor, before: Tensor, after: Any) -> Tensor:
        """Return where an attack ended, in the classifier's inputs; the start itself where it did not get away.

        An image that is blank (all zeros) or no finite number says that the package found nothing.
        """
        after = torch.as_tensor(after, device=before.device).detach().reshape(before.shape)
        flat = after.flatten(1)
        nothing = ~torch.isfinite(flat).all(1) | ((flat == 0).all(1) & (flat.shape[1] > 1))
        moved = (self.width * (after - before)).reshape(starts.shape).to(starts.dtype)
        ends = into_box(starts + moved, self.box)
        return torch.where(nothing.view(-1, *[1] * (starts.ndim - 1)), starts, ends)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """An attack of another package as an `Attack`; see its subclasses.

    The packages do not say whether an attack stopped because the gradient was zero: no start is called blocked.

    Parameters
    ----------
    radius : float
        The radius in which the package searches, in units of the distance at which an error is expected, > 0. Only
        minimum-norm attacks go farther.
    seed : int
        Seeds all random numbers that the package draws, so that a search can be repeated.
    name : str
        How reports call the attack; default: the package, and what it is asked for.
    """

    radius: float = 3.67
    seed: int = 0
    name: str = ""

    package: ClassVar[str]
    install: ClassVar[str]
    unit: ClassVar[bool]

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf:
            raise ValueError(f"radius={self.radius!r} must be finite and > 0: it is in units of the expected distance.")
        if not self.name:
            object.__setattr__(self, "name", f"{self.package.partition('.')[0]} {self._described()}".strip())

    def _described(self) -> str:
        """Return what the package is asked for, in a word; empty for a lambda."""
        named = getattr(getattr(self, "attack", None), "__name__", "")
        return "" if named.startswith("<") else named

    def _find(self, package: Any, view: View, x: Tensor, labels: Tensor) -> Any:
        """Return where the package's attack ends from images ``x`` of ``view``."""
        raise NotImplementedError

    def check(self, classifier: Classifier) -> Any:
        """Return the package; refuse a classifier that it cannot know, and a package that is not installed."""
        feature = f"adapters.{type(self).__name__}"
        if not classifier.criterion.by_class:
            raise ValueError(
                f"{feature} needs a classifier whose errors are other classes on top: other packages know logits only, "
                "not error= or margin=."
            )
        return needed(self.package, feature, f"pip install {self.install}")

    def __call__(
        self,
        classifier: Classifier,
        starts: Tensor,
        labels: Tensor | int,
        *,
        scale: float | Tensor,
        box: Box | None = None,
    ) -> NearestErrors:
        """Attack ``starts``; see `Attack`.

        Raises
        ------
        MissingDependency
            If the package is not installed.
        AttackFailed
            If the package raises an error.
        """
        package = self.check(classifier)

        def search(starts: Tensor, labels: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
            ends = starts.clone()
            wrong, _ = probe(classifier, starts, labels)
            for value in sorted(set(scales[~wrong].tolist())):  # a package knows one radius at a time
                rows = (~wrong & (scales == value)).nonzero().flatten()
                view = View(classifier, starts[rows], self.radius * value, box, self.unit)
                while len(rows):
                    size = classifier.batch_size(starts[0].numel())
                    try:
                        ends[rows[:size]] = self._attempt(package, view, starts[rows[:size]], labels[rows[:size]])
                    except Exception as error:
                        if not is_out_of_memory(error):
                            raise
                        classifier.shrink_batch(min(size, len(rows)))
                        continue
                    rows = rows[size:]
            return ends, torch.zeros_like(wrong)

        return attack_in_batches(classifier, starts, labels, scale=scale, box=box, search=search)

    def _attempt(self, package: Any, view: View, starts: Tensor, labels: Tensor) -> Tensor:
        before = view.inward(starts)
        try:
            with undisturbed(view.classifier, self.seed):
                after = self._find(package, view, before.clone(), labels.clone())
        except IsoperimetryError:
            raise
        except Exception as error:  # whatever the package raises
            if is_out_of_memory(error):
                raise
            advice = "" if view.classifier.differentiable else " (the classifier has no gradient: not all attacks run)"
            raise AttackFailed(f"The attack {self.name!r} {raised(error)}{advice}") from error
        return view.outward(starts, before, after)
