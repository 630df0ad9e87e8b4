"""A user's model and data, named on the command line: ``package.module:factory`` and an NPZ file."""

from __future__ import annotations

import importlib
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.errors import IsoperimetryError
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.faults import raised


def load_factory(spec: str, *, device: str | torch.device | None = None) -> Classifier:
    """Return the classifier that ``MODULE:FACTORY`` makes; modules of the working directory are found too.

    Parameters
    ----------
    spec : str
        The name of a module, a colon, and the name of a function without arguments that returns a `torch.nn.Module`
        (logits out, images of shape (batch, channels, height, width) in [0, 1]) or a `Classifier`.
    device : str or torch.device, optional
        Where the model runs; for a `Classifier` that the factory made it must be None.

    Raises
    ------
    ValueError
        If there is no such module or function, or it raises an error itself.
    TypeError
        If it returns something else.
    """
    module_name, colon, factory_name = spec.partition(":")
    if not (module_name and colon and factory_name):
        raise ValueError(f"model={spec!r} must have the form package.module:factory.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = f"{module_name}.".startswith(f"{error.name}.")
        what = "does not exist: run" if missing else f"needs {error.name!r}: install that, or run"
        if module_name.endswith(".py"):
            what = "does not exist (a module is named without .py): run"
        raise ValueError(f"model={spec!r}: the module {module_name!r} {what} from the folder that holds it.") from error
    except Exception as error:
        raise ValueError(f"model={spec!r}: importing {module_name!r} {raised(error)}") from error
    factory = getattr(module, factory_name, None)
    if not callable(factory):
        raise ValueError(
            f"model={spec!r}: {module_name!r} has no function {factory_name!r}; write one that returns the model."
        )
    try:
        made = factory()
    except IsoperimetryError:
        raise
    except Exception as error:
        raise ValueError(f"model={spec!r}: {factory_name}() {raised(error)}") from error
    if isinstance(made, Classifier):
        if device is not None:
            raise ValueError(
                f"device={str(device)!r} must not be given: the factory returned a Classifier with its own."
            )
        return made
    if not isinstance(made, nn.Module):
        raise TypeError(
            f"model={spec!r} returned {type(made).__name__} but must return a torch.nn.Module or a Classifier."
        )
    return Classifier(made, name=factory_name, device=device)


def load_data(path: Path) -> tuple[Tensor, Tensor]:
    """Return images (n, channels, height, width), float32 in [0, 1], and labels (n,) of an NPZ file.

    The file holds the arrays ``images`` and ``labels``. 8-bit images are divided by 255.

    Raises
    ------
    ValueError
        If the file does not exist, is no NPZ file or lacks an array, or if there is not one label for each image.
    TypeError
        If labels are not integers.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ValueError(f"data='{path}' {what}: give the path of an NPZ file with 'images' and 'labels'.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            arrays = {name: data[name] for name in ("images", "labels") if name in data}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, TypeError):
        raise ValueError(
            f"data='{path}' must be an NPZ file of plain arrays: numpy.savez(path, images=..., labels=...) writes one"
        ) from None
    missing = {"images", "labels"} - set(arrays)
    if missing:
        raise ValueError(f"data='{path}' has no array {sorted(missing)[0]!r}: it must hold 'images' and 'labels'.")
    images, labels = arrays["images"], arrays["labels"]
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / 255
    if images.dtype.kind != "f":
        raise TypeError(f"images has dtype {images.dtype} but must be floating point in [0, 1], or 8-bit.")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels has dtype {labels.dtype} but must be integers: the index of each image's class.")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels has shape {labels.shape} but must be {images.shape[:1]}: one for each image.")
    return torch.from_numpy(images.astype(np.float32)), torch.from_numpy(labels.astype(np.int64))
