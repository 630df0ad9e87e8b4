"""How much a reproduction measures: settings for each subject, chosen by what its nets cost."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from isoperimetry.results import Record
from isoperimetry_bridges.torch.arguments import as_count
from isoperimetry_bridges.torch.records import CheckSettings

Preset = Literal["strict", "ford2019"]
PRESETS = ("strict", "ford2019")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReproduceSettings(Record):
    """What a reproduction does; the defaults are for small nets on small images.

    Attributes
    ----------
    preset : {"strict", "ford2019"}
        "ford2019" returns what the published pipeline would, for comparison, without verdicts.
    quick : bool
        A small version, for a first look.
    n_images : int
        Images that are looked at one by one.
    error_rate : float
        At which sigma(x0, mu) is found.
    n_search, n_samples, n_starts : int
        As in `CheckSettings`.
    sigmas : tuple of float
        The fixed noise scales of figure 4, in the unit of the inputs; the middle one is that of the mean error in
        noise that is compared with other errors.
    n_sweep_samples, n_sweep_starts : int
        Draws and attacked starts at each image and fixed scale.
    n_noise_images, n_noise_draws : int
        Of the mean error in noise: images, and draws at each.
    n_corrupted : int
        Images that are corrupted; 0: none.
    grid : int
        Points along each side of a church window.
    n_defect_images, n_defect_starts : int
        For the shortcomings of the published pipeline; 0 images: they are not measured.
    """

    preset: Preset = "strict"
    quick: bool = False
    n_images: int = 20
    error_rate: float = 0.01
    n_search: int = 1000
    n_samples: int = 10_000
    n_starts: int = 100
    sigmas: tuple[float, ...] = (0.1, 0.2, 0.4)
    n_sweep_samples: int = 2000
    n_sweep_starts: int = 50
    n_noise_images: int = 400
    n_noise_draws: int = 50
    n_corrupted: int = 400
    grid: int = 121
    n_defect_images: int = 10
    n_defect_starts: int = 50

    def __post_init__(self) -> None:
        """Refuse a preset that does not exist and counts that are none."""
        if self.preset not in PRESETS:
            raise ValueError(f"preset={self.preset!r} must be {' or '.join(map(repr, PRESETS))}.")
        for field in dataclasses.fields(self):
            if field.type == "int":
                least = 0 if field.name in ("n_corrupted", "n_defect_images") else 1
                as_count(field.name, getattr(self, field.name), least=least)
        self.check()

    def check(self, sigma: float | None = None) -> CheckSettings:
        """Return the settings of the check at ``sigma``, by default at each image's own scale."""
        if sigma is None:
            return CheckSettings(
                error_rate=self.error_rate, n_search=self.n_search, n_samples=self.n_samples, n_starts=self.n_starts
            )
        return CheckSettings(sigma=sigma, n_samples=self.n_sweep_samples, n_starts=self.n_sweep_starts)


_QUICK: dict[str, Any] = {
    "quick": True, "n_images": 2, "n_search": 200, "n_samples": 1000, "n_starts": 20, "sigmas": (0.2,),
    "n_sweep_samples": 500, "n_sweep_starts": 20, "n_noise_images": 50, "n_noise_draws": 20, "n_corrupted": 20,
    "grid": 41, "n_defect_images": 1, "n_defect_starts": 10,
}  # fmt: skip
# A gradient of these nets takes some hundred times that of a small one.
_COSTLY: dict[str, dict[str, Any]] = {
    "cifar10": {
        "n_images": 2, "n_search": 300, "n_samples": 1000, "n_starts": 20, "sigmas": (0.05,),
        "n_sweep_samples": 300, "n_sweep_starts": 20, "n_noise_images": 20, "n_noise_draws": 20, "n_corrupted": 20,
        "grid": 41, "n_defect_images": 1, "n_defect_starts": 10,
    },
    "imagenet": {
        "n_images": 2, "n_search": 200, "n_samples": 1000, "n_starts": 20, "sigmas": (0.1,), "n_sweep_samples": 200,
        "n_sweep_starts": 20, "n_noise_images": 20, "n_noise_draws": 10, "n_corrupted": 20, "grid": 41,
        "n_defect_images": 1, "n_defect_starts": 5,
    },
}  # fmt: skip
_COSTLY_QUICK: dict[str, Any] = {
    "n_images": 1, "n_search": 100, "n_samples": 200, "n_starts": 11, "n_sweep_samples": 100, "n_sweep_starts": 2,
    "n_noise_images": 5, "n_noise_draws": 5, "n_corrupted": 2, "grid": 11, "n_defect_images": 0,
}  # fmt: skip


def default_settings(subject: str, *, preset: Preset = "strict", quick: bool = False) -> ReproduceSettings:
    """Return the settings for a subject, those of small nets for one that is not known.

    Examples
    --------
    >>> default_settings("fashion-mnist", quick=True).n_images
    2
    """
    chosen = dict(_COSTLY.get(subject, {}))
    if quick:
        chosen |= _QUICK | (_COSTLY_QUICK if subject in _COSTLY else {})
    return ReproduceSettings(preset=preset, **chosen)
