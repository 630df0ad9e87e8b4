"""Where the Gaussian theorems were published."""

from __future__ import annotations

from isoperimetry.results import Source

BORELL_1975 = Source(
    authors="C. Borell",
    year=1975,
    title="The Brunn-Minkowski inequality in Gauss space",
    venue="Inventiones Mathematicae 30, 207-216",
)
SUDAKOV_TSIRELSON_1974 = Source(
    authors="V. N. Sudakov and B. S. Tsirel'son",
    year=1974,
    title="Extremal properties of half-spaces for spherically invariant measures",
    venue="Zapiski Nauchnykh Seminarov LOMI 41, 14-24; Journal of Soviet Mathematics 9 (1978), 9-18",
)
FORD_2019 = Source(
    authors="N. Ford, J. Gilmer, N. Carlini and E. D. Cubuk",
    year=2019,
    title="Adversarial Examples Are a Natural Consequence of Test Error in Noise",
    venue="Proceedings of the 36th International Conference on Machine Learning, PMLR 97",
)
