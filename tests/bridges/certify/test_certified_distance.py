"""Certified distances never exceed the true one, and reach it where bounds are exact."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.checks import VerdictKind, check
from isoperimetry_bridges.torch import Classifier, DecoupledDirectionNorm, measure_error_rate, zoo
from isoperimetry_bridges.torch.certify import certified_distance

METHODS = ("linear", "interval")


def layered(*sizes: int, seed: int, slope: float = 0.0) -> nn.Sequential:
    """Return a random net on vectors, in float64, with LeakyReLUs of that slope."""
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        linear = nn.Linear(n_in, n_out, dtype=torch.float64)
        linear.weight.data = torch.randn(n_out, n_in, generator=generator, dtype=torch.float64) / math.sqrt(n_in)
        linear.bias.data = 0.3 * torch.randn(n_out, generator=generator, dtype=torch.float64)
        layers += [linear, nn.LeakyReLU(slope) if slope else nn.ReLU()]
    return nn.Sequential(*layers[:-1]).eval()


def convolutional(seed: int) -> nn.Sequential:
    """Return a net with everything that can be certified, on images of shape (2, 9, 8)."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(0.1),
        nn.Conv2d(4, 6, (3, 2), padding=(2, 0), dilation=(2, 1), groups=2, bias=False),
        nn.ReLU(),
        nn.AvgPool2d(2, stride=1),
        nn.Conv2d(6, 5, 2),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(7),
        nn.ReLU(),
        nn.Linear(7, 3),
    ).double()
    net(torch.randn(64, 2, 9, 8, dtype=torch.float64))  # gives BatchNorm statistics that are not 0 and 1
    return net.eval()


def labels_of(net: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        labels: Tensor = net(x).argmax(1)
    return labels


def true_distance_in_plane(net: nn.Sequential, center: Tensor, label: int) -> float:
    """Return the distance to the nearest error of a net of one hidden layer on the plane, by its linear pieces.

    In each cell of the arrangement of kinks the net is affine; the nearest point with a given other class on top is
    that of a convex polygon, cut by half-planes from a large square.
    """
    first, last = net[0], net[2]
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    weight, bias = first.weight.detach().numpy(), first.bias.detach().numpy()
    out, shift = last.weight.detach().numpy(), last.bias.detach().numpy()
    origin, nearest = center.numpy(), math.inf
    for signs in itertools.product((0.0, 1.0), repeat=len(weight)):
        on = np.array(signs)
        cell = [(side * w, side * b) for side, w, b in zip(2 * on - 1, weight, bias, strict=True)]
        for other in range(len(out)):
            if other == label:
                continue
            row = out[other] - out[label]
            polygon = [np.array(corner) * 20.0 for corner in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            for normal, offset in [*cell, ((row * on) @ weight, (row * on) @ bias + shift[other] - shift[label])]:
                polygon = cut(polygon, normal, offset)
            nearest = min(nearest, distance_to(polygon, origin))
    return nearest


def cut(polygon: list[Any], normal: Any, offset: float) -> list[Any]:
    """Return what is left of a convex polygon where ``normal @ x + offset >= 0``."""
    kept: list[Any] = []
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        a, b = normal @ start + offset, normal @ end + offset
        if a >= 0:
            kept.append(start)
        if (a >= 0) != (b >= 0):
            kept.append(start + a / (a - b) * (end - start))
    return kept


def distance_to(polygon: list[Any], point: Any) -> float:
    """Return the distance of a point outside a convex polygon to it."""
    nearest = math.inf
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        side = end - start
        share = np.clip((point - start) @ side / max(side @ side, 1e-300), 0, 1)
        nearest = min(nearest, float(np.linalg.norm(point - start - share * side)))
    return nearest


@pytest.mark.parametrize("method", METHODS)
def test_linear_net_is_exact(method: Any) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 4)).double().eval()
    x = torch.rand(5, 3, 2, 2, dtype=torch.float64)
    y = labels_of(net, x)
    weight = net[1].weight.detach()
    logits = net(x).detach()
    for i, found in enumerate(certified_distance(net, x, y, method=method)):
        own = int(y[i])
        gaps = [(logits[i, own] - logits[i, j]) / (weight[own] - weight[j]).norm() for j in range(4) if j != own]
        assert found.distance == pytest.approx(float(min(gaps)), rel=1e-9)
        assert found.distance <= float(min(gaps))


def test_normalisation_is_inside() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(8, 2, bias=False)).double().eval()
    net[1].weight.data = torch.tensor([[1.0] * 4 + [0.0] * 4, [0.0] * 8], dtype=torch.float64)
    classifier = Classifier(net, mean=[0.25, 0.5], std=[0.5, 2.0])
    x = torch.full((1, 2, 2, 2), 0.75, dtype=torch.float64)
    (found,) = certified_distance(classifier, x, [0])
    assert found.distance == pytest.approx(4 * 1.0 / math.sqrt(4 / 0.25), rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_never_beyond_the_exact_nearest_error(seed: int) -> None:
    net = layered(2, 6, 3, seed=seed)
    x = torch.randn(8, 2, generator=torch.Generator().manual_seed(100 + seed), dtype=torch.float64)
    y = labels_of(net, x)
    exact = [true_distance_in_plane(net, x[i], int(y[i])) for i in range(len(x))]
    linear, interval = (certified_distance(net, x, y, method=method) for method in METHODS)
    for truth, ours, simple in zip(exact, linear, interval, strict=True):
        assert 0 < ours.distance <= truth
        assert simple.distance <= truth
    # In so few dimensions linear bounds lose little: this fails if they are made of the wrong lines.
    reached = [ours.distance / truth for truth, ours in zip(exact, linear, strict=True) if truth < 3]
    assert not reached or np.median(reached) > 0.4


def test_exact_where_no_kink_is_reached() -> None:
    net = layered(2, 5, 2, seed=3)
    linear = net[0]
    assert isinstance(linear, nn.Linear)
    linear.bias.data += 100.0  # all kinks are far away, the net is affine for a long way
    x = torch.zeros(1, 2, dtype=torch.float64)
    (label,) = labels_of(net, x).tolist()
    last = net[2]
    assert isinstance(last, nn.Linear)
    last.bias.data[1 - label] += float((net(x)[0, label] - net(x)[0, 1 - label]).detach()) - 0.5
    row = (last.weight[label] - last.weight[1 - label]).detach() @ linear.weight.detach()
    (found,) = certified_distance(net, x, [label])
    assert 0.99 * 0.5 / float(row.norm()) < found.distance <= 0.5 / float(row.norm())


NETS: dict[str, Callable[[int], nn.Sequential]] = {
    "dense": lambda seed: layered(18, 20, 15, 4, seed=seed),
    "leaky": lambda seed: layered(18, 20, 15, 4, seed=seed, slope=0.3),
    "convolutional": convolutional,
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("seed", [1, 2])
def test_never_beyond_an_attack(name: str, seed: int) -> None:
    net = NETS[name](seed)
    shape = (2, 9, 8) if name == "convolutional" else (18,)
    x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    last = net[-1]
    assert isinstance(last, nn.Linear)
    last.bias.data -= net(x).detach().mean(0)  # no class is far above the others everywhere
    y = labels_of(net, x)
    classifier = Classifier(net, bounds=(-50.0, 50.0))
    attacked = DecoupledDirectionNorm()(classifier, x, y, scale=1.0).distances
    linear, interval = (certified_distance(classifier, x, y, method=method) for method in METHODS)
    for i in range(len(x)):
        assert 0 < interval[i].distance <= attacked[i]
        assert 0 < linear[i].distance <= attacked[i]
    assert np.isfinite(attacked).sum() >= 2, "the attack must find something for this test to mean anything"


@pytest.mark.parametrize("name", NETS)
def test_no_error_in_the_ball(name: str) -> None:
    net = NETS[name](3)
    shape = (2, 9, 8) if name == "convolutional" else (18,)
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    y = labels_of(net, x)
    for i, found in enumerate(certified_distance(net, x, y)):
        directions = torch.randn(2000, *shape, generator=generator, dtype=torch.float64)
        point = x[i : i + 1].clone().requires_grad_()
        logits = net(point)[0]
        for j in set(range(len(logits))) - {int(y[i])}:  # and straight down each margin
            (slope,) = torch.autograd.grad(logits[j] - logits[y[i]], point, retain_graph=True)
            directions = torch.cat([directions, slope])
        directions /= directions.flatten(1).norm(dim=1).view(-1, *[1] * len(shape))
        assert (labels_of(net, x[i] + found.distance * directions) == y[i]).all()


def test_laws() -> None:
    net = layered(6, 12, 8, 3, seed=5)
    x = torch.randn(3, 6, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    y = labels_of(net, x)
    base = [found.distance for found in certified_distance(net, x, y)]
    # A net that first divides its input by 4: all lengths are four times as large, to the bit but for the slack.
    wide = nn.Sequential(nn.Linear(6, 6, bias=False, dtype=torch.float64), *net).eval()
    wide[0].weight.data = torch.eye(6, dtype=torch.float64) / 4
    assert [found.distance for found in certified_distance(wide, 4 * x, y)] == pytest.approx([4 * d for d in base])
    # Logits times 8: the same.
    last = net[-1]
    assert isinstance(last, nn.Linear)
    last.weight.data *= 8
    last.bias.data *= 8
    assert [found.distance for found in certified_distance(net, x, y)] == pytest.approx(base)
    # Towards the error by a step: at most that much is lost of the truth, and what is certified is true at both ends.
    again = [found.distance for found in certified_distance(net, x, y)]
    assert again == [found.distance for found in certified_distance(net, x, y)], "the same bits every time"


def test_wrong_inputs_have_distance_zero() -> None:
    net = layered(4, 6, 3, seed=7)
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    y = (labels_of(net, x) + 1) % 3
    for found in certified_distance(net, x, y):
        assert found.distance == 0
        assert str(found) == "nothing certified (linear bounds)"


def test_tie_is_not_certified() -> None:
    net = nn.Sequential(nn.Linear(2, 3)).double().eval()
    net[0].weight.data.fill_(1.0)
    net[0].bias.data.zero_()
    (found,) = certified_distance(net, torch.ones(1, 2, dtype=torch.float64), [0])
    assert found.distance == 0


def test_constant_net_is_certified_far() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)).double().eval()
    net[2].weight.data.zero_()
    net[2].bias.data = torch.tensor([1.0, 0.0], dtype=torch.float64)
    (found,) = certified_distance(net, torch.ones(1, 2, dtype=torch.float64), [0])
    assert found.distance > 10


def test_one_logit() -> None:
    net = nn.Sequential(nn.Linear(2, 1)).double().eval()
    net[0].weight.data = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    net[0].bias.data = torch.tensor([-1.0], dtype=torch.float64)
    x = torch.tensor([[1.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    found = [one.distance for one in certified_distance(net, x, [1, 0])]
    assert found == pytest.approx([6 / 5, 1 / 5], rel=1e-9)


def test_own_arithmetic_is_said() -> None:
    net = layered(6, 12, 3, seed=9).float()
    x = torch.randn(1, 6, generator=torch.Generator().manual_seed(10))
    exact, rounded = (certified_distance(net, x, labels_of(net, x), rounded=rounded)[0] for rounded in (False, True))
    assert 0.99 * exact.distance < rounded.distance < 1.01 * exact.distance  # the search is no finer than that
    assert "in exact arithmetic" in str(exact)
    assert "in its own arithmetic" in str(rounded)


def test_record() -> None:
    net = layered(4, 6, 3, seed=7)
    (found,) = certified_distance(
        net, torch.zeros(1, 4, dtype=torch.float64), labels_of(net, torch.zeros(1, 4).double())
    )
    assert found.kind == "certified"
    assert json.loads(json.dumps(found.to_dict()))["distance"] == found.distance
    assert str(found).startswith("no error within ")


@pytest.fixture(scope="module")
def shipped() -> tuple[Tensor, Tensor]:
    images, labels = zoo.load_images()
    return images[:1], labels[:1]


@pytest.mark.parametrize("name", ["clean", "noisy"])
def test_shipped_nets(name: str, shipped: tuple[Tensor, Tensor], seed: int) -> None:
    classifier, (x, y) = zoo.load_classifier(name), shipped
    attacked = DecoupledDirectionNorm()(classifier, x, y, scale=0.5).distances
    generator = torch.Generator().manual_seed(seed)
    for i, found in enumerate(certified_distance(classifier, x, y)):
        assert 0.1 * attacked[i] < found.distance <= attacked[i]
        directions = torch.randn(500, *x.shape[1:], generator=generator)
        directions /= directions.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        assert not classifier.wrong(x[i] + found.distance * directions, int(y[i])).any()


def test_noisy_points_never_contradict_the_theorem(seed: int) -> None:
    net, sigma = layered(8, 16, 2, seed=11), 0.5
    x = torch.full((1, 8), 0.5, dtype=torch.float64, requires_grad=True)
    margin = net(x)[0, 0] - net(x)[0, 1]
    (slope,) = torch.autograd.grad(margin, x)
    last = net[-1]
    assert isinstance(last, nn.Linear)
    last.bias.data[1] += margin.item() - sigma * slope.norm().item()  # an error is about sigma away
    classifier, x, y = Classifier(net), x.detach(), torch.tensor([0])
    (counted,) = measure_error_rate(classifier, x, y, sigma=sigma, n_samples=4000, rng=seed)
    assert counted.errors > 50
    noise = np.random.default_rng([seed, 1]).standard_normal((60, 8))
    starts = x + sigma * torch.from_numpy(noise)
    found = certified_distance(classifier, starts, y.expand(60))
    distances = [one.distance for one in found]
    measured = counted.with_distances(distances, sigma=sigma, kind="certified", conditional=False)
    verdict = check(measured, confidence=1 - 1e-6)
    assert verdict.kind is not VerdictKind.CONTRADICTION
    # The test has force: distances that were twice the bound would be a contradiction.
    assert verdict.bound is not None
    false = counted.with_distances([2 * verdict.bound] * 60, sigma=sigma, kind="certified", conditional=False)
    assert check(false, confidence=1 - 1e-6).kind is VerdictKind.CONTRADICTION


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((torch.zeros(2, 4), [0]), {}, "labels has shape"),
        ((torch.zeros(1, 4), [3]), {}, r"labels\[0\]=3 must be in \[0, 2\]"),
        ((torch.full((1, 4), torch.nan), [0]), {}, r"images\[0\] holds NaN"),
        ((torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)), {}, "n >= 1"),
        ((torch.zeros(1, 4), [0]), {"method": "crown"}, "method='crown' must be one of 'linear', 'interval'"),
    ],
)
def test_refused(arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        certified_distance(layered(4, 5, 3, seed=0), *arguments, **options)
