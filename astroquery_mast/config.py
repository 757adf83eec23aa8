"""Settings and addresses, which are read each time they are used.

`conf` is an astropy configuration namespace, so that a value can come from the configuration file, from
``conf.server = ...`` in a script, or from ``with conf.set_temp("timeout", 60):``.  `Endpoints` turns the settings into
addresses.  No setting is copied at import: a change takes effect with the next request.  `count_setting` and
`seconds_setting` read numbers and raise an error for invalid ones.
"""

from __future__ import annotations

import html
import json
import shutil
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, urlsplit

from astropy import config as _config

from .exceptions import InvalidQueryError

__all__ = ["Conf", "Endpoints", "conf", "count_setting", "seconds_setting"]


def _item(default: object, description: str) -> _config.ConfigItem:
    """Return a setting in the file ``astroquery_mast.cfg``, for any module that defines it."""
    return _config.ConfigItem(default, description, module="astroquery_mast")


_SETTINGS = (
    "Settings of astroquery_mast. Set one with conf.timeout = 60, for example. Changed settings are marked with *."
)
# Minimum width of a description, in characters.
_NARROWEST = 18


class Conf(_config.ConfigNamespace):
    """Configuration parameters for `astroquery_mast`; names and defaults of ``astroquery.mast`` are kept."""

    server = _item("https://mast.stsci.edu", "Address of the MAST server.")
    ssoserver = _item("https://ssoportal.stsci.edu", "Address of the MAST single sign-on portal.")
    auth_server = _item("https://auth.mast.stsci.edu", "Address of the pages where tokens are created.")
    catalogs_server = _item("https://catalogs.mast.stsci.edu", "Address of the Catalogs.MAST server.")
    resolver_server = _item("https://mastresolver.stsci.edu", "Address of the SANTA name resolver.")
    hla_server = _item("https://hla.stsci.edu", "Address of the Hubble Legacy Archive, which serves the HSC's spectra.")
    archive_server = _item("https://archive.stsci.edu", "Address of MAST's older services, which serve VO spectra.")
    gsss_server = _item("https://gsss.stsci.edu", "Address of the cone searches of the Guide Star Catalog and others.")
    casjobs_server = _item(
        "https://mastweb.stsci.edu",
        "Address of CasJobs, which runs queries in SQL, optionally with the path of a site such as /mcasjobs.",
    )
    programs_server = _item("https://www.stsci.edu", "Address of the pages of observing programs and their visits.")
    fallback_registry = _item(
        "http://reg.g-vo.org/tap", "Address of the VO registry to use when MAST's registry fails; empty for none."
    )
    timeout = _item(600.0, "Maximum duration of a call in seconds, including polling, paging and retries.")
    connect_timeout = _item(30.0, "Timeout for connecting, in seconds.")
    read_timeout = _item(120.0, "Seconds without data after which a request is sent again.")
    pagesize = _item(50000, "Rows requested per page.")
    # The number of connections that a browser opens to one server, which servers are designed for.
    max_workers = _item(6, "Maximum number of concurrent requests of a call.")
    max_attempts = _item(4, "Maximum number of attempts of a request before a transient error is raised.")
    server_row_limit = _item(500_000, "Maximum number of rows that MAST returns per request; larger queries are split.")
    max_response_size = _item(
        2_000_000_000, "Maximum size in bytes of a response in memory; a larger one raises an error."
    )
    max_file_size = _item(
        100_000_000_000,
        "Maximum size in bytes of a file whose size is not in the catalog, such as a bundle; a larger one "
        "raises an error.",
    )
    cache = _item(False, "Whether results are cached on disk, within the limits of astroquery.cache_conf.")
    cloud_server = _item("https://stpubdata.s3.amazonaws.com", "Address of the public cloud copy of MAST's data.")
    cloud_bucket = _item("stpubdata", "Name of the bucket that holds the public cloud copy, for s3:// addresses.")
    enable_cloud_dataset = _item(True, "Has no effect by itself; call enable_cloud_dataset().")

    def __repr__(self) -> str:
        """List the settings with their descriptions; an asterisk marks changed ones."""
        rows = self._rows()
        name_width, value_width = (max(len(row[place]) for row in rows) for place in (0, 1))
        indent = " " * (name_width + value_width + 6)
        width = max(len(indent) + _NARROWEST, shutil.get_terminal_size().columns)
        lines = [_SETTINGS]
        for name, value, description in rows:
            head = f"  {name:{name_width}}  {value:{value_width}}  "
            lines += textwrap.wrap(head + description, width, subsequent_indent=indent, break_on_hyphens=False)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the settings as a table in a notebook."""
        rows = (
            f"<tr><td><code>{name}</code></td><td><code>{html.escape(value)}</code></td>"
            f'<td style="text-align:left">{html.escape(description)}</td></tr>'
            for name, value, description in self._rows()
        )
        return f"<div>{html.escape(_SETTINGS)}<table>{''.join(rows)}</table></div>"

    def _rows(self) -> list[tuple[str, str, str]]:
        """The name, the value and the description of each setting."""
        found = []
        for name in self:
            value, item = getattr(self, name), vars(type(self))[name]
            mark = "" if value == item.defaultvalue else " *"
            found.append((name, f"{value!r}{mark}", item.description))
        return found


conf = Conf()


def count_setting(name: str) -> int:
    """Return the value of a setting that is a count.

    Parameters
    ----------
    name : str
        The name of the setting in `conf`.

    Returns
    -------
    int
        The value, 1 or more.

    Raises
    ------
    InvalidQueryError
        If the value is not an integer, or less than 1.
    """
    value = getattr(conf, name)
    if not isinstance(value, int) or value < 1:
        raise InvalidQueryError(f"conf.{name} must be an integer >= 1, got {value!r}.")
    return value


def seconds_setting(name: str) -> float:
    """Return the value of a setting that is a time.

    Parameters
    ----------
    name : str
        The name of the setting in `conf`.

    Returns
    -------
    float
        The value in seconds, greater than 0; infinity for no limit.

    Raises
    ------
    InvalidQueryError
        If the value is not a number, or not positive.
    """
    value = getattr(conf, name)
    if not isinstance(value, int | float) or not value > 0:
        raise InvalidQueryError(
            f"conf.{name} must be a positive number of seconds (or infinity for no limit), got {value!r}."
        )
    return float(value)


@dataclass(frozen=True)
class ProcessState:
    """State that all clients of a process share besides `conf`: how to read and write it, and its initial value."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
    initial: Any


# Each module that has such a state adds it on import.
PROCESS_STATES: list[ProcessState] = []


@contextmanager
def fresh_state() -> Iterator[None]:
    """Reset the shared state, such as the login; restore it and the settings at the end."""
    settings = {name: getattr(conf, name) for name in conf}
    before = [(state, state.read()) for state in PROCESS_STATES]
    for state, _ in before:
        state.write(state.initial)
    try:
        yield
    finally:
        for state in PROCESS_STATES[len(before) :]:
            state.write(state.initial)
        for state, value in before:
            state.write(value)
        for name, value in settings.items():
            if getattr(conf, name) != value:
                setattr(conf, name, value)


def file_address(download_url: str, uri: str) -> str:
    """Return the download address of a dataURI, escaped, because an ``&`` in it would end the parameter."""
    return f"{download_url}?uri={quote(uri, safe=':/', errors='replace')}"


def program_pages(server: str, mission: str) -> str:
    """Return the address of the program pages of a mission, JWST or HST."""
    return f"{server}/{mission.lower()}-program-info"


def observation_page(server: str, obs_id: str) -> str:
    """Return the address of an observation in the MAST Portal, by its obs_id."""
    words = {"valString": obs_id, "freeText": obs_id, "displayString": obs_id}
    criterion = {"paramName": "obs_id", "niceName": "obs_id", "values": [], "isDate": False, **words}
    search = {
        "service": "CAOMFILTERED",
        "inputText": [criterion],
        "position": "undefined, undefined, undefined",
        "paramsService": "Mast.Caom.Filtered",
        "title": f"MAST: {obs_id}",
        "columns": "*",
    }
    query = quote(json.dumps(search, separators=(",", ":")), safe="")
    return f"{server}/portal/Mashup/Clients/Mast/Portal.html?searchQuery={query}"


_ADDRESSES = (
    "server",
    "auth_server",
    "catalogs_server",
    "resolver_server",
    "hla_server",
    "archive_server",
    "gsss_server",
    "casjobs_server",
    "programs_server",
    "fallback_registry",
    "cloud_server",
    "cloud_bucket",
)


def _default(name: str) -> str:
    """The default of a setting."""
    return str(vars(Conf)[name].defaultvalue)


class Endpoints:
    """The addresses of the MAST services, derived from `conf` on each access.

    A pickled copy includes the addresses that differ from the defaults, because another process has its own `conf`.
    In that process, they are used where `conf` has the default.

    Parameters
    ----------
    server : str, optional
        The server to use instead of ``conf.server``, for one client only.
    casjobs_server : str, optional
        The same for ``conf.casjobs_server``.
    """

    def __init__(self, server: str | None = None, casjobs_server: str | None = None) -> None:
        self._server = server
        self._casjobs_server = casjobs_server
        self._brought: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Include the configured addresses, for another process."""
        configured = {name: self._configured(name) for name in _ADDRESSES}
        brought = {name: value for name, value in configured.items() if value != _default(name)}
        return {**vars(self), "_brought": brought}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Copy without adding the configured addresses, since the copy stays in this process."""
        copied = type(self).__new__(type(self))
        vars(copied).update(deepcopy(vars(self), memo))
        return copied

    def _configured(self, name: str) -> str:
        """An address as configured in this process, or in the process that pickled this object."""
        here = str(getattr(conf, name)).rstrip("/")
        return self._brought.get(name, here) if here == _default(name) else here

    @property
    def server(self) -> str:
        """Address of the MAST server, without a trailing slash."""
        return str(self._server).rstrip("/") if self._server else self._configured("server")

    @property
    def catalogs_server(self) -> str:
        """Address of the Catalogs.MAST server, without a trailing slash."""
        return self._configured("catalogs_server")

    @property
    def cloud_server(self) -> str:
        """Address of the public cloud copy, without a trailing slash."""
        return self._configured("cloud_server")

    @property
    def cloud_bucket(self) -> str:
        """Name of the bucket of the public cloud copy."""
        return self._configured("cloud_bucket")

    @property
    def invoke(self) -> str:
        """Address that Mashup requests are posted to."""
        return f"{self.server}/api/v0/invoke"

    @property
    def columns_config(self) -> str:
        """Address of the column metadata of a Mashup service."""
        return f"{self.server}/portal/Mashup/Mashup.asmx/columnsconfig"

    @property
    def download(self) -> str:
        """Address for downloading one file, by its dataURI."""
        return f"{self.server}/api/v0.1/Download/file"

    @property
    def bundle(self) -> str:
        """Address for downloading a bundle of files, without ``.sh``, ``.zip`` or ``.tar.gz``."""
        return f"{self.server}/api/v0.1/Download/bundle"

    @property
    def path_lookup(self) -> str:
        """Address for looking up the cloud path of a dataURI."""
        return f"{self.server}/api/v0.1/path_lookup/"

    @property
    def mission_columns(self) -> str:
        """Address of the column lists of the mission searches."""
        return f"{self.server}/search/util/api/v0.1/column_list"

    def mission(self, mission: str) -> str:
        """Base address of the search of a mission, such as ``hst``, without ``/search`` or another method."""
        return f"{self.server}/search/{mission.lower()}/api/v0.1"

    @property
    def catalogs(self) -> str:
        """Base address of Catalogs.MAST, without a catalog such as ``/panstarrs/dr2/mean.json``."""
        return f"{self.catalogs_server}/api/v0.1"

    def cutouts(self, service: str) -> str:
        """Base address of ``tesscut``, ``zcut`` or ``hapcut``, without ``/astrocut`` or another method."""
        return f"{self.server}/{service}/api/v0.1"

    @property
    def hla_server(self) -> str:
        """Address of the Hubble Legacy Archive, without a trailing slash."""
        return self._configured("hla_server")

    @property
    def tap(self) -> str:
        """Base address of the TAP services, without a service such as ``/caom``."""
        return f"{self.server}/vo-tap/api/v0.1"

    @property
    def viz(self) -> str:
        """Base address of metadata for visualization tools, without a path such as ``/info/mnemonics``."""
        return f"{self.server}/viz/api/v0.1"

    @property
    def images(self) -> tuple[str, str]:
        """Addresses of the image searches: SIA version 1, without the mission, and SIA version 2."""
        return f"{self.server}/portal_vo/Mashup/VoQuery.asmx/SiaV1", f"{self.server}/vo-sia/api/v0.1/query"

    @property
    def spectra(self) -> str:
        """Address of the spectrum searches by SSA; the mission may be appended."""
        return f"{self._configured('archive_server')}/ssap/search2.php"

    def hlsp_page(self, name: str) -> str:
        """Address of the page of a collection of high-level science products."""
        return f"{self._configured('archive_server')}/hlsp/{name.lower()}"

    @property
    def cones(self) -> str:
        """Address of the VO cone searches of catalogs, without the catalog."""
        return f"{self._configured('gsss_server')}/webservices/vo/ConeSearch.aspx"

    @property
    def casjobs(self) -> str:
        """Base address of CasJobs, without an operation such as ``/services/jobs.asmx/SubmitJob``."""
        server = str(self._casjobs_server or self._configured("casjobs_server")).rstrip("/")
        # MAST has several CasJobs sites, such as ``/mcasjobs``; the setting may include the path of one.
        return server if urlsplit(server).path else f"{server}/ps1casjobs"

    @property
    def programs_server(self) -> str:
        """Address of the pages of observing programs, without a trailing slash."""
        return self._configured("programs_server")

    @property
    def registry(self) -> str:
        """Address of MAST's registry of the Virtual Observatory, a TAP service."""
        return f"{self.tap}/registry"

    @property
    def fallback_registry(self) -> str:
        """Address of the registry to use if MAST's fails; empty for none."""
        return self._configured("fallback_registry")

    @property
    def whoami(self) -> str:
        """Address that returns the owner of a token."""
        return f"{self.server}/whoami"

    @property
    def token_page(self) -> str:
        """Address of the web page that creates a token with access to exclusive data."""
        auth = self._configured("auth_server")
        return f"{auth}/token?suggested_name=Astroquery&suggested_scope=mast:exclusive_access"

    @property
    def resolver(self) -> str:
        """Address of the name resolver."""
        return f"{self._configured('resolver_server')}/Santa-war/query"
