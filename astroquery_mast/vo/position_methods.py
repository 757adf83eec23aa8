"""The methods of `VO` that search by position: images, spectra, sources, and what there is at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

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

__all__ = ["PositionMethods"]

_Question = SimpleQuestion | InventoryRequest


class PositionMethods(MastClass):
    """Images, spectra and sources by position; the public class is `~astroquery_mast.vo.client.VOClass`."""

    def query_sia(
        self,
        coordinates: Any,
        radius: Any = DEFAULT_RADIUS,
        *,
        collection: Any = None,
        version: int | None = None,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        **words: Any,
    ) -> Table | dict[str, object]:
        """Return images on a circle of the sky, by the Simple Image Access protocol.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord` or str
            The middle of the circle; text that is not a position is the name of an object.
        radius : `~astropy.units.Quantity`, str or float
            Its radius, at most 90 degrees; a number is in degrees.  With 0, images that cover the position.
        collection : str or list of str, optional
            Such as ``"HST"``; all of them if not given.  Version 1 takes one.
        version : int, optional
            1 or 2.  If not given, version 2 is asked, and version 1 where that is not there or fails and the query
            can be put to it.  Version 1 searches the square around the circle.
        service : str or `~astropy.table.Row`, optional
            Another service for images than MAST's: a row of `find_services`, its address (``https://...``, which is
            taken for version 2 unless ``version`` is 1), or its identifier (``ivo://...``), which is looked up.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        get_query_payload : bool
            Whether to return the request instead of sending it.
        **words
            What else version 2 knows, under the names of `pyvo.dal.SIA2Service.search`: ``band``, ``time``,
            ``exptime``, ``instrument``, ``facility``, ``target_name``, ``data_type``, ``calib_level``, ``res_format``,
            ``maxrec`` and others.  Pairs are intervals, and values in lists are alternatives.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row per image: of version 1 for each file, of version 2 for each observation.  Columns have units,
            descriptions and UCDs (``column.meta["ucd"]``) and, whatever the version, the names of ObsCore: ``s_ra``
            and ``s_dec`` (degrees), ``em_min`` and ``em_max`` (m), ``access_url``, ``access_format``,
            ``instrument_name``.  ``meta`` has the service, the query, and whether there are more rows
            (``"overflow"``).  `Observations.download_products` takes the table.  Or the request: its address
            (``url``) and parameters.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service refuses the query.
        ResolverError
            If no position is known for a name.
        RemoteServiceError
            If the service fails.
        TimeoutError
            If the time was not enough.

        Warns
        -----
        MaxResultsWarning
            If the service has more rows than it has sent.
        NoResultsWarning
            If there are none.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> images = VO.query_sia("202.4696 47.1952", "1 arcmin", collection="HST", band=(500e-9, 600e-9))
        >>> print(images["access_format"][0], images["em_min"].unit)
        image/fits m
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
        coordinates: Any,
        radius: Any = DEFAULT_RADIUS,
        *,
        collection: str | None = None,
        band: Any = None,
        time: Any = None,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
    ) -> Table | dict[str, object]:
        """Return spectra of targets in a circle of the sky, by the Simple Spectral Access protocol.

        Parameters
        ----------
        coordinates, radius, timeout, get_query_payload
            As `query_sia`; the protocol's own parameter, which is a diameter, is twice the radius.
        collection : str, optional
            Such as ``"IUE"``; all of them if not given.
        band : `~astropy.units.Quantity` or tuple, optional
            Two wavelengths, frequencies or energies between which a spectrum must have a part; numbers are meters.
        time : `~astropy.time.Time` or tuple, optional
            Two moments between which it must have been taken.
        service : str or `~astropy.table.Row`, optional
            Another service than MAST's, as `query_sia`.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row per spectrum, with ``access_url``, ``em_min`` and ``em_max``, as `query_sia`.

        Raises
        ------
        InvalidQueryError, ResolverError, RemoteServiceError, TimeoutError
            As `query_sia`.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> spectra = VO.query_ssa("187.2779 2.0524", "5 arcmin", collection="HST")
        >>> print(spectra["em_min"].unit)
        m
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
        coordinates: Any,
        radius: Any = DEFAULT_RADIUS,
        *,
        catalog: str | None = None,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
    ) -> Table | dict[str, object]:
        """Return the sources of a catalog in a circle of the sky, by the Simple Cone Search protocol.

        Parameters
        ----------
        coordinates, radius, timeout, get_query_payload
            As `query_sia`; the radius may be up to 180 degrees.
        catalog : str, optional
            A catalog of the Guide Star Catalog's service, such as ``"GSC242"`` (the default) or ``"GAIADR3"``.
        service : str or `~astropy.table.Row`, optional
            Any other cone search instead, as `query_sia`.

        Returns
        -------
        `~astropy.table.Table` or dict
            The sources with the columns of the catalog; or the request.

        Raises
        ------
        InvalidQueryError, ResolverError, RemoteServiceError, TimeoutError
            As `query_sia`.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> stars = VO.query_cone("202.4696 47.1952", "2 arcmin", catalog="GAIADR3")
        >>> print(stars["parallax"].unit)
        mas
        """
        deadline = self._service.deadline(timeout)
        if catalog is not None and service is not None:
            raise InvalidArgumentError("catalog and service name two places to ask: give one of them.")
        url = self._service.endpoints.cones
        if service is not None:
            url, _ = service_address(service, self._service, deadline, "scs")
        make = partial(source_question, url=url, catalog=catalog)
        return self._ask(make, coordinates, radius, deadline, get_query_payload)

    def inventory(
        self,
        coordinates: Any,
        radius: Any = DEFAULT_RADIUS,
        *,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
        get_query_payload: bool = False,
    ) -> Table | dict[str, object]:
        """Return which resources of the Virtual Observatory have something in a circle of the sky (DataScope).

        The archive asks many services, which takes minutes.  What has come is kept: if the time is over, or the call is
        interrupted (Ctrl-C), that is returned, with a warning.

        Parameters
        ----------
        coordinates, radius
            As `query_sia`.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds after which what has come is returned; ``conf.timeout`` if not given.
        verbose : bool
            Whether to log how many resources have come.
        get_query_payload : bool
            Whether to return the request instead of sending it.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row per resource, in the columns of the service: ``title``, ``waveband``, ``capabilityClass``
            (``ConeSearch``, ``SimpleImageAccess``, ``SimpleSpectralAccess``), ``tableURL`` with the address of what it
            has there, and others.  ``meta["complete"]`` tells whether all have answered.

        Raises
        ------
        InvalidQueryError, ResolverError
            As `query_sia`.
        RemoteServiceError, TimeoutError
            If the service fails, or the time is over, before anything has come.

        Warns
        -----
        MaxResultsWarning
            If not all have answered.
        NoResultsWarning
            If there are none.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> found = VO.inventory("M51", "6 arcmin")
        >>> "ConeSearch" in found["capabilityClass"], found.meta["complete"]
        (True, True)
        """
        deadline = self._service.deadline(timeout)
        make = partial(InventoryRequest.of, verbose=verbose)
        return self._ask(make, coordinates, radius, deadline, get_query_payload)

    def _ask(
        self, make: Callable[[Cone], _Question], coordinates: Any, radius: Any, deadline: Deadline, payload_only: bool
    ) -> Table | dict[str, object]:
        """Ask the question that is made of a circle; what else is in it is checked before a name is looked up."""
        make(Cone(0.0, 0.0, float(as_radius(radius).deg))).payload()
        question = make(cone_around(self._service.locate(coordinates, deadline), radius))
        return question.payload() if payload_only else question.table(self._service, deadline)


def _refuse_collection(collection: Any) -> None:
    """Refuse a collection of MAST for the service of another."""
    if collection is not None:
        raise InvalidArgumentError(
            f"collection={collection!r} is for MAST's own service; leave it out where service is given."
        )
