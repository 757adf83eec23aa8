"""Positions of cutouts: frames, sky cells, and tracks of minor planets, compared with astropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox.archive.cutout_hst import sky_cell
from astroquery_mast.sandbox.archive.cutout_images import Frame, world_coordinates
from astroquery_mast.sandbox.archive.cutout_sectors import asteroid, model_at, sector_times

RA, DEC = st.floats(0.0, 359.99), st.floats(-89.9, 89.9)


@settings(max_examples=60, deadline=None)
@given(ra=RA, dec=DEC, angle=st.floats(0, 360), column=st.integers(1, 2048), row=st.integers(1, 2048))
def test_cutouts_are_centered(ra: float, dec: float, angle: float, column: int, row: int) -> None:
    """A position is at the center of its cutout according to astropy's WCS, also near the poles."""
    frame = Frame(ra, dec, 21.0 / 3600.0, angle, 2048)
    whole = WCS({key: value for key, value, _ in world_coordinates(frame.grid((1, 1), (2048, 2048)))})
    position = whole.all_pix2world([[column, row]], 1)[0]
    grid, corner = frame.cutout(float(position[0]), float(position[1]), (5, 7))
    piece = WCS({key: value for key, value, _ in world_coordinates(grid)})
    assert piece.all_world2pix([position], 0)[0] == pytest.approx([3.0, 2.0], abs=1e-3)
    assert corner == (column - 3, row - 2)
    assert frame.near(float(position[0]), float(position[1]))


@given(ra=RA, dec=DEC)
def test_far_side_is_not_near(ra: float, dec: float) -> None:
    """A position on the opposite side of the sky is in no image, although it could be projected into it."""
    frame = Frame(ra, dec, 0.005, 0.0, 2048)
    assert not frame.near((ra + 180.0) % 360.0, -dec)


@given(ra=RA, dec=DEC)
def test_sky_cells_contain_their_positions(ra: float, dec: float) -> None:
    """A position is less than the width of a sky cell away from the center of its cell."""
    name, middle_ra, middle_dec = sky_cell(ra, dec)
    assert SkyCoord(ra, dec, unit="deg").separation(SkyCoord(middle_ra, middle_dec, unit="deg")).deg < 0.2
    assert (len(name), name[8], name[13], name[16]) == (len("skycell-p2007x09y05"), "p", "x", "y")


@settings(max_examples=40, deadline=None)
@given(ra=RA, height=st.floats(-0.999, 0.999))
def test_a_sector_sees_a_place_with_few_detectors(ra: float, height: float) -> None:
    """Detectors of one sector rarely overlap: at most two of them see a position, and near the ecliptic none."""
    dec = math.degrees(math.asin(height))
    seen = [detector.sector for detector in model_at(ra, dec)]
    assert all(seen.count(sector) <= 2 for sector in seen)
    latitude = SkyCoord(ra, dec, unit="deg").barycentricmeanecliptic.lat.deg
    assert abs(latitude) > 5.0 or not seen
    assert all((sector > 13) == (latitude > 0) for sector in seen)


def test_tracks_are_smooth() -> None:
    """A minor planet moves by a fraction of a degree per day."""
    body = asteroid("Pallas")
    assert body is not None
    times = sector_times(7)
    sky = SkyCoord(*body.track(times), unit="deg")
    pace = sky[1:].separation(sky[:-1]).deg / np.diff(times)
    assert np.all((pace > 0.1) & (pace < 0.5))
