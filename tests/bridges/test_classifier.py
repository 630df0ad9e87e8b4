"""The classifier refuses what no audit can be made with, in one sentence, and answers the same in any order."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.errors import IsoperimetryError, ModelError
from isoperimetry_bridges.torch import Classifier, ProjectedGradient, Transfer, compiling
from isoperimetry_bridges.torch.attacks.gradients import Gradients
from isoperimetry_bridges.torch.faults import is_out_of_memory


def message(error: pytest.ExceptionInfo[Exception]) -> str:
    """Return the text of a refusal after checking that it is one line with advice in it."""
    text = str(error.value)
    assert text
    assert "\n" not in text
    assert ":" in text or " but " in text
    return text


def two_logits(x: Tensor, value: Callable[[Tensor], Tensor]) -> Tensor:
    margin = value(x.flatten(1).sum(1))
    return torch.stack([torch.zeros_like(margin), margin], 1)


# --- what the constructor refuses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [None, "1"])
def test_training_mode_is_refused(part: str | None) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2)).eval()
    (module if part is None else module.get_submodule(part)).train()
    with pytest.raises(ModelError, match=re.escape("it is in" if part is None else "part '1'")) as error:
        Classifier(module)
    assert "eval()" in message(error)


def test_a_model_that_goes_back_to_training_is_refused_later(exact: Any) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2)).eval()
    classifier = Classifier(module)
    module.train()
    with pytest.raises(ModelError, match="training mode"):
        classifier.check(exact.images(), torch.tensor([0]))


def test_images_of_another_layout_are_told(exact: Any) -> None:
    convolution = nn.Sequential(nn.Conv2d(3, 2, 2), nn.Flatten(), nn.Linear(18, 2)).eval()
    with pytest.raises(ModelError, match=r"channels seem to be last.*permute\(0, 3, 1, 2\).*raised") as error:
        Classifier(convolution).check(torch.zeros(2, 4, 4, 3), torch.tensor([0, 0]))
    message(error)
    for label in (torch.tensor(0), torch.tensor([0])):
        with pytest.raises(ValueError, match=r"one label: .*pass images\[None\]") as one:
            Classifier(convolution).check(torch.zeros(3, 4, 4), label)
        message(one)


def test_dropout_in_training_mode_may_be_meant(exact: Any) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2)).eval()
    module[1].train()
    with pytest.raises(ModelError, match=r"part '1' is in training mode: .*eval\(\), or .*expectation\(\)"):
        Classifier(module)


def test_a_function_is_refused() -> None:
    with pytest.raises(TypeError, match=r"torch\.nn\.Module") as error:
        Classifier(lambda x: x)  # type: ignore[arg-type]
    message(error)


@pytest.mark.parametrize("bounds", [(1.0, 0.0), (0.5, 0.5), (float("nan"), 1.0), (0.0, float("inf")), (0.0,), 3.0])
def test_bad_bounds_are_refused(exact: Any, bounds: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="bounds") as error:
        Classifier(exact.half_space(1.0), bounds=bounds)
    message(error)


@pytest.mark.parametrize("given", [{"mean": [0.5]}, {"std": [0.5]}])
def test_half_a_normalisation_is_refused(exact: Any, given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="mean and std") as error:
        Classifier(exact.half_space(1.0), **given)
    message(error)


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375], r"mean=.*unit of the inputs, .*box is \[0, 1\]: .*by 255"),
        ([0.5, 0.5, 0.5], [58.395, 57.12, 57.375], "std=.*by 255"),
        ([0.5, 0.5, 0.5], [0.5], "mean has 3 entries but std has 1"),
        ([float("nan")], [0.5], "mean=.* must be finite"),
        (0.5, 0.5, "mean=0.5 must be a sequence"),
        (["half"], [0.5], "mean=.* must be a sequence"),
    ],
)
def test_a_normalisation_that_cannot_fit_is_refused(exact: Any, mean: Any, std: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as error:
        Classifier(exact.half_space(1.0), mean=mean, std=std)
    message(error)


def test_a_normalisation_needs_an_entry_for_each_channel() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 3)).eval()
    Classifier(module, bounds=(0, 255), mean=[123.675] * 3, std=[58.0] * 3).logits(torch.rand(1, 3, 4, 4))
    for entries in (1, 4):
        classifier = Classifier(module, mean=[0.5] * entries, std=[0.5] * entries)
        with pytest.raises(ValueError, match=rf"have {entries} entries but inputs .* have 3 channels") as error:
            classifier.check(torch.rand(1, 3, 4, 4), torch.tensor([0]))
        message(error)
    with pytest.raises(ValueError, match=r"have 4 channels: .*permute\(0, 3, 1, 2\)"):
        Classifier(module, mean=[0.5] * 3, std=[0.5] * 3).check(torch.rand(1, 4, 4, 3), torch.tensor([0]))


@pytest.mark.parametrize("std", [0.0, -1.0, float("nan")])
def test_a_bad_std_is_refused(exact: Any, std: float) -> None:
    with pytest.raises(ValueError, match="std") as error:
        Classifier(exact.half_space(1.0), mean=[0.5], std=[std])
    message(error)


@pytest.mark.parametrize("device", ["nonsense", "cuda:99"])
@pytest.mark.parametrize("kind", ["with weights", "without weights"])
def test_an_unknown_device_is_refused(exact: Any, device: str, kind: str) -> None:
    module = exact.half_space(1.0) if kind == "with weights" else exact.constant()
    with pytest.raises(ValueError, match="device=") as error:
        Classifier(module, device=device)
    assert device in message(error)


# --- what check refuses -----------------------------------------------------------------------------------------------

WRONG_MODELS: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "NaN logits": (lambda x: two_logits(x, lambda s: s * float("nan")), "NaN"),
    "infinite logits": (lambda x: two_logits(x, lambda s: s + float("inf")), "infinite"),
    "an axis too many": (lambda x: x.flatten(2), "classes"),
    "no class": (lambda x: x.flatten(1)[:, :0], "classes"),
    "other number of rows": (lambda x: x.flatten(1)[:-1] if len(x) > 1 else x.flatten(1).repeat(2, 1), "classes"),
    "a tuple": (lambda x: (x.flatten(1), None), "tuple"),
    "random": (lambda x: x.flatten(1) + torch.randn(16), "deterministic"),
    "other size": (lambda x: nn.functional.linear(x.flatten(1), torch.ones(2, 9)), "images of shape"),
    "other dtype": (lambda x: nn.functional.linear(x.flatten(1), torch.ones(2, 16).double()), "images of shape"),
}


@pytest.mark.parametrize("name", WRONG_MODELS)
def test_wrong_models_are_refused(exact: Any, name: str) -> None:
    logits, word = WRONG_MODELS[name]
    classifier = Classifier(exact.module(logits))
    with pytest.raises(ModelError, match=word) as error:
        classifier.check(exact.images(2), torch.tensor([0, 0]))
    message(error)
    assert isinstance(error.value, IsoperimetryError)


def raising(error: Exception) -> Callable[[Tensor], Any]:
    def logits(x: Tensor) -> Any:
        raise error

    return logits


@pytest.mark.parametrize("error", [AssertionError(), KeyError("head"), ValueError("one\ntwo"), ZeroDivisionError("x")])
def test_whatever_the_model_raises_is_a_model_error(exact: Any, error: Exception) -> None:
    classifier = Classifier(exact.module(raising(error)))
    for call in (
        lambda: classifier.check(exact.images(2), torch.tensor([0, 0])),
        lambda: classifier.predict(exact.images(2)),
        lambda: classifier.logits(exact.images(2)),
    ):
        with pytest.raises(ModelError, match=f"raised {type(error).__name__}") as caught:
            call()
        message(caught)
        assert caught.value.__cause__ is error
    interrupted = Classifier(exact.module(raising(KeyboardInterrupt())))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        interrupted.check(exact.images(2), torch.tensor([0, 0]))


def test_a_gradient_that_cannot_be_computed_is_a_model_error(exact: Any) -> None:
    # Works forwards, and not backwards: a number that the gradient needs is overwritten.
    inner = exact.half_space(1.0)
    module = exact.module(lambda x: inner(x).sigmoid_().mul_(2.0).exp_().add_(1.0))
    classifier = Classifier(module)
    classifier.check(exact.images(2), torch.tensor([0, 0]))
    with pytest.raises(ModelError, match="gradient cannot be computed: it raised RuntimeError") as caught:
        Gradients(classifier, "PGD")(exact.images(2), torch.tensor([0, 0]))
    message(caught)


def nan_pixel(images: Tensor) -> Tensor:
    images[1, 0, 2, 2] = float("nan")
    return images


WRONG_DATA: dict[str, tuple[Callable[[Tensor], Tensor], list[int], str]] = {
    "above the box": (lambda x: x + torch.tensor([0.0, 0.51]).view(2, 1, 1, 1), [0, 0], r"images\[1\].*rescale"),
    "below the box": (lambda x: x - 0.51, [0, 0], r"images\[0\].*rescale"),
    "8-bit values": (lambda x: x * 510, [0, 0], r"images\[0\].*255"),
    "NaN pixel": (nan_pixel, [0, 0], r"images\[1\]"),
    "no axis of inputs": (lambda x: x[:, 0, 0, 0], [0, 0], r"channels"),
    "no image": (lambda x: x[:0], [], r"n >= 1"),
    "label too large": (lambda x: x, [0, 2], r"labels\[1\]=2"),
    "negative label": (lambda x: x, [-1, 0], r"labels\[0\]=-1"),
    "one label missing": (lambda x: x, [0], r"labels has shape"),
}


@pytest.mark.parametrize("name", WRONG_DATA)
def test_wrong_data_are_refused(exact: Any, name: str) -> None:
    change, labels, words = WRONG_DATA[name]
    with pytest.raises(ValueError, match=words) as error:
        Classifier(exact.half_space(1.0)).check(change(exact.images(2)), torch.tensor(labels, dtype=torch.int64))
    message(error)


def test_good_models_and_data_pass(exact: Any) -> None:
    for module in (exact.half_space(1.0), exact.quantized(1.0), exact.constant()):
        Classifier(module).check(exact.images(3), torch.tensor([0, 1, 0]))
    edges = torch.cat([torch.zeros(1, *exact.shape), torch.ones(1, *exact.shape)])
    Classifier(exact.half_space(1.0)).check(edges, torch.tensor([0, 0]))


def test_the_box_of_the_inputs_can_be_another(exact: Any) -> None:
    classifier = Classifier(exact.half_space(1.0), bounds=(-1.0, 3.0))
    classifier.check(torch.full((1, *exact.shape), -1.0), torch.tensor([0]))
    with pytest.raises(ValueError, match=r"\[-1, 3\]"):
        classifier.check(torch.full((1, *exact.shape), 3.01), torch.tensor([0]))


def test_a_random_layer_is_found_wherever_it_is(exact: Any) -> None:
    noisy_dropout = exact.module(lambda x: nn.functional.dropout(x.flatten(1), 0.5, training=True))
    with pytest.raises(ModelError, match=r"deterministic: .*\.eval\(\), or wrap .* models\.expectation\(\)"):
        Classifier(noisy_dropout).check(exact.images(4), torch.zeros(4, dtype=torch.int64))


@pytest.mark.parametrize("error", [None, lambda outputs, labels: outputs.argmax(1) != labels])
def test_the_check_itself_shrinks_the_batch(exact: Any, error: Any) -> None:
    half_space = exact.half_space(1.0)

    def small(x: Tensor) -> Tensor:
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        logits: Tensor = half_space(x)
        return logits

    classifier = Classifier(exact.module(small), error=error)
    classifier.check(exact.images(7), torch.zeros(7, dtype=torch.int64))
    assert classifier.batch_size(16) == 1

    def none(x: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(ModelError, match="does not suffice for one input"):
        Classifier(exact.module(none), error=error).check(exact.images(7), torch.zeros(7, dtype=torch.int64))


@pytest.mark.parametrize(
    ("message", "memory"),
    [
        ("CUDA error: out of memory", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.", True),
        ("mat1 and mat2 shapes cannot be multiplied", False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(message: str, memory: bool) -> None:
    assert is_out_of_memory(RuntimeError(message)) is memory


# --- predict ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def network() -> Classifier:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(96, 5))
    return Classifier(module.eval())


def test_predict_does_not_depend_on_order_or_grouping(network: Classifier) -> None:
    # Near ties are the hard case: between two inputs of different class, where rounding decides.
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1200, 1, 4, 4, generator=generator)
    classes = network.predict(x)
    assert len(set(classes.tolist())) > 1
    a, b = x[classes == classes[0]][0], x[classes != classes[0]][0]
    for _ in range(40):
        middle = (a + b) / 2
        a, b = (middle, b) if network.predict(middle[None])[0] == classes[0] else (a, middle)
    ties = a + 1e-7 * torch.randn(300, 1, 4, 4, generator=generator)
    x = torch.cat([x, ties])
    classes = network.predict(x)
    assert len(set(classes[1200:].tolist())) > 1, "the ties are no ties"
    order = torch.randperm(len(x), generator=generator)
    assert torch.equal(network.predict(x[order]), classes[order])
    for size in (1, 7, 512):
        rows = x[-64:] if size == 1 else x
        assert torch.equal(
            torch.cat([network.predict(part) for part in torch.split(rows, size)]), classes[-len(rows) :]
        )


def test_predict_answers_on_the_cpu_with_integers(network: Classifier) -> None:
    classes = network.predict(torch.zeros(3, 1, 4, 4))
    assert classes.dtype == torch.int64
    assert classes.device.type == "cpu"
    assert classes.shape == (3,)
    assert network.predict(torch.zeros(0, 1, 4, 4)).shape == (0,)


def test_logits_are_those_of_the_module(network: Classifier) -> None:
    x = torch.rand(5, 1, 4, 4)
    assert torch.equal(network.logits(x), network.module(x))


def test_normalisation_is_done_inside(exact: Any) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 3)).eval()
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
    x = torch.rand(4, 3, 4, 4)
    by_hand = module((x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1))
    assert torch.equal(Classifier(module, mean=mean, std=std).logits(x), by_hand)


def test_batches_are_bounded_in_memory(network: Classifier) -> None:
    assert network.batch_size(16) == 512
    assert network.batch_size(784) == 510
    assert network.batch_size(3 * 224 * 224) == 4
    assert network.batch_size(10**9) == 4


def test_name(exact: Any) -> None:
    assert Classifier(exact.half_space(1.0)).name == "Margin"
    assert Classifier(exact.half_space(1.0), name="mine").name == "mine"


def test_the_callers_tensors_are_not_changed(network: Classifier) -> None:
    x, labels = torch.rand(9, 1, 4, 4), torch.arange(9) % 5
    before = x.clone(), labels.clone(), [p.clone() for p in network.module.parameters()]
    network.check(x, labels)
    network.predict(x)
    network.fingerprint()
    assert torch.equal(x, before[0])
    assert torch.equal(labels, before[1])
    assert not x.requires_grad
    assert all(torch.equal(p, q) for p, q in zip(network.module.parameters(), before[2], strict=True))
    assert all(p.grad is None for p in network.module.parameters())


# --- torch.compile ----------------------------------------------------------------------------------------------------


def compiled_by(backend: Any, monkeypatch: pytest.MonkeyPatch, module: nn.Module) -> Classifier:
    """Return a compiled classifier, with a backend that needs no C++ compiler."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    torch._dynamo.reset()
    return Classifier(module, compiled=True)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch warns itself
def test_a_compiled_classifier_takes_batches_of_any_size(network: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def backend(graph: Any, inputs: Any) -> Any:
        made.append(len(inputs))
        return graph.forward

    classifier = compiled_by(backend, monkeypatch, network.module)
    limit = torch._dynamo.config.recompile_limit
    for rows in (*range(2, 12), 40, 3, 512):
        x = torch.rand(rows, 1, 4, 4)
        assert torch.equal(classifier.logits(x), network.logits(x))
    assert 1 <= len(made) <= 3
    x = torch.rand(9, 1, 4, 4)
    labels = network.predict(x)
    assert torch.equal(classifier.predict(x), labels)
    found, plain = (Gradients(one, "PGD")(x, labels) for one in (classifier, network))
    assert torch.equal(found.gradient, plain.gradient)
    assert len(made) <= 8
    assert (torch._dynamo.config.recompile_limit, torch._dynamo.config.fail_on_recompile_limit_hit) == (limit, False)


def test_what_cannot_be_compiled_is_no_classifier(network: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no compiler here")

    classifier = compiled_by(broken, monkeypatch, network.module)
    with pytest.raises(ModelError, match=r"torch\.compile cannot compile the model.*leave out compiled=True") as error:
        classifier.logits(torch.rand(2, 1, 4, 4))
    message(error)
    # Never quietly uncompiled, which would round differently.
    classifier = compiled_by("eager", monkeypatch, network.module)
    monkeypatch.setattr(compiling, "MOST_VERSIONS", 1)
    classifier.logits(torch.rand(1, 1, 4, 4))
    with pytest.raises(ModelError, match="cannot compile the model"):
        classifier.logits(torch.rand(2, 1, 4, 4))


# --- fingerprint ------------------------------------------------------------------------------------------------------


def with_buffers() -> nn.Module:
    """Return a module with a 0-d buffer (the counter of BatchNorm), half precision, and a buffer called mean."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2)).eval()
    module.register_buffer("mean", torch.tensor(0.25))
    module.register_buffer("small", torch.ones(3, dtype=torch.bfloat16))
    return module


def test_fingerprint_repeats(exact: Any) -> None:
    first = Classifier(with_buffers()).fingerprint()
    assert re.fullmatch("[0-9a-f]{16}", first)
    again = Classifier(with_buffers(), name="other name", device="cpu")
    again.predict(exact.images())
    assert again.fingerprint() == first


@pytest.mark.parametrize("buffer", ["mean", "small", "0.weight", "1.num_batches_tracked", "1.running_var", "3.bias"])
def test_fingerprint_sees_each_weight(buffer: str) -> None:
    changed = with_buffers()
    with torch.no_grad():
        changed.state_dict()[buffer].view(-1)[-1] += 1
    assert Classifier(changed).fingerprint() != Classifier(with_buffers()).fingerprint()


@pytest.mark.parametrize(
    "settings",
    [{"bounds": (0.0, 2.0)}, {"mean": [0.5], "std": [1.0]}, {"mean": [0.0], "std": [0.5]}],
)
def test_fingerprint_sees_the_settings(settings: dict[str, Any]) -> None:
    plain = Classifier(with_buffers()).fingerprint()
    assert Classifier(with_buffers(), **settings).fingerprint() != plain


def test_fingerprints_of_settings_differ_among_themselves() -> None:
    settings = [([0.5], [1.0]), ([1.0], [0.5]), ([0.5], [0.5])]
    found = {Classifier(with_buffers(), mean=mean, std=std).fingerprint() for mean, std in settings}
    assert len(found) == len(settings)


def test_models_without_parameters_work(exact: Any) -> None:
    classifier = Classifier(exact.constant(1))
    assert classifier.predict(exact.images(2)).tolist() == [1, 1]
    assert len(classifier.fingerprint()) == 16
    assert np.isfinite(classifier.logits(exact.images()).numpy()).all()


def test_fingerprint_sees_the_structure(exact: Any) -> None:
    # None of these has a weight.
    structures = [
        nn.Flatten(), nn.ReLU(), nn.LeakyReLU(0.1), nn.LeakyReLU(0.2), nn.MaxPool2d(2), nn.MaxPool2d(2, stride=1),
        nn.Sequential(nn.ReLU(), nn.Flatten()), nn.Sequential(nn.Flatten(), nn.ReLU()),
    ]  # fmt: skip
    assert len({Classifier(module.eval()).fingerprint() for module in structures}) == len(structures)


def test_repr_tells_classifiers_apart(exact: Any) -> None:
    one, other = Classifier(exact.half_space(1.0), name="mine"), Classifier(exact.half_space(2.0), bounds=(-1.0, 1.0))
    assert repr(one) == f"Classifier('mine', {one.fingerprint()}, bounds=(0.0, 1.0), device='cpu')"
    assert repr(one) != repr(other)
    # It tells what an attack that holds one is, with no address in it.
    transfer = repr(Transfer(source=one, attack=ProjectedGradient(steps=7)))
    assert one.fingerprint() in transfer
    assert "steps=7" in transfer
    assert "0x" not in transfer.replace(one.fingerprint(), "")
