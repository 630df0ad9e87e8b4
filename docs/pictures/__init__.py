"""The pictures of the theory pages, and what else is special about each page: a module for each part of the catalogue.

A picture is a function under ``@page(name, title, example=..., near=...)``; its docstring is the caption.
"""

from pictures import center, discrete, functions, gaussian, norms, others, smoothing, solids, sphere
from pictures.style import PAGES, figure, save

__all__ = ["PAGES", "figure", "save"]

_MODULES = (
    center,
    discrete,
    functions,
    gaussian,
    norms,
    others,
    smoothing,
    solids,
    sphere,
)  # importing them fills PAGES
