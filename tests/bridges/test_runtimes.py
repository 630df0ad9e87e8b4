"""Models of other libraries as classifiers: over small stand-ins always, over real packages where they are there."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.errors import MissingDependency, ModelError
from isoperimetry_bridges.torch.attacks import DecoupledDirectionNorm
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.models import from_art, from_foolbox, from_hf, from_onnx, from_timm

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def real(name: str) -> Any:
    """Return a module of a package, or skip the test and say what is missing."""
    package = name.partition(".")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib_import(name)
    except ModuleNotFoundError as error:
        pytest.skip(f"{package!r} cannot be imported: {error.name!r} is not installed")
    except RuntimeError as error:
        pytest.skip(f"{package!r} cannot be imported: {error}")


def importlib_import(name: str) -> Any:
    import importlib

    return importlib.import_module(name)


@pytest.fixture(scope="session")
def torchvision_operators() -> Any:
    """Declare torchvision's compiled operators where its library does not fit this torch: classifiers need none."""
    try:
        import torchvision  # noqa: F401
    except ModuleNotFoundError:
        return None
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        for name in ("roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool", "deform_conv2d"):
            library.define(f"{name}(Tensor x) -> Tensor")
            library.define(f"_{name}_backward(Tensor x) -> Tensor")
        library.define("qroi_align(Tensor x) -> Tensor")
        return library  # it lives as long as the session
    return None


def color_net(classes: int = 4) -> nn.Module:
    generator = torch.Generator().manual_seed(11)
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 12), nn.ReLU(), nn.Linear(12, classes)).eval()
    for weight in net.parameters():
        weight.data = torch.randn(weight.shape, generator=generator) * 0.4
    return net


def color_images(count: int = 5) -> Tensor:
    return torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(12))


def normalised(images: Tensor) -> Tensor:
    return (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


# Hugging Face --------------------------------------------------------------------------------------------------------


class HuggingNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.config = color_net(), SimpleNamespace(name_or_path="someone/small-net")

    def forward(self, pixel_values: Tensor) -> Any:
        return SimpleNamespace(loss=None, logits=self.inner(pixel_values))


def processor(image: Any, *, return_tensors: str, twist: Callable[[Any], Any] = lambda values: values) -> Any:
    """Like an image processor: 8-bit images with the channels last; rescaled, normalised, in a dictionary."""
    assert return_tensors == "np" and image.dtype == np.uint8 and image.shape[-1] == 3
    values = (image[::128, ::128].transpose(2, 0, 1) / 255 - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    return {"pixel_values": twist(values)[None].astype(np.float32)}


def test_hf() -> None:
    net, images = HuggingNet().eval(), color_images()
    expected = net.inner(normalised(images))
    for options in ({"mean": MEAN, "std": STD}, {"processor": processor}):
        classifier = from_hf(net, **options)
        assert torch.allclose(classifier.logits(images), expected, atol=1e-5)
        assert classifier.name == "someone/small-net" and classifier.differentiable
    assert from_hf(net, mean=MEAN, std=STD, name="mine", bounds=(-1, 1)).bounds == (-1, 1)


TWISTS = {
    "gamma": lambda values: np.sign(values) * values**2,
    "a vignette": lambda values: values * np.linspace(0.5, 1, values.shape[-1]),
    "inverted": lambda values: -values,
}


@pytest.mark.parametrize("twist", TWISTS)
def test_hf_processors_that_do_more_are_refused(twist: str) -> None:
    with pytest.raises(ValueError, match="more than rescale and normalise"):
        from_hf(HuggingNet().eval(), processor=lambda image, **more: processor(image, twist=TWISTS[twist], **more))


def test_hf_bad_arguments() -> None:
    with pytest.raises(ValueError, match="must not be given with processor"):
        from_hf(HuggingNet().eval(), processor=processor, mean=MEAN, std=STD)
    with pytest.raises(ValueError, match="cannot be asked: it raised") as caught:
        from_hf(HuggingNet().eval(), processor=lambda image: image)
    for net in (HuggingNet(), nn.Flatten()):
        with pytest.raises(ValueError, match=r"needs processor=.* or mean= and std="):
            from_hf(net.eval())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["ViT", "ResNet"])
def test_hf_for_real(torchvision_operators: Any, kind: str) -> None:
    transformers = real("transformers")
    torch.manual_seed(0)
    if kind == "ViT":
        config = transformers.ViTConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=16,
            patch_size=8, num_labels=5,
        )  # fmt: skip
        net = transformers.ViTForImageClassification(config).eval()
        processor = transformers.ViTImageProcessor(size={"height": 16, "width": 16}, image_mean=MEAN, image_std=STD)
    else:
        config = transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], num_labels=5)
        net = transformers.ResNetForImageClassification(config).eval()
        processor = transformers.ConvNextImageProcessor(size={"shortest_edge": 16}, image_mean=MEAN, image_std=STD)
    levels = torch.randint(0, 256, (3, 16, 16, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    expected = net(**processor(list(levels.numpy()), do_resize=False, return_tensors="pt")).logits
    classifier = from_hf(net, processor=processor)
    images = levels.permute(0, 3, 1, 2).float() / 255
    assert torch.allclose(classifier.logits(images), expected, atol=1e-4)
    labels = classifier.predict(images)
    classifier.check(images, labels)
    found = DecoupledDirectionNorm(steps=20)(classifier, images, labels, scale=1.0)
    assert np.isfinite(found.distances).any()


# ONNX ----------------------------------------------------------------------------------------------------------------


class StandInSession:
    """The interface of onnxruntime.InferenceSession over a file that holds a number, the factor of the inputs."""

    def __init__(self, model: Any, *, providers: Any, batch: Any = "n", kind: str = "tensor(float)") -> None:
        data = model if isinstance(model, bytes) else Path(model).read_bytes()
        if data.startswith(b"not"):
            raise RuntimeError("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF\nmore")
        self._model_bytes, self._model_path = (model, None) if isinstance(model, bytes) else (None, str(model))
        self.factor, self.providers, self.batch, self.kind, self.sizes = float(data), providers, batch, kind, []

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="x", type=self.kind, shape=[self.batch, 3, 4, 4])]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name="features"), SimpleNamespace(name="logits")]

    def get_providers(self) -> list[str]:
        return list(self.providers)

    def run(self, names: list[str], feed: dict[str, Any]) -> list[Any]:
        (x,) = feed.values()
        assert isinstance(x, np.ndarray) and x.flags["C_CONTIGUOUS"] and (self.batch in ("n", len(x)))
        assert x.dtype == {"tensor(float)": np.float32, "tensor(double)": np.float64}[self.kind]
        self.sizes.append(len(x))
        sums = x.reshape(len(x), 3, 16).sum(2) * self.factor
        return [sums if name == "logits" else x for name in names]


@pytest.fixture
def stand_in_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace(InferenceSession=StandInSession))


def test_onnx(stand_in_runtime: None, tmp_path: Path) -> None:
    images = color_images()
    expected = images.flatten(2).sum(2) * 2
    path = tmp_path / "net.onnx"
    path.write_bytes(b"2.0")
    for source in (path, str(path), b"2.0", StandInSession(b"2.0", providers=["P"])):
        classifier = from_onnx(source, output_name="logits")
        assert torch.allclose(classifier.logits(images), expected, atol=1e-5)
        assert not classifier.differentiable
        assert not classifier.logits(images.requires_grad_(True)).requires_grad
    assert from_onnx(path, output_name="logits").name == "net"
    normal = from_onnx(path, output_name="logits", mean=MEAN, std=STD)
    assert torch.allclose(normal.logits(images), normalised(images).flatten(2).sum(2) * 2, atol=1e-4)


def test_onnx_fixed_batch_and_double(stand_in_runtime: None) -> None:
    session = StandInSession(b"2.0", providers=["P"], batch=2, kind="tensor(double)")
    classifier = from_onnx(session, output_name="logits", batch_size=4)
    images = color_images()
    assert torch.allclose(classifier.logits(images), (images.flatten(2).sum(2) * 2).double())
    assert session.sizes == [2, 2, 2]
    assert classifier.wrong(images, 0).shape == (5,)


def test_onnx_copies_share_the_session(stand_in_runtime: None) -> None:
    classifier = from_onnx(b"2.0", output_name="logits")
    for twin in (copy.deepcopy(classifier), classifier.reference()):
        assert twin.module.session is classifier.module.session
        assert torch.equal(twin.logits(color_images()), classifier.logits(color_images()))


def test_onnx_fingerprints_name_the_weights(stand_in_runtime: None, tmp_path: Path) -> None:
    path, outside = tmp_path / "a.onnx", tmp_path / "a.onnx.data"
    path.write_bytes(b"2.0")
    prints = [from_onnx(source, output_name="logits").fingerprint() for source in (path, b"2.0", b"3.0")]
    assert prints[0] == prints[1] != prints[2]
    from isoperimetry_bridges.torch.models.onnx import _digest

    path.write_bytes(b"... location: a.onnx.data ...")
    outside.write_bytes(b"weights")
    before = _digest(path)
    (tmp_path / "other.data").write_bytes(b"of another model")
    assert _digest(path) == before
    outside.write_bytes(b"Weights")
    assert _digest(path) != before


def test_onnx_bad_arguments(stand_in_runtime: None, tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"bad.onnx' is no model that onnxruntime can load") as caught:
        from_onnx(bad)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="output_name='probabilities' must be one of 'features', 'logits'"):
        from_onnx(b"2.0", output_name="probabilities")
    with pytest.raises(ValueError, match="floating point"):
        from_onnx(StandInSession(b"2.0", providers=[], kind="tensor(uint8)"))
    with pytest.raises(TypeError, match="InferenceSession"):
        from_onnx(3)
    silent = StandInSession(b"2.0", providers=[])
    silent._model_bytes = None
    with pytest.raises(ValueError, match="pass the path"):
        from_onnx(silent)


def test_onnx_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="pip install onnxruntime"):
        from_onnx(b"2.0")


def exported(net: Any, batch: int | str) -> bytes:
    """Return `color_net` as an ONNX model, node by node."""
    onnx = real("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    weights = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("Gemm", ["flat", "1.weight", "1.bias"], ["hidden"], transB=1),
            helper.make_node("Relu", ["hidden"], ["active"]),
            helper.make_node("Gemm", ["active", "3.weight", "3.bias"], ["logits"], transB=1),
        ],
        "net",
        [helper.make_tensor_value_info("x", floats, [batch, 3, 4, 4])],
        [helper.make_tensor_value_info("logits", floats, [batch, 4])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return data


@pytest.mark.parametrize("batch", ["n", 3])
def test_onnx_for_real(tmp_path: Path, batch: int | str) -> None:
    runtime = real("onnxruntime")
    net, images = color_net(), color_images()
    path = tmp_path / "net.onnx"
    path.write_bytes(exported(net, batch))
    one = runtime.SessionOptions()
    one.intra_op_num_threads = 1
    session = runtime.InferenceSession(path, one, providers=["CPUExecutionProvider"])
    plain = Classifier(net, mean=MEAN, std=STD)
    for source in (path, path.read_bytes(), session):
        classifier = from_onnx(source, mean=MEAN, std=STD)
        assert torch.allclose(classifier.logits(images), plain.logits(images), atol=1e-5)
    labels = classifier.predict(images)
    classifier.check(images, labels)
    noisy = images.repeat(40, 1, 1, 1) + torch.randn(200, 3, 4, 4, generator=torch.Generator().manual_seed(5)) / 2
    assert torch.equal(classifier.wrong(noisy, 1), plain.wrong(noisy, 1))
    assert (
        copy.deepcopy(classifier).fingerprint()
        == classifier.fingerprint()
        == from_onnx(path, mean=MEAN, std=STD).fingerprint()
    )


def test_onnx_for_real_refuses_what_is_no_model(tmp_path: Path) -> None:
    real("onnxruntime")
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ValueError, match="is no model") as caught:
        from_onnx(path)
    assert "\n" not in str(caught.value)


# timm ----------------------------------------------------------------------------------------------------------------


def timm_net(name: str = "small", *, pretrained: bool = False) -> nn.Module:
    if name != "small":
        raise RuntimeError(f"Unknown model ({name})")
    net = color_net()
    net.pretrained_cfg = {"mean": MEAN, "std": STD, "input_size": (3, 4, 4), "architecture": "small"}
    return net.train()


def test_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=timm_net))
    images = color_images()
    for source in ("small", timm_net().eval()):
        classifier = from_timm(source)
        assert torch.allclose(classifier.logits(images), color_net()(normalised(images)), atol=1e-5)
        assert classifier.name == "small"
    with pytest.raises(ValueError, match=r"model='large': timm\.create_model raised RuntimeError"):
        from_timm("large")
    with pytest.raises(TypeError, match=r"timm\.create_model"):
        from_timm(color_net())


def test_timm_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingDependency, match="pip install timm"):
        from_timm("resnet18")


def test_timm_with_another_torchvision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="Install the torchvision that belongs to this torch"):
        from_timm("resnet18")


def test_timm_for_real(torchvision_operators: Any) -> None:
    real("timm")
    torch.manual_seed(0)
    classifier = from_timm("resnet10t", pretrained=False)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    config = classifier.module.pretrained_cfg
    shift, scale = (torch.tensor(config[name]).view(3, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        expected = classifier.module((images - shift) / scale)
    assert torch.allclose(classifier.logits(images), expected, atol=1e-4)
    assert classifier.name == "resnet10t"


# foolbox -------------------------------------------------------------------------------------------------------------


class Wrapped:
    """A tensor of eagerpy."""

    def __init__(self, raw: Tensor) -> None:
        self.raw = raw


def foolbox_model(module: nn.Module, bounds: Any, preprocessing: Any) -> Any:
    """As foolbox.PyTorchModel keeps it: the module in a closure, the preprocessing as tensors of eagerpy."""
    model = module

    def _model(x: Tensor) -> Tensor:
        with torch.set_grad_enabled(x.requires_grad):
            answer: Tensor = model(x)
        return answer

    shape = (-1,) + (1,) * (-preprocessing["axis"] - 1)
    mean, std = (Wrapped(torch.tensor(preprocessing[name]).view(shape)) for name in ("mean", "std"))
    args = mean, std, preprocessing.get("flip_axis")
    return SimpleNamespace(_model=_model, bounds=bounds, _preprocess_args=args, device=torch.device("cpu"))


@pytest.mark.parametrize("made", ["stand-in", "real"])
@pytest.mark.parametrize("flip", [None, -3])
def test_foolbox(made: str, flip: int | None) -> None:
    make = foolbox_model if made == "stand-in" else real("foolbox").PyTorchModel
    preprocessing = {"mean": list(MEAN), "std": list(STD), "axis": -3} | ({} if flip is None else {"flip_axis": flip})
    net, images = color_net(), color_images()
    classifier = from_foolbox(make(net, bounds=(0, 1), preprocessing=preprocessing))
    expected = net(normalised(images if flip is None else images.flip(flip)))
    assert torch.allclose(classifier.logits(images), expected, atol=1e-5)
    assert classifier.bounds == (0.0, 1.0) and classifier.differentiable and classifier.name == "Sequential"
    assert copy.deepcopy(classifier).fingerprint() == classifier.fingerprint()
    assert classifier.fingerprint() != Classifier(net).fingerprint()
    found = DecoupledDirectionNorm(steps=40)(classifier, images, classifier.predict(images), scale=0.3)
    assert np.isfinite(found.distances).all()


def test_foolbox_bounds_that_were_changed() -> None:
    net, images = color_net(), color_images()
    model = real("foolbox").PyTorchModel(net, bounds=(0, 1)).transform_bounds((-1, 1))
    classifier = from_foolbox(model)
    assert classifier.bounds == (-1.0, 1.0)
    assert torch.allclose(classifier.logits(2 * images - 1), net(images), atol=1e-5)


def test_foolbox_bad_arguments() -> None:
    for model in (color_net(), print, SimpleNamespace(_model=lambda x: x)):
        with pytest.raises(TypeError, match=r"foolbox\.PyTorchModel"):
            from_foolbox(model)


# ART -----------------------------------------------------------------------------------------------------------------


class Step:
    """A preprocessing step of ART in torch."""

    def __init__(self, factor: float, apply_predict: bool = True) -> None:
        self.factor, self.apply_predict = factor, apply_predict

    def __repr__(self) -> str:
        return f"Step({self.factor})"

    def forward(self, x: Tensor, y: Any = None) -> tuple[Tensor, Any]:
        return self.factor * x, y


def estimator(net: nn.Module, **changes: Any) -> Any:
    """As an ART PyTorchClassifier looks from outside."""

    def predict(x: Any) -> Any:
        assert isinstance(x, np.ndarray) and x.dtype == np.float32
        with torch.no_grad():
            return net(2 * torch.from_numpy(x)).numpy()

    entries: dict[str, Any] = {
        "model": net,
        "predict": predict,
        "clip_values": (np.float32(0), np.float32(1)),
        "input_shape": (3, 4, 4),
        "preprocessing_operations": [Step(2.0), Step(7.0, apply_predict=False)],
        "all_framework_preprocessing": True,
        "postprocessing_defences": None,
        "device": torch.device("cpu"),
    }
    return SimpleNamespace(**entries | changes)


def test_art() -> None:
    net, images = color_net(), color_images()
    expected = net(2 * images)
    in_torch = from_art(estimator(net))
    outside = [
        from_art(estimator(net, all_framework_preprocessing=False)),
        from_art(estimator(net, postprocessing_defences=[object()])),
        from_art(estimator(net, model=object(), clip_values=None), bounds=(0, 1)),
    ]
    for classifier in (in_torch, *outside):
        assert torch.allclose(classifier.logits(images), expected, atol=1e-5)
        assert classifier.bounds == (0.0, 1.0)
        classifier.check(images, torch.zeros(5, dtype=torch.int64))
        assert torch.equal(copy.deepcopy(classifier).logits(images), classifier.logits(images))
    assert in_torch.differentiable and not any(classifier.differentiable for classifier in outside)
    assert in_torch.name == "Sequential"
    with pytest.raises(TypeError, match="ART"):
        from_art(net)


def test_an_estimator_of_art_that_cannot_predict() -> None:
    def predict(x: Any) -> Any:
        raise RuntimeError("mat1 and mat2 must have the same dtype\nand more")

    with pytest.raises(ModelError, match="cannot predict: it raised RuntimeError") as caught:
        from_art(estimator(color_net(), predict=predict, all_framework_preprocessing=False))
    assert "\n" not in str(caught.value)


def test_art_fingerprints() -> None:
    other = color_net()
    other[1].bias.data[0] += 1
    for options in ({}, {"all_framework_preprocessing": False}):
        prints = [from_art(estimator(net, **options)).fingerprint() for net in (color_net(), color_net(), other)]
        assert prints[0] == prints[1] != prints[2]
    steps = from_art(estimator(color_net(), preprocessing_operations=[Step(3.0)]))
    assert steps.fingerprint() != from_art(estimator(color_net())).fingerprint()


@pytest.mark.parametrize("defence", ["none", "torch", "numpy", "rounded answers"])
def test_art_for_real(defence: str) -> None:
    classification = real("art.estimators.classification")
    preprocessor, postprocessor = real("art.defences.preprocessor"), real("art.defences.postprocessor")
    torch_step = real("art.defences.preprocessor.preprocessor").PreprocessorPyTorch

    class Squaring(torch_step):  # type: ignore[misc, valid-type]
        def forward(self, x: Tensor, y: Any = None) -> tuple[Tensor, Any]:
            return x**2, y

    defences: dict[str, dict[str, Any]] = {
        "none": {},
        "torch": {"preprocessing_defences": Squaring(device_type="cpu")},
        "numpy": {"preprocessing_defences": preprocessor.SpatialSmoothing(window_size=3, channels_first=True)},
        "rounded answers": {"postprocessing_defences": postprocessor.Rounded(decimals=1)},
    }
    net, images = color_net(), color_images()
    made = classification.PyTorchClassifier(
        net,
        loss=nn.CrossEntropyLoss(),
        input_shape=(3, 4, 4),
        nb_classes=4,
        clip_values=(0.0, 1.0),
        preprocessing=(np.reshape(MEAN, (3, 1, 1)), np.reshape(STD, (3, 1, 1))),
        device_type="cpu",
        **defences[defence],
    )
    classifier = from_art(made)
    assert np.allclose(classifier.logits(images).detach().numpy(), made.predict(images.numpy()), atol=1e-4)
    assert classifier.differentiable == (defence in ("none", "torch"))
    classifier.check(images, torch.zeros(5, dtype=torch.int64))
    if defence == "none":
        found = DecoupledDirectionNorm(steps=40)(classifier, images, classifier.predict(images), scale=0.3)
        assert np.isfinite(found.distances).all()


def test_art_for_real_without_torch() -> None:
    classification = real("art.estimators.classification")
    net, images = color_net(), color_images()

    def predict(x: Any) -> Any:
        with torch.no_grad():
            return net(torch.from_numpy(x)).numpy()

    made = classification.BlackBoxClassifier(predict, input_shape=(3, 4, 4), nb_classes=4, clip_values=(0, 1))
    classifier = from_art(made)
    assert torch.allclose(classifier.logits(images), net(images), atol=1e-5)
    assert not classifier.differentiable
