"""Observations of TESS: two-minute light curves and full-frame images.

In: the sectors of the prime mission and the stars of `fields.TIC_NUMBERS`, and their field neighbors. Out:
one observation per star and sector, and one per camera, detector and sector.
"""

from __future__ import annotations

from collections.abc import Iterator

from .fields import FIELDS, TIC_NUMBERS
from .geometry import deproject
from .instruments import APERTURES, region, whole
from .observation import Observation, dice
from .packaged import packaged

# Time stamp and spacecraft configuration of each sector's files, from sector 1 on, and its start (MJD).
SECTORS: tuple[tuple[str, str, float], ...] = packaged("instruments")["sectors"]
SECTOR_DAYS = 27.4
_TITLE = "Two-minute light curves of bright stars"
_FIELD_STARS = 340


def tess_observations() -> Iterator[Observation]:
    """All TESS observations."""
    for name, tic in TIC_NUMBERS.items():
        field = FIELDS[name]
        for sector in _sectors_of(field.dec, tic):
            yield _light_curve(tic, (field.ra, field.dec), sector)
    for index in range(_FIELD_STARS):
        rng = dice("TIC", index)
        tic = rng.randrange(1_000_000, 460_000_000) if index else 375422201
        position = deproject(rng.uniform(0, 360), rng.uniform(-70, 70), rng.uniform(-5, 5), rng.uniform(-5, 5))
        yield _light_curve(tic, position, rng.randrange(1, len(SECTORS) + 1))
    for sector in (1, 2, 14, 15):
        for detector in range(16):
            yield _full_frame(sector, detector // 4 + 1, detector % 4 + 1)


def _sectors_of(dec: float, tic: int) -> list[int]:
    """Sectors of a star: the southern sky was seen in the first year, the poles all the time."""
    year = range(1, 14) if dec < 0 else range(14, 27)
    if abs(dec) > 60:
        return list(year)
    chosen = dice("sectors", tic).randrange(len(year))
    return [year[chosen]]


def _light_curve(tic: int, position: tuple[float, float], sector: int) -> Observation:
    stamp, configuration, start = SECTORS[sector - 1]
    obs_id = f"tess{stamp}-s{sector:04d}-{tic:016d}-{configuration}-s"
    ra, dec = round(position[0], 10), round(position[1], 10)
    end = round(start + SECTOR_DAYS, 8)
    return Observation(
        **packaged("surveys")["observations"]["TESS light curve"],
        target_name=str(tic),
        obs_id=obs_id,
        s_ra=ra,
        s_dec=dec,
        s_region=f"CIRCLE {ra:.8f} {dec:.8f} 0.00138889" if tic % 3 else f"CIRCLE ICRS {ra:.8f} {dec:.8f} 0.00138889",
        proposal_id=f"G0{tic % 9 + 11:02d}{tic % 90 + 10}" if tic % 4 else "N/A",
        t_min=start,
        t_max=end,
        obs_title=_TITLE if tic % 5 else None,
        t_obs_release=round(end + 45.0, 8),
        sequence_number=sector,
        jpegURL=f"mast:TESS/product/{obs_id}_dvs.jpg",
        dataURL=f"mast:TESS/product/{obs_id}_lc.fits",
    )


def _full_frame(sector: int, camera: int, detector: int) -> Observation:
    stamp, _, start = SECTORS[sector - 1]
    side = 1.0 if sector > 13 else -1.0
    rng = dice("FFI", sector)
    ra = (rng.uniform(0, 360) + 12.0 * (detector % 2)) % 360.0
    dec = side * (6.0 + 24.0 * (camera - 1) - 6.0 + 12.0 * (detector // 3))
    corners = whole(APERTURES["Photometer"], ra, dec, 10.0 * sector)
    end = round(start + SECTOR_DAYS, 8)
    return Observation(
        **packaged("surveys")["observations"]["TESS full frame"],
        obs_id=f"tess-s{sector:04d}-{camera}-{detector}",
        s_ra=round(ra, 10),
        s_dec=round(dec, 10),
        s_region=region([corners]),
        t_min=start,
        t_max=end,
        t_obs_release=round(end + 45.0, 8),
        sequence_number=sector,
        jpegURL=f"mast:TESS/product/tess{stamp}-s{sector:04d}-{camera}-{detector}-ffic.jpg",
    )
