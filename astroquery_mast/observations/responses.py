"""The ``*_async`` methods of `ObservationsClass`: the responses themselves, for code that reads them on its own."""

from __future__ import annotations

from typing import Any

import requests
from astropy.utils.decorators import deprecated_renamed_argument

from ..exceptions import InvalidQueryError
from ..sky.position import DEFAULT_RADIUS
from .search import NO_CRITERION, ObservationRequests

__all__ = ["ObservationResponses"]

_renamed = deprecated_renamed_argument("objectname", "object_name", since="0.4.12")


class ObservationResponses(ObservationRequests):
    """Responses to queries for observations; see `MastClass` for parameters."""

    def query_region_async(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
    ) -> list[requests.Response]:
        """Return the responses of `query_region`, one per page; whole, so there is no cut to a region."""
        deadline = self._service.deadline(timeout)
        request = self._cone_request(self._service.cone(coordinates, None, radius, None, deadline), pagesize, page)
        return self._service.responses(request, deadline=deadline, every_page=page is None)

    @_renamed  # type: ignore[untyped-decorator]
    def query_object_async(
        self,
        object_name: str,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | None = None,
    ) -> list[requests.Response]:
        """Return the responses of `query_object`, one per page."""
        deadline = self._service.deadline(timeout)
        request = self._cone_request(self._service.cone(None, object_name, radius, resolver, deadline), pagesize, page)
        return self._service.responses(request, deadline=deadline, every_page=page is None)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_async(
        self,
        *,
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | None = None,
        **criteria: Any,
    ) -> list[requests.Response]:
        """Return the responses of `query_criteria`, one per page."""
        deadline = self._service.deadline(timeout)
        if not criteria:
            raise InvalidQueryError(NO_CRITERION)
        asked = self._criteria(criteria)
        cone = self._service.cone(coordinates, object_name, radius, resolver, deadline)
        request = self._filtered_request(asked, cone, pagesize=pagesize, page=page)
        return self._service.responses(request, deadline=deadline, every_page=page is None)
