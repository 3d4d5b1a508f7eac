"""What to do when an optional dependency is missing: say which extra brings it."""

from importlib.util import find_spec

__all__ = ["require"]


def require(module: str, extra: str, purpose: str) -> None:
    """Raise an error that names the extra, unless the module is installed."""
    if find_spec(module) is None:
        msg = f"expected {module} to be installed, which {purpose} needs; pip install 'divergences[{extra}]' brings it"
        raise ModuleNotFoundError(msg, name=module)
