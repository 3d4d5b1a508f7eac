"""How doctests compare numbers."""

from scipy_doctest.conftest import dt_config

dt_config.rtol, dt_config.atol = 1e-9, 0.0  # the defaults, 1e-2 and 1e-8, would let a wrong digit pass
