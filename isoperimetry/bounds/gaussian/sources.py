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
BOBKOV_1997 = Source(
    authors="S. G. Bobkov",
    year=1997,
    title=(
        "An isoperimetric inequality on the discrete cube, and an elementary proof of the isoperimetric inequality "
        "in Gauss space"
    ),
    venue="Annals of Probability 25, 206-214",
)
CIRELSON_IBRAGIMOV_SUDAKOV_1976 = Source(
    authors="B. S. Cirel'son, I. A. Ibragimov and V. N. Sudakov",
    year=1976,
    title="Norms of Gaussian sample functions",
    venue="Proceedings of the 3rd Japan-USSR Symposium on Probability Theory, Lecture Notes in Mathematics 550, 20-41",
)
LEDOUX_2001 = Source(
    authors="M. Ledoux",
    year=2001,
    title="The Concentration of Measure Phenomenon",
    venue="American Mathematical Society, Mathematical Surveys and Monographs 89",
)
COHEN_2019 = Source(
    authors="J. Cohen, E. Rosenfeld and J. Z. Kolter",
    year=2019,
    title="Certified Adversarial Robustness via Randomized Smoothing",
    venue="Proceedings of the 36th International Conference on Machine Learning, PMLR 97",
    number="Theorem 1",
)
TENG_2020 = Source(
    authors="J. Teng, G.-H. Lee and Y. Yuan",
    year=2020,
    title="l1 Adversarial Robustness Certificates: a Randomized Smoothing Approach",
    venue="OpenReview",
)
YANG_2020 = Source(
    authors="G. Yang, T. Duan, J. E. Hu, H. Salman, I. Razenshteyn and J. Li",
    year=2020,
    title="Randomized Smoothing of All Shapes and Sizes",
    venue="Proceedings of the 37th International Conference on Machine Learning, PMLR 119",
)
BORELL_1985 = Source(
    authors="C. Borell",
    year=1985,
    title="Geometric bounds on the Ornstein-Uhlenbeck velocity process",
    venue="Zeitschrift für Wahrscheinlichkeitstheorie und verwandte Gebiete 70, 1-13",
)
ELEMENTARY = Source(
    authors="The isoperimetry developers",
    year=2026,
    title="Theorems with elementary proofs",
    venue="Documentation of isoperimetry, docs/theory",
)
