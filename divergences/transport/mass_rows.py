"""Many mass vectors at once: rows of integers of one total, and their means in nearly twice the precision of float64."""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt

from divergences.transport.exact import two_sum
from divergences.transport.inputs import read_floats, weight_tolerance
from divergences.transport.result import Floats, Indices

__all__ = ["BITS", "MassRows", "read_rows"]

BITS = 62
"""Units in each row are 2 to this power: cumulative sums and differences fit in int64."""

_UNIT = 2.0**-53  # rounding of float64
_SPLIT = 2.0**27 + 1  # Dekker's constant
_LARGEST = 1e300


@final
@dataclass(frozen=True, eq=False)
class MassRows:
    """Rows of masses, the same rounded to integers of total 2**62, and a bound of the mass that rounding has added."""

    mass: Floats
    units: npt.NDArray[np.int64]
    added: Floats
    total: Floats

    @classmethod
    def of(cls, mass: Floats) -> Self:
        """Divide each row by its sum and round."""
        raw = np.rint(np.ldexp(mass, BITS)).astype(np.int64)
        units = raw.sum(axis=1)
        over = units - (1 << BITS)
        if over.any():
            # over / total is 1e-8 at most: rounding the product leaves a hundredth of a unit
            raw -= np.rint(raw * (over / units)[:, None]).astype(np.int64)
            _complete(raw, BITS)
        # each entry is off by one unit at most, and by the rounding of the total; the largest by that of all others
        added = np.full(len(mass), 4.0 * mass.shape[1] * 2.0**-BITS)
        return cls(mass, raw, added, np.ldexp(units.astype(np.float64), -BITS))

    def __getitem__(self, k: Indices | slice) -> "MassRows":
        """Chosen rows."""
        return MassRows(self.mass[k], self.units[k], self.added[k], self.total[k])

    def coarse(self, bits: int) -> tuple[npt.NDArray[np.int64], Floats]:
        """Integers of total ``2**bits``, and a bound of the mass that rounding has added."""
        shift = BITS - bits
        units = (self.units + (1 << (shift - 1))) >> shift
        _complete(units, bits)
        added = np.maximum((units << shift) - self.units, 0).sum(axis=1)
        return units, np.ldexp(added * (1 + 2.0**-50), -BITS) + self.added

    def mean(self, f: Floats) -> tuple[Floats, Floats]:
        """The means of the rows of `f` under the normalised masses, and a bound of their error."""
        product, error = _two_product(f, self.mass)
        high, low = _exact_sum(product)
        mean = (high + (low + error.sum(axis=1))) / self.total
        # the last sums, the total and the quotient round four times; what the sums of rests lose is of second order
        scale = np.abs(f).max(axis=1)
        return mean, 8 * _UNIT * np.abs(mean) + self.mass.shape[1] ** 2 * _UNIT**2 * scale + 2.0**-1060


def read_rows(name: str, value: npt.ArrayLike, n: int, *, normalize: bool) -> Floats:
    """Mass vectors of `n` points along the last axis."""
    rows = read_floats(f"masses {name}", value)
    if rows.ndim < 1 or rows.shape[-1] != n:
        msg = f"masses {name} must have shape (..., {n}), one mass per point of the cost, got shape {rows.shape}"
        raise ValueError(msg)
    if not rows.size:
        return rows
    if not (rows.min() >= 0 and rows.max() <= _LARGEST):
        k = np.argwhere(~((rows >= 0) & (rows <= _LARGEST)))[0]
        place = ", ".join(map(str, k))
        msg = (
            f"masses {name} must be non-negative and finite (up to {_LARGEST:g}), but {name}[{place}] = "
            f"{float(rows[tuple(k)])!r}; repair or remove the entry"
        )
        raise ValueError(msg)
    total, tolerance = rows.sum(axis=-1), weight_tolerance(value)
    good = (total > 0) & (total <= _LARGEST) if normalize else np.abs(total - 1) <= tolerance
    if not good.all():
        k = np.argwhere(~good)[0]
        place = ", ".join(map(str, k))
        wanted = "have a positive total" if normalize else f"have mass 1 (within {tolerance:.2g})"
        fix = "give some point a positive mass" if normalize else "divide by the sum, or pass normalize=True"
        row = f"{name}[{place}]" if place else name
        msg = f"masses {name} must {wanted}, got mass {float(total[tuple(k)])!r} in {row}; {fix}"
        raise ValueError(msg)
    return rows / total[..., None] if normalize else rows


def _complete(units: npt.NDArray[np.int64], bits: int) -> None:
    """Add to the largest entry of each row what the row lacks of ``2**bits``."""
    units[np.arange(len(units)), units.argmax(axis=1)] += (1 << bits) - units.sum(axis=1)


def _exact_sum(x: Floats) -> tuple[Floats, Floats]:
    """Row sums as two floats: halves are added without error, the errors are summed apart."""
    rest = np.zeros(len(x))
    while x.shape[1] > 1:
        half = x.shape[1] // 2
        total, error = two_sum(x[:, :half], x[:, half : 2 * half])
        rest += error.sum(axis=1)
        x = np.concatenate([total, x[:, 2 * half :]], axis=1) if x.shape[1] % 2 else total
    return two_sum(x[:, 0], rest)


def _two_product(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Rounded product and its rounding error (Dekker 1971), where nothing overflows or underflows."""
    product = x * y
    x1, y1 = x * _SPLIT, y * _SPLIT
    x1, y1 = x1 - (x1 - x), y1 - (y1 - y)
    x2, y2 = x - x1, y - y1
    return product, ((x1 * y1 - product) + x1 * y2 + x2 * y1) + x2 * y2
