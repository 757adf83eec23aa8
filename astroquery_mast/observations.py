"""`ObservationsClass`: observations by position, by name and by criteria, and their files."""

from __future__ import annotations

from typing import Any

import requests
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument

from .cloud_access import CloudAccess
from .exceptions import InvalidQueryError
from .observation_products import ObservationProducts
from .observation_requests import ObservationRequests
from .query.criteria import Criteria
from .query.position import DEFAULT_RADIUS

__all__ = ["Observations", "ObservationsClass"]

_renamed = deprecated_renamed_argument("objectname", "object_name", since="0.4.12")
_NO_CRITERION = "At least one non-positional criterion must be supplied."


class ObservationsClass(ObservationRequests, ObservationProducts, CloudAccess):
    """Observations of all missions in MAST, and their files.

    Parameters
    ----------
    mast_token, server, session : object, optional
        As `MastClass`.
    """

    # -- by position ---------------------------------------------------------------------------------------------

    def query_region(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
    ) -> Table | dict[str, object]:
        """Return the observations whose footprint touches a circle on the sky.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The centre.  Text is read as ICRS, in degrees if it names no unit; text that is no position is taken for
            the name of an object.
        radius : `~astropy.units.Quantity`, str, or number
            The radius, by default 0.2 degrees; a plain number is in degrees.  Zero finds what contains the centre.
        pagesize : int, optional
            Rows in a page; ``conf.pagesize`` if not given.
        page : int, optional
            Give only this page, counted from 1, instead of all.
        timeout : float, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        get_query_payload : bool
            Return the request instead of sending it.
        verbose : bool
            Whether to log the number of rows.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each observation, with the separation from the centre in ``distance`` (arcsec, zero inside
            the footprint), or the request.

        Raises
        ------
        InvalidQueryError
            If the position or the radius is none; nothing was sent then.
        RemoteServiceError
            If the archive fails, or its answer is not complete.
        TimeoutError
            If the time was not enough.
        """
        deadline = self._deadline(timeout)
        request = self._cone_request(self._cone(coordinates, None, radius, None, deadline), pagesize, page)
        if get_query_payload:
            return request.payload()
        return self._observed(request, deadline, page=page, verbose=verbose)

    def query_region_async(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
    ) -> list[requests.Response]:
        """Return the responses of `query_region`, one per page."""
        deadline = self._deadline(timeout)
        request = self._cone_request(self._cone(coordinates, None, radius, None, deadline), pagesize, page)
        return self._responses(request, deadline=deadline, every_page=page is None)

    def query_region_count(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
    ) -> int | dict[str, object]:
        """Return how many observations `query_region` finds.

        Parameters
        ----------
        coordinates, radius, timeout, get_query_payload
            As `query_region`.
        pagesize, page : int, optional
            Of no meaning for a count; accepted because ``astroquery.mast`` has them.

        Returns
        -------
        int or dict
        """
        del pagesize, page
        deadline = self._deadline(timeout)
        cone = self._cone(coordinates, None, radius, None, deadline)
        request = self._filtered_request(Criteria(), cone, count=True)
        return request.payload() if get_query_payload else self._counted(request, deadline)

    # -- by name -------------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    def query_object(
        self,
        object_name: str,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
    ) -> Table | dict[str, object]:
        """Return the observations around an object.

        Parameters
        ----------
        object_name : str
            Its name.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; whichever knows the name first if not given.
        radius, pagesize, page, timeout, get_query_payload, verbose
            As `query_region`.

        Returns
        -------
        `~astropy.table.Table` or dict

        Raises
        ------
        ResolverError
            If the name has no position; otherwise as `query_region`.
        """
        deadline = self._deadline(timeout)
        request = self._cone_request(self._cone(None, object_name, radius, resolver, deadline), pagesize, page)
        if get_query_payload:
            return request.payload()
        return self._observed(request, deadline, page=page, verbose=verbose)

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
        deadline = self._deadline(timeout)
        request = self._cone_request(self._cone(None, object_name, radius, resolver, deadline), pagesize, page)
        return self._responses(request, deadline=deadline, every_page=page is None)

    @_renamed  # type: ignore[untyped-decorator]
    def query_object_count(
        self,
        object_name: str,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
    ) -> int | dict[str, object]:
        """Return how many observations `query_object` finds; parameters as there and in `query_region_count`."""
        del pagesize, page
        deadline = self._deadline(timeout)
        cone = self._cone(None, object_name, radius, resolver, deadline)
        request = self._filtered_request(Criteria(), cone, count=True)
        return request.payload() if get_query_payload else self._counted(request, deadline)

    # -- by criteria ---------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria(
        self,
        *,
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        **criteria: Any,
    ) -> Table | dict[str, object]:
        """Return the observations that meet all criteria.

        Parameters
        ----------
        coordinates, object_name : object, optional
            Where to look, as `query_region` and `query_object`; at most one of them.
        radius, pagesize, page, resolver, timeout, get_query_payload, verbose
            As `query_region` and `query_object`.
        **criteria : object
            One or more columns of ``get_metadata("observations")``, whatever the case of their letters.

            - Columns of text and of whole numbers take a value or a list of values, of which a row must have one;
              one of them may have wildcards: ``instrument_name="NIRCAM*"``.
            - Columns of numbers and times take ``[minimum, maximum]``, either of which may be None for an open end,
              or a list of such pairs.  `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each observation; with a position also the ``distance`` from it (arcsec).

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or cannot be applied, or if there is none; nothing was sent then.
        ResolverError, RemoteServiceError, TimeoutError
            As `query_region` and `query_object`.
        """
        deadline = self._deadline(timeout)
        if not criteria:
            raise InvalidQueryError(_NO_CRITERION)
        asked = self._criteria(criteria)
        cone = self._cone(coordinates, object_name, radius, resolver, deadline)
        request = self._filtered_request(asked, cone, pagesize=pagesize, page=page)
        if get_query_payload:
            return request.payload()
        return self._observed(request, deadline, page=page, verbose=verbose, criteria=asked)

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
        deadline = self._deadline(timeout)
        if not criteria:
            raise InvalidQueryError(_NO_CRITERION)
        asked = self._criteria(criteria)
        cone = self._cone(coordinates, object_name, radius, resolver, deadline)
        request = self._filtered_request(asked, cone, pagesize=pagesize, page=page)
        return self._responses(request, deadline=deadline, every_page=page is None)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_count(
        self,
        *,
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        **criteria: Any,
    ) -> int | dict[str, object]:
        """Return how many observations `query_criteria` finds.

        Parameters
        ----------
        coordinates, object_name, radius, resolver, timeout, get_query_payload, **criteria
            As `query_criteria`; a position alone is enough here.
        pagesize, page : int, optional
            Of no meaning for a count; accepted because ``astroquery.mast`` has them.

        Returns
        -------
        int or dict
        """
        del pagesize, page
        deadline = self._deadline(timeout)
        asked = self._criteria(criteria)
        cone = self._cone(coordinates, object_name, radius, resolver, deadline)
        if cone is None and not criteria:
            raise InvalidQueryError(_NO_CRITERION)
        request = self._filtered_request(asked, cone, count=True)
        return request.payload() if get_query_payload else self._counted(request, deadline)


Observations = ObservationsClass()
