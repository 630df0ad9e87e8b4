"""Where the theorems about other spaces were published."""

from __future__ import annotations

from isoperimetry.results import Source

LEVY_1951 = Source(
    authors="P. Lévy",
    year=1951,
    title="Problèmes concrets d'analyse fonctionnelle",
    venue="Gauthier-Villars, Paris",
)
BAKRY_LEDOUX_1996 = Source(
    authors="D. Bakry and M. Ledoux",
    year=1996,
    title="Lévy-Gromov's isoperimetric inequality for an infinite dimensional diffusion generator",
    venue="Inventiones Mathematicae 123, 259-281",
)
GILMER_2018 = Source(
    authors="J. Gilmer, L. Metz, F. Faghri, S. S. Schoenholz, M. Raghu, M. Wattenberg and I. Goodfellow",
    year=2018,
    title="Adversarial Spheres",
    venue="arXiv:1801.02774",
)
BARTHE_MAUREY_2000 = Source(
    authors="F. Barthe and B. Maurey",
    year=2000,
    title="Some remarks on isoperimetry of Gaussian type",
    venue="Annales de l'Institut Henri Poincaré, Probabilités et Statistiques 36, 419-434",
)
HARPER_1966 = Source(
    authors="L. H. Harper",
    year=1966,
    title="Optimal numberings and isoperimetric problems on graphs",
    venue="Journal of Combinatorial Theory 1, 385-393",
)
MCDIARMID_1989 = Source(
    authors="C. McDiarmid",
    year=1989,
    title="On the method of bounded differences",
    venue="Surveys in Combinatorics, London Mathematical Society Lecture Note Series 141, 148-188",
)
BOBKOV_1996 = Source(
    authors="S. G. Bobkov",
    year=1996,
    title="Extremal properties of half-spaces for log-concave distributions",
    venue="Annals of Probability 24, 35-48",
)
BOBKOV_HOUDRE_1997 = Source(
    authors="S. G. Bobkov and C. Houdré",
    year=1997,
    title="Isoperimetric constants for product probability measures",
    venue="Annals of Probability 25, 184-205",
)
FAWZI_2018 = Source(
    authors="A. Fawzi, H. Fawzi and O. Fawzi",
    year=2018,
    title="Adversarial vulnerability for any classifier",
    venue="Advances in Neural Information Processing Systems 31",
)
