"""What torch's modules and functions become as layers, and what users registered for theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.certify.layers import Convolution, Dense, Kink, Layer, Rescaling, Reshaping, Shape

Rule = Callable[[Any, Shape], Sequence[Layer]]
"""``rule(module, shape)``: the layers that a module amounts to for inputs of that shape (without the batch)."""

SUPPORTED = "Linear, Conv2d, AvgPool2d, BatchNorm, ReLU, LeakyReLU, Flatten and arithmetic with constants are known"


def as_double(values: Any) -> Tensor:
    """Return numbers as float64 on the CPU, with no gradient."""
    return torch.as_tensor(values).detach().to("cpu", torch.float64)


def _pair(value: Any) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)


def _linear(module: nn.Linear, shape: Shape) -> list[Layer]:
    if len(shape) != 1:
        raise ModelError(f"A Linear layer on inputs of shape {shape} cannot be certified: flatten them first.")
    weight = as_double(module.weight)
    return [Dense(weight, weight.new_zeros(len(weight)) if module.bias is None else as_double(module.bias))]


def _convolution(module: nn.Conv2d, shape: Shape) -> list[Layer]:
    if module.padding_mode != "zeros" or module.padding == "same":
        padding = module.padding if module.padding_mode == "zeros" else module.padding_mode
        raise ModelError(f"The padding {padding!r} of a Conv2d cannot be certified: pad with zeros, by numbers.")
    weight = as_double(module.weight)
    bias = weight.new_zeros(len(weight)) if module.bias is None else as_double(module.bias)
    padding = (0, 0) if isinstance(module.padding, str) else _pair(module.padding)
    return [Convolution(weight, bias, _pair(module.stride), padding, _pair(module.dilation), module.groups)]


def _average(module: nn.AvgPool2d, shape: Shape) -> list[Layer]:
    padding = _pair(module.padding)
    if module.ceil_mode or module.divisor_override or (max(padding) and not module.count_include_pad):
        raise ModelError(
            "An AvgPool2d with ceil_mode, divisor_override or count_include_pad=False cannot be certified.".strip()
        )
    (height, width), channels = _pair(module.kernel_size), shape[0]
    weight = torch.full((channels, 1, height, width), 1.0 / (height * width), dtype=torch.float64)
    return [Convolution(weight, weight.new_zeros(channels), _pair(module.stride), padding, groups=channels)]


def _batch_norm(module: nn.BatchNorm1d | nn.BatchNorm2d, shape: Shape) -> list[Layer]:
    if module.running_mean is None or module.running_var is None:
        raise ModelError("A BatchNorm without running statistics cannot be certified: its outputs depend on the batch.")
    root = (as_double(module.running_var) + module.eps).sqrt()
    weight = torch.ones_like(root) if module.weight is None else as_double(module.weight)
    bias = torch.zeros_like(root) if module.bias is None else as_double(module.bias)
    scale, mean = weight / root, as_double(module.running_mean)
    ones = (-1, *[1] * (len(shape) - 1))
    size = (scale * mean).abs() + bias.abs()
    return [Rescaling(scale.view(ones), (bias - scale * mean).view(ones), size.view(ones))]


def kink(slope: float) -> list[Layer]:
    """Return the layers of a ReLU (0) or a leaky one."""
    if not 0 <= slope <= 1:
        raise ModelError(f"A LeakyReLU with negative_slope={slope!r} cannot be certified: it must be in [0, 1].")
    return [Kink(float(slope))]


def flatten(start: int, end: int) -> list[Layer]:
    """Return the layers of a Flatten of everything but the batch."""
    if (start, end) != (1, -1):
        raise ModelError(f"A Flatten from axis {start} to {end} cannot be certified: flatten all axes but the first.")
    return [Reshaping((-1,))]


_RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.AvgPool2d: _average,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.ReLU: lambda module, shape: kink(0.0),
    nn.LeakyReLU: lambda module, shape: kink(module.negative_slope),
    nn.Flatten: lambda module, shape: flatten(module.start_dim, module.end_dim),
    nn.Identity: lambda module, shape: [],
    nn.Dropout: lambda module, shape: [],
    nn.Dropout2d: lambda module, shape: [],
}
_REGISTERED: dict[type[nn.Module], Rule] = {}


def register_layers(module_type: type[nn.Module], rule: Rule) -> None:
    """Say what a kind of module amounts to, so that networks with it can be certified.

    Parameters
    ----------
    module_type : type
        A subclass of torch.nn.Module; its own subclasses are not meant.
    rule : callable
        ``rule(module, shape)`` returns the layers (of `isoperimetry_bridges.torch.certify.layers`) that do what the
        module does with inputs of ``shape``, which has no axis for the batch. Outputs are compared with the model's
        before anything is certified.

    Raises
    ------
    TypeError
        If ``module_type`` is no type of module or ``rule`` no function.

    Examples
    --------
    >>> class Halve(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x * 0.5 if x.sum() > -1e9 else x  # cannot be followed
    >>> half, nothing = torch.tensor(0.5).double(), torch.tensor(0.0).double()
    >>> register_layers(Halve, lambda module, shape: [Rescaling(half, nothing, nothing)])
    """
    if not (isinstance(module_type, type) and issubclass(module_type, nn.Module)):
        raise TypeError(f"module_type={module_type!r} must be a subclass of torch.nn.Module.")
    if not callable(rule):
        raise TypeError(f"rule={rule!r} must be a function of (module, shape).")
    _REGISTERED[module_type] = rule


def is_known(module: nn.Module) -> bool:
    """Whether the module is a layer, rather than something made of layers."""
    return type(module) in _REGISTERED or type(module) in _RULES


def layers_of(module: nn.Module, name: str, shape: Shape) -> Sequence[Layer]:
    """Return the layers of one module.

    Raises
    ------
    ModelError
        If nothing is known about its type, or its settings are not supported.
    """
    rule = _REGISTERED.get(type(module)) or _RULES.get(type(module))
    if rule is None:
        raise unsupported(f"the layer '{name}' ({type(module).__name__})")
    return rule(module, shape)


def unsupported(what: str) -> ModelError:
    """Return the error that says what cannot be certified."""
    return ModelError(f"The model cannot be certified because of {what}: {SUPPORTED}; see register_layers for others.")
