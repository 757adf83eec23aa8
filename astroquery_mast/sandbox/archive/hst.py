"""Observations of the Hubble Space Telescope: ACS, WFC3, STIS and COS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..packaged import packaged
from .instruments import APERTURES, region, whole
from .observation import DIGITS, Observation, base36, dice
from .pointing import HST_PROGRAMS, Program, describe, footprint, planned, point, product_kind, times

_LETTER = {"ACS": "j", "WFC3": "i", "STIS": "o", "COS": "l"}
_PIPELINE = {"ACS": "CALACS", "WFC3": "CALWF3", "STIS": "CALSTIS", "COS": "CALCOS"}
# Known program codes of rootnames; the others are the program number in base 36.
_CODES = {10452: "97c", 8880: "6au", 9978: "8wc", 10775: "9l9"}
# Interval between the starts of two exposures, in days.
_EXPOSURE_GAP = 0.004


def hst_observations() -> Iterator[Observation]:
    """Generate all HST observations; exposures are members of their composite observation."""
    visits: Counter[tuple[int, str]] = Counter()
    for program in HST_PROGRAMS:
        key = (program.number, _letter(program))
        rng = dice("HST", *program[:6])
        for _ in range(program.visits):
            visits[key] += 1
            yield from _visit(program, visits[key], rng.random())
    yield from _calibrations()


def _letter(program: Program) -> str:
    return _LETTER[program.instrument.partition("/")[0]]


def _root(program: Program, visit: int) -> str:
    code = _CODES.get(program.number) or base36(program.number, 3)
    return _letter(program) + code + base36(visit, 2)


def _visit(program: Program, visit: int, phase: float) -> Iterator[Observation]:
    rng = dice("HST visit", program.number, program.instrument, visit)
    root, at = _root(program, visit), point(program, visit, rng)
    clock = program.mjd + 2.0 * visit + phase
    if program.rights == "planned":
        for index, name in enumerate(program.filters):
            shared = describe(program, name, "HST")
            yield planned(shared, f"{root}{index + 1:02d}0", at, rng, clock)
        return
    made = 0
    for index, name in enumerate(program.filters):
        spelled = _spelled(program.instrument, name, rng.random())
        exposures = []
        for _ in range(program.exposures):
            exposures.append(_exposure(program, spelled, f"{root}{_letters(made)}q", at, clock))
            made += 1
            clock += program.seconds / 86400.0 + _EXPOSURE_GAP
        yield from _combine(program, exposures, f"{root}{index + 1:02d}0", at)
    if program.instrument in {"ACS/WFC", "WFC3/UVIS", "WFC3/IR"} and "SOLAR" not in str(
        exposures[0].target_classification
    ):
        yield _mosaic(program, exposures, root, visit, at)


def _letters(number: int) -> str:
    return DIGITS[10 + number // 26 % 26] + DIGITS[10 + number % 26]


def _spelled(instrument: str, name: str, chance: float) -> str:
    """Return a filter as cataloged: newer ACS records name both filter wheels."""
    if not instrument.startswith("ACS/WFC") or chance < 0.6:
        return name
    return f"CLEAR1L;{name}" if name in {"F435W", "F814W"} else f"{name};CLEAR2L"


def _exposure(
    program: Program, filters: str, rootname: str, at: tuple[float, float, float], start: float
) -> Observation:
    rng = dice(rootname)
    instrument, detector = program.instrument.split("/")
    # The pipelines of both spectrographs extract spectra from their images.
    extracted = instrument in {"STIS", "COS"} and product_kind(program.instrument, filters) == "spectrum"
    suffix = "x1d" if extracted else "flc" if program.instrument in {"ACS/WFC", "WFC3/UVIS"} else "flt"
    # Dithers of a few arcseconds, except for the small apertures of spectrographs.
    step = 0.0008 if instrument in {"ACS", "WFC3"} else 0.0
    here = (round(at[0] + rng.uniform(-step, step), 10), round(at[1] + rng.uniform(-step, step), 10), at[2])
    # Records of older instruments are in upper case.
    obs_id = rootname.upper() if instrument == "STIS" and program.number < 10000 else rootname
    return Observation(
        **describe(program, filters, "HST"),
        **times(program, start, program.seconds * rng.uniform(0.95, 1.0)),
        obs_id=obs_id,
        provenance_name=_PIPELINE[instrument],
        calib_level=1 if rng.random() < 0.1 else 2,
        s_ra=here[0],
        s_dec=here[1],
        s_region=footprint(f"{instrument}/{detector}", here, rng, combined=detector in {"IR", "HRC", "SBC"}),
        jpegURL=f"mast:HST/product/{rootname}_{'x1d' if extracted else 'flt'}.jpg",
        dataURL=f"mast:HST/product/{rootname}_{suffix}.fits",
    )


def _combine(
    program: Program, exposures: list[Observation], obs_id: str, at: tuple[float, float, float]
) -> Iterator[Observation]:
    """Generate the composite of several exposures, or a single exposure itself."""
    if len(exposures) == 1:
        yield exposures[0]
        return
    first, last = exposures[0], exposures[-1]
    instrument = program.instrument.partition("/")[0]
    suffix = {"ACS/WFC": "drc", "WFC3/UVIS": "drc", "COS/FUV": "x1dsum", "COS/NUV": "x1dsum"}.get(
        program.instrument, "drz"
    )
    start = first.span[0]
    seconds = sum(exposure.seconds for exposure in exposures)
    level = times(program, start, seconds) | {"t_max": last.t_max, "t_obs_release": last.t_obs_release}
    yield Observation(
        **describe(program, str(first.filters), "HST"),
        **level,
        obs_id=obs_id,
        provenance_name=_PIPELINE[instrument],
        calib_level=3,
        s_ra=at[0],
        s_dec=at[1],
        s_region=footprint(program.instrument, at, dice(obs_id), combined=True),
        jpegURL=f"mast:HST/product/{obs_id}_{suffix}.jpg",
        dataURL=f"mast:HST/product/{obs_id}_{suffix}.fits",
        members=exposures,
    )


def _mosaic(
    program: Program, exposures: list[Observation], root: str, visit: int, at: tuple[float, float, float]
) -> Observation:
    """Return the visit-level mosaic of the Hubble Advanced Products: all filters combined, with source catalogs."""
    instrument, detector = (part.lower() for part in program.instrument.split("/"))
    obs_id = f"hst_{program.number:05d}_{base36(visit, 2)}_{instrument}_{detector}_total_{root}"
    shared = describe(program, str(exposures[0].filters), "HST")
    shared |= {"filters": "detection", "project": "HAP"}
    level = times(program, exposures[0].span[0], program.seconds * len(program.filters))
    return Observation(
        **shared,
        **level,
        obs_id=obs_id,
        provenance_name="HAP-SVM",
        calib_level=3,
        s_ra=at[0],
        s_dec=at[1],
        s_region=region([whole(APERTURES[program.instrument], *at)]),
        srcDen=float(dice(obs_id).randrange(200, 9000)),
        jpegURL=f"mast:HST/product/{obs_id}_drc.jpg",
        dataURL=f"mast:HST/product/{obs_id}_drc.fits",
    )


def _calibrations() -> Iterator[Observation]:
    """Generate darks, biases, and lamp exposures, which have no position and are never found by cone searches."""
    for index in range(60):
        instrument, detector = (("ACS", "WFC"), ("WFC3", "UVIS"), ("STIS", "CCD"))[index % 3]
        target = ("DARK", "BIAS", "WAVE")[index // 3 % 3]
        rootname = f"{_LETTER[instrument]}cal{index:02d}{_letters(index)}q"
        start = round(56000.0 + 37.25 * index, 8)
        edge = None if index % 4 else 0.0
        yield Observation(
            **packaged("surveys")["observations"]["HST calibration"],
            instrument_name=f"{instrument}/{detector}",
            obs_id=rootname,
            target_name=target,
            provenance_name=_PIPELINE[instrument],
            proposal_pi="Ogaz" if index % 2 else None,
            proposal_type="CAL/" + instrument,
            t_min=start,
            t_max=round(start + 1000.0 / 86400.0, 8),
            t_exptime=0.0 if target == "BIAS" else 1000.0,
            t_obs_release=start,
            em_min=edge,
            em_max=edge,
            s_region="" if index % 5 == 0 else None,
        )
