"""An attack from many starts around many images: in batches, on all threads, kept in a store and resumed."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.attacks import Attack, NearestErrors
from isoperimetry_bridges.torch.attacks.base import Box
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.parallel import each_image
from isoperimetry_bridges.torch.store import Store

# Images that are attacked from where they are go so many to a batch on a CPU, where batches share the threads.
CLEAN_BATCH = 8
_WITH_POINTS = "/points"  # at the end of the name of an entry of a store


@dataclasses.dataclass(frozen=True, slots=True)
class Starts:
    """The images themselves, or noisy copies of them, with the length scale of each image.

    Which starts share a batch does not depend on the number of threads: noisy copies of one image, or several images
    one after the other.
    """

    images: Tensor
    labels: Tensor
    ids: Sequence[ImageId]
    scales: Sequence[float]
    sigmas: Sequence[float] | None
    n_starts: int
    root: Stream
    box: Box | None

    def parts(self, batch_size: int, device: torch.device) -> list[tuple[int, int, int]]:
        """Return (image, first, count): noisy copies of one image, or ``count`` images from this one on."""
        count = len(self.images)
        if self.sigmas is None:
            size = min(batch_size, CLEAN_BATCH) if device.type == "cpu" else batch_size
            return [(first, 0, min(size, count - first)) for first in range(0, count, size)]
        pieces = [(first, min(batch_size, self.n_starts - first)) for first in range(0, self.n_starts, batch_size)]
        return [(image, first, number) for image in range(count) for first, number in pieces]

    def make(self, image: int, first: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the starts of a part, their labels and their scales."""
        if self.sigmas is None:
            rows = slice(image, image + count)
            return self.images[rows], self.labels[rows], torch.tensor(self.scales[rows], dtype=torch.float64)
        stream = noise_stream(self.root, "start", self.ids[image])
        made = noisy_images(
            self.images[image], self.sigmas[image], stream=stream, first=first, count=count, bounds=self.box
        )
        label = self.labels[image : image + 1].expand(count, *self.labels.shape[1:])
        return made, label, torch.full((count,), self.scales[image], dtype=torch.float64)

    def settings(self, attack: Attack, image: int) -> str:
        """Return a digest of all that the errors of an image depend on, beside what the header of a store says."""
        # An object without a text of its own is told by its address, which is another one in the next process.
        text = re.sub(r" at 0x[0-9a-f]+", "", repr(attack))
        sigma = None if self.sigmas is None else self.sigmas[image].hex()
        return hashlib.sha256(repr((text, sigma, self.scales[image].hex())).encode()).hexdigest()[:16]


def search_all(
    classifier: Classifier,
    attack: Attack,
    starts: Starts,
    store: Store | None,
    progress: ProgressLike,
    *,
    keep_points: bool = False,
) -> list[NearestErrors]:
    """Return what ``attack`` finds from all starts, image by image; parts that the store holds are not searched again.

    With ``keep_points`` the store keeps the errors themselves, and parts that it holds without them are searched again;
    else errors that are read from the store may have no points, shape (M, 0).

    Raises
    ------
    ValueError
        If the store holds errors that this attack found with other settings.
    """
    parts = starts.parts(classifier.batch_size(starts.images[0].numel()), classifier.device)
    kept = [_read(store, attack, starts, part, keep_points) for part in parts]
    todo = [index for index, one in enumerate(kept) if one is None]

    def search(tools: tuple[Classifier, Attack], index: int) -> NearestErrors:
        worker, run = tools
        x, y, scales = starts.make(*parts[todo[index]])
        # One scale for all is handed over as a number, which is all that some attacks take.
        scale = float(scales[0]) if (scales == scales[0]).all() else scales
        one = run(worker, x, y, scale=scale, box=starts.box)
        return one if store is None else _write(store, attack, starts, parts[todo[index]], one, keep_points)

    with as_progress(progress).start(f"{classifier.name}: {attack.name}", len(parts)) as stage:
        stage.advance(len(parts) - len(todo))
        searched = each_image((classifier, attack), search, len(todo), stage, device=classifier.device)
    for index, one in zip(todo, searched, strict=True):
        kept[index] = one
    found: list[list[NearestErrors]] = [[] for _ in starts.ids]
    for (image, _, _), some in zip(parts, kept, strict=True):
        if some is None:
            continue
        if starts.sigmas is None:
            for row in range(len(some.distances)):
                found[image + row].append(_rows(some, slice(row, row + 1)))
        else:
            found[image].append(some)
    return [_joined(pieces) for pieces in found]


def _rows(found: NearestErrors, rows: slice) -> NearestErrors:
    return NearestErrors(distances=found.distances[rows], points=found.points[rows], blocked=found.blocked[rows])


def _joined(pieces: Sequence[NearestErrors]) -> NearestErrors:
    if len(pieces) == 1:
        return pieces[0]
    whole = all(piece.points.shape[1:] == pieces[0].points.shape[1:] for piece in pieces)
    distances = np.concatenate([piece.distances for piece in pieces])
    return NearestErrors(
        distances=distances,
        points=torch.cat([piece.points for piece in pieces]) if whole else torch.empty(len(distances), 0),
        blocked=np.concatenate([piece.blocked for piece in pieces]),
    )


def _names(attack: Attack, starts: Starts, part: tuple[int, int, int]) -> list[tuple[int, slice, str]]:
    """Return (image, rows, name in a store) of the entries of a part: each belongs to one image."""
    image, first, count = part
    what = "clean" if starts.sigmas is None else str(first)
    if starts.sigmas is None:
        entries = [(image + row, slice(row, row + 1)) for row in range(count)]
    else:
        entries = [(image, slice(0, count))]
    return [(i, rows, f"attack/{json.dumps(starts.ids[i])}/{attack.name}/{what}") for i, rows in entries]


def _write(
    store: Store, attack: Attack, starts: Starts, part: tuple[int, int, int], found: NearestErrors, keep_points: bool
) -> NearestErrors:
    """Keep what was found, and return it; what the store has of it already stays, and is returned instead.

    A batch is searched again if another process kept a part of it: with other companions, the arithmetic of a model
    rounds differently.
    """
    pieces = []
    for image, rows, name in _names(attack, starts, part):
        piece = _read_entry(store, attack, starts, image, rows.stop - rows.start, name, keep_points)
        if piece is None:
            piece = _rows(found, rows)
            entry = {
                "settings": starts.settings(attack, image),
                "distances": piece.distances,
                "blocked": piece.blocked,
            }
            if keep_points:
                points = piece.points.detach().to("cpu", starts.images.dtype).contiguous()
                entry["points"] = base64.b64encode(points.numpy().tobytes()).decode()
                name += _WITH_POINTS
            if store.get(name) is None:  # else it is there with another batch size
                store.add(name, entry)
        pieces.append(piece)
    return _joined(pieces)


def _read(
    store: Store | None, attack: Attack, starts: Starts, part: tuple[int, int, int], keep_points: bool
) -> NearestErrors | None:
    """Return what a store has of a part, None unless it has all of it."""
    pieces = []
    for image, rows, name in _names(attack, starts, part) if store is not None else ():
        count = rows.stop - rows.start
        piece = None if store is None else _read_entry(store, attack, starts, image, count, name, keep_points)
        if piece is None:
            return None
        pieces.append(piece)
    return _joined(pieces) if pieces else None


def _read_entry(
    store: Store, attack: Attack, starts: Starts, image: int, count: int, name: str, keep_points: bool
) -> NearestErrors | None:
    """Return what a store has under a name, if need be only where it has points."""
    # An entry cannot be replaced: what is searched again for its points has a name of its own.
    found = [entry for entry in (store.get(name + _WITH_POINTS), store.get(name)) if entry is not None]
    for entry in found:
        if entry["settings"] != starts.settings(attack, image):
            raise ValueError(
                f"store has errors that {attack.name!r} found around the image {starts.ids[image]!r} with other "
                "settings of the attack, noise or scale: give this run a new folder."
            )
    # Entries of another length were written with another batch size.
    found = [one for one in found if len(one["distances"]) == count and ("points" in one or not keep_points)]
    if not found:
        return None
    entry, points = found[0], torch.empty(count, 0)
    if "points" in entry:
        flat = torch.frombuffer(bytearray(base64.b64decode(entry["points"])), dtype=starts.images.dtype)
        points = flat.view(count, *starts.images.shape[1:])
    return NearestErrors(
        distances=np.array(entry["distances"], float), points=points, blocked=np.array(entry["blocked"], bool)
    )
