"""The figures of Ford, Gilmer, Carlini and Cubuk (2019) again, on nets and images that packages ship."""

from isoperimetry_bridges.torch.reproduce.run import Reproduction, SubjectResults, reproduce
from isoperimetry_bridges.torch.reproduce.settings import PRESETS, ReproduceSettings, default_settings
from isoperimetry_bridges.torch.reproduce.subjects import SUBJECTS, Subject, load_subject

__all__ = [
    "PRESETS",
    "SUBJECTS",
    "ReproduceSettings",
    "Reproduction",
    "Subject",
    "SubjectResults",
    "default_settings",
    "load_subject",
    "reproduce",
]
