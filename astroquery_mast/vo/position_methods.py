"""The methods of `VO` that search by position, for images, spectra, sources or all resources."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from astropy import units as u
from astropy.table import Row, Table

from ..exceptions import InvalidArgumentError
from ..service.core import MastClass
from ..service.retrying import Deadline
from ..sky.position import Cone, as_radius, cone_around
from ..sky.radii import DEFAULT_RADIUS
from .datascope import InventoryRequest
from .registry import service_address
from .simple import SimpleQuestion, image_question, source_question, spectrum_question

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astropy.time import Time

    from ..query.types import AngleLike, CoordinatesLike, TimeLike


__all__ = ["PositionMethods"]

_Question = SimpleQuestion | InventoryRequest


class PositionMethods(MastClass):
    """Searches by position, for images, spectra and sources, of `~astroquery_mast.vo.client.VOClass`."""

    def query_sia(
        self,
        coordinates: CoordinatesLike,
        radius: AngleLike = DEFAULT_RADIUS,
        *,
        collection: str | Iterable[str] | None = None,
        version: int | None = None,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        **words: object,
    ) -> Table | dict[str, object]:
        """Return images that overlap a circle on the sky, with the Simple Image Access protocol.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The radius of the circle, at most 90 deg; a number is in degrees.  With 0, images that cover the position
            match.
        collection : str or list of str, optional
            The collections, such as ``"HST"``; one for version 1.  By default, all collections are searched.
        version : {1, 2}, optional
            The version of the protocol.  By default, version 2 is used, and version 1 if that is not available or fails
            and the query can be expressed in version 1, which searches the square around the circle.
        service : str or `~astropy.table.Row`, optional
            Another image service: a row of `find_services`, an address (``https://...``, of version 2 unless
            ``version`` is 1), or an identifier (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        **words : object
            Other parameters of version 2, with the names of `pyvo.dal.SIA2Service.search`: ``band``, ``time``,
            ``exptime``, ``instrument``, ``facility``, ``target_name``, ``data_type``, ``calib_level``, ``res_format``,
            ``maxrec`` and others.  Pairs are intervals, and values in lists are alternatives.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each file (version 1) or observation (version 2), or the request: its address (``url``) and
            parameters.  Columns have units, descriptions and UCDs (``column.meta["ucd"]``) and, for both versions, the
            names of ObsCore: ``s_ra`` and ``s_dec`` (degrees), ``em_min`` and ``em_max`` (m), ``access_url``,
            ``access_format``, ``instrument_name``.  ``meta`` has the service, the query, and whether there are more
            rows (``"overflow"``).  `Observations.download_products` takes the table.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the query.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        MaxResultsWarning
            If the service has more rows than it returns.
        NoResultsWarning
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> images = VO.query_sia(
        ...     "202.4696 47.1952", "1 arcmin", collection="HST", band=(500e-9, 600e-9)
        ... )
        >>> images["obs_id", "instrument_name", "t_exptime"][:2].pprint()
          obs_id  instrument_name t_exptime
                                      s
        --------- --------------- ---------
        j97c01020         ACS/WFC   2670.05
        j97c01aeq         ACS/WFC   648.459
        """
        deadline = self._service.deadline(timeout)
        urls = self._service.endpoints.images
        if service is not None:
            kinds = ("sia",) if version == 1 else ("sia2",) if version == 2 else ("sia2", "sia")
            url, kind = service_address(service, self._service, deadline, *kinds)
            version, urls = (1 if kind == "sia" else 2), (url, url)
            _refuse_collection(collection if version == 1 else None)
        make = partial(image_question, urls=urls, collection=collection, version=version, words=words)
        return self._ask(make, coordinates, radius, deadline, get_query_payload)

    def query_ssa(
        self,
        coordinates: CoordinatesLike,
        radius: AngleLike = DEFAULT_RADIUS,
        *,
        collection: str | None = None,
        band: u.Quantity | tuple[float | u.Quantity, float | u.Quantity] | None = None,
        time: Time | tuple[TimeLike, TimeLike] | None = None,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
    ) -> Table | dict[str, object]:
        """Return spectra of targets in a circle on the sky, with the Simple Spectral Access protocol.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The radius of the circle, at most 90 deg; a number is in degrees.  The parameter of the protocol, a
            diameter, is twice the radius.
        collection : str, optional
            The collection, such as ``"IUE"``.  By default, all collections are searched.
        band : `~astropy.units.Quantity` or tuple, optional
            Two wavelengths, frequencies or energies; spectra that overlap this range match.  Numbers are in meters.
        time : `~astropy.time.Time` or tuple, optional
            Two times; spectra observed between them match.
        service : str or `~astropy.table.Row`, optional
            Another spectral service: a row of `find_services`, an address (``https://...``), or an identifier
            (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each spectrum, or the request: its address (``url``) and parameters.  Columns have units,
            descriptions and UCDs and the names of ObsCore: ``s_ra`` and ``s_dec`` (degrees), ``em_min`` and ``em_max``
            (m), ``access_url`` and others.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the query.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        MaxResultsWarning
            If the service has more rows than it returns.
        NoResultsWarning
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> spectra = VO.query_ssa("187.2779 2.0524", "5 arcmin", collection="HST")
        >>> spectra["obs_id", "instrument_name", "exptime"][:2].pprint()
          obs_id  instrument_name exptime
                                     s
        --------- --------------- --------
        O6M101AAQ   STIS/FUV-MAMA 2442.985
        O6M101ABQ   STIS/FUV-MAMA 2380.497
        """
        deadline = self._service.deadline(timeout)
        url = self._service.endpoints.spectra
        if service is not None:
            _refuse_collection(collection)
            url, _ = service_address(service, self._service, deadline, "ssa")
        make = partial(spectrum_question, url=url, collection=collection, band=band, time=time)
        return self._ask(make, coordinates, radius, deadline, get_query_payload)

    def query_cone(
        self,
        coordinates: CoordinatesLike,
        radius: AngleLike = DEFAULT_RADIUS,
        *,
        catalog: str | None = None,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
    ) -> Table | dict[str, object]:
        """Return the sources of a catalog in a circle on the sky, with the Simple Cone Search protocol.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The radius of the circle, at most 180 deg; a number is in degrees.
        catalog : str, optional
            A catalog of the Guide Star Catalog's service, such as ``"GAIADR3"``.  Defaults to ``"GSC242"``.
        service : str or `~astropy.table.Row`, optional
            Another cone search service, instead of ``catalog``: a row of `find_services`, an address (``https://...``),
            or an identifier (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each source, with the columns and units of the catalog; or the request: its address (``url``)
            and parameters.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the query.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        MaxResultsWarning
            If the service has more rows than it returns.
        NoResultsWarning
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> stars = VO.query_cone("202.4696 47.1952", "2 arcmin", catalog="GAIADR3")
        >>> stars["ra", "dec", "parallax"][:2].pprint()
             ra          dec     parallax
            deg          deg       mas
        ------------ ----------- --------
        202.47597715 47.19559302    0.416
        202.48039858 47.19061051   0.8461
        """
        deadline = self._service.deadline(timeout)
        if catalog is not None and service is not None:
            raise InvalidArgumentError("catalog and service cannot be combined. Use one of them.")
        url = self._service.endpoints.cones
        if service is not None:
            url, _ = service_address(service, self._service, deadline, "scs")
        make = partial(source_question, url=url, catalog=catalog)
        return self._ask(make, coordinates, radius, deadline, get_query_payload)

    def inventory(
        self,
        coordinates: CoordinatesLike,
        radius: AngleLike = DEFAULT_RADIUS,
        *,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
        get_query_payload: bool = False,
    ) -> Table | dict[str, object]:
        """Return the resources of the Virtual Observatory with data in a circle on the sky (DataScope).

        MAST queries many services, which takes minutes.  If the time is over or the call is interrupted (Ctrl-C), the
        results received so far are returned with a warning.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The radius of the circle, at most 90 deg; a number is in degrees.
        timeout : float or `~astropy.units.Quantity`, optional
            The time after which the results received so far are returned, in seconds if it has no unit.  Defaults to
            ``conf.timeout``.
        verbose : bool, default False
            Whether to log the number of resources received.
        get_query_payload : bool, default False
            Whether to return the request without sending it.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each resource, with the columns of the service: ``title``, ``waveband``, ``capabilityClass``
            (``ConeSearch``, ``SimpleImageAccess``, ``SimpleSpectralAccess``), ``tableURL``, the address of the results
            of the resource, and others.  ``meta["complete"]`` is True if all resources have responded.  Or the request.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the query.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError, TimeoutError
            If the service fails, or the time is over, before any result is received.

        Warns
        -----
        MaxResultsWarning
            If not all resources have responded.
        NoResultsWarning
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> found = VO.inventory("M51", "6 arcmin")
        >>> found["title", "capabilityClass"][:2].pprint()
           title      capabilityClass
        ------------ -----------------
        GALEX images SimpleImageAccess
          HLA images SimpleImageAccess
        """
        deadline = self._service.deadline(timeout)
        make = partial(InventoryRequest.of, verbose=verbose)
        return self._ask(make, coordinates, radius, deadline, get_query_payload)

    def _ask(
        self, make: Callable[[Cone], _Question], coordinates: Any, radius: Any, deadline: Deadline, payload_only: bool
    ) -> Table | dict[str, object]:
        """Send the query for a circle; its other arguments are checked before an object name is resolved."""
        make(Cone(0.0, 0.0, float(as_radius(radius).deg))).payload()
        question = make(cone_around(self._service.locate(coordinates, deadline), radius))
        return question.payload() if payload_only else question.table(self._service, deadline)


def _refuse_collection(collection: Any) -> None:
    """Raise if a collection of MAST is given for the service of another archive."""
    if collection is not None:
        raise InvalidArgumentError(
            f"collection={collection!r} can only be used with MAST's own service. Omit it, or omit service."
        )
