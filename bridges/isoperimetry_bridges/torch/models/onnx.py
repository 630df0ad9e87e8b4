"""ONNX models, run by onnxruntime: no gradients, so error rates and the attacks that need none."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.criterion import default_slack
from isoperimetry_bridges.torch.faults import raised
from isoperimetry_bridges.torch.models.packages import needed

_TYPES = {"tensor(float)": torch.float32, "tensor(double)": torch.float64, "tensor(float16)": torch.float16}


class Session(nn.Module):
    """A session of onnxruntime as a module. Copies share the session, which may be run from several threads."""

    differentiable = False

    def __init__(self, session: Any, digest: str, input_name: str | None, output_name: str | None) -> None:
        super().__init__()
        self.session, self.digest = session, digest
        inputs = {entry.name: entry for entry in session.get_inputs()}
        outputs = [entry.name for entry in session.get_outputs()]
        for what, name, names in (("input_name", input_name, list(inputs)), ("output_name", output_name, outputs)):
            if name is not None and name not in names:
                raise ValueError(f"{what}={name!r} must be one of {', '.join(map(repr, names))}.")
        if input_name is None and len(inputs) != 1:
            raise ValueError(
                f"The model has {len(inputs)} inputs, {', '.join(inputs)}: give input_name= of the images."
            )
        entry = inputs[input_name or next(iter(inputs))]
        if entry.type not in _TYPES:
            raise ValueError(f"The input {entry.name!r} has type {entry.type} but must be floating point.")
        self.input_name, self.output_name = entry.name, output_name or outputs[0]
        self.input_type = _TYPES[entry.type]
        self.batch = entry.shape[0] if entry.shape and isinstance(entry.shape[0], int) else None
        self.training = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Session:
        """Return the same object: a session cannot be copied, and need not be."""
        return self

    def extra_repr(self) -> str:
        """Return what belongs to the fingerprint of a classifier: the weights are in the digest."""
        return f"{self.digest}, {self.input_name} -> {self.output_name}, {self.session.get_providers()}"

    def forward(self, x: Tensor) -> Tensor:
        """Return the model's output; one with a fixed batch size runs as often as needed, the last time filled up."""
        images = x.detach().to("cpu", self.input_type).contiguous().numpy()
        size = self.batch or max(len(images), 1)
        answers = []
        for first in range(0, len(images), size):
            batch = images[first : first + size]
            count = len(batch)
            if self.batch and count < size:
                batch = np.concatenate([batch, np.repeat(batch[:1], size - count, 0)])
            answers.append(self.session.run([self.output_name], {self.input_name: batch})[0][:count])
        return torch.from_numpy(np.concatenate(answers)).to(x.device)


def from_onnx(
    model: Any,
    *,
    providers: Sequence[Any] = ("CPUExecutionProvider",),
    input_name: str | None = None,
    output_name: str | None = None,
    name: str | None = None,
    **settings: Any,
) -> Classifier:
    """Return the classifier of an ONNX model, run by onnxruntime.

    It has no gradient (``differentiable`` is False); error rates, noise scales and gradient-free attacks need none.

    Parameters
    ----------
    model : path, bytes, or onnxruntime.InferenceSession
        A file, a serialised model, or a session that was made from one of them.
    providers : sequence, default ("CPUExecutionProvider",)
        Where onnxruntime runs a file or bytes; inputs and outputs pass through the memory of the CPU.
    input_name, output_name : str, optional
        Which input takes the images, needed where there are several; which output has the logits, default the first.
    name : str, optional
        Default: the name of the file, or "onnx".
    **settings
        Passed to `Classifier`. A model with a fixed batch size runs in pieces of that size; ``batch_size`` should be a
        multiple of it.

    Returns
    -------
    Classifier

    Raises
    ------
    MissingDependency
        If onnxruntime is not installed.
    ValueError
        If the model cannot be loaded, or it is not clear which input takes the images.
    """
    if isinstance(model, (str, os.PathLike, bytes)):
        source: Any = model
        session = _loaded(model, providers)
    else:
        if not all(hasattr(model, attribute) for attribute in ("run", "get_inputs", "get_outputs", "get_providers")):
            raise TypeError(f"model={type(model).__name__} must be a path, bytes, or an onnxruntime.InferenceSession.")
        session = model
        source = getattr(model, "_model_bytes", None) or getattr(model, "_model_path", None)
        if source is None:
            raise ValueError("The session does not say which model it runs: pass the path of the file, or its bytes.")
    module = Session(session, _digest(source), input_name, output_name)
    if name is None:
        name = "onnx" if isinstance(source, bytes) else Path(source).stem
    settings.setdefault("slack", default_slack(module.input_type))
    return Classifier(module, name=name, **settings)


def _loaded(model: Any, providers: Sequence[Any]) -> Any:
    runtime = needed("onnxruntime", "from_onnx", "pip install onnxruntime")
    shown = "bytes" if isinstance(model, bytes) else f"'{os.fspath(model)}'"
    try:
        given = model if isinstance(model, bytes) else os.fspath(model)
        return runtime.InferenceSession(given, providers=list(providers))
    except Exception as error:
        raise ValueError(f"model={shown} is no model that onnxruntime can load: it {raised(error)}") from error


def _digest(source: Any) -> str:
    """Return a digest of the model, and of the files with its weights that lie beside it."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()[:16]
    path = Path(source)
    data = path.read_bytes()
    digest = hashlib.sha256(data)
    for beside in sorted(path.parent.iterdir()):
        # Weights outside the model are in files that it names.
        if beside != path and beside.is_file() and beside.name.encode() in data:
            digest.update(beside.name.encode())
            with beside.open("rb") as file:
                while block := file.read(1 << 24):
                    digest.update(block)
    return digest.hexdigest()[:16]
