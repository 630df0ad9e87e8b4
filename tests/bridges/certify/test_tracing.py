"""A forward becomes the layers that compute the same, or is refused with the name of what cannot be followed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch import Classifier, zoo
from isoperimetry_bridges.torch.certify import certified_distance, register_layers
from isoperimetry_bridges.torch.certify.layers import Kink
from isoperimetry_bridges.torch.certify.tracing import as_network, check_outputs


class Module(nn.Module):
    """Weights to be used by a function that is its forward."""

    def __init__(self, forward: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.linear = nn.Linear(12, 2)
        self.pool = nn.MaxPool2d(2)
        self.register_buffer("shift", torch.rand(1, 1, 4, 4))
        self.function = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def end(net: nn.Module, x: Tensor) -> Tensor:
    return net.linear(x.flatten(1))  # type: ignore[operator, no-any-return]


FOLLOWED: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "relu": lambda net, x: end(net, torch.relu(net.conv(x))),  # type: ignore[operator]
    "method": lambda net, x: end(net, net.conv(x).relu()),  # type: ignore[operator]
    "functional": lambda net, x: end(net, functional.relu(net.conv(x), inplace=True)),  # type: ignore[operator]
    "leaky": lambda net, x: end(net, functional.leaky_relu(net.conv(x), 0.2)),  # type: ignore[operator]
    "numbers": lambda net, x: end(net, functional.relu(net.conv(2 * (x - 0.25) / 3 + 1))),  # type: ignore[operator]
    "swapped": lambda net, x: end(net, functional.relu(net.conv(1.0 - x))),  # type: ignore[operator]
    "buffer": lambda net, x: end(net, functional.relu(net.conv(x * net.shift - net.shift))),  # type: ignore[operator]
    "view": lambda net, x: net.linear(net.conv(x).view(x.size(0), -1)),  # type: ignore[operator]
    "shape": lambda net, x: net.linear(net.conv(x).reshape(-1, 12)),  # type: ignore[operator]
    "flatten": lambda net, x: net.linear(torch.flatten(net.conv(x), 1)),  # type: ignore[operator]
    "average": lambda net, x: end(net, net.conv(functional.avg_pool2d(x, 1))),  # type: ignore[operator]
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_followed(name: str) -> None:
    torch.manual_seed(0)
    classifier = Classifier(Module(FOLLOWED[name]).double().eval())
    x = torch.rand(5, 1, 4, 4, dtype=torch.float64)
    if name == "view":  # the number of images is read from an earlier value than the one that is reshaped
        with pytest.raises(ModelError, match="does not continue one chain"):
            as_network(classifier, (1, 4, 4))
        return
    network = as_network(classifier, (1, 4, 4))
    assert torch.allclose(network.forward(x), classifier.logits(x), rtol=1e-12, atol=1e-12)


REFUSED: dict[str, tuple[Callable[[nn.Module, Tensor], Tensor], str]] = {
    "pool": (lambda net, x: end(net, net.pool(x)), r"the layer 'pool' \(MaxPool2d\)"),  # type: ignore[operator]
    "sigmoid": (lambda net, x: end(net, torch.sigmoid(net.conv(x))), "the operation 'sigmoid'"),  # type: ignore[operator]
    "skip": (lambda net, x: end(net, net.conv(x + torch.relu(x))), "does not continue one chain"),  # type: ignore[operator]
    "square": (lambda net, x: end(net, net.conv(x * x)), "does not continue one chain"),  # type: ignore[operator]
    "inverse": (lambda net, x: end(net, net.conv(1.0 / (x + 1))), "a division by its values"),  # type: ignore[operator]
    "branch": (lambda net, x: end(net, net.conv(x)) if x.sum() > 0 else x, "its forward cannot be followed"),  # type: ignore[operator]
    "early": (lambda net, x: (end(net, net.conv(x)), x)[0], ""),  # type: ignore[operator]
    "two": (lambda net, x: (end(net, net.conv(x)), x), "its output"),  # type: ignore[operator, return-value, dict-item]
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    torch.manual_seed(0)
    forward, message = REFUSED[name]
    classifier = Classifier(Module(forward).eval())
    if not message:
        as_network(classifier, (1, 4, 4))
        return
    with pytest.raises(ModelError, match=message):
        as_network(classifier, (1, 4, 4))


def test_quantised_net_is_refused() -> None:
    images, labels = zoo.load_images()
    with pytest.raises(ModelError, match=r"because of the operation 'clamp'"):
        certified_distance(zoo.load_classifier("masked"), images[:1], labels[:1])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), "padding 'reflect'"),
        (nn.Conv2d(1, 1, 3, padding="same"), "padding 'same'"),
        (nn.AvgPool2d(2, ceil_mode=True), "ceil_mode"),
        (nn.LeakyReLU(-0.1), r"negative_slope=-0\.1"),
        (nn.Flatten(2), "axis 2 to -1"),
        (nn.BatchNorm2d(1, track_running_stats=False), "without running statistics"),
        (nn.Linear(4, 4), "flatten them first"),
    ],
)
def test_settings_that_are_refused(layer: nn.Module, message: str) -> None:
    net = nn.Sequential(layer, nn.Flatten(), nn.LazyLinear(2)).eval()
    with pytest.raises(ModelError, match=message):
        as_network(Classifier(net), (1, 4, 4))


def test_other_criteria_and_precisions_are_refused() -> None:
    net = nn.Sequential(nn.Linear(4, 2)).eval()
    own = Classifier(net, margin=lambda outputs, labels: outputs[:, 0])
    with pytest.raises(ModelError, match="its errors are not logits compared"):
        as_network(own, (4,))
    with pytest.raises(ModelError, match=r"certify classifier\.reference\(\)"):
        as_network(Classifier(net, autocast=torch.bfloat16), (4,))


def test_hook_is_noticed() -> None:
    net = nn.Sequential(nn.Linear(4, 2)).eval()
    net[0].register_forward_hook(lambda module, inputs, output: output + 1)
    with pytest.raises(ModelError, match="differ from its own"):
        certified_distance(net, torch.zeros(1, 4), [0])


class Rectifier(nn.Module):
    """What no tracer can follow."""

    def forward(self, x: Tensor) -> Tensor:
        return x.relu() if bool((x == x).all()) else x


class Doubler(Rectifier):
    """Not what its rule says."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def test_registered_modules() -> None:
    net = nn.Sequential(nn.Linear(4, 6), Rectifier(), nn.Linear(6, 2)).eval()
    with pytest.raises(ModelError, match="cannot be followed"):
        as_network(Classifier(net), (4,))
    register_layers(Rectifier, lambda module, shape: [Kink()])
    network = as_network(Classifier(net), (4,))
    assert network.kinks == (1,)
    check_outputs(network, Classifier(net), torch.rand(3, 4))
    register_layers(Doubler, lambda module, shape: [Kink()])
    wrong = nn.Sequential(nn.Linear(4, 6), Doubler(), nn.Linear(6, 2)).eval()
    with pytest.raises(ModelError, match="a registered rule"):
        certified_distance(wrong, torch.rand(3, 4), [0, 0, 0])
    with pytest.raises(TypeError, match="must be a subclass"):
        register_layers(Rectifier(), lambda module, shape: [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a function"):
        register_layers(Rectifier, None)  # type: ignore[arg-type]
