"""Images, spectra and sources by position: SIA, SSA and cone searches with the same arguments.

In: a cone.  Out: tables with the ObsCore names for the columns of addresses, positions and wavelengths, for all
protocols, which are implemented by pyvo.  The search region is always a circle: SSA takes its diameter, SIA 1 the side
of a square.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from astropy.table import Table
from astropy.units import Unit
from astroquery import log
from pyvo.dal.query import DALQuery, DALResults
from pyvo.dal.scs import SCSQuery, SCSResults
from pyvo.dal.sia import SIAQuery
from pyvo.dal.sia2 import SIA2Query
from pyvo.dal.ssa import SSAQuery
from pyvo.dal.tap import TAPResults

from ..exceptions import BadRequestError, InvalidArgumentError, MaxResultsWarning, QueryTimeoutError, RemoteServiceError
from ..query.request import as_plain
from ..query.values import as_members, as_unicode, members_of
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..sky.position import Cone
from ..tables.columns import no_such
from ..warn import warn_no_results, warn_user
from .results import table_of
from .session import VOSession, translated

# The name in ObsCore of a column, by its UCD in SIA 1 or the end of its utype in SSA.
_NAMES = {
    "vox:image_accessreference": "access_url",
    "vox:image_format": "access_format",
    "vox:image_title": "obs_title",
    "vox:bandpass_lolimit": "em_min",
    "vox:bandpass_hilimit": "em_max",
    "vox:bandpass_id": "filters",
    "inst_id": "instrument_name",
    "pos_eq_ra_main": "s_ra",
    "pos_eq_dec_main": "s_dec",
    "access.reference": "access_url",
    "access.format": "access_format",
    "dataid.collection": "obs_collection",
    "dataid.title": "obs_title",
    "dataid.instrument": "instrument_name",
    "target.name": "target_name",
    "char.spectralaxis.coverage.bounds.start": "em_min",
    "char.spectralaxis.coverage.bounds.stop": "em_max",
}
_UNIT = "vox:bandpass_unit"
# The smallest radius that SIA 2 accepts for a circle (degrees).
_SMALLEST = 1e-9
# The largest radius of SIA 2; for SIA 1, the square around this circle has the maximum size (degrees).
_LARGEST = 90.0
# The HTTP status of a service that does not exist.
_ABSENT = {404, 405, 410}
# The parameters of SIA 2 that are not arguments of `query_sia` itself.
_WORDS = inspect.signature(SIA2Query).parameters.keys() - {"url", "pos", "session", "kwargs"}


class _ConeRows(TAPResults, SCSResults):  # type: ignore[misc, unused-ignore]
    """Results with errors as the cone search standard defines them, without the overflow warning of pyvo."""


@dataclass(frozen=True)
class SimpleQuestion:
    """A request to a service with a simple protocol, and the request to send if that fails."""

    what: str
    make: Callable[..., DALQuery]
    fallback: SimpleQuestion | None = None
    results: type[DALResults] = TAPResults

    def payload(self) -> dict[str, object]:
        """Return the request: the address as ``url``, and the parameters; raise if pyvo rejects an argument."""
        try:
            query = self.make()
            return {"url": query.queryurl, **{name: as_plain(value, name) for name, value in query.items()}}
        except (ValueError, TypeError, AttributeError) as err:  # including errors of units
            message = " ".join(map(str, err.args)).rstrip(".")
            raise InvalidArgumentError(f"The query is not valid: {message}.") from err

    def table(self, service: MastService, deadline: Deadline) -> Table:
        """Return the result; warn if it is empty, or if there are more rows."""
        if self.fallback is None:
            return self._answer(service, deadline)
        try:
            # Half of the time is left for the other service.
            return self._answer(service, deadline.part(deadline.remaining() / 2))
        except (RemoteServiceError, QueryTimeoutError, BadRequestError) as err:
            if isinstance(err, BadRequestError) and err.status not in _ABSENT:
                raise
            log.info("%s Querying %s instead.", err, self.fallback.what)
        return self.fallback.table(service, deadline)

    def _answer(self, service: MastService, deadline: Deadline) -> Table:
        """Return the result of this service."""
        payload, session = self.payload(), VOSession(service, deadline, self.what)
        with translated(self.what):
            query = self.make(session=session)
            found = table_of(self.results(query.execute_votable(), url=query.queryurl, session=session))
        if self.results is not _ConeRows:
            _rename(found)
            _in_meters(found)
        found.meta["service"] = payload.pop("url")
        # A list, because it can be stacked and written to files.
        found.meta["query"] = [f"{name}={each}" for name, value in payload.items() for each in members_of(value)]
        if found.meta["overflow"]:
            message = f"{self.what} has more than these {len(found)} rows. Use a smaller radius or narrow the query."
            warn_user(message, MaxResultsWarning)
        if not len(found):
            warn_no_results()
        return found


def _rename(table: Table) -> None:
    """Rename columns to their ObsCore names, unless a column has that name already."""
    for key in ("ucd", "utype"):
        for column in list(table.itercols()):
            meaning = str(column.meta.get(key, "")).lower()
            # The namespace of a utype is arbitrary; that of a UCD is part of it.
            name = _NAMES.get(meaning if key == "ucd" else meaning.rpartition(":")[2])
            if name is not None and name not in table.colnames:
                table.rename_column(column.name, name)


def _in_meters(table: Table) -> None:
    """Convert wavelengths to meters; SIA 1 may have a column for the unit, whose first row is used."""
    units = [column[0] for column in table.itercols() if str(column.meta.get("ucd")).lower() == _UNIT and len(column)]
    for column in [table[name] for name in ("em_min", "em_max") if name in table.colnames]:
        with suppress(ValueError, TypeError):  # no unit, or a unit of frequency
            column.unit = column.unit or Unit(*units)
            column.convert_unit_to("m")


# -- requests --------------------------------------------------------------------------------------------------------


def image_question(
    cone: Cone, *, urls: tuple[str, str], collection: Any, version: int | None, words: Mapping[str, Any]
) -> SimpleQuestion:
    """Return the request for images, in the version of the protocol that is given, or else in one that works."""
    one, two = urls
    names = [] if collection is None else [_name(each) for each in as_members("collection", collection)]
    if cone.radius > _LARGEST:
        raise InvalidArgumentError(
            f"radius must be at most {_LARGEST:g} degrees for images, got {cone.radius:g} degrees."
        )
    both = _both_versions_fit(names, version, words)
    # No format is sent, because version 1 finds no GALEX images with one.
    address, side = _extended(one, MISSION=names), 2 * cone.radius
    first = SimpleQuestion(f"SIA 1 at {one}", partial(SIAQuery, address, pos=(cone.ra, cone.dec), size=side))
    circle = cone.ra, cone.dec, max(cone.radius, _SMALLEST)
    second = partial(SIA2Query, two, pos=circle, collection=names, **words)
    return first if version == 1 else SimpleQuestion(f"SIA 2 at {two}", second, first if both else None)


def _both_versions_fit(names: Sequence[str], version: int | None, words: Mapping[str, Any]) -> bool:
    """Return whether both versions are possible; raise if an argument is not valid for the given version."""
    if version not in (None, 1, 2):
        raise InvalidArgumentError(f"version must be 1, 2, or None (automatic), got {version!r}.")
    for name in words.keys() - _WORDS:
        raise no_such(f"query_sia got an unexpected argument {name!r}.", name, sorted(_WORDS))
    special = [name for name, value in words.items() if value is not None]
    special += ["more than one collection"] * (len(names) > 1)
    if version == 1 and special:
        raise InvalidArgumentError(
            f"{', '.join(special)} requires version 2. Version 1 only supports a position and a collection."
        )
    return version is None and not special


def spectrum_question(cone: Cone, *, url: str, collection: Any, band: Any, time: Any) -> SimpleQuestion:
    """Return the request for spectra in a cone."""
    address, diameter = _extended(url, id=None if collection is None else _name(collection)), 2 * cone.radius
    make = partial(SSAQuery, address, pos=(cone.ra, cone.dec), diameter=diameter, band=band, time=time)
    return SimpleQuestion(f"SSA at {url}", make)


def source_question(cone: Cone, *, url: str, catalog: Any) -> SimpleQuestion:
    """Return the request for sources in a cone, in a given catalog or the default one of the service."""
    address = _extended(url, CAT=None if catalog is None else _name(catalog, "catalog", "GAIADR3"))
    make = partial(SCSQuery, address, pos=(cone.ra, cone.dec), radius=cone.radius)
    return SimpleQuestion(f"Cone search at {address}", make, results=_ConeRows)


def _extended(url: str, **parameters: Any) -> str:
    """Return a URL with additional parameters, except those that are None or empty."""
    given = urlencode({name: value for name, value in parameters.items() if value}, doseq=True)
    return f"{url}{'&' if '?' in url else '?'}{given}" if given else url


def _name(given: Any, argument: str = "collection", example: str = "HST") -> str:
    """Return a name as text."""
    name = as_unicode(given)
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError(f"{argument} must be a name, such as {example!r}, got {given!r}.")
    return name.strip()
