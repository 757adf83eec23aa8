"""Observations of the James Webb Space Telescope: NIRCam, NIRSpec, MIRI and NIRISS.

In: `programmes.JWST_PROGRAMMES`. Out: level-3 observations with the exposures they are made of, and planned
observations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .observation import Observation, dice
from .pointing import describe, footprint, planned, point, times
from .programmes import JWST_PROGRAMMES, Programme

_EXPOSURE_GAP = 0.002
_LEVEL3 = {"image": "i2d", "spectrum": "x1d", "cube": "s3d", "timeseries": "x1dints"}
_LEVEL2 = {"image": "cal", "spectrum": "cal", "cube": "cal", "timeseries": "rateints"}


def jwst_observations() -> Iterator[Observation]:
    """All JWST observations; exposures come inside their level-3 observation."""
    visits: Counter[int] = Counter()
    for programme in JWST_PROGRAMMES:
        rng = dice("JWST", *programme[:6])
        for _ in range(programme.visits):
            visits[programme.number] += 1
            yield from _visit(programme, visits[programme.number], rng.random())


def _visit(programme: Programme, number: int, phase: float) -> Iterator[Observation]:
    rng = dice("JWST visit", programme.number, programme.instrument, number)
    at = point(programme, number, rng)
    clock = programme.mjd + 1.5 * number + phase
    for index, filters in enumerate(programme.filters):
        obs_id = _level3_name(programme, number, filters)
        if programme.rights == "planned":
            yield planned(describe(programme, filters, "JWST"), obs_id, at, rng, clock)
            continue
        exposures = []
        for exposure in range(programme.exposures):
            exposures.append(_exposure(programme, number, (index, exposure), at, clock))
            clock += programme.seconds / 86400.0 + _EXPOSURE_GAP
        yield _level3(programme, exposures, obs_id, at)


def _level3_name(programme: Programme, number: int, filters: str) -> str:
    instrument, mode = programme.instrument.lower().split("/")
    names = filters.lower().split(";")
    element = f"clear-{names[0]}" if instrument == "nircam" and len(names) == 1 else "-".join(reversed(names))
    if instrument in {"miri", "niriss"}:
        element = "-".join(names)
    if mode in {"slitless", "soss"}:
        element += "-slitlessprism" if instrument == "miri" else "-substrip256"
    target = dice(programme.target).randrange(1, 40)
    return f"jw{programme.number:05d}-o{number:03d}_t{target:03d}_{instrument}_{element}"


def _detector(programme: Programme, filters: str, longest: float) -> str:
    instrument, mode = programme.instrument.split("/")
    if instrument == "NIRCAM":
        return "nrcalong" if longest > 2500.0 else "nrca1"
    if instrument == "MIRI":
        return {"IFU": "mirifulong" if filters in {"CH3", "CH4"} else "mirifushort"}.get(mode, "mirimage")
    return {"NIRSPEC": "nrs1", "NIRISS": "nis"}[instrument]


def _exposure(
    programme: Programme, number: int, step: tuple[int, int], at: tuple[float, float, float], start: float
) -> Observation:
    filters = programme.filters[step[0]]
    shared = describe(programme, filters, "JWST")
    detector = _detector(programme, filters, float(str(shared["em_max"])))
    root = f"jw{programme.number:05d}{number:03d}001_{2 + step[0]:02d}101_{step[1] + 1:05d}_{detector}"
    rng = dice(root)
    here = (round(at[0] + rng.uniform(-0.0006, 0.0006), 10), round(at[1] + rng.uniform(-0.0006, 0.0006), 10), at[2])
    suffix = _LEVEL2[str(shared["dataproduct_type"])]
    return Observation(
        **shared,
        **times(programme, start, programme.seconds),
        obs_id=root,
        provenance_name="CALJWST",
        calib_level=2,
        s_ra=here[0],
        s_dec=here[1],
        s_region=footprint(programme.instrument, here, rng, combined=True),
        jpegURL=f"mast:JWST/product/{root}_{suffix}.jpg",
        dataURL=f"mast:JWST/product/{root}_{suffix}.fits",
        sequence_number=-999,
    )


def _level3(
    programme: Programme, exposures: list[Observation], obs_id: str, at: tuple[float, float, float]
) -> Observation:
    first, last = exposures[0], exposures[-1]
    suffix = _LEVEL3[str(first.dataproduct_type)]
    rng = dice(obs_id)
    shared = describe(programme, str(first.filters), "JWST")
    if rng.random() < 0.05:
        shared |= {"filters": None, "wavelength_region": None}
    total = sum(exposure.t_exptime or 0.0 for exposure in exposures)
    level = times(programme, first.t_min or 0.0, total)
    level |= {"t_max": last.t_max, "t_obs_release": last.t_obs_release}
    return Observation(
        **shared,
        **level,
        obs_id=obs_id,
        provenance_name="CALJWST",
        calib_level=3,
        s_ra=at[0],
        s_dec=at[1],
        s_region=footprint(programme.instrument, at, rng, combined=True),
        jpegURL=f"mast:JWST/product/{obs_id}_{suffix}.jpg",
        dataURL=f"mast:JWST/product/{obs_id}_{suffix}.fits",
        sequence_number=-999 if rng.random() < 0.9 else None,
        srcDen=float(rng.randrange(100, 20000)) if suffix == "i2d" and rng.random() < 0.5 else None,
        members=exposures,
    )
