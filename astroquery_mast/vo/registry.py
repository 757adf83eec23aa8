"""Services of the Virtual Observatory: a search for them, and the address of a service that a user specifies.

In: search criteria, or the argument ``service`` of a user.  Out: a table of services, or an address.  The search is
implemented by pyvo, but its default registry is neither used nor changed.
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

#: Hosts that were shut down, including their subdomains, and the reasons; registries still list some of their services.
SHUT_DOWN_HOSTS = {
    "vao.stsci.edu": "MAST shut it down on 26 June 2025; see find_services() for replacements",
    "usvao.org": "the funding of the Virtual Astronomical Observatory ended in September 2014",
    "astrogrid.org": "the AstroGrid project ended in 2010",
}
#: Types of services, by the names that users write, with the standards that they follow.
SERVICE_KINDS = {"tap": "tap", "scs": "conesearch", "sia": "sia", "sia2": "sia2", "ssa": "ssa"}
_KINDS_OF_STANDARDS = {f"ivo://ivoa.net/std/{standard}": kind for kind, standard in SERVICE_KINDS.items()}
_SYNONYMS = {"cone": "scs", "conesearch": "scs", "sia1": "sia", "siap": "sia", "ssap": "ssa"}
#: The IVOA vocabulary of messengers: http://www.ivoa.net/rdf/messenger.
WAVEBANDS = ["radio", "millimeter", "infrared", "optical", "uv", "euv", "x-ray", "gamma-ray", "photon", "neutrino"]
#: Archives, with the authorities in the identifiers of their resources.  Registries have no better way to tell the
#: archives apart.
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
    """A condition for each of some values, in place of ``{value}``, or of ``{part}`` for strings that contain it."""

    def __init__(self, joined: str, condition: str, *values: str) -> None:
        conditions = []
        self._fillers: dict[str, str] = {}
        for place, value in enumerate(values):
            self._fillers |= {f"value{place}": value, f"part{place}": f"%{value}%"}
            conditions.append(condition.format(value=f"{{value{place}}}", part=f"{{part{place}}}"))
        self._condition = joined.join(conditions)


class _Words(registry.Freetext):  # type: ignore[misc, unused-ignore]
    """Words in titles, descriptions or subjects; without UNION, pyvo misses words that are in different subjects."""

    def get_search_condition(self, service: TAPService) -> str:
        """Return the condition for a registry."""
        if service.get_tap_capability().get_adql().get_feature(_SETS, "UNION"):
            return str(super().get_search_condition(service))
        return str(_Each(" AND ", _HAS_WORD, *self.words).get_search_condition(service))


_SETS = "ivo://ivoa.net/std/TAPRegExt#features-adql-sets"
_HAS_WORD = (
    "(1 = ivo_hasword(res_title, {value}) OR 1 = ivo_hasword(res_description, {value}) OR ivoid IN "
    "(SELECT ivoid FROM rr.res_subject WHERE 1 = ivo_nocasematch(res_subject, {part})))"
)
# pyvo's own constraint for wavebands downloads a vocabulary to check them, and that for authors is case-sensitive.
_HAS_AUTHOR = (
    "ivoid IN (SELECT ivoid FROM rr.res_role WHERE base_role = 'creator' AND 1 = ivo_nocasematch(role_name, {part}))"
)
_HAS_BAND = "1 = ivo_hashlist_has(rr.resource.waveband, {value})"


def wanted_services(
    keywords: Any, waveband: Any, servicetype: Any, archive: Any, author: Any, ivoid: Any
) -> list[registry.Constraint]:
    """Return search criteria as constraints of pyvo; raise if a name is not valid, or there are no criteria."""
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
    """Return one string or several as a list, empty for None; with ``known``, each must be one of these names."""
    texts = [] if given is None else [as_unicode(each) for each in as_members(name, given)]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise InvalidArgumentError(f"{name} must be one or more non-empty strings, got {given!r}.")
    return [_known(str(text).strip(), name, known) if known else str(text).strip() for text in texts]


def _known(given: Any, name: str, known: Iterable[str]) -> str:
    """Return the known name for a given one in any case."""
    text = str(given)
    return known_name(_SYNONYMS.get(text.lower(), text), known, f"{given!r} is not a valid {name}.", listed=True)


# -- the search ------------------------------------------------------------------------------------------------------


def find(wanted: Sequence[registry.Constraint], service: MastService, deadline: Deadline) -> Table:
    """Return the interfaces that match, each once: from MAST's registry, or from the fallback if that fails."""
    first, second = service.endpoints.registry, service.endpoints.fallback_registry
    try:
        return _search(first, wanted, service, deadline.part(deadline.remaining() / 2))
    except MastError as err:
        if not second or deadline.remaining() <= 0:
            raise
        log.warning("%s Querying the registry at %s instead.", err, second)
        try:
            return _search(second, wanted, service, deadline)
        except MastError as other:
            raise ServerError(f"No registry responded. {err} {other}", service=first) from other


def _search(url: str, wanted: Sequence[registry.Constraint], service: MastService, deadline: Deadline) -> Table:
    """Query one registry."""
    what = f"The registry at {url}"
    session = VOSession(service, deadline, what)
    with translated(what):
        adql = registry.get_RegTAP_query(*wanted, service=TAPService(url, session=session))
        query = TAPQuery(url, adql, maxrec=ROW_CAP, session=session)
        found = TAPResults(query.execute_votable(), url=query.queryurl, session=session)
        interfaces = list(_interfaces(found, session))
    if str(found.status[0]).lower() == "overflow":
        warn_user(f"{what} has more than these {len(found)} resources. Narrow the search.", MaxResultsWarning)
    dead = {row["access_url"]: reason for row in interfaces if (reason := shutdown_reason(row["access_url"]))}
    # Without duplicates, those of MAST first.
    kept = {(row["archive"] != "MAST", *row.values()): row for row in interfaces if row["access_url"] not in dead}
    columns = [_column(name, [kept[key][name] for key in sorted(kept)]) for name in _COLUMNS]
    return ResultTable(columns, meta={"registry": url, "query": adql, "left_out": dead}, copy=False)


def _interfaces(found: TAPResults, session: VOSession) -> Iterator[dict[str, str]]:
    """Yield the interfaces that can be queried, as rows with the metadata in the registry."""
    for index in range(len(found)):
        record = registry.RegistryResource(found, index, session=session)
        authority = record.ivoid.removeprefix("ivo://").split("/")[0]
        metadata = {
            "archive": _ARCHIVE_OF.get(authority, authority),
            "ivoid": record.ivoid,
            "short_name": record.short_name,
            "title": record.res_title,
            "waveband": ", ".join(record.waveband),
            "description": record.res_description,
            "reference_url": record.reference_url,
        }
        metadata = {name: " ".join(str(text or "").split()) for name, text in metadata.items()}
        for interface in record.list_interfaces():
            kind = _KINDS_OF_STANDARDS.get((interface.standard_id or "").split("#")[0])
            if kind is not None:
                yield {**metadata, "service_type": kind, "access_url": str(interface.access_url).strip()}


def _column(name: str, texts: Sequence[str]) -> MaskedColumn:
    """Return a column in which missing values are masked."""
    # Descriptions are objects: thousands of strings as wide as the longest one may not fit in memory.
    values = np.array(texts, dtype=object if name == "description" else str)
    return MaskedColumn(values, name=name, mask=values == "", description=_COLUMNS[name])


# -- addresses -------------------------------------------------------------------------------------------------------


def shutdown_reason(url: str) -> str | None:
    """Return why the host of an address does not respond; None if it may."""
    return next((reason for name, reason in SHUT_DOWN_HOSTS.items() if f".{_host(url)}".endswith(f".{name}")), None)


def _host(url: str) -> str:
    """Return the host of a URL in lower case; empty for other text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return (parts.hostname or "") * (parts.scheme in {"http", "https"})


def service_address(given: Any, service: MastService, deadline: Deadline, *kinds: str) -> tuple[str, str]:
    """Return the address of the service that a user specifies, and its type.

    Parameters
    ----------
    given : `~astropy.table.Row` or str
        A row of `find`, the address of a service, or the identifier of a resource (``ivo://...``), which is resolved.
    service : MastService
    deadline : Deadline
    *kinds : str
        The accepted types of services, of `SERVICE_KINDS`, in order of preference.  An address has the first type.

    Returns
    -------
    tuple of str
        The address, as in registries (that of an SIA 2 service ends with ``/query``), and the type.

    Raises
    ------
    InvalidArgumentError
        If it is not a service, has another type, or was shut down.
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
    if reason := shutdown_reason(text):
        raise InvalidArgumentError(f"No service responds at {text}: {reason}.")
    return text, kind


def _address_in(row: Row, kinds: Sequence[str]) -> tuple[str, str]:
    """Return the address and the type in a row of `find`."""
    if not {"access_url", "service_type"} <= set(row.colnames):
        raise InvalidArgumentError(
            "This row is not a service: it has no access_url and service_type. Use a row of find_services()."
        )
    url, kind = str(row["access_url"]), str(row["service_type"])
    if kind not in kinds:
        raise InvalidArgumentError(f"{url} is a service of type {kind!r}, not {alternatives(kinds)}.")
    return url, kind


def _address_named(ivoid: str, every: Table, kinds: Sequence[str]) -> tuple[str, str]:
    """Return the address and the type of the preferred service of a resource."""
    types = list(every["service_type"])
    kind = next((kind for kind in kinds if kind in types), None)
    if kind is None:
        reasons = "".join(f" {url} was shut down: {why}." for url, why in every.meta["left_out"].items())
        listed = ", ".join(sorted(set(types))) or "no service that can be queried"
        raise InvalidArgumentError(
            f"{ivoid} has no service of type {alternatives(kinds)}. The registry lists {listed}.{reasons}"
        )
    url, *others = sorted(set(every["access_url"][every["service_type"] == kind]))
    if others:
        raise InvalidArgumentError(
            f"{ivoid} has several services of type {kind!r}. Use one of {url}, {', '.join(others)}."
        )
    return str(url), kind
