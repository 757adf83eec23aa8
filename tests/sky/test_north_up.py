"""Images rotated so that north is up: each pixel shows the correct position on the sky."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.wcs import WCS, Sip
from hypothesis import assume, given
from hypothesis import strategies as st

from astroquery_mast.sky.north_up import frame_around, image_frame, north_up_frame, resampled

ANGLES = st.floats(0.0, 360.0)


def turned_wcs(
    angle: float, *, ra: float = 202.5, dec: float = 47.2, scale: float = 1e-4, mirrored: bool = False, system: str = ""
) -> WCS:
    """Return world coordinates that are rotated by an angle."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["GLON-TAN", "GLAT-TAN"] if system else ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [ra, dec], [20.0, 12.0]
    turn = np.radians(angle)
    wcs.wcs.pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    wcs.wcs.cdelt = [scale if mirrored else -scale, scale]
    return wcs


def errors_of(wcs: WCS, shape: tuple[int, int], size: int = 400) -> Any:
    """Return the position errors in pixels for an image whose pixel values are the pixel numbers."""
    source = image_frame(wcs, shape)
    target = north_up_frame(wcs, shape)
    assert target is not None
    rows, columns = np.indices(shape)
    shown = [resampled(pixels.astype(float), source, target, size) for pixels in (columns, rows)]
    assert shown[0] is not None
    assert shown[1] is not None
    assert max(shown[0].shape) == size
    y, x = np.nonzero(np.isfinite(shown[0]))
    left, right, bottom, top = target.limits
    sky = target.wcs.pixel_to_world(
        left + (x + 0.5) * (right - left) / shown[0].shape[1], bottom + (y + 0.5) * (top - bottom) / shown[0].shape[0]
    )
    at_x, at_y = wcs.world_to_pixel(sky)
    # A large enough plot shows every pixel of the image.
    assert len(np.unique(shown[0][y, x] + shape[1] * shown[1][y, x])) == shape[0] * shape[1]
    return np.maximum(np.abs(shown[0][y, x] - at_x), np.abs(shown[1][y, x] - at_y))


@given(ANGLES, st.floats(0, 359), st.floats(-89, 89), st.booleans())
def test_pixels_are_shown_at_their_sky_positions(angle: float, ra: float, dec: float, mirrored: bool) -> None:
    """The nearest pixel is shown for rotated and mirrored images, also near the poles and at 0h."""
    assert errors_of(turned_wcs(angle, ra=ra, dec=dec, mirrored=mirrored), (24, 40)).max() < 0.55


def test_galactic_coordinates_are_rotated_to_equatorial_north() -> None:
    """North is the direction of declination, also in an image with galactic coordinates."""
    assert errors_of(turned_wcs(30.0, ra=120.0, dec=10.0, system="galactic"), (24, 40)).max() < 0.55


def test_distortions_are_corrected() -> None:
    """Corners with a distortion of 5 % are drawn at their true positions."""
    wcs = turned_wcs(77.0)
    bend = np.zeros((4, 4))
    bend[2, 0], bend[1, 1], bend[0, 3] = 4e-3, -3e-3, 1e-4
    wcs.sip = Sip(bend, bend.T, None, None, wcs.wcs.crpix)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    plain = turned_wcs(77.0)
    assert abs(plain.world_to_pixel(wcs.pixel_to_world(39, 0))[0] - 39) > 1.5
    assert errors_of(wcs, (24, 40)).max() < 0.6


def test_a_field_of_tess_is_drawn_with_north_up() -> None:
    """An image of 24 degrees is not too wide."""
    assert errors_of(turned_wcs(200.0, dec=-66.0, scale=24 / 40), (24, 40)).max() < 0.6


def test_the_whole_sky_is_not_rotated() -> None:
    """An image that does not fit on a tangent plane is not rotated."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---CAR", "DEC--CAR"], [180.0, 0.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [90.0, 45.0], [-2.0, 2.0]
    assert north_up_frame(wcs, (90, 180)) is None


def test_north_is_up_and_east_is_left() -> None:
    """Declination increases upward and right ascension to the left for any orientation of the image."""
    frame = north_up_frame(turned_wcs(123.0, mirrored=True), (24, 40))
    assert frame is not None
    left, right, bottom, top = frame.limits
    middle = ((left + right) / 2, (bottom + top) / 2)
    center, above, beside = (
        frame.wcs.pixel_to_world(middle[0] + x, middle[1] + y) for x, y in ((0, 0), (0, 1), (-1, 0))
    )
    assert center.position_angle(above).wrap_at("180d").deg == pytest.approx(0.0, abs=1e-2)
    assert center.position_angle(beside).deg == pytest.approx(90.0, abs=1e-2)


@given(ANGLES, ANGLES)
def test_an_image_is_drawn_in_the_coordinates_of_another(angle: float, other: float) -> None:
    """The frame contains the whole image, and its corner is at the correct position in the other coordinates."""
    assume(abs(angle - other) > 1e-3)
    source = image_frame(turned_wcs(angle), (24, 40))
    target = frame_around(source, turned_wcs(other))
    assert target is not None
    corner = target.wcs.world_to_pixel(source.wcs.pixel_to_world(-0.5, -0.5))
    left, right, bottom, top = target.limits
    assert left - 1e-6 <= corner[0] <= right + 1e-6
    assert bottom - 1e-6 <= corner[1] <= top + 1e-6
    assert resampled(np.ones((24, 40)), source, target, 200) is not None
