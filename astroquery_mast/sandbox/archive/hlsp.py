"""High-level science products (HLSP): light curves, mosaics, coadded spectra, and a spectral atlas.

In: the collections of ``surveys.json`` and ``hlsp.json``.  Out: their observations, and the descriptions of collections
in file headers and on web pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, product
from math import cos, radians
from typing import Any, NamedTuple

from ..packaged import packaged
from .fields import FIELDS, TIC_NUMBERS, Field
from .instruments import APERTURES, limits, region, spectral_region, whole
from .observation import Observation, dice, seed_of
from .surveys import circle

#: Description of each collection: title, lead, version, and optional facts.
ABOUT: Mapping[str, Mapping[str, Any]] = packaged("hlsp")["about"]


def collection_description(collection: str | None) -> Mapping[str, Any]:
    """Return the description of a collection; it is empty for a collection without a page."""
    return ABOUT.get(collection or "", {})


class Collection(NamedTuple):
    """A collection: name, kind of data, instrument, filters, targets, and investigator."""

    name: str
    kind: str
    instrument: str
    filters: tuple[str, ...]
    targets: tuple[str, ...]
    investigator: str


COLLECTIONS = tuple(Collection(*line) for line in packaged("surveys")["collections"])


def hlsp_observations() -> Iterator[Observation]:
    """Generate the products of fields and of named stars."""
    for collection in COLLECTIONS:
        for target in collection.targets:
            for index, filters in enumerate(collection.filters):
                yield from _hlsp_series(collection, FIELDS[target], filters, index)


def _hlsp_series(collection: Collection, field: Field, filters: str, index: int) -> Iterator[Observation]:
    sectors = range(1, 7) if collection.kind == "timeseries" else (0,)
    for sector in sectors:
        yield _hlsp(collection, field, filters, sector + 2 * (index if sector else 0))


def _hlsp_name(collection: Collection, field: Field, filters: str, sector: int) -> tuple[str, str]:
    name = collection.name.lower()
    if collection.kind == "timeseries":
        tic = f"{TIC_NUMBERS[field.name]:016d}"
        obs_id = f"hlsp_{name}_tess_ffi_s{sector:04d}-{tic}_tess_v01_llc"
        return obs_id, f"s{sector:04d}/{tic[:4]}/{tic[4:8]}/{tic[8:12]}/{tic[12:]}/{obs_id}.fits"
    telescope = "jwst" if collection.instrument.startswith("NIRCAM") else "hst"
    instrument = collection.instrument.partition("/")[0].lower()
    ending = "spec" if collection.kind == "spectrum" else "drz"
    obs_id = f"hlsp_{name}_{telescope}_{instrument}_{field.name.lower()}_{filters.lower()}_v1.0_{ending}"
    return obs_id, f"{field.name.lower()}/{obs_id}.fits"


def _hlsp(collection: Collection, field: Field, filters: str, sector: int) -> Observation:
    obs_id, path = _hlsp_name(collection, field, filters, sector)
    shortest, longest = limits(filters, "JWST" if collection.instrument.startswith("NIRCAM") else "HST")
    days = {"Photometer": 58324.8 + 27.0 * sector, "NIRCAM/IMAGE": 59860.0}
    start = round(days.get(collection.instrument, 56000.0), 8)
    ra, dec = round(field.ra, 10), round(field.dec, 10)
    corners = whole(APERTURES[collection.instrument], ra, dec, 0.0)
    folder, rng = f"mast:HLSP/{collection.name.lower()}", dice(obs_id)
    project = collection.name if rng.random() < 0.9 else "hlsp_" + collection.name.lower()
    own: dict[str, Any] = {"target_name": field.name, "target_classification": field.classification}
    own |= {"t_exptime": round(rng.uniform(2000, 90000), 1)}
    own |= {"jpegURL": f"{folder}/{path.removesuffix('.fits')}.jpg"}
    if collection.kind == "timeseries":
        own = {"target_name": str(TIC_NUMBERS[field.name]), "t_exptime": 1800.0, "sequence_number": sector}
    return Observation(
        **own,
        obs_collection="HLSP",
        project=project,
        provenance_name=collection.name,
        instrument_name=collection.instrument,
        filters=filters,
        wavelength_region=spectral_region(shortest, longest),
        obs_id=obs_id,
        s_ra=ra,
        s_dec=dec,
        s_region=region([corners]) if collection.kind == "image" else circle(ra, dec, 0.00138889),
        dataproduct_type=collection.kind,
        proposal_pi=collection.investigator,
        calib_level=4,
        t_min=start,
        t_max=round(start + 27.4, 8),
        em_min=shortest,
        em_max=longest,
        obs_title=f"{collection.name} high-level science products",
        t_obs_release=round(start + 600.0, 8),
        dataURL=f"{folder}/{path}",
        # Plane ids of contributed collections exceed 2**53; clients must not convert them to doubles.
        objID=4_365_646_553_433_558_144 + seed_of(obs_id) % 10**12 if collection.name == "LEGUS" else 0,
    )


def further_hlsp_observations() -> Iterator[Observation]:
    """Generate light curves of stars and all their neighbors, and an atlas of standard stars."""
    return chain(_crowded_fields(), _atlas())


_ARCSEC = 1.0 / 3600.0
_STAR_RADIUS = 0.00138889


def _crowded_fields() -> Iterator[Observation]:
    """Generate all stars of a field, however close to one another; in one field the bright star has no light curves."""
    for crowd in packaged("hlsp")["crowds"]:
        center = FIELDS[crowd["center"]]
        for sector, (tic, east, north) in product(crowd["sectors"], crowd["stars"]):
            dec = center.dec + north * _ARCSEC
            ra = center.ra + east * _ARCSEC / cos(radians(dec))
            yield _crowded_star(tic, (round(ra, 10), round(dec, 10)), sector)


def _crowded_star(tic: int, position: tuple[float, float], sector: int) -> Observation:
    number = f"{tic:016d}"
    obs_id = f"hlsp_tglc_tess_ffi_tic-{number}-s{sector:04d}-cam1-ccd2_tess_v1_llc"
    start = round(58324.8 + 27.0 * sector, 8)
    folder = "/".join(number[place : place + 4] for place in range(0, 16, 4))
    return Observation(
        **packaged("hlsp")["observations"]["TGLC"],
        target_name=str(tic),
        obs_id=obs_id,
        s_ra=position[0],
        s_dec=position[1],
        s_region=circle(*position, _STAR_RADIUS),
        sequence_number=sector,
        t_min=start,
        t_max=round(start + 27.4, 8),
        t_obs_release=round(start + 900.0, 8),
        dataURL=f"mast:HLSP/tglc/s{sector:04d}/{folder}/{obs_id}.fits",
    )


def _atlas() -> Iterator[Observation]:
    for target, ra, dec in packaged("hlsp")["atlas"]:
        obs_id = f"hlsp_calspec_hst_stis_{target.lower()}_all_v1_sed"
        yield Observation(
            **packaged("hlsp")["observations"]["CALSPEC"],
            target_name=target,
            obs_id=obs_id,
            s_ra=ra,
            s_dec=dec,
            s_region=circle(ra, dec, _STAR_RADIUS),
            jpegURL=f"mast:HLSP/calspec/{target.lower()}/{obs_id}.jpg",
            dataURL=f"mast:HLSP/calspec/{target.lower()}/{obs_id}.fits",
        )
