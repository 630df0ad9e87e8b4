"""How a classifier becomes a chain of layers: its forward is followed symbolically, operation by operation."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.certify.layers import Dense, Layer, Network, Rescaling, Reshaping, Shape
from isoperimetry_bridges.torch.certify.modules import as_double, flatten, is_known, kink, layers_of, unsupported
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.faults import raised

_DEVIATION = 1e-3  # of the traced outputs from the model's, relative to the largest: far above rounding

_BATCH = object()  # stands for the number of images, which a reshape may keep


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_known(m) or super().is_leaf_module(m, module_qualified_name)


def _double(number: float) -> Tensor:
    return torch.tensor(float(number), dtype=torch.float64)


def _scaled(scale: Tensor, shift: Tensor) -> list[Layer]:
    return [Rescaling(scale, shift, shift.abs())]


def _arithmetic(name: str, value: Tensor, *, swapped: bool) -> list[Layer]:
    """Return x (name) value, or value (name) x."""
    one, zero = _double(1.0), _double(0.0)
    if name == "add":
        return _scaled(one, value)
    if name == "sub":
        return _scaled(-one, value) if swapped else _scaled(one, -value)
    if name == "mul":
        return _scaled(value, zero)
    if swapped:
        raise unsupported("a division by its values")
    return _scaled(one / value, zero)


_ARITHMETIC: dict[Any, str] = {
    **{function: "add" for function in (operator.add, torch.add, "add")},
    **{function: "sub" for function in (operator.sub, torch.sub, torch.subtract, "sub", "subtract")},
    **{function: "mul" for function in (operator.mul, torch.mul, torch.multiply, "mul", "multiply")},
    **{function: "div" for function in (operator.truediv, torch.div, torch.divide, "div", "divide")},
}
_RELUS = (torch.relu, functional.relu, "relu")
_RESHAPES = ("view", "reshape", torch.reshape)


class _Follower:
    """Follows a traced forward; the shape of the values goes along."""

    def __init__(self, module: nn.Module, shape: Shape) -> None:
        self.shape = shape
        self.layers: list[Layer] = []
        if is_known(module):
            self.extend(layers_of(module, "", shape))
            return
        try:
            graph = _Tracer().trace(module)
        except Exception as error:  # whatever the user's code raises when it is handed symbols
            raise ModelError(
                f"The model cannot be certified because its forward cannot be followed: it {raised(error)}."
            ) from error
        self.modules = dict(module.named_modules())
        self.current: fx.Node | None = None
        self.constants: dict[fx.Node, Any] = {}
        for node in graph.nodes:
            self._follow(module, node)

    def _follow(self, module: nn.Module, node: fx.Node) -> None:
        if node.op == "placeholder":
            if self.current is None:
                self.current = node
            return
        if node.op == "get_attr":
            value: Any = module
            for part in str(node.target).split("."):
                value = getattr(value, part)
            self.constants[node] = value
            return
        if node.op == "output":
            if node.args[0] is not self.current:
                raise unsupported("its output, which is not one tensor made by one operation after the other")
            return
        if self._is_batch(node):
            self.constants[node] = _BATCH
            return
        self.extend(self._layers(node))
        self.current = node

    def extend(self, layers: Sequence[Layer]) -> None:
        """Add layers, and find out the shape behind them."""
        for layer in layers:
            try:
                self.shape = tuple(layer.forward(torch.zeros(1, *self.shape, dtype=torch.float64)).shape[1:])
            except RuntimeError as error:
                raise unsupported(f"a {type(layer).__name__} that {raised(error)}") from error
            self.layers.append(layer)

    def _is_batch(self, node: fx.Node) -> bool:
        """Whether a node is the number of images, or the shape that it is read from."""
        if node.target in ("size", getattr) and node.args and node.args[0] is self.current:
            return node.args[1:] in ((0,), (), ("shape",))
        read: Any = node.args[:1]
        return node.target is operator.getitem and bool(node.args[1] == 0) and self.constants.get(read[0]) is _BATCH

    def _layers(self, node: fx.Node) -> Sequence[Layer]:
        target: Any = node.target
        rest: list[Any] = list(node.args)
        what = f"the operation '{getattr(target, '__name__', target)}'"
        places = [index for index, value in enumerate(rest) if value is self.current]
        values = [self.constants.get(value, value) if isinstance(value, fx.Node) else value for value in rest]
        if len(places) != 1 or any(isinstance(value, fx.Node) for i, value in enumerate(values) if i != places[0]):
            raise unsupported(f"{what}, which does not continue one chain of operations")
        if node.op == "call_module":
            return layers_of(self.modules[str(target)], str(target), self.shape)
        place, others = places[0], [value for index, value in enumerate(values) if index != places[0]]
        if target in _ARITHMETIC and len(others) == 1 and not node.kwargs:
            return _arithmetic(_ARITHMETIC[target], self._constant(others[0]), swapped=place == 1)
        options: dict[str, Any] = dict(node.kwargs)
        if target in _RELUS:
            return kink(0.0)
        if target is functional.leaky_relu:
            return kink(float(options.get("negative_slope", others[0] if others else 0.01)))
        if target in (torch.flatten, "flatten"):
            names = dict(zip(("start_dim", "end_dim"), others, strict=False)) | options
            return flatten(names.get("start_dim", 0), names.get("end_dim", -1))
        if target in _RESHAPES and not options:
            return self._reshaped(others)
        if target is functional.avg_pool2d:
            return layers_of(nn.AvgPool2d(*others, **options), what, self.shape)
        raise unsupported(what)

    def _constant(self, value: Any) -> Tensor:
        if not isinstance(value, int | float | Tensor):
            raise unsupported("arithmetic with something that is neither a number nor a tensor of the model")
        found = as_double(value)
        if found.ndim == len(self.shape) + 1 and found.shape[0] == 1:
            found = found[0]
        if found.ndim > len(self.shape):
            raise unsupported(f"a constant of shape {tuple(found.shape)} for values of shape {self.shape}")
        return found

    def _reshaped(self, sizes: Sequence[Any]) -> list[Layer]:
        flat = list(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else list(sizes)
        flat = [self.constants.get(size, size) if isinstance(size, fx.Node) else size for size in flat]
        shape = tuple(flat[1:])
        known = math.prod(size for size in shape if size != -1)
        flat = [-1 if size is _BATCH else size for size in flat]
        if flat[:1] != [-1] or not all(isinstance(size, int) for size in shape):
            raise unsupported("a reshape that does not keep the first axis")
        if shape.count(-1) > 1 or (-1 not in shape and known != math.prod(self.shape)):
            raise unsupported("a reshape that does not keep the first axis")
        return [Reshaping(shape)]


def as_network(classifier: Classifier, shape: Shape) -> Network:
    """Return the layers of a classifier from its inputs, before normalisation, to the logits of its classes.

    Parameters
    ----------
    classifier : Classifier
    shape : tuple of int
        Of one input.

    Raises
    ------
    ModelError
        If a layer is not supported, the classifier has a criterion of its own, or it computes in less than float32.
    """
    if not classifier.criterion.by_class:
        raise ModelError("A classifier with error= or margin= cannot be certified: its errors are not logits compared.")
    if classifier.autocast is not None or classifier.dtype not in (torch.float32, torch.float64):
        raise ModelError("A classifier in mixed or half precision cannot be certified: certify classifier.reference().")
    follower = _Follower(classifier.module, shape)
    layers, shapes = list(follower.layers), follower.shape
    if classifier._mean is not None and classifier._std is not None:
        ones = (-1, *[1] * (len(shape) - 1))
        mean, std = as_double(classifier._mean).view(ones), as_double(classifier._std).view(ones)
        layers.insert(0, Rescaling(1.0 / std, -mean / std, (mean / std).abs()))
    if shapes == (1,):  # one logit z stands for (-z / 2, z / 2)
        half = torch.tensor([[-0.5], [0.5]], dtype=torch.float64)
        layers.append(Dense(half, half.new_zeros(2)))
    x = torch.zeros(1, *shape, dtype=torch.float64)
    sizes = [tuple(x.shape[1:])]
    for layer in layers:
        x = layer.forward(x)
        sizes.append(tuple(x.shape[1:]))
    if len(sizes[-1]) != 1 or sizes[-1][0] < 2:
        raise ModelError(f"The model must return logits of shape (batch, classes), but one input gives {sizes[-1]}.")
    unit = 2.0**-53 if classifier.dtype == torch.float64 else 2.0**-24
    return Network(tuple(layers), tuple(sizes), unit)


def check_outputs(network: Network, classifier: Classifier, images: Tensor) -> None:
    """Refuse a network whose outputs are not those of the classifier, but for rounding.

    A hook on a module, or a registered rule that is wrong, would make such a network.
    """
    size = classifier.batch_size(images[0].numel())
    for first in range(0, len(images), size):
        batch = images[first : first + size]
        with torch.no_grad():
            asked = classifier.logits(batch.to(classifier.device)).double().cpu()
        gap = (network.forward(batch.double()) - asked).abs().amax()
        if not gap <= _DEVIATION * (1.0 + asked.abs().amax()):
            raise ModelError(
                f"The layers found in the model give outputs that differ from its own by {float(gap):.3g}: a hook or a "
                "registered rule changes what it computes, and it cannot be certified."
            )
