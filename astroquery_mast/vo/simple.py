"""Images, spectra and sources by position: SIA, SSA and cone searches, asked with one set of words.

In: a cone.  Out: tables whose columns for addresses, positions and wavelengths have the names of ObsCore, whatever the
protocol calls them.  The protocols are pyvo's; a circle is one here in all of them: SSA takes its diameter, SIA 1 the
side of a square.
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

# What a column means, by its UCD in SIA 1 or the end of its utype in SSA → its name in ObsCore.
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
# A circle of SIA 2 must have a radius (degrees).
_SMALLEST = 1e-9
# SIA 2 takes no wider circle, and a square of twice the radius is as wide as SIA 1 can be asked for (degrees).
_LARGEST = 90.0
# A service that answers with one of these is not there.
_ABSENT = {404, 405, 410}
# The words of SIA 2 that are not its own arguments here.
_WORDS = inspect.signature(SIA2Query).parameters.keys() - {"url", "pos", "session", "kwargs"}


class _ConeRows(TAPResults, SCSResults):  # type: ignore[misc, unused-ignore]
    """Results whose errors are told as the standard of cone searches has it; pyvo does not warn of those of TAP."""


@dataclass(frozen=True)
class SimpleQuestion:
    """A question to a service of one of the simple protocols, and the one that is asked where that does not work."""

    what: str
    make: Callable[..., DALQuery]
    instead: SimpleQuestion | None = None
    results: type[DALResults] = TAPResults

    def payload(self) -> dict[str, object]:
        """Return what is sent: the address under ``url``, and the parameters; raise what pyvo says of an argument."""
        try:
            query = self.make()
            return {"url": query.queryurl, **{name: as_plain(value, name) for name, value in query.items()}}
        except (ValueError, TypeError, AttributeError) as err:  # errors of units are among them
            said = " ".join(map(str, err.args)).rstrip(".")
            raise InvalidArgumentError(f"The query is not valid: {said}.") from err

    def table(self, service: MastService, deadline: Deadline) -> Table:
        """Return the answer; warn if there is nothing, or more than was sent."""
        if self.instead is None:
            return self._answer(service, deadline)
        try:
            # The other service needs time as well.
            return self._answer(service, deadline.part(deadline.remaining() / 2))
        except (RemoteServiceError, QueryTimeoutError, BadRequestError) as err:
            if isinstance(err, BadRequestError) and err.status not in _ABSENT:
                raise
            log.info("%s Querying %s instead.", err, self.instead.what)
        return self.instead.table(service, deadline)

    def _answer(self, service: MastService, deadline: Deadline) -> Table:
        """What this service answers."""
        payload, session = self.payload(), VOSession(service, deadline, self.what)
        with translated(self.what):
            query = self.make(session=session)
            found = table_of(self.results(query.execute_votable(), url=query.queryurl, session=session))
        if self.results is not _ConeRows:
            _rename(found)
            _in_meters(found)
        found.meta["service"] = payload.pop("url")
        # In a list, which survives stacking and files.
        found.meta["query"] = [f"{name}={each}" for name, value in payload.items() for each in members_of(value)]
        if found.meta["overflow"]:
            told = f"{self.what} has more than these {len(found)} rows. Use a smaller radius or narrow the query."
            warn_user(told, MaxResultsWarning)
        if not len(found):
            warn_no_results()
        return found


def _rename(table: Table) -> None:
    """Give columns the names that the package has for what they mean; a name that is in use stays where it is."""
    for key in ("ucd", "utype"):
        for column in list(table.itercols()):
            meaning = str(column.meta.get(key, "")).lower()
            # The namespace of a utype is anybody's choice; that of a UCD is part of it.
            name = _NAMES.get(meaning if key == "ucd" else meaning.rpartition(":")[2])
            if name is not None and name not in table.colnames:
                table.rename_column(column.name, name)


def _in_meters(table: Table) -> None:
    """Let wavelengths be in meters; SIA 1 may tell their unit in a column of its own, of which the first row counts."""
    told = [column[0] for column in table.itercols() if str(column.meta.get("ucd")).lower() == _UNIT and len(column)]
    for column in [table[name] for name in ("em_min", "em_max") if name in table.colnames]:
        with suppress(ValueError, TypeError):  # no unit at all, or one of frequencies
            column.unit = column.unit or Unit(*told)
            column.convert_unit_to("m")


# -- the questions -------------------------------------------------------------------------------------------------


def image_question(
    cone: Cone, *, urls: tuple[str, str], collection: Any, version: int | None, words: Mapping[str, Any]
) -> SimpleQuestion:
    """Return the question for images, in the version of the protocol that is wanted, or that works."""
    one, two = urls
    names = [] if collection is None else [_name(each) for each in as_members("collection", collection)]
    if cone.radius > _LARGEST:
        raise InvalidArgumentError(
            f"radius must be at most {_LARGEST:g} degrees for images, got {cone.radius:g} degrees."
        )
    alike = _fit_both(names, version, words)
    # Never with a format, with which version 1 finds nothing of GALEX.
    address, side = _extended(one, MISSION=names), 2 * cone.radius
    first = SimpleQuestion(f"SIA 1 at {one}", partial(SIAQuery, address, pos=(cone.ra, cone.dec), size=side))
    circle = cone.ra, cone.dec, max(cone.radius, _SMALLEST)
    second = partial(SIA2Query, two, pos=circle, collection=names, **words)
    return first if version == 1 else SimpleQuestion(f"SIA 2 at {two}", second, first if alike else None)


def _fit_both(names: Sequence[str], version: int | None, words: Mapping[str, Any]) -> bool:
    """Tell whether any version may be asked; refuse what no version knows, or not the one that is asked for."""
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
    """Return the question for spectra in a cone."""
    address, diameter = _extended(url, id=None if collection is None else _name(collection)), 2 * cone.radius
    make = partial(SSAQuery, address, pos=(cone.ra, cone.dec), diameter=diameter, band=band, time=time)
    return SimpleQuestion(f"SSA at {url}", make)


def source_question(cone: Cone, *, url: str, catalog: Any) -> SimpleQuestion:
    """Return the question for sources in a cone, of a catalog of the service or of its own choice."""
    address = _extended(url, CAT=None if catalog is None else _name(catalog, "catalog", "GAIADR3"))
    make = partial(SCSQuery, address, pos=(cone.ra, cone.dec), radius=cone.radius)
    return SimpleQuestion(f"Cone search at {address}", make, results=_ConeRows)


def _extended(url: str, **parameters: Any) -> str:
    """An address with further parameters, but for those that are None or empty."""
    given = urlencode({name: value for name, value in parameters.items() if value}, doseq=True)
    return f"{url}{'&' if '?' in url else '?'}{given}" if given else url


def _name(given: Any, argument: str = "collection", example: str = "HST") -> str:
    """A name, as text."""
    name = as_unicode(given)
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError(f"{argument} must be a name, such as {example!r}, got {given!r}.")
    return name.strip()
