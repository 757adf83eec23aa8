"""Services of the Virtual Observatory: which there are, which are dead, and the address of the one that is meant.

In: what services are looked for, or what a user gives as a service.  Out: a table of them, or an address.  The search
is pyvo's, asked of a registry that is given here: the registry that pyvo itself would ask is neither read nor changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from astropy.table import MaskedColumn, Row, Table
from astroquery import log
from pyvo import registry
from pyvo.dal import TAPService
from pyvo.dal.tap import TAPQuery, TAPResults

from ..exceptions import InvalidArgumentError, MastError, MaxResultsWarning, ServerError
from ..query.values import as_members, as_unicode
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.columns import alternatives, known_name
from ..tables.result_table import ResultTable
from ..warn import warn_user
from .session import VOSession, translated
from .tap import ROW_CAP

#: Hosts that serve nothing any more, with all names below them, and why; registries still list some of their services.
DEAD_HOSTS = {
    "vao.stsci.edu": "MAST shut it down on 26 June 2025; see find_services() for replacements",
    "usvao.org": "the funding of the Virtual Astronomical Observatory ended in September 2014",
    "astrogrid.org": "the AstroGrid project ended in 2010",
}
#: Kinds of services, by the names that users give them, and the standards that they follow.
SERVICE_KINDS = {"tap": "tap", "scs": "conesearch", "sia": "sia", "sia2": "sia2", "ssa": "ssa"}
_KINDS_OF_STANDARDS = {f"ivo://ivoa.net/std/{standard}": kind for kind, standard in SERVICE_KINDS.items()}
_SYNONYMS = {"cone": "scs", "conesearch": "scs", "sia1": "sia", "siap": "sia", "ssap": "ssa"}
#: The IVOA's vocabulary of what carries information: http://www.ivoa.net/rdf/messenger.
WAVEBANDS = ["radio", "millimeter", "infrared", "optical", "uv", "euv", "x-ray", "gamma-ray", "photon", "neutrino"]
#: Archives, and the authorities in the identifiers of their resources: registries tell them apart in no better way.
ARCHIVES = {
    "MAST": ("archive.stsci.edu", "mast.stsci"),
    "HEASARC": ("nasa.heasarc",),
    "IRSA": ("irsa.ipac",),
    "NED": ("ned.ipac",),
    "CADC": ("cadc.nrc.ca",),
    "JHU": ("sdss.jhu",),
}
_ARCHIVE_OF = {authority: archive for archive, authorities in ARCHIVES.items() for authority in authorities}
_NAVO = [name for name, archive in _ARCHIVE_OF.items() if archive in {"MAST", "HEASARC", "IRSA", "NED"}]
_GROUPS: Mapping[str, Sequence[str]] = {**ARCHIVES, "NAVO": _NAVO, "all": ()}
_COLUMNS = {
    "short_name": "Name of at most 16 characters",
    "title": "Full name",
    "archive": "Archive, or the authority in the identifier",
    "service_type": "tap, scs (cone search), sia, sia2 (images) or ssa (spectra)",
    "waveband": "Parts of the spectrum",
    "access_url": "Address of the service",
    "ivoid": "Identifier of the resource",
    "description": "Description of the resource",
    "reference_url": "Web page of the resource",
}


class _Each(registry.Constraint):  # type: ignore[misc, unused-ignore]
    """A condition for each of some values: ``{value}`` stands for it, and ``{part}`` for a text that has it in it."""

    def __init__(self, joined: str, condition: str, *values: str) -> None:
        conditions = []
        self._fillers: dict[str, str] = {}
        for place, value in enumerate(values):
            self._fillers |= {f"value{place}": value, f"part{place}": f"%{value}%"}
            conditions.append(condition.format(value=f"{{value{place}}}", part=f"{{part{place}}}"))
        self._condition = joined.join(conditions)


class _Words(registry.Freetext):  # type: ignore[misc, unused-ignore]
    """Words in titles, descriptions or subjects; without UNION, pyvo misses those that stand in different subjects."""

    def get_search_condition(self, service: TAPService) -> str:
        """Write the condition for a registry."""
        if service.get_tap_capability().get_adql().get_feature(_SETS, "UNION"):
            return str(super().get_search_condition(service))
        return str(_Each(" AND ", _HAS_WORD, *self.words).get_search_condition(service))


_SETS = "ivo://ivoa.net/std/TAPRegExt#features-adql-sets"
_HAS_WORD = (
    "(1 = ivo_hasword(res_title, {value}) OR 1 = ivo_hasword(res_description, {value}) OR ivoid IN "
    "(SELECT ivoid FROM rr.res_subject WHERE 1 = ivo_nocasematch(res_subject, {part})))"
)
# pyvo's own constraint for wavebands downloads a vocabulary to check them, and that for authors wants the right case.
_HAS_AUTHOR = (
    "ivoid IN (SELECT ivoid FROM rr.res_role WHERE base_role = 'creator' AND 1 = ivo_nocasematch(role_name, {part}))"
)
_HAS_BAND = "1 = ivo_hashlist_has(rr.resource.waveband, {value})"


def wanted_services(
    keywords: Any, waveband: Any, servicetype: Any, archive: Any, author: Any, ivoid: Any
) -> list[registry.Constraint]:
    """Return what a user looks for in pyvo's terms; raise if a name is not valid, or nothing is said."""
    ivoids = _texts(ivoid, "ivoid")
    for name in ivoids:
        if not name.lower().startswith("ivo://"):
            raise InvalidArgumentError(f"ivoid must be an IVOA identifier, which starts with 'ivo://', got {name!r}.")
    authorities = _GROUPS[_known(archive, "archive", _GROUPS)]
    given: list[tuple[Callable[..., registry.Constraint], list[str]]] = [
        (_Words, " ".join(_texts(keywords, "keywords")).split()),
        (partial(_Each, " OR ", _HAS_BAND), _texts(waveband, "waveband", WAVEBANDS)),
        (registry.Servicetype, _texts(servicetype, "servicetype", SERVICE_KINDS)),
        (partial(_Each, " OR ", "ivoid LIKE {value}"), [f"ivo://{name}/%" for name in authorities if not ivoids]),
        (partial(_Each, " AND ", _HAS_AUTHOR), _texts(author, "author")),
        (registry.Ivoid, ivoids),
    ]
    constraints = [make(*values) for make, values in given if values]
    if not constraints:
        raise InvalidArgumentError(
            "archive='all' alone matches every service of the Virtual Observatory. Specify keywords, "
            "waveband, servicetype, author or ivoid as well."
        )
    return constraints


def _texts(given: Any, name: str, known: Iterable[str] = ()) -> list[str]:
    """One text or several, as a list; None is none of them.  If names are known, each has to be one of these."""
    texts = [] if given is None else [as_unicode(each) for each in as_members(name, given)]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise InvalidArgumentError(f"{name} must be one or more non-empty strings, got {given!r}.")
    return [_known(str(text).strip(), name, known) if known else str(text).strip() for text in texts]


def _known(given: Any, name: str, known: Iterable[str]) -> str:
    """The name that is meant, whatever its case."""
    text = str(given)
    return known_name(_SYNONYMS.get(text.lower(), text), known, f"{given!r} is not a valid {name}.", listed=True)


# -- the search ------------------------------------------------------------------------------------------------------


def find(wanted: Sequence[registry.Constraint], service: MastService, deadline: Deadline) -> Table:
    """Return the interfaces of what is wanted, each once: from MAST's registry, or from another if that one fails."""
    first, second = service.endpoints.registry, service.endpoints.fallback_registry
    try:
        return _answer(first, wanted, service, deadline.part(deadline.remaining() / 2))
    except MastError as err:
        if not second or deadline.remaining() <= 0:
            raise
        log.warning("%s Querying the registry at %s instead.", err, second)
        try:
            return _answer(second, wanted, service, deadline)
        except MastError as other:
            raise ServerError(f"No registry responded. {err} {other}", service=first) from other


def _answer(url: str, wanted: Sequence[registry.Constraint], service: MastService, deadline: Deadline) -> Table:
    """Ask one registry."""
    what = f"The registry at {url}"
    session = VOSession(service, deadline, what)
    with translated(what):
        adql = registry.get_RegTAP_query(*wanted, service=TAPService(url, session=session))
        query = TAPQuery(url, adql, maxrec=ROW_CAP, session=session)
        found = TAPResults(query.execute_votable(), url=query.queryurl, session=session)
        offered = list(_offered(found, session))
    if str(found.status[0]).lower() == "overflow":
        warn_user(f"{what} has more than these {len(found)} resources. Narrow the search.", MaxResultsWarning)
    dead = {row["access_url"]: reason for row in offered if (reason := why_dead(row["access_url"]))}
    # Each once; those of MAST come first.
    kept = {(row["archive"] != "MAST", *row.values()): row for row in offered if row["access_url"] not in dead}
    columns = [_column(name, [kept[key][name] for key in sorted(kept)]) for name in _COLUMNS]
    return ResultTable(columns, meta={"registry": url, "query": adql, "left_out": dead}, copy=False)


def _offered(found: TAPResults, session: VOSession) -> Iterator[dict[str, str]]:
    """Give the rows of all interfaces that can be asked, as the registry has them."""
    for index in range(len(found)):
        record = registry.RegistryResource(found, index, session=session)
        authority = record.ivoid.removeprefix("ivo://").split("/")[0]
        told = {
            "archive": _ARCHIVE_OF.get(authority, authority),
            "ivoid": record.ivoid,
            "short_name": record.short_name,
            "title": record.res_title,
            "waveband": ", ".join(record.waveband),
            "description": record.res_description,
            "reference_url": record.reference_url,
        }
        told = {name: " ".join(str(text or "").split()) for name, text in told.items()}
        for interface in record.list_interfaces():
            kind = _KINDS_OF_STANDARDS.get((interface.standard_id or "").split("#")[0])
            if kind is not None:
                yield {**told, "service_type": kind, "access_url": str(interface.access_url).strip()}


def _column(name: str, texts: Sequence[str]) -> MaskedColumn:
    """A column; what a record does not say is masked."""
    # Thousands of descriptions, each as wide as the longest, may need more memory than there is.
    values = np.array(texts, dtype=object if name == "description" else str)
    return MaskedColumn(values, name=name, mask=values == "", description=_COLUMNS[name])


# -- addresses -------------------------------------------------------------------------------------------------------


def why_dead(url: str) -> str | None:
    """Return why nothing can answer at an address; None if something may."""
    return next((why for name, why in DEAD_HOSTS.items() if f".{_host(url)}".endswith(f".{name}")), None)


def _host(url: str) -> str:
    """The host of an address of the web, in small letters; empty if it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return (parts.hostname or "") * (parts.scheme in {"http", "https"})


def service_address(given: Any, service: MastService, deadline: Deadline, *kinds: str) -> tuple[str, str]:
    """Return the address of the service that a user means, and of which kind it is.

    Parameters
    ----------
    given : `~astropy.table.Row` or str
        A row of `find`, the address of a service, or the identifier of a resource (``ivo://...``), which is looked up.
    service : MastService
    deadline : Deadline
    *kinds : str
        The kinds of services that can be asked, of `SERVICE_KINDS`, the best first: an address is taken for that.

    Returns
    -------
    tuple of str
        The address is as registries have it: that of an SIA 2 service ends with ``/query``.

    Raises
    ------
    InvalidArgumentError
        If it is no service, one of another kind, or known to be dead.
    """
    if isinstance(given, Table):
        raise InvalidArgumentError("service must be one row, got a table. Use table[0], for example.")
    text, kind = _address_in(given, kinds) if isinstance(given, Row) else (str(as_unicode(given)).strip(), kinds[0])
    if text.lower().startswith("ivo://"):
        return _address_named(text, find([registry.Ivoid(text)], service, deadline), kinds)
    if not _host(text):
        raise InvalidArgumentError(
            f"service must be a row of find_services(), a URL (https://...) or an identifier (ivo://...), got {text!r}."
        )
    if reason := why_dead(text):
        raise InvalidArgumentError(f"No service responds at {text}: {reason}.")
    return text, kind


def _address_in(row: Row, kinds: Sequence[str]) -> tuple[str, str]:
    """The address in a row of `find`."""
    if not {"access_url", "service_type"} <= set(row.colnames):
        raise InvalidArgumentError(
            "This row is not a service: it has no access_url and service_type. Use a row of find_services()."
        )
    url, kind = str(row["access_url"]), str(row["service_type"])
    if kind not in kinds:
        raise InvalidArgumentError(f"{url} is a service of type {kind!r}, not {alternatives(kinds)}.")
    return url, kind


def _address_named(ivoid: str, every: Table, kinds: Sequence[str]) -> tuple[str, str]:
    """The address that a registry has for a resource, of the best kind."""
    has = list(every["service_type"])
    kind = next((kind for kind in kinds if kind in has), None)
    if kind is None:
        reasons = "".join(f" {url} was shut down: {why}." for url, why in every.meta["left_out"].items())
        listed = ", ".join(sorted(set(has))) or "no service that can be queried"
        raise InvalidArgumentError(
            f"{ivoid} has no service of type {alternatives(kinds)}. The registry lists {listed}.{reasons}"
        )
    url, *others = sorted(set(every["access_url"][every["service_type"] == kind]))
    if others:
        raise InvalidArgumentError(
            f"{ivoid} has several services of type {kind!r}. Use one of {url}, {', '.join(others)}."
        )
    return str(url), kind
