"""Images, spectra and sources by position: SIA, SSA and cone searches, asked with one set of words.

In: a cone.  Out: tables whose columns for addresses, positions and wavelengths have the names of ObsCore, whatever the
protocol calls them.  The protocols are pyvo's; a circle is one here in all of them: SSA takes its diameter, SIA 1 the
side of a square.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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

from ..exceptions import BadRequestError, InvalidArgumentError, MaxResultsWarning, QueryTimeoutError, RemoteServiceError
from ..query.request import as_plain
from ..query.values import as_members, as_unicode
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..sky.position import Cone
from ..tables.columns import no_such
from ..warn import warn_no_results, warn_user
from .results import table_of
from .session import VOSession, translated

# What a column means, by its UCD in SIA 1 and by the end of its utype in SSA → its name in ObsCore.
_BY_UCD = {
    "vox:image_accessreference": "access_url",
    "vox:image_format": "access_format",
    "vox:image_title": "obs_title",
    "vox:bandpass_lolimit": "em_min",
    "vox:bandpass_hilimit": "em_max",
    "vox:bandpass_id": "filters",
    "inst_id": "instrument_name",
    "pos_eq_ra_main": "s_ra",
    "pos_eq_dec_main": "s_dec",
}
_BY_UTYPE = {
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


class _Rows(DALResults):  # type: ignore[misc, unused-ignore]
    """Results of pyvo that leave it to the caller to tell that there is more."""

    def _handle_overflow_warning(self, client_set_maxrec: int | None = None) -> None:
        """Say nothing."""


class _ConeRows(_Rows, SCSResults):  # type: ignore[misc, unused-ignore]
    """The same, whose errors are told as the standard of cone searches has it."""


@dataclass(frozen=True)
class SimpleQuestion:
    """A question to a service of one of the simple protocols."""

    what: str
    make: Callable[[VOSession | None], DALQuery]
    key: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    results: type[DALResults] = _Rows

    def payload(self) -> dict[str, object]:
        """Return what is sent: the address under ``url``, and the parameters."""
        with _arguments():
            query = self.make(None)
            return {"url": query.queryurl, **{name: as_plain(value, name) for name, value in query.items()}}

    def table(self, service: MastService, deadline: Deadline) -> Table:
        """Return the answer; warn if there is nothing, or more than was sent."""
        found = self.rows(service, deadline)
        if found.meta["overflow"]:
            told = f"{self.what} has more than these {len(found)} rows: ask for a smaller radius, or for less of it."
            warn_user(told, MaxResultsWarning)
        if not len(found):
            warn_no_results()
        return found

    def rows(self, service: MastService, deadline: Deadline) -> Table:
        """Return the answer."""
        payload, session = self.payload(), VOSession(service, deadline, self.what)
        with translated(self.what):
            query = self.make(session)
            table = table_of(self.results(query.execute_votable(), url=query.queryurl, session=session))
        rename(table, self.key, self.names)
        _in_meters(table)
        # In a list, which survives stacking and files.
        sent = [f"{name}={each}" for name in payload if name != "url" for each in as_members(name, payload[name])]
        table.meta |= {"service": payload["url"], "query": sent}
        return table


@contextmanager
def _arguments() -> Iterator[None]:
    """Turn what pyvo says of an argument into an error of this package, before anything is sent."""
    try:
        yield
    except (ValueError, TypeError, AttributeError) as err:  # errors of units are among them
        said = " ".join(map(str, err.args)).rstrip(".")
        raise InvalidArgumentError(f"The query cannot be made: {said}.") from err


def rename(table: Table, key: str, names: Mapping[str, str]) -> None:
    """Give columns the names that the package has for what they mean; a name that is in use stays where it is."""
    for column in list(table.columns.values()):
        meaning = str(column.meta.get(key, "")).lower()
        # The namespace of a utype is anybody's choice; that of a UCD is part of it.
        name = names.get(meaning if key == "ucd" else meaning.rpartition(":")[2])
        if name is not None and name not in table.colnames:
            table.rename_column(column.name, name)


def _in_meters(table: Table) -> None:
    """Let wavelengths be in meters; SIA 1 may tell their unit in a column of its own, of which the first row counts."""
    told = [column[0] for column in table.itercols() if str(column.meta.get("ucd")).lower() == _UNIT and len(column)]
    for column in [table[name] for name in ("em_min", "em_max") if name in table.colnames]:
        with suppress(ValueError, TypeError):  # no unit at all, or one of frequencies
            column.unit = column.unit or Unit(*told)
            column.convert_unit_to("m")


# -- images --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageSearch:
    """A search for images in the version of the protocol that is wanted, or that works; the addresses are in order."""

    cone: Cone
    urls: tuple[str, str]
    collection: Any
    version: int | None
    words: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse what no version knows, or not the one that is asked for."""
        if self.version not in (None, 1, 2):
            raise InvalidArgumentError(f"version={self.version!r}: 1 or 2 is needed, or None for the one that works.")
        if self.cone.radius > _LARGEST:
            raise InvalidArgumentError(f"The radius is {self.cone.radius:g} degrees; images take at most {_LARGEST:g}.")
        for name in self.words.keys() - _WORDS:
            raise no_such(f"query_sia has no argument {name!r}.", name, sorted(_WORDS))
        if self.version == 1 and not self._alike:
            given = ", ".join(self.words) or "more than one collection"
            raise InvalidArgumentError(f"{given} needs version 2: version 1 knows a place and a collection.")

    @property
    def _alike(self) -> bool:
        """Whether both versions can be asked."""
        return len(self._collections) < 2 and all(value is None for value in self.words.values())

    @property
    def _collections(self) -> list[str]:
        return [] if self.collection is None else [_name(each) for each in as_members("collection", self.collection)]

    def payload(self) -> dict[str, object]:
        """Return what is sent first."""
        return self._questions()[0].payload()

    def _questions(self) -> list[SimpleQuestion]:
        """The questions that may be asked, the best first."""
        one, two = self.urls
        second = SimpleQuestion(f"SIA 2 at {two}", lambda session: self._second(two, session))
        first = SimpleQuestion(f"SIA 1 at {one}", lambda session: self._first(one, session), "ucd", _BY_UCD)
        if self.version is not None:
            return [first if self.version == 1 else second]
        return [second, first] if self._alike else [second]

    def _first(self, url: str, session: VOSession | None) -> DALQuery:
        """Version 1; never with a format, with which it finds nothing of GALEX."""
        place, side = (self.cone.ra, self.cone.dec), 2 * self.cone.radius
        address = with_parameters(url, [("MISSION", each) for each in self._collections])
        return SIAQuery(address, pos=place, size=side, session=session)

    def _second(self, url: str, session: VOSession | None) -> DALQuery:
        circle = (self.cone.ra, self.cone.dec, max(self.cone.radius, _SMALLEST))
        return SIA2Query(url, pos=circle, collection=self._collections, session=session, **self.words)

    def table(self, service: MastService, deadline: Deadline) -> Table:
        """Return the images."""
        *better, last = self._questions()
        for question in better:
            try:
                # The other version needs time as well.
                return question.table(service, deadline.part(deadline.remaining() / 2))
            except (RemoteServiceError, QueryTimeoutError, BadRequestError) as err:
                if isinstance(err, BadRequestError) and err.status not in _ABSENT:
                    raise
                log.info("%s Asking SIA 1 instead.", err)
        return last.table(service, deadline)


# -- spectra and sources -------------------------------------------------------------------------------------------


def spectrum_question(cone: Cone, *, url: str, collection: Any, band: Any, time: Any) -> SimpleQuestion:
    """Return the question for spectra in a cone."""
    address = with_parameters(url, [] if collection is None else [("id", _name(collection))])
    place, diameter = (cone.ra, cone.dec), 2 * cone.radius

    def make(session: VOSession | None) -> DALQuery:
        return SSAQuery(address, pos=place, diameter=diameter, band=band, time=time, session=session)

    return SimpleQuestion(f"SSA at {url}", make, "utype", _BY_UTYPE)


def source_question(cone: Cone, *, url: str) -> SimpleQuestion:
    """Return the question for sources in a cone."""

    def make(session: VOSession | None) -> DALQuery:
        return SCSQuery(url, pos=(cone.ra, cone.dec), radius=cone.radius, session=session)

    return SimpleQuestion(f"Cone search at {url}", make, results=_ConeRows)


def source_address(url: str, catalog: Any) -> str:
    """Return the address of the cone search of a catalog, the service's own choice if none is named."""
    return with_parameters(url, [] if catalog is None else [("CAT", _name(catalog, "catalog", "GAIADR3"))])


def refuse_collection(collection: Any) -> None:
    """Refuse a collection of MAST for the service of another."""
    if collection is not None:
        raise InvalidArgumentError(
            f"collection={collection!r} is for MAST's own service; leave it out where service is given."
        )


def with_parameters(url: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Return an address with further parameters."""
    joined = "&" if "?" in url else "?"
    return f"{url}{joined}{urlencode(parameters)}" if parameters else url


def _name(given: Any, argument: str = "collection", example: str = "HST") -> str:
    """A name, as text."""
    name = as_unicode(given)
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError(f"{argument}={given!r}: a name is needed, such as {example!r}.")
    return name.strip()
