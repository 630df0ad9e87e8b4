"""A model and its data named on the command line: what is found, and what is refused in one sentence."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch import Classifier
from isoperimetry_bridges.torch.models import load_data, load_factory

SOURCE = """
import torch
from isoperimetry_bridges.torch import Classifier

a_number = 3


def linear():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3)).eval()


def wrapped():
    return Classifier(linear(), bounds=(-1, 1), name="mine")


def training():
    return linear().train()


def needs_an_argument(path):
    return linear()


def raises():
    raise RuntimeError("first line\\nsecond line")


def no_weights():
    return open("weights.pt")


def a_list():
    return [linear()]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a working directory with user modules; sys.path and sys.modules are put back."""
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "their_model.py").write_text(SOURCE)
    (tmp_path / "their_package").mkdir()
    (tmp_path / "their_package" / "__init__.py").write_text("")
    (tmp_path / "their_package" / "inner.py").write_text(SOURCE)
    (tmp_path / "their_import.py").write_text("import a_package_that_is_not_there\n")
    (tmp_path / "their_syntax.py").write_text("def f(:\n")
    (tmp_path / "their_crash.py").write_text("1 / 0\n")
    yield tmp_path
    for name in set(sys.modules) - modules:
        if name.startswith("their_"):
            del sys.modules[name]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("spec", ["their_model:linear", "their_package.inner:linear"])
def test_a_factory_is_found_in_the_working_directory(spec: str) -> None:
    classifier = load_factory(spec)
    assert isinstance(classifier, Classifier)
    assert classifier.name == "linear"
    assert classifier.bounds == (0.0, 1.0)
    assert classifier.predict(torch.zeros(2, 1, 4, 4)).shape == (2,)
    assert load_factory(spec, device="cpu").device == torch.device("cpu")


@pytest.mark.usefixtures("folder")
def test_a_factory_may_return_a_classifier() -> None:
    classifier = load_factory("their_model:wrapped")
    assert (classifier.name, classifier.bounds) == ("mine", (-1.0, 1.0))


BAD: dict[str, tuple[str, type[Exception], str]] = {
    "no colon": ("their_model", ValueError, "must have the form package.module:factory"),
    "no factory": ("their_model:", ValueError, "must have the form"),
    "no module": (":linear", ValueError, "must have the form"),
    "nothing": ("", ValueError, "must have the form"),
    "module does not exist": ("nowhere:linear", ValueError, "'nowhere' does not exist"),
    "package does not exist": ("nowhere.inner:linear", ValueError, "does not exist"),
    "module of a package does not exist": ("their_package.nowhere:linear", ValueError, "does not exist"),
    "a path": ("their_model.py:linear", ValueError, "does not exist"),
    "a relative module": (".their_model:linear", ValueError, "model="),
    "factory does not exist": ("their_model:conv", ValueError, "no function 'conv'"),
    "factory is a number": ("their_model:a_number", ValueError, "no function 'a_number'"),
    "module lacks a package": ("their_import:f", ValueError, "a_package_that_is_not_there"),
    "module with a syntax error": ("their_syntax:f", ValueError, "SyntaxError"),
    "module that crashes": ("their_crash:f", ValueError, "ZeroDivisionError"),
    "factory needs an argument": ("their_model:needs_an_argument", ValueError, "TypeError.*path"),
    "factory raises": ("their_model:raises", ValueError, "RuntimeError.*first line"),
    "factory misses a file": ("their_model:no_weights", ValueError, r"weights\.pt"),
    "factory returns a list": ("their_model:a_list", TypeError, "returned list but must return"),
    "model in training mode": ("their_model:training", ModelError, "training mode"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", BAD)
def test_bad_models_are_refused(name: str) -> None:
    spec, error, words = BAD[name]
    with pytest.raises(error, match=words) as caught:
        load_factory(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("folder")
def test_bad_devices_are_refused() -> None:
    with pytest.raises(ValueError, match="device='nonsense'"):
        load_factory("their_model:linear", device="nonsense")
    with pytest.raises(ValueError, match="must not be given"):
        load_factory("their_model:wrapped", device="cpu")


# --- data -------------------------------------------------------------------------------------------------------------


def write(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


IMAGES = np.linspace(0, 1, 32).reshape(2, 1, 4, 4)
LABELS = np.array([1, 0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
def test_images_are_read(tmp_path: Path, dtype: str) -> None:
    images, labels = load_data(write(tmp_path, images=IMAGES.astype(dtype), labels=LABELS))
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert np.array_equal(images.numpy(), IMAGES.astype(dtype).astype(np.float32))
    assert labels.tolist() == [1, 0]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint32", "int64", ">i4"])
def test_labels_are_read(tmp_path: Path, dtype: str) -> None:
    _, labels = load_data(write(tmp_path, images=IMAGES, labels=LABELS.astype(dtype)))
    assert labels.tolist() == [1, 0]


def test_8_bit_images_are_divided(tmp_path: Path) -> None:
    images, _ = load_data(write(tmp_path, images=np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4) * 8, labels=LABELS))
    assert float(images.max()) == pytest.approx(248 / 255)
    assert float(images.min()) == 0.0


def test_further_arrays_and_compression_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez_compressed(path, images=IMAGES, labels=LABELS, names=np.array(["a", "b"]))
    assert len(load_data(path)[0]) == 2


BAD_ARRAYS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no labels": ({"images": IMAGES}, ValueError, "no array 'labels'"),
    "no images": ({"labels": LABELS}, ValueError, "no array 'images'"),
    "float labels": ({"images": IMAGES, "labels": LABELS * 1.0}, TypeError, "labels has dtype float64"),
    "bool labels": ({"images": IMAGES, "labels": LABELS > 0}, TypeError, "labels has dtype bool"),
    "integer images": ({"images": IMAGES.astype(int), "labels": LABELS}, TypeError, "images has dtype int64"),
    "text images": ({"images": IMAGES.astype(str), "labels": LABELS}, TypeError, "images has dtype"),
    "pickled labels": ({"images": IMAGES, "labels": np.array([{}, []], object)}, ValueError, "NPZ"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_arrays_are_refused(tmp_path: Path, name: str) -> None:
    arrays, error, words = BAD_ARRAYS[name]
    with pytest.raises(error, match=words) as caught:
        load_data(write(tmp_path, **arrays))
    assert "\n" not in str(caught.value)


def no_file(path: Path) -> None:
    pass


def folder_instead(path: Path) -> None:
    path.mkdir()


def single_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, IMAGES)


def cut_short(path: Path) -> None:
    write(path.parent, images=IMAGES, labels=LABELS)
    path.write_bytes(path.read_bytes()[:-100])


def broken_inside(path: Path) -> None:
    np.savez_compressed(path, images=np.random.default_rng(0).random((2, 1, 4, 4)), labels=LABELS)
    with zipfile.ZipFile(path) as file:
        info = file.getinfo("images.npy")
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(info.filename) + 20
    data[start : start + 60] = bytes(b ^ 0x5A for b in data[start : start + 60])
    path.write_bytes(data)


BAD_FILES = {
    "does not exist": (no_file, "does not exist"),
    "is a folder": (folder_instead, "does not exist|folder"),
    "is empty": (lambda path: path.write_bytes(b""), "NPZ"),
    "is text": (lambda path: path.write_text("images,labels\n"), "NPZ"),
    "is one array": (single_array, "NPZ"),
    "is cut short": (cut_short, "NPZ"),
    "is broken inside": (broken_inside, "NPZ"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused(tmp_path: Path, name: str) -> None:
    make, words = BAD_FILES[name]
    path = tmp_path / "data.npz"
    make(path)
    with pytest.raises(ValueError, match=words) as caught:
        load_data(path)
    assert "\n" not in str(caught.value)
    assert re.search(re.escape(str(path)), str(caught.value))
