"""Private names of ``astroquery.mast`` that other people's code uses, for the clients of `astroquery_mast.compat` only.

In: an assignment or a call under such a name.  Out: what the public call of this package does.  None of these names is
part of this package's own interface: use ``conf``, and the arguments of the constructors and methods.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import requests
from astropy.table import Table
from astropy.utils.decorators import deprecated

from ..downloads.client import Downloads
from ..downloads.destination import LOCAL_FILES
from ..exceptions import InvalidCriterionError
from ..observations.search import CAOM_CONE, CAOM_FILTERED
from ..products.manifest import Status
from ..products.plan import single_file
from ..query.request import MashupRequest
from ..service.core import MastClass
from ..service.mast_service import MastService
from ..service.token import Credentials
from ..tables.mashup import parse_page
from ..tables.table import TableBuilder
from ..warn import warn_no_results
from .connection import AssignableEndpoints, AssignableService, Connection, Setting

__all__ = ["ParseResultMixin", "PrivateNames", "UnavailableCloud"]

_HTTP = "HTTPError: "


class PrivateNames(MastClass):
    """What all clients have under private names; see `~astroquery_mast.MastClass` for parameters."""

    TIMEOUT = Setting("timeout")
    PAGESIZE = Setting("pagesize")

    def _new_service(self, server: str | None, credentials: Credentials) -> MastService:
        """Make what talks to the archive, with the addresses and settings that are assigned to this client."""
        return AssignableService(self, AssignableEndpoints(server), self._cache_folder, credentials)

    @cached_property
    def _portal_api_connection(self) -> Connection:
        """Addresses and settings of this client."""
        endpoints = self._service.endpoints
        assert isinstance(endpoints, AssignableEndpoints)
        return Connection(self, endpoints)

    @property
    def _service_api_connection(self) -> Connection:
        """The same; ``astroquery.mast`` has one for Mashup and one for its other services."""
        return self._portal_api_connection

    @property
    def _column_configs(self) -> dict[str, Any]:
        """The columns that the archive was asked for: service → columns."""
        return self._service.columns.read()

    @_column_configs.setter
    def _column_configs(self, _configs: Mapping[str, Any]) -> None:
        """Forget what was read, whatever is assigned: code assigns an empty dictionary."""
        self._service.columns.forget()

    def _download_file(
        self, url: str, local_filepath: str | os.PathLike[str], *_options: Any, cache: bool = False, **_more: Any
    ) -> None:
        """Fetch an address into a file.

        Parameters
        ----------
        url : str
            The address.
        local_filepath : path-like
            The file; it is there under this name only when it is whole.
        cache : bool
            Whether a file that is there is kept if the archive's is as long.
        *_options, **_more
            Further arguments of astroquery's method, none of which is needed.

        Raises
        ------
        `requests.HTTPError`
            If the archive refuses, as astroquery's method does.
        `requests.ConnectionError`
            If it cannot be reached, or stays silent.
        """
        planned = single_file(url, Path(local_filepath), download_url=url, disk=LOCAL_FILES, cache=cache)
        addressed = replace(planned, url=url, data_url=url)
        result = Downloads(self._service).run_one(addressed, verbose=False, on_error="ignore")
        if result.status is Status.COMPLETE:
            return
        message = result.message or f"{url} was not fetched."
        if message.startswith(_HTTP):
            raise requests.HTTPError(message.removeprefix(_HTTP))
        raise requests.ConnectionError(message)


class ParseResultMixin(PrivateNames):
    """A client whose ``*_async`` answers can be made into tables afterwards."""

    def _parse_result(
        self, responses: requests.Response | Sequence[requests.Response], *, verbose: bool = False
    ) -> Table:
        """Return the table of Mashup answers.

        Parameters
        ----------
        responses : list of `requests.Response`
            As the ``*_async`` methods return them.
        verbose : bool
            Of no meaning; accepted because ``astroquery.mast`` has it.

        Returns
        -------
        `~astropy.table.Table`
        """
        del verbose
        answers = [responses] if isinstance(responses, requests.Response) else list(responses)
        if not answers:
            warn_no_results()
            return Table(masked=True)
        asked = _request_of(answers[0])
        # The filtered services have the columns of the cone search.
        filtered = asked.service.startswith(CAOM_FILTERED)
        columns = self._service.columns.get(CAOM_CONE if filtered else asked.service)
        builder = TableBuilder(asked, columns)
        for answer in answers:
            builder.add(parse_page(answer.status_code, answer.headers, answer.content, asked.service))
        table = builder.table()
        if not len(table):
            warn_no_results()
        return table


def _request_of(response: requests.Response) -> MashupRequest:
    """The question that was answered, as the response remembers it."""
    body = getattr(response.request, "body", None)
    text = body.decode() if isinstance(body, bytes) else body or ""
    try:
        document = json.loads(parse_qs(text)["request"][0])
        return MashupRequest(
            document["service"], document["params"], format=document["format"], pagesize=document["pagesize"]
        )
    except (KeyError, TypeError, ValueError) as err:
        raise InvalidCriterionError("This is no answer of a Mashup service: it does not say what was asked.") from err


class UnavailableCloud(PrivateNames):
    """A client without files in the cloud, whose ``astroquery.mast`` namesake has calls that do nothing about it."""

    @deprecated(since="0.4.8", message="Only Observations has a cloud.")  # type: ignore[untyped-decorator]
    def enable_cloud_dataset(self, provider: str = "AWS", profile: str | None = None, verbose: bool = True) -> None:
        """Do nothing."""

    @deprecated(since="0.4.8", message="Only Observations has a cloud.")  # type: ignore[untyped-decorator]
    def disable_cloud_dataset(self) -> None:
        """Do nothing."""
