"""Real measures, from the data that scikit-learn carries: colours of photographs, and handwritten digits."""

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits, load_sample_images

import gan

__all__ = ["colour_histograms", "digits", "photographs"]

Floats = npt.NDArray[np.float64]


def photographs(rng: np.random.Generator, *, pixels: int = 1000) -> gan.Problem:
    """Colours of random pixels of the two sample photographs, china and flower: points (red, green, blue) in [0, 1]^3."""
    china, flower = (_colours(image, rng, pixels) for image in load_sample_images().images)
    return gan.Problem("photographs", gan.Discrete(china), gan.Discrete(flower))


def digits(first: int = 3, second: int = 8) -> gan.Problem:
    """All images of two handwritten digits: points of 64 grey values in [0, 1]."""
    data = load_digits()
    p, q = (gan.Discrete(data.data[data.target == digit] / 16) for digit in (first, second))
    return gan.Problem(f"digits {first} and {second}", p, q)


def colour_histograms(rng: np.random.Generator, *, pixels: int = 1000, levels: int = 4) -> gan.Problem:
    """The same colours counted in a grid of cubes, half a count added to each: two measures of one support."""
    edges = np.linspace(0, 1, levels + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    grid = np.stack(np.meshgrid(centres, centres, centres, indexing="ij"), axis=-1).reshape(-1, 3)
    pair = photographs(rng, pixels=pixels)
    p, q = (np.histogramdd(m.points, bins=[edges] * 3)[0].ravel() + 0.5 for m in (pair.P, pair.Q))
    return gan.Problem("colour histograms", gan.Discrete(grid, p / p.sum()), gan.Discrete(grid, q / q.sum()))


def _colours(image: npt.NDArray[np.uint8], rng: np.random.Generator, pixels: int) -> Floats:
    colours = image.reshape(-1, 3) / 255.0
    chosen: Floats = colours[rng.choice(len(colours), pixels, replace=False)]
    return chosen
