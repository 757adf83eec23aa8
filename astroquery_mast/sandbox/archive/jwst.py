"""Observations of the James Webb Space Telescope: NIRCam, NIRSpec, MIRI and NIRISS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from .jwst_setup import is_reference
from .observation import Observation, dice
from .pointing import JWST_PROGRAMS, Program, describe, footprint, planned, point, times

_EXPOSURE_GAP = 0.002
_LEVEL3 = {"image": "i2d", "spectrum": "x1d", "cube": "s3d", "timeseries": "x1dints"}
_LEVEL2 = {"image": "cal", "spectrum": "cal", "cube": "cal", "timeseries": "rateints"}


def jwst_observations() -> Iterator[Observation]:
    """Generate all JWST observations; exposures are members of their level-3 observation."""
    made = list(_observations())
    _refer(made)
    yield from made


def _refer(observations: Iterable[Observation]) -> None:
    """Add exposures of reference stars with the same program, mask, and filter to coronagraphic images."""
    found: dict[tuple[object, ...], tuple[list[Observation], list[Observation]]] = {}
    for whole in observations:
        if whole.configuration[1] == "CORON" and whole.members:
            setup = whole.proposal_id, whole.instrument_name, whole.members[0].filters
            found.setdefault(setup, ([], []))[is_reference(whole.target_name)].append(whole)
    for images, references in found.values():
        for image in images:
            image.references += [exposure for each in references for exposure in each.members]


def _observations() -> Iterator[Observation]:
    visits: Counter[int] = Counter()
    for program in JWST_PROGRAMS:
        rng = dice("JWST", *program[:6])
        for _ in range(program.visits):
            visits[program.number] += 1
            yield from _visit(program, visits[program.number], rng.random())


def _visit(program: Program, number: int, phase: float) -> Iterator[Observation]:
    rng = dice("JWST visit", program.number, program.instrument, number)
    at = point(program, number, rng)
    clock = program.mjd + 1.5 * number + phase
    for index, filters in enumerate(program.filters):
        obs_id = _level3_name(program, number, filters)
        if program.rights in {"planned", "planned mosaic"}:
            mosaic, seconds = program.rights == "planned mosaic", program.seconds * program.exposures
            shared = describe(program, filters, "JWST")
            yield planned(shared, obs_id, at, rng, clock, mosaic=mosaic, seconds=seconds if index % 2 else None)
            continue
        exposures = []
        for exposure in range(program.exposures):
            exposures.append(_exposure(program, number, (index, exposure), at, clock))
            clock += program.seconds / 86400.0 + _EXPOSURE_GAP
        yield _level3(program, exposures, obs_id, at)


def _level3_name(program: Program, number: int, filters: str) -> str:
    instrument, mode = program.instrument.lower().split("/")
    names = filters.lower().split(";")
    element = f"clear-{names[0]}" if instrument == "nircam" and len(names) == 1 else "-".join(reversed(names))
    if instrument in {"miri", "niriss"}:
        element = "-".join(names)
    if mode in {"slitless", "soss"}:
        element += "-slitlessprism" if instrument == "miri" else "-substrip256"
    target = dice(program.target).randrange(1, 40)
    return f"jw{program.number:05d}-o{number:03d}_t{target:03d}_{instrument}_{element}"


def _detector(program: Program, filters: str, longest: float) -> str:
    instrument, mode = program.instrument.split("/")
    if instrument == "NIRCAM":
        return "nrcalong" if longest > 2500.0 else "nrca1"
    if instrument == "MIRI":
        return {"IFU": "mirifulong" if filters in {"CH3", "CH4"} else "mirifushort"}.get(mode, "mirimage")
    return {"NIRSPEC": "nrs1", "NIRISS": "nis"}[instrument]


def _exposure(
    program: Program, number: int, step: tuple[int, int], at: tuple[float, float, float], start: float
) -> Observation:
    filters = program.filters[step[0]]
    shared = describe(program, filters, "JWST")
    detector = _detector(program, filters, float(str(shared["em_max"])))
    root = f"jw{program.number:05d}{number:03d}001_{2 + step[0]:02d}101_{step[1] + 1:05d}_{detector}"
    rng = dice(root)
    here = (round(at[0] + rng.uniform(-0.0006, 0.0006), 10), round(at[1] + rng.uniform(-0.0006, 0.0006), 10), at[2])
    suffix = _LEVEL2[str(shared["dataproduct_type"])]
    return Observation(
        **shared,
        **times(program, start, program.seconds),
        obs_id=root,
        provenance_name="CALJWST",
        calib_level=2,
        s_ra=here[0],
        s_dec=here[1],
        s_region=footprint(program.instrument, here, rng, combined=True),
        jpegURL=f"mast:JWST/product/{root}_{suffix}.jpg",
        dataURL=f"mast:JWST/product/{root}_{suffix}.fits",
        sequence_number=-999,
    )


def _level3(program: Program, exposures: list[Observation], obs_id: str, at: tuple[float, float, float]) -> Observation:
    first, last = exposures[0], exposures[-1]
    suffix = _LEVEL3[str(first.dataproduct_type)]
    rng = dice(obs_id)
    shared = describe(program, str(first.filters), "JWST")
    if rng.random() < 0.05:
        shared |= {"filters": None, "wavelength_region": None}
    total = sum(exposure.seconds for exposure in exposures)
    level = times(program, first.span[0], total)
    level |= {"t_max": last.t_max, "t_obs_release": last.t_obs_release}
    return Observation(
        **shared,
        **level,
        obs_id=obs_id,
        provenance_name="CALJWST",
        calib_level=3,
        s_ra=at[0],
        s_dec=at[1],
        s_region=footprint(program.instrument, at, rng, combined=True),
        jpegURL=f"mast:JWST/product/{obs_id}_{suffix}.jpg",
        dataURL=f"mast:JWST/product/{obs_id}_{suffix}.fits",
        sequence_number=-999 if rng.random() < 0.9 else None,
        srcDen=float(rng.randrange(100, 20000)) if suffix == "i2d" and rng.random() < 0.5 else None,
        members=exposures,
    )
