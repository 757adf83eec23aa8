"""The private attribute that much code sets to point ``astroquery.mast`` elsewhere: ``X._portal_api_connection``.

In: what is assigned to it.  Out: addresses, a time limit and a page size for one client, in effect with the next
request.  What was not assigned comes from `~astroquery_mast.config.conf`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from astropy import units as u

from ..config import Endpoints, conf
from ..query.request import MashupRequest
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..service.token import Credentials

if TYPE_CHECKING:
    import requests


class _Client(Protocol):
    """What a connection belongs to."""

    TIMEOUT: Any
    PAGESIZE: Any
    _session: requests.Session


class AssignableEndpoints(Endpoints):
    """Addresses of which some were assigned.

    The token goes to the configured servers only, whatever is assigned.
    """

    def __init__(self, server: str | None = None) -> None:
        super().__init__(server)
        self.assigned: dict[str, str] = {}

    @property
    def invoke(self) -> str:
        """Where Mashup requests are posted."""
        return self.assigned.get("invoke", super().invoke)

    @property
    def columns_config(self) -> str:
        """Where the metadata of a service's columns is read."""
        return self.assigned.get("columns_config", super().columns_config)

    @property
    def download(self) -> str:
        """Where one file is fetched, by its dataURI."""
        return self.assigned.get("download", super().download)

    @property
    def bundle(self) -> str:
        """Where several files are fetched at once."""
        return self.assigned.get("bundle", super().bundle)


class AssignableService(MastService):
    """The conversation of a client whose time limit and page size may have been assigned."""

    def __init__(
        self, client: _Client, endpoints: Endpoints, cache_folder: Callable[[], Path], credentials: Credentials
    ) -> None:
        self._client = client
        super().__init__(endpoints, cache_folder, credentials)

    def deadline(self, timeout: float | u.Quantity | None) -> Deadline:
        """Start the clock of a call."""
        return super().deadline(self._client.TIMEOUT if timeout is None else timeout)

    def request_for(
        self, service: str, params: Mapping[str, Any], pagesize: int | None, page: int | None, **properties: Any
    ) -> MashupRequest:
        """Make a request with the page size of the client."""
        size = self._client.PAGESIZE if pagesize is None else pagesize
        return super().request_for(service, params, size, page, **properties)


class _Address:
    """An address of a `Connection`, under the name that ``astroquery.mast`` gives it."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def __get__(self, connection: Connection, owner: type[Connection]) -> str:
        """Return the address that is in use now."""
        return str(getattr(connection.endpoints, self._endpoint))

    def __set__(self, connection: Connection, address: str) -> None:
        """Use an address from the next request on."""
        connection.endpoints.assigned[self._endpoint] = str(address)


class Setting:
    """A setting of one client: what was assigned, else that of `~astroquery_mast.config.conf` at the time of asking."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, client: object | None, owner: type) -> Any:
        """Return the value that is in use now."""
        configured = getattr(conf, self._name)
        return configured if client is None else vars(client).get(f"_assigned_{self._name}", configured)

    def __set__(self, client: object, value: Any) -> None:
        """Use a value from the next request on.

        The configured value itself means no value of its own: code that changes a setting for a while puts back what it
        has read before.
        """
        if value == getattr(conf, self._name):
            vars(client).pop(f"_assigned_{self._name}", None)
        else:
            vars(client)[f"_assigned_{self._name}"] = value


class _OfClient:
    """What a `Connection` and its client have under the same name."""

    def __set_name__(self, owner: type[Connection], name: str) -> None:
        """Take down the name."""
        self._name = name

    def __get__(self, connection: Connection, owner: type[Connection]) -> Any:
        """Return what the client has now."""
        return getattr(connection._client, self._name)

    def __set__(self, connection: Connection, value: Any) -> None:
        """Give the client another one."""
        setattr(connection._client, self._name, value)


class Connection:
    """A client's addresses and settings, as ``astroquery.mast`` keeps them in a private attribute."""

    MAST_REQUEST_URL = _Address("invoke")
    COLUMNS_CONFIG_URL = _Address("columns_config")
    MAST_DOWNLOAD_URL = _Address("download")
    MAST_BUNDLE_URL = _Address("bundle")
    TIMEOUT = _OfClient()
    PAGESIZE = _OfClient()
    _session = _OfClient()

    def __init__(self, client: _Client, endpoints: AssignableEndpoints) -> None:
        self._client = client
        self.endpoints = endpoints
