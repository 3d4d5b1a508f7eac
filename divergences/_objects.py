"""Which arguments are distributions as objects, and which are arrays of probabilities."""

from typing import Any

__all__ = ["are_distributions"]


def are_distributions(p: Any, q: Any, *, axis: Any = -1, normalize: Any = False) -> bool:
    """Whether both are distributions as objects; one beside an array is refused, and so are the options of arrays."""
    if _is_plain(p) and _is_plain(q):
        return False
    from divergences.families.conversion import is_distribution

    found = is_distribution(p), is_distribution(q)
    for name, x, is_one in (("p", p, found[0]), ("q", q, found[1])):
        if not is_one and (isinstance(x, type) or any(hasattr(x, asked) for asked in ("pdf", "pmf", "log_prob"))):
            what = x.__name__ if isinstance(x, type) else type(x).__name__
            msg = (
                f"expected {name} to be a distribution with its parameters, got {what}; "
                "make one, as in families.Normal(0, 1), or freeze it, as in scipy.stats.norm(0, 1)"
            )
            raise TypeError(msg)
    if any(found) and not all(found):
        name, other = ("q", q) if found[0] else ("p", p)
        msg = f"expected two distributions, got {type(other).__name__} as {name}; of probabilities, families.Categorical makes one"
        raise TypeError(msg)
    if all(found) and (axis != -1 or normalize):
        msg = f"expected neither axis nor normalize beside distributions, got axis={axis!r}, normalize={normalize!r}; leave them out"
        raise TypeError(msg)
    return all(found)


def _is_plain(x: Any) -> bool:
    return isinstance(x, list | tuple | int | float) or hasattr(x, "__array_namespace__") or hasattr(x, "__array__")
