"""A torch model as the audit needs it: deterministic, in evaluation mode, with finite logits and a known input box."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.compiling import Compiled
from isoperimetry_bridges.torch.criterion import Criterion, Judgement, Rule, default_slack, read_logits
from isoperimetry_bridges.torch.faults import is_out_of_memory, not_finite, raised
from isoperimetry_bridges.torch.identity import channels_last_hint, check_data, digest
from isoperimetry_bridges.torch.normalisation import as_normalisation, normalised

# Batches of about this many input values are near the speed of large ones on a CPU and small enough for any memory; an
# accelerator wants many more.
_VALUES_PER_BATCH = {"cpu": 400_000, "other": 40_000_000}
_LARGEST_BATCH = {"cpu": 512, "other": 4096}


def _refuse_training(module: nn.Module) -> None:
    training = [part for part, child in module.named_modules() if child.training]
    if training:
        where = f"its part '{training[0]}'" if training[0] else "it"
        dropout = all(isinstance(module.get_submodule(part), nn.modules.dropout._DropoutNd) for part in training)
        advice = ", or wrap it in models.expectation() if its dropout shall stay random" if dropout else ""
        told = f"The model must be in evaluation mode but {where} is in training mode"
        raise ModelError(f"{told}: call model.eval(){advice}.")


def as_classifier(model: Classifier | nn.Module) -> Classifier:
    """Return a classifier as it is, and a module as a classifier with the default settings."""
    return model if isinstance(model, Classifier) else Classifier(model)


class Classifier:
    """A classifier: module, input box, normalisation, device, and what counts as an error.

    Distances and noise are in the unit of the inputs given to this object, before ``mean`` and ``std``. What is done
    to an input inside, be it normalisation, half precision or a defence, is part of the classifier.

    Parameters
    ----------
    module : torch.nn.Module
        Maps inputs of shape (batch, ...), as a rule images (batch, channels, height, width), to logits of shape (batch,
        classes), to one logit of shape (batch,) or (batch, 1) for two classes, or to an object that has ``logits``. It
        is moved to ``device`` and must be in evaluation mode.
    bounds : (float, float), default (0, 1)
        Smallest and largest value of an input.
    mean, std : sequence of float, one per channel, optional
        Normalisation ``(x - mean) / std`` done here before the module is called.
    device : str or torch.device, optional
        Where the model runs; default: where its parameters are.
    name : str, optional
        How reports call it; default: the class of the module.
    error : callable, optional
        ``error(outputs, labels)``, a bool tensor of shape (batch,): which outputs are errors. ``outputs`` is what the
        module returned, and a label whatever stands in that row of ``labels``. Default: another class is on top.
    margin : callable, optional
        ``margin(outputs, labels)``, shape (batch,), at most 0 at errors and differentiable: what attacks and
        estimators of rare errors follow. Without ``error`` it decides what an error is.
    autocast : torch.dtype, optional
        `torch.bfloat16` or `torch.float16`: run the module in mixed precision. It is then another classifier than in
        float32; `measure_error_rate` reports how often the two disagree.
    channels_last : bool, default False
        Keep weights and images with the channels innermost, which is often faster.
    compiled : bool, default False
        Run the module through `torch.compile`.
    batch_size : int, optional
        How many inputs are sent through at once, >= 1; default: by the size of an input and the kind of device.
    slack : float, optional
        A draw whose margin is at most this, relative to its largest logit (to 1 for a margin of yours), is counted as a
        tie: other arithmetic might decide otherwise. Default: 64 epsilons of the type in which the model computes, 8 of
        a half type.

    Raises
    ------
    ModelError
        If the module or a part of it is in training mode.

    Examples
    --------
    >>> import torch
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3)).eval()
    >>> Classifier(linear).predict(torch.zeros(2, 1, 2, 2)).shape
    torch.Size([2])
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        bounds: tuple[float, float] = (0.0, 1.0),
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        device: str | torch.device | None = None,
        name: str | None = None,
        error: Rule | None = None,
        margin: Rule | None = None,
        autocast: torch.dtype | None = None,
        channels_last: bool = False,
        compiled: bool = False,
        batch_size: int | None = None,
        slack: float | None = None,
    ) -> None:
        if not isinstance(module, nn.Module):
            raise TypeError(f"module={type(module).__name__} must be a torch.nn.Module: wrap a function in one.")
        _refuse_training(module)
        box = np.asarray(bounds, float)
        if box.shape != (2,) or not -np.inf < box[0] < box[1] < np.inf:
            raise ValueError(
                f"bounds={bounds!r} must be (low, high), finite and with low < high: it is the box of the inputs."
            )
        for rule, given in (("error", error), ("margin", margin)):
            if given is not None and not callable(given):
                raise TypeError(f"{rule}={given!r} must be a function of (outputs, labels).")
        if autocast not in (None, torch.bfloat16, torch.float16):
            raise ValueError(f"autocast={autocast!r} must be torch.bfloat16 or torch.float16, or None for none.")
        if batch_size is not None and (isinstance(batch_size, bool) or int(batch_size) != batch_size or batch_size < 1):
            raise ValueError(f"batch_size={batch_size!r} must be an integer >= 1: it is a number of inputs.")
        if slack is not None and not 0 <= slack < np.inf:
            raise ValueError(f"slack={slack!r} must be finite and >= 0: 0 calls only exact ties a tie.")
        parameter = next((value for value in module.parameters() if value.is_floating_point()), None)
        if device is None:
            device = parameter.device if parameter is not None else "cpu"
        try:
            self.device = torch.device(device)
            torch.empty(0, device=self.device)  # a module without weights would go anywhere
            self.module = module.to(self.device)
        except (RuntimeError, AssertionError) as failure:
            reason = str(failure).splitlines()[0]
            raise ValueError(f"device={str(device)!r} must be a device that torch can use here: {reason}") from None
        self.bounds = (float(box[0]), float(box[1]))
        self.name = name or type(module).__name__
        self.criterion = Criterion(error=error, margin=margin)
        self.autocast, self.channels_last, self.compiled = autocast, bool(channels_last), bool(compiled)
        self.dtype = torch.float32 if parameter is None else parameter.dtype
        """The type that the module takes; inputs are float64 for a float64 module, else float32."""
        self.slack = default_slack(self.autocast or self.dtype) if slack is None else float(slack)
        self._mean, self._std = as_normalisation(mean, std, self.bounds, self.device)
        self._given_size = None if batch_size is None else int(batch_size)
        self._limits: dict[str, int] = {}  # shared by copies: what memory taught
        self._run: Any = None
        self._hashed: tuple[Any, str] | None = None
        if self.channels_last:
            self.module = self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __repr__(self) -> str:
        return f"Classifier({self.name!r}, {self.fingerprint()}, bounds={self.bounds}, device='{self.device}')"

    def __deepcopy__(self, memo: dict[int, Any]) -> Classifier:
        """Return a copy with modules and buffers of its own; parameters are shared, as no one changes them."""
        for parameter in self.module.parameters():
            memo[id(parameter)] = parameter
        twin = copy.copy(self)
        twin.module = copy.deepcopy(self.module, memo)
        twin._run = None
        return twin

    @property
    def input_dtype(self) -> torch.dtype:
        """The type of the inputs and of their noise: float64 for a float64 module, else float32."""
        return torch.float64 if self.dtype == torch.float64 else torch.float32

    @property
    def differentiable(self) -> bool:
        """Whether there is a margin and the module has gradients: False for a session of another runtime."""
        return self.criterion.has_margin and bool(getattr(self.module, "differentiable", True))

    @property
    def exact_arithmetic(self) -> bool:
        """Whether the module runs as it is, without mixed precision or a compiler, in float32 or float64."""
        return self.autocast is None and not self.compiled and self.dtype in (torch.float32, torch.float64)

    def reference(self) -> Classifier:
        """Return the same classifier in plain float32 (float64 for a float64 module), to compare answers with."""
        twin = copy.deepcopy(self)
        twin.autocast, twin.compiled, twin._limits = None, False, dict(self._limits)
        if self.dtype != torch.float64:
            twin.module, twin.dtype = copy.deepcopy(self.module).float(), torch.float32
        twin.slack = default_slack(twin.dtype)
        return twin

    def outputs(self, x: Tensor) -> Any:
        """Return what the module returns for inputs of shape (batch, ...); differentiable in ``x``.

        Raises
        ------
        ModelError
            If the module raises an error.
        torch.OutOfMemoryError
            If memory does not suffice for the batch.
        """
        shape = tuple(x.shape)
        if self._mean is not None and self._std is not None:
            x = normalised(x, self._mean, self._std)
        else:
            x = x.clone()  # a module whose first layer works in place must not change its caller's images
        x = x.to(self.dtype)
        if self.channels_last and x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        if self._run is None:
            self._run = Compiled(self.module) if self.compiled else self.module
        try:
            with self._precision():
                return self._run(x)
        except Exception as error:  # whatever the user's code raises
            if is_out_of_memory(error) or isinstance(error, ModelError):
                raise
            taken = f"images of shape {shape}{channels_last_hint(shape)}"
            raise ModelError(f"The model cannot take {taken}: it {raised(error)}") from error

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, classes), of inputs of shape (batch, ...); differentiable in ``x``.

        Raises
        ------
        ModelError
            If the module raises an error, or the logits have another shape than (batch, classes) or are not all finite.
        """
        logits = read_logits(self.outputs(x), len(x))
        if not torch.isfinite(logits).all():
            raise not_finite()
        return logits if logits.dtype == torch.float64 else logits.float()

    def margins(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return the margins of a batch, shape (batch,): at most 0 at errors; differentiable in ``x``.

        By default the logit of the label less the largest of the others.

        Raises
        ------
        ModelError
            If the module raises an error, a margin is not finite, or the criterion has no margin.
        """
        margins = self.criterion.margins(self.outputs(x), labels.to(self.device), len(x))
        if not torch.isfinite(margins).all():
            raise not_finite()
        return margins if margins.dtype == torch.float64 else margins.float()

    @torch.no_grad()  # not inference_mode: what a module keeps from a call must serve gradients later
    def judge(self, x: Tensor, labels: Tensor) -> Judgement:
        """Judge one batch on the device, without waiting for it; whoever reads it must look at ``broken`` first."""
        return self.criterion.judge(self.outputs(x), labels, len(x), self.slack)

    def batch_size(self, dim: int) -> int:
        """Return the number of inputs of ``dim`` values that are sent through the model at once."""
        kind = "cpu" if self.device.type == "cpu" else "other"
        size = self._given_size or max(4, min(_LARGEST_BATCH[kind], _VALUES_PER_BATCH[kind] // dim))
        return min(size, self._limits.get("batch", size))

    def shrink_batch(self, size: int) -> None:
        """Remember, for this classifier and its copies, that ``size`` inputs at once were too many for the memory.

        Raises
        ------
        ModelError
            If ``size`` is 1.
        """
        if size <= 1:
            raise ModelError("The memory does not suffice for one input: use a device with more, or a smaller model.")
        self._limits["batch"] = min(size // 2, self._limits.get("batch", size))

    def predict(self, x: Tensor, *, fill: bool = True) -> Tensor:
        """Return the predicted classes, shape (n,), int64 on the CPU; see `wrong` for ``fill``."""
        return self._in_batches(x, lambda batch, rows: self.logits(batch).argmax(1), torch.int64, fill)

    def wrong(self, x: Tensor, labels: Tensor | int, *, fill: bool = True) -> Tensor:
        """Return which inputs are errors, shape (n,), bool on the CPU.

        All batches have the same size (the last one is filled up), because a float32 model may round differently at
        another batch size: counts and verified errors are then decided by the same arithmetic. ``fill=False`` leaves
        the last batch short: faster for a few inputs, for answers that are verified later.

        Parameters
        ----------
        x : Tensor, shape (n, ...)
        labels : Tensor, shape (n, ...), or int
            One for each input, or one class for all.
        """
        y = spread_labels(labels, len(x)).to(self.device)

        def answer(batch: Tensor, rows: Tensor) -> Tensor:
            found = self.judge(batch, y[rows])
            if found.broken.any():
                raise not_finite()
            return found.wrong

        return self._in_batches(x, answer, torch.bool, fill)

    @torch.no_grad()
    def _in_batches(self, x: Tensor, answer: Any, dtype: torch.dtype, fill: bool) -> Tensor:
        found = torch.empty(len(x), dtype=dtype)
        first = 0
        while first < len(x):
            size = self.batch_size(x[0].numel())
            count = min(size, len(x) - first)
            rows = torch.arange(first, first + (size if fill else count)).clamp_(max=first + count - 1)
            try:
                batch = x[first : first + count].to(self.device)
                if fill and count < size:
                    batch = torch.cat([batch, batch[:1].expand(size - count, *batch.shape[1:])])
                    rows[count:] = first
                found[first : first + count] = answer(batch, rows.to(self.device))[:count].cpu()
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self.shrink_batch(size)
                continue
            first += count
        return found

    def _precision(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.autocast is None else torch.autocast(self.device.type, dtype=self.autocast)

    @torch.no_grad()
    def check(self, images: Tensor, labels: Tensor) -> None:
        """Refuse images, labels or a model that cannot be audited; one clear sentence each.

        Parameters
        ----------
        images : Tensor, shape (n, ...), as a rule (n, channels, height, width)
            In the input box.
        labels : Tensor, shape (n,)
            Integers in [0, classes); with ``error`` or ``margin``, shape (n, ...), whatever these take.

        Raises
        ------
        ValueError
            If shapes do not fit, an image leaves the box, or a label is no class.
        ModelError
            If the model is in training mode, logits are not finite, or the model answers differently when asked twice.
        """
        _refuse_training(self.module)
        self.fingerprint()  # before the model works: it may keep notes in its buffers
        check_data(images, labels, self.bounds, by_class=self.criterion.by_class)
        answers = self._ask_twice(images, labels)
        if self.criterion.by_class:
            n_classes = answers[0].shape[1]
            bad = (labels < 0) | (labels >= n_classes)
            if bad.any():
                index = int(bad.nonzero()[0])
                raise ValueError(
                    f"labels[{index}]={int(labels[index])} must be in [0, {n_classes - 1}]: the model's classes."
                )
        if not torch.equal(answers[0], answers[1]):
            raise ModelError(
                "The model answered differently when asked twice, and must be deterministic: take dropout that stays "
                "active out, by .eval(), or wrap a model that is random on purpose in models.expectation()."
            )

    def _ask_twice(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return two answers about the first images, as many as are a batch and as the memory can take."""
        while True:
            size = min(self.batch_size(images[0].numel()), len(images))
            try:
                probe = images[:size].to(self.device)
                if self.criterion.by_class:
                    return [self.logits(probe) for _ in range(2)]
                found = [self.judge(probe, labels[:size].to(self.device)) for _ in range(2)]
                break
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            self.shrink_batch(size)  # here, where nothing of the failed call is held any more
        if found[0].broken.any():
            raise not_finite(what="The model" if self.criterion.margin is None else "margin=")
        return [one.wrong if one.margins.isnan().all() else one.margins for one in found]

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that name weights, structure (the module's ``repr``), box and normalisation.

        They also name the criterion and the arithmetic, where these are not the default. Buffers count as they were
        when it was first asked, or checked: a module may keep notes in them while it works. Weights that are changed
        through ``.data`` after that are not seen: make a new classifier.
        """
        state = [(id(parameter), parameter._version) for parameter in self.module.parameters()]
        if self._hashed is None or self._hashed[0] != state:
            self._hashed = (state, self._fingerprint())
        return self._hashed[1]

    def _fingerprint(self) -> str:
        settings = [repr((self.module, self.bounds)), self.criterion.description()]
        if self.autocast is not None or self.compiled:
            settings.append(f"autocast: {self.autocast}, compiled: {self.compiled}")
        weights = sorted(self.module.state_dict().items())
        return digest(settings, [("normalisation: mean", self._mean), ("normalisation: std", self._std), *weights])


def spread_labels(labels: Tensor | int, count: int) -> Tensor:
    """Return one label for each of ``count`` inputs, from those or from one class for all."""
    if isinstance(labels, Tensor) and labels.ndim:
        return labels
    return torch.full((count,), int(labels), dtype=torch.int64)
