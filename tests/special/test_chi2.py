from __future__ import annotations

import math

import numpy as np
import pytest

from isoperimetry.special import log_chi2_cdf, log_chi2_isf, log_chi2_ppf, log_chi2_sf


@pytest.mark.parametrize(
    ("dim", "radius"),
    [(2, 3.0348542587702927017), (10, 4.8175980694693034633), (784, 29.648758814116641819),
     (150528, 389.62465826544948816)],
)  # fmt: skip
def test_table_of_published_decimals(dim, radius):
    assert math.exp(log_chi2_isf(math.log(0.01), dim=dim) / 2) == pytest.approx(radius, rel=1e-14)


@pytest.mark.parametrize(("inverse", "tail"), [(log_chi2_isf, log_chi2_sf), (log_chi2_ppf, log_chi2_cdf)])
def test_scalars_shapes_and_errors(inverse, tail):
    for log_p in (-2, -2.0, np.float32(-2), np.array(-2.0)):
        assert type(inverse(log_p, dim=3)) is float
        assert inverse(log_p, dim=3) == inverse(-2.0, dim=3.0)
    grid = inverse(-np.arange(1.0, 5.0)[:, None], dim=[1, 2, 784])
    assert grid.shape == (4, 3) and inverse([], dim=2).shape == (0,)
    np.testing.assert_allclose(tail(np.exp(grid), dim=[1, 2, 784]), -np.arange(1.0, 5.0)[:, None] * np.ones(3), 1e-12)
    out = np.empty((4, 3))
    assert inverse(-np.arange(1.0, 5.0)[:, None], dim=[1, 2, 784], out=out) is out and (out == grid).all()
    assert np.isnan(inverse([1.0, math.nan], dim=2)).all()
    with pytest.raises(TypeError, match="dim=None must be a real number"):
        inverse(-1.0, dim=None)
    with pytest.raises(ValueError, match="broadcast"):
        inverse(np.zeros(3), dim=np.zeros(4))
