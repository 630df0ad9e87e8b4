"""AutoAttack, from the package pyautoattack."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from torch import Tensor

from isoperimetry_bridges.torch.attacks.adapters.common import Adapter, View


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AutoAttack(Adapter):
    """AutoAttack in l2 (Croce and Hein 2020), as the package pyautoattack has it.

    It asks whether there is an error within the radius, and stops at the first: the distance is that of the walk back
    from there, and as a rule a minimum-norm attack finds a nearer one. A smaller radius helps.

    AutoAttack clamps to [0, 1], whatever the inputs are. So it is given a model on [0, 1] onto which the box is mapped,
    or, without one, an interval that leaves two radii around all starts.

    Parameters
    ----------
    attacks : sequence of str
        Of "apgd-ce", "apgd-dlr", "apgd-t", "fab", "fab-t", "square"; default: those of the standard version, or, with
        fewer than four classes, for which its losses are not defined, "apgd-ce", "fab" and "square".
    radius, seed, name
        See `Adapter`.

    Examples
    --------
    >>> AutoAttack(attacks=("apgd-ce", "fab-t"), radius=2.0).name
    'pyautoattack'
    """

    attacks: tuple[str, ...] = ()

    package: ClassVar[str] = "pyautoattack"
    install: ClassVar[str] = "pyautoattack"
    unit: ClassVar[bool] = True

    def _find(self, package: Any, view: View, x: Tensor, labels: Tensor) -> Any:
        classes = view.n_classes
        standard = ["apgd-ce", "apgd-t", "fab-t", "square"] if classes >= 4 else ["apgd-ce", "fab", "square"]
        chosen = list(self.attacks) or standard
        options = {"norm": "L2", "eps": view.eps, "seed": self.seed, "device": x.device}
        run = package.AutoAttack(view, attacks=chosen, version="custom", **options)
        run.apgd.n_restarts = run.fab.n_restarts = 1  # as in the standard version
        run.apgd_targeted.n_target_classes = run.fab.n_target_classes = min(9, classes - 1)
        return run.run_standard_evaluation(x, labels, batch_size=len(x))[0]
