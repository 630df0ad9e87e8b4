"""Bounds inside a network hold at points of the ball, however rows are stored, and rounding stays below its bound."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch import Classifier
from isoperimetry_bridges.torch.certify import ball as balls
from isoperimetry_bridges.torch.certify.ball import Ball
from isoperimetry_bridges.torch.certify.layers import Kink, Network
from isoperimetry_bridges.torch.certify.linear import Relaxation
from isoperimetry_bridges.torch.certify.rows import windows_pay
from isoperimetry_bridges.torch.certify.tracing import as_network

SHAPE = (2, 13, 12)


def make_net(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(2, 5, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(5, 6, (3, 2), padding=(1, 1), groups=1, dilation=(1, 2)),
        nn.BatchNorm2d(6),
        nn.LeakyReLU(0.2),
        nn.Conv2d(6, 4, 2, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(9),
        nn.ReLU(),
        nn.Linear(9, 3),
    )
    net(torch.rand(64, *SHAPE))
    return net.to(dtype).eval()


@pytest.fixture(scope="module")
def network() -> Network:
    return as_network(Classifier(make_net()), SHAPE)


def points_of(center: Tensor, radius: float, count: int) -> Tensor:
    """Return points of the ball, half of them on its sphere."""
    generator = torch.Generator().manual_seed(5)
    z = torch.randn(count, *center.shape, generator=generator, dtype=torch.float64)
    z /= z.flatten(1).norm(dim=1).view(-1, *[1] * center.ndim)
    share = torch.rand(count, generator=generator, dtype=torch.float64).view(-1, *[1] * center.ndim)
    share[::2] = 1.0
    return center + radius * share * z


@pytest.mark.parametrize("method", ["linear", "interval"])
@pytest.mark.parametrize("radius", [0.0, 0.1, 1.0, 10.0])
def test_bounds_hold_everywhere(network: Network, radius: float, method: balls.Method) -> None:
    center = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ball = Ball(network, center, radius, method=method)
    rows = torch.eye(3, dtype=torch.float64)
    values = points_of(center, radius, 400)
    lines = iter(ball.relaxations)
    for layer in network.layers:
        if isinstance(layer, Kink):
            line = next(lines)
            assert (line.low <= values).all()
            assert (values <= line.high).all()
            out = layer.forward(values)
            assert (line.below * values <= out + 1e-12).all()
            assert (out <= line.above * values + line.height + 1e-12).all()
        values = layer.forward(values)
    lowest = ball.margins(rows).lowest(radius) - ball.allowance(rows, rounded=False)
    assert (lowest <= values).all()
    if radius == 0:
        assert torch.allclose(lowest, values[0], rtol=1e-6)


def test_gradient_direction_reaches_the_bounds_of_the_first_kinks(network: Network) -> None:
    center = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ball = Ball(network, center, 2.0)
    x = center[None].clone().requires_grad_()
    before = network.layers[0].forward(x)[0]
    for index in ((0, 0, 0), (3, 2, 4), (4, 6, 5)):  # a corner, the middle, the far edge
        (slope,) = torch.autograd.grad(before[index], x, retain_graph=True)
        reach = 2.0 * float(slope.norm())
        assert float(ball.relaxations[0].high[index]) == pytest.approx(before[index].item() + reach, rel=1e-9)
        assert float(ball.relaxations[0].low[index]) == pytest.approx(before[index].item() - reach, rel=1e-9)


@pytest.mark.parametrize("at_once", [None, 2000])
def test_windows_and_whole_rows_agree(network: Network, monkeypatch: pytest.MonkeyPatch, at_once: int | None) -> None:
    center = torch.rand(SHAPE, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert windows_pay(network.layers[:1], network.shapes[:2])
    if at_once is not None:
        monkeypatch.setattr(balls, "_VALUES_AT_ONCE", at_once)
    bounds = []
    for windows in (True, False):
        # Every layer of images one way, then every one the other way.
        monkeypatch.setattr(balls, "windows_pay", lambda layers, shapes, w=windows: w and len(shapes[-1]) == 3)
        bounds.append(Ball(network, center, 0.7).relaxations)
    for ours, other in zip(*bounds, strict=True):
        assert torch.allclose(ours.low, other.low, rtol=1e-9, atol=1e-9)
        assert torch.allclose(ours.high, other.high, rtol=1e-9, atol=1e-9)


def test_linear_bounds_are_narrower(network: Network) -> None:
    center = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    linear, interval = (Ball(network, center, 0.3, method=method) for method in ("linear", "interval"))
    for ours, simple in zip(linear.relaxations, interval.relaxations, strict=True):
        assert (ours.low >= simple.low - 1e-9).all()
        assert (ours.high <= simple.high + 1e-9).all()
    assert float((linear.relaxations[-1].high - linear.relaxations[-1].low).mean()) < 0.9 * float(
        (interval.relaxations[-1].high - interval.relaxations[-1].low).mean()
    )


@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])
def test_lines_about_a_kink(slope: float) -> None:
    sides = [1e-300, 1e-9, 0.3, 1.0, 5.0, 1e300]
    ends = torch.tensor([*(-side for side in sides), 0.0, *sides], dtype=torch.float64)
    low, high = (side.flatten() for side in torch.meshgrid(ends, ends, indexing="ij"))
    low, high = low[low <= high], high[low <= high]
    lines = Relaxation.of(Kink(slope), low, high)
    for value in (lines.below, lines.above, lines.height):
        assert torch.isfinite(value).all()
    assert (lines.height >= 0).all()
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        h = low * (1 - share) + high * share
        out = torch.maximum(h, slope * h)
        tiny = 1e-14 * torch.maximum(low.abs(), high.abs())
        assert (lines.below * h <= out + tiny).all()
        assert (out <= lines.above * h + lines.height + tiny).all()


def test_rounding_of_float32_is_below_its_bound() -> None:
    net = make_net(torch.float32)
    network = as_network(Classifier(net), SHAPE)
    center = torch.rand(SHAPE, generator=torch.Generator().manual_seed(3)).double()
    ball = Ball(network, center, 0.5)
    x = points_of(center, 0.5, 500).float()
    with torch.no_grad():
        gap = (net(x).double() - network.forward(x.double())).abs().amax(0)
    assert (gap <= ball.deviation).all()
    assert (gap > 1e-5 * ball.deviation).all(), "the bound must not be vacuous"
    assert float(ball.deviation.max()) < 0.01
    rows = torch.tensor([[1.0, -1.0, 0.0]], dtype=torch.float64)
    more = ball.allowance(rows, rounded=True) - ball.allowance(rows, rounded=False)
    assert more.item() == pytest.approx(float(ball.deviation[0] + ball.deviation[1]), rel=1e-6)
    assert 0 < ball.allowance(rows, rounded=False).item() < 1e-8


def test_rounding_of_one_product_nearly_reaches_its_bound() -> None:
    net = nn.Linear(1, 2, bias=False).eval()
    network = as_network(Classifier(net), (1,))
    center = torch.tensor([1.5], dtype=torch.float64)
    ball = Ball(network, center, 0.4)
    x = points_of(center, 0.4, 2000).float()
    with torch.no_grad():
        gap = (net(x).double() - network.forward(x.double())).abs().amax(0)
    assert (gap <= ball.deviation).all()
    assert (gap > 0.1 * ball.deviation).all()


def test_rounding_of_the_bounds_is_below_the_slack() -> None:
    # Fractions know the truth. Terms of 1e9 cancel, so that float64 loses what is visible here.
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)).double().eval()
    net[0].weight.data *= 1e9
    net[0].bias.data = -(net[0].weight.data.sum(1)) * 0.75 + 0.5
    network = as_network(Classifier(net), (5,))
    center = torch.full((5,), 0.75, dtype=torch.float64)
    hidden = [max(Fraction(0), value) for value in exactly(net[0], [Fraction(value) for value in center.tolist()])]
    truth = exactly(net[2], hidden)
    ball, rows = Ball(network, center, 0.0), torch.eye(2, dtype=torch.float64)
    value, allowed = ball.margins(rows).lowest(0.0), ball.allowance(rows, rounded=False)
    for got, slack, exact in zip(value.tolist(), allowed.tolist(), truth, strict=True):
        assert Fraction(got) - Fraction(slack) <= exact
        assert slack < 1e-3
    assert max(abs(Fraction(got) - exact) for got, exact in zip(value.tolist(), truth, strict=True)) > 1e-9


def exactly(layer: nn.Module, x: list[Fraction]) -> list[Fraction]:
    assert isinstance(layer, nn.Linear)
    return [
        sum((Fraction(w) * value for w, value in zip(row, x, strict=True)), Fraction(b))
        for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
    ]
