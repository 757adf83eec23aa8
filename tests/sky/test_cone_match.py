"""Matching many circles with many footprints finds the same pairs as the test of single regions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.sky.cone_match import match_cones
from astroquery_mast.sky.outlines import Outlines, outlines_of
from astroquery_mast.sky.position import Cone
from astroquery_mast.sky.region import ShapeRegion
from astroquery_mast.sky.shapes import Circle, Point, Shape, offset_positions, polygon_of
from astroquery_mast.sky.sphere import separation, unit_vectors

PLACES = st.tuples(
    st.sampled_from([0.0, 0.001, 359.999, 180.0]) | st.floats(0, 359.99),
    st.sampled_from([-90.0, 90.0, 89.9, 0.0]) | st.floats(-90, 90),
)
SIZES = st.sampled_from([0.0, 0.01, 0.5, 5.0, 40.0])


@st.composite
def shapes(draw: st.DrawFn) -> list[Shape]:
    """Draw a footprint of up to three shapes, or none, around a position."""
    center = draw(PLACES)
    made: list[Shape] = []
    for kind in draw(st.lists(st.sampled_from(["polygon", "circle", "point"]), max_size=3)):
        size = draw(st.floats(0.01, 20))
        corners = np.array([(-1.0, -1.0), (1.0, -0.5), (1.0, 1.0), (-0.3, 0.2)]) * size
        made.append(
            polygon_of(offset_positions(center, corners))
            if kind == "polygon"
            else Circle(*center, size)
            if kind == "circle"
            else Point(*center)
        )
    return made


def laid_out(footprints: list[list[Shape]], places: list[tuple[float, float]]) -> Outlines:
    """Return the outlines; a row without a footprint is at its position."""
    return outlines_of(footprints, *(np.array(values, dtype=float) for values in zip(*places, strict=True)))


@given(st.lists(st.tuples(shapes(), PLACES), min_size=1, max_size=6), st.lists(st.tuples(PLACES, SIZES), max_size=6))
def test_pairs_are_those_that_overlap(
    rows: list[tuple[list[Shape], tuple[float, float]]], circles: list[tuple[tuple[float, float], float]]
) -> None:
    """Each circle matches the same footprints as a single region, without duplicates and with correct distances."""
    outlines = laid_out([shapes for shapes, _ in rows], [place for _, place in rows])
    cones = [Cone(*place, radius) for place, radius in circles]
    pairs = match_cones(outlines, cones)
    for number, (found, distances) in enumerate(pairs.by_cone(len(cones))):
        cone = cones[number]
        region = ShapeRegion((Circle(cone.ra, cone.dec, cone.radius),))
        assert found.tolist() == sorted(set(outlines.owner[region.overlaps(outlines)].tolist()))
        every = outlines.distances(unit_vectors(cone.ra, cone.dec))
        nearest = [every[outlines.owner == row].min() for row in found]
        assert np.allclose(distances, nearest, atol=1e-9)


def test_a_hundred_thousand_circles_match_their_footprints() -> None:
    """Each circle matches the footprint in which it was placed, and no other."""
    rng = np.random.default_rng(5)
    ra, dec = np.arange(1000) * 0.36, np.degrees(np.arcsin(rng.uniform(-0.99, 0.99, 1000)))
    footprints: list[list[Shape]] = [[Circle(*place, 0.02)] for place in zip(ra.tolist(), dec.tolist(), strict=True)]
    outlines = outlines_of(footprints, ra, dec)
    chosen = rng.integers(0, 1000, 100_000)
    cones = [Cone(float(ra[row]), float(dec[row]), 1e-4) for row in chosen]
    pairs = match_cones(outlines, cones)
    assert pairs.cones[pairs.rows == chosen[pairs.cones]].tolist() == list(range(100_000))
    others = pairs.rows != chosen[pairs.cones]
    points = unit_vectors(ra, dec)
    assert (separation(points[pairs.rows[others]], points[chosen[pairs.cones[others]]]) <= np.radians(0.0202)).all()
