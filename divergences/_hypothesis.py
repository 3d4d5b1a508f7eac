"""What hypothesis asks for when it is imported: how to draw a divergence. Only the drawing loads `divergences.testing`."""

from typing import Any

__all__ = ["register"]


def register() -> None:
    """Make ``hypothesis.strategies.from_type(FDivergence)`` draw from the catalogue."""
    from hypothesis import strategies as st

    from divergences.fdivergence import FDivergence

    st.register_type_strategy(FDivergence, _drawn)


def _drawn(_: type) -> Any:
    from divergences.testing import divergences

    return divergences()
