"""The private attribute ``_portal_api_connection``, which code sets to point ``astroquery.mast`` to another server.

In: values assigned to its attributes.  Out: addresses, a timeout and a page size for one client, which the next request
uses.  Values that are not assigned come from `~astroquery_mast.config.conf`.
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
    """The client of a connection."""

    TIMEOUT: Any
    PAGESIZE: Any
    _session: requests.Session


class AssignableEndpoints(Endpoints):
    """Addresses that can be assigned.

    The token is sent only to the configured servers, whatever is assigned.
    """

    def __init__(self, server: str | None = None) -> None:
        super().__init__(server)
        self.assigned: dict[str, str] = {}

    @property
    def invoke(self) -> str:
        """Address that Mashup requests are posted to."""
        return self.assigned.get("invoke", super().invoke)

    @property
    def columns_config(self) -> str:
        """Address of the column metadata of a Mashup service."""
        return self.assigned.get("columns_config", super().columns_config)

    @property
    def download(self) -> str:
        """Address for downloading one file, by its dataURI."""
        return self.assigned.get("download", super().download)

    @property
    def bundle(self) -> str:
        """Address for downloading a bundle of files."""
        return self.assigned.get("bundle", super().bundle)


class AssignableService(MastService):
    """The service object of a client whose timeout and page size can be assigned."""

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
        """Return a request with the page size of the client."""
        size = self._client.PAGESIZE if pagesize is None else pagesize
        return super().request_for(service, params, size, page, **properties)


class _Address:
    """An address of a `Connection`, under its name in ``astroquery.mast``."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def __get__(self, connection: Connection, owner: type[Connection]) -> str:
        """Return the current address."""
        return str(getattr(connection.endpoints, self._endpoint))

    def __set__(self, connection: Connection, address: str) -> None:
        """Set the address for the following requests."""
        connection.endpoints.assigned[self._endpoint] = str(address)


class Setting:
    """A setting of one client: the assigned value, or else the current value in `~astroquery_mast.config.conf`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, client: object | None, owner: type) -> Any:
        """Return the current value."""
        configured = getattr(conf, self._name)
        return configured if client is None else vars(client).get(f"_assigned_{self._name}", configured)

    def __set__(self, client: object, value: Any) -> None:
        """Set the value for the following requests.

        Assigning the configured value removes an assigned one, because code that changes a setting temporarily restores
        the value that it read before.
        """
        if value == getattr(conf, self._name):
            vars(client).pop(f"_assigned_{self._name}", None)
        else:
            vars(client)[f"_assigned_{self._name}"] = value


class _OfClient:
    """An attribute of a `Connection` that belongs to its client."""

    def __set_name__(self, owner: type[Connection], name: str) -> None:
        """Store the name."""
        self._name = name

    def __get__(self, connection: Connection, owner: type[Connection]) -> Any:
        """Return the attribute of the client."""
        return getattr(connection._client, self._name)

    def __set__(self, connection: Connection, value: Any) -> None:
        """Set the attribute of the client."""
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
