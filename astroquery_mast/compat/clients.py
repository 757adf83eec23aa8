"""The clients that replace those of ``astroquery.mast``: subclasses with the private names that other packages use.

In: an assignment or a call under a private name.  Out: the effect of the public call of this package.  The clients of
this package do not have these names: use ``conf``, and the arguments of the constructors and methods.  All clients
share one login.
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

from ..catalogs import client as catalogs
from ..config import PROCESS_STATES
from ..cutouts import client as cutouts
from ..downloads.destination import LOCAL_FILES
from ..downloads.product_flow import Downloads
from ..exceptions import InputWarning, InvalidCriterionError
from ..missions import client as missions
from ..observations import client as observations
from ..observations import search
from ..observations.product_methods import cloud_state
from ..products.manifest import Status
from ..products.plan import single_file
from ..query.filters import Criteria
from ..query.request import MashupRequest
from ..service import core
from ..service.mast_service import MastService
from ..service.token import Credentials
from ..tables.columns import Columns, find_column
from ..tables.mashup import parse_page
from ..tables.result_table import ResultTable
from ..tables.table import TableBuilder
from ..warn import warn_no_results, warn_user
from .connection import AssignableEndpoints, AssignableService, Connection, Setting

__all__ = [
    "Catalogs",
    "CatalogsClass",
    "Hapcut",
    "HapcutClass",
    "Mast",
    "MastClass",
    "MastMissions",
    "MastMissionsClass",
    "Observations",
    "ObservationsClass",
    "Tesscut",
    "TesscutClass",
    "Zcut",
    "ZcutClass",
]

_HTTP = "HTTPError: "


class PrivateNames(core.MastClass):
    """The private names of all clients; see `~astroquery_mast.MastClass` for the parameters."""

    TIMEOUT = Setting("timeout")
    PAGESIZE = Setting("pagesize")

    def _new_service(self, server: str | None, credentials: Credentials) -> MastService:
        """Create the service object, with the addresses and settings that are assigned to this client."""
        return AssignableService(self, AssignableEndpoints(server), self._cache_folder, credentials)

    @cached_property
    def _portal_api_connection(self) -> Connection:
        """Addresses and settings of this client."""
        endpoints = self._service.endpoints
        assert isinstance(endpoints, AssignableEndpoints)
        return Connection(self, endpoints)

    @property
    def _service_api_connection(self) -> Connection:
        """The same object; ``astroquery.mast`` has one for Mashup and one for its other services."""
        return self._portal_api_connection

    @property
    def _column_configs(self) -> dict[str, Any]:
        """The columns that were requested from MAST: service → columns."""
        return self._service.columns.read()

    @_column_configs.setter
    def _column_configs(self, _configs: Mapping[str, Any]) -> None:
        """Forget the columns that were read, whatever is assigned; code assigns an empty dictionary."""
        self._service.columns.forget()

    def _download_file(
        self, url: str, local_filepath: str | os.PathLike[str], *_options: Any, cache: bool = False, **_more: Any
    ) -> None:
        """Download a file.

        Parameters
        ----------
        url : str
            The address of the file.
        local_filepath : path-like
            The path to write to, which gets the file only when it is complete.
        cache : bool, default False
            Whether to keep an existing file that has the same size as that of the server.
        *_options, **_more
            Further arguments of astroquery's method, which are ignored.

        Raises
        ------
        `requests.HTTPError`
            If the server returns an error status, as with astroquery's method.
        `requests.ConnectionError`
            If the server cannot be reached or does not respond.
        """
        planned = single_file(url, Path(local_filepath), download_url=url, disk=LOCAL_FILES, cache=cache)
        addressed = replace(planned, url=url, data_url=url)
        result = Downloads(self._service).run_one(addressed, verbose=False, on_error="ignore")
        if result.status is Status.COMPLETE:
            return
        message = result.message or f"{url} was not downloaded."
        if message.startswith(_HTTP):
            raise requests.HTTPError(message.removeprefix(_HTTP))
        raise requests.ConnectionError(message)

    def _parse_result(
        self, responses: requests.Response | Sequence[requests.Response], *, verbose: bool = False
    ) -> Table:
        """Return the table of Mashup responses.

        Parameters
        ----------
        responses : `requests.Response` or list of `requests.Response`
            The responses, as returned by the ``*_async`` methods.
        verbose : bool, default False
            Ignored; for compatibility with ``astroquery.mast``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each row of the responses.
        """
        del verbose
        answers = [responses] if isinstance(responses, requests.Response) else list(responses)
        if not answers:
            warn_no_results()
            return ResultTable(masked=True)
        asked = _request_of(answers[0])
        # The filtered services have the columns of the cone search.
        filtered = asked.service.startswith(search.CAOM_FILTERED)
        columns = self._service.columns.get(search.CAOM_CONE if filtered else asked.service)
        builder = TableBuilder(asked, columns)
        for answer in answers:
            builder.add(parse_page(answer.status_code, answer.headers, answer.content, asked.service))
        table = builder.table()
        if not len(table):
            warn_no_results()
        return table

    @deprecated(since="0.4.8", message="Only Observations supports cloud access.")  # type: ignore[untyped-decorator]
    def enable_cloud_dataset(self, provider: str = "AWS", profile: str | None = None, verbose: bool = True) -> None:
        """Do nothing."""

    @deprecated(since="0.4.8", message="Only Observations supports cloud access.")  # type: ignore[untyped-decorator]
    def disable_cloud_dataset(self) -> None:
        """Do nothing."""


def _request_of(response: requests.Response) -> MashupRequest:
    """The request of a response."""
    body = getattr(response.request, "body", None)
    text = body.decode() if isinstance(body, bytes) else body or ""
    try:
        document = json.loads(parse_qs(text)["request"][0])
        return MashupRequest(
            document["service"], document["params"], format=document["format"], pagesize=document["pagesize"]
        )
    except (KeyError, TypeError, ValueError) as err:
        raise InvalidCriterionError("Not a response of a Mashup service: it does not contain the request.") from err


class MastClass(PrivateNames):
    """`astroquery_mast.MastClass` with private names of ``astroquery.mast``."""


class _LenientSearch(search.ObservationSearch):
    """The search for observations, without criteria that are words for a continuous column, as in ``astroquery.mast``.

    lightkurve and lksearch send criteria such as ``t_exptime="short"``, and select the rows themselves.
    """

    def _criteria(self, criteria: Mapping[str, Any]) -> Criteria:
        """Convert keywords to filters."""
        columns = self._service.columns.columns_for(search.CAOM_CONE, criteria)
        skipped = [name for name, value in criteria.items() if _is_word_for_continuous(name, value, columns)]
        for name in skipped:
            warn_user(
                f"{name} is continuous, and filters based on min and max values.\n"
                "Not enough values provided, skipping...",
                InputWarning,
            )
        kept = {name: value for name, value in criteria.items() if name not in skipped}
        if skipped and not kept:
            raise InvalidCriterionError("At least one non-positional criterion must be supplied.")
        return super()._criteria(kept)


def _is_word_for_continuous(name: str, value: Any, columns: Columns) -> bool:
    """Whether a value is a word, and its column is continuous."""
    column = find_column(name, columns)
    return column is not None and column.continuous and isinstance(value, str) and value.strip().isalpha()


class ObservationsClass(PrivateNames, observations.ObservationsClass):
    """`astroquery_mast.ObservationsClass` with private names of ``astroquery.mast``."""

    @cached_property
    def _search(self) -> search.ObservationSearch:
        """The search for observations."""
        return _LenientSearch(self._service)

    _caom_all = search.CAOM_VALUES
    _caom_cone = search.CAOM_CONE
    _caom_filtered = search.CAOM_FILTERED
    _caom_filtered_position = search.CAOM_FILTERED_POSITION
    _caom_products = search.CAOM_PRODUCTS
    enable_cloud_dataset = observations.ObservationsClass.enable_cloud_dataset
    disable_cloud_dataset = observations.ObservationsClass.disable_cloud_dataset


class CatalogsClass(PrivateNames, catalogs.CatalogsClass):
    """`astroquery_mast.CatalogsClass` with private names of ``astroquery.mast``."""


class MastMissionsClass(PrivateNames, missions.MastMissionsClass):
    """`astroquery_mast.MastMissionsClass` with private names of ``astroquery.mast``."""


class TesscutClass(PrivateNames, cutouts.TesscutClass):
    """`astroquery_mast.TesscutClass` with private names of ``astroquery.mast``."""


class ZcutClass(PrivateNames, cutouts.ZcutClass):
    """`astroquery_mast.ZcutClass` with private names of ``astroquery.mast``."""


class HapcutClass(PrivateNames, cutouts.HapcutClass):
    """`astroquery_mast.HapcutClass` with private names of ``astroquery.mast``."""


Mast = MastClass()
Observations = ObservationsClass()
Catalogs = CatalogsClass()
MastMissions = MastMissionsClass()
Tesscut = TesscutClass()
Zcut = ZcutClass()
Hapcut = HapcutClass()

PROCESS_STATES.append(cloud_state(Observations))
