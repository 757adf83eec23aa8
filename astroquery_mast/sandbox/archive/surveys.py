"""Observations of TESS and GALEX, and some of older missions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..packaged import packaged
from .fields import FIELDS, MOVING, TIC_NUMBERS
from .geometry import deproject
from .instruments import APERTURES, region, spectral_region, whole
from .observation import Observation, dice, seed_of

_FIXED = tuple(field for field in FIELDS.values() if field.name not in MOVING)
_GALEX_RADIUS = 0.625
_GALEX_BANDS = {"FUV": (134.0, 180.6), "NUV": (169.3, 300.7)}


def galex_observations() -> Iterator[Observation]:
    """Generate all GALEX tiles: shallow (AIS), medium (MIS), and deep (DIS), in two bands."""
    for index, field in enumerate(_FIXED):
        survey = ("AIS", "MIS", "DIS")[index % 3] if field.look in {"deep", "spiral", "elliptical"} else "AIS"
        rng = dice("GALEX", field.name)
        for tile in range(2):
            ra, dec = deproject(field.ra, field.dec, rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.4))
            for band in _GALEX_BANDS:
                yield _galex(survey, band, f"{survey}_{100 + index}_{tile}_{rng.randrange(10, 99)}", (ra, dec))


def _galex(survey: str, band: str, tile: str, position: tuple[float, float]) -> Observation:
    # GALEX ids have 19 digits, more than a double can hold.
    number = 6374000000000000000 + seed_of(tile, band) % 10**15
    rng = dice(number)
    start = round(53000.0 + rng.uniform(0, 2500), 8)
    seconds = {"AIS": 112.0, "MIS": 1650.0, "DIS": 28800.0}[survey] * rng.uniform(0.8, 1.2)
    letter = band[0].lower()
    path = f"mast:GALEX/url/data/GR6/pipe/01-vsn/{number % 90000 + 3000:05d}-{tile}/d/01-main/0001-img/07-try/{tile}"
    return Observation(
        **packaged("surveys")["observations"]["GALEX"],
        project=survey,
        provenance_name=survey,
        filters=band,
        target_name=tile,
        obs_id=str(number),
        s_ra=position[0],
        s_dec=position[1],
        s_region=f"CIRCLE ICRS {position[0]:.8f}  {position[1]:.8f} {_GALEX_RADIUS}",
        t_min=start,
        t_max=round(start + seconds / 86400.0, 8),
        t_exptime=round(seconds, 3),
        em_min=_GALEX_BANDS[band][0],
        em_max=_GALEX_BANDS[band][1],
        jpegURL=f"{path}-{letter}d-int_2color.jpg",
        dataURL=f"{path}-{letter}d-int.fits.gz",
    )


def circle(ra: float, dec: float, radius: float) -> str:
    """Return a circle as written by the archive."""
    return f"CIRCLE ICRS {ra:.8f} {dec:.8f} {radius}"


class OlderMission(NamedTuple):
    """An older mission; names and main files are derived from numbers, serial numbers start with ``first``."""

    mission: str
    rows: int
    instrument: str
    filters: str | None
    kind: str
    shortest: float
    longest: float
    start: float
    first: int
    name: str
    file: str | None


# Days of a Kepler quarter or K2 campaign, which match the number of half-hour cadences in the light curves.
_QUARTER_DAYS = 80.6
_OLDER = tuple(OlderMission(*line) for line in packaged("surveys")["older"])


def older_observations() -> Iterator[Observation]:
    """Generate a few observations of each of the older missions."""
    for older in _OLDER:
        for index in range(older.rows):
            yield _older(older, index)


def _older(older: OlderMission, index: int) -> Observation:
    field = _FIXED[index * 3 % len(_FIXED)]
    rng = dice(older.mission, index)
    number = 757_000 + rng.randrange(12_000_000)
    facts = {"number": number, "serial": older.first + index, "index": index, "turn": index % 17, "round": index % 19}
    obs_id = older.name.format(**facts)
    ra, dec = deproject(field.ra, field.dec, rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05))
    start = round(older.start + 31.0 * index, 8)
    time_series = older.kind == "timeseries"
    square = region([whole(APERTURES["WFPC2/WFC"], ra, dec, 0.0)])
    return Observation(
        obs_collection=older.mission,
        project=older.mission,
        provenance_name=older.mission if index % 3 else None,
        instrument_name=older.instrument,
        filters=older.filters,
        wavelength_region=spectral_region(older.shortest, older.longest),
        target_name=obs_id[:13] if time_series else field.name,
        target_classification=field.classification if index % 2 else None,
        obs_id=obs_id,
        s_ra=round(ra, 10),
        s_dec=round(dec, 10),
        s_region=square if older.kind == "image" else circle(ra, dec, 0.0027),
        dataproduct_type=older.kind,
        calib_level=2,
        t_min=start,
        t_max=round(start + (_QUARTER_DAYS if time_series else 0.25), 8),
        t_exptime=1800.0 if time_series else round(rng.uniform(60, 1800), 1),
        em_min=older.shortest,
        em_max=older.longest,
        t_obs_release=start + 365.0,
        sequence_number=index % 17 if time_series else -999,
        dataURL=older.file and older.file.format(obs_id=obs_id, **facts),
    )


def bulk_observations(count: int) -> Iterator[Observation]:
    """Generate simple rows for tests of paging and speed, near the north pole, away from the named fields."""
    for index in range(count):
        # The golden angle spreads points evenly; no named field is north of +70 degrees.
        ra = index * 137.50776405003785 % 360.0
        dec = 71.0 + 18.0 * ((index * 7919) % 100_003) / 100_003
        start = 50000.0 + index % 9000 + 0.125
        yield Observation(
            **packaged("surveys")["observations"]["bulk"],
            target_name=f"BULK-{index}",
            obs_id=f"bulk{index:08d}",
            s_ra=round(ra, 10),
            s_dec=round(dec, 10),
            s_region=circle(ra, dec, 0.03),
            proposal_id=str(10000 + index % 500),
            t_min=start,
            t_max=start + 0.01,
            t_obs_release=start + 365.0,
        )


# Time stamp and spacecraft configuration of the files of each sector, starting with sector 1, and its start (MJD).
SECTORS: tuple[tuple[str, str, float], ...] = packaged("instruments")["sectors"]
SECTOR_DAYS = 27.4
_TITLE = "Two-minute light curves of bright stars"
_FIELD_STARS = 340


def tess_observations() -> Iterator[Observation]:
    """Generate all TESS observations."""
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
    """Return the sectors of a star: the southern sky was observed in the first year, the poles continuously."""
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
        s_region=circle(ra, dec, 0.00138889).replace(" ICRS", "" if tic % 3 else " ICRS"),
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
