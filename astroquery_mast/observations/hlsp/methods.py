"""The methods of `ObservationsClass` for high-level science products (HLSP).

In: names of collections and targets.  Out: tables.  `astroquery_mast.observations.hlsp.search` and
`astroquery_mast.observations.hlsp.collections` do the work.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from astropy import units as u
from astropy.table import Table

from ...service.core import MastClass
from ...sky.radii import DEFAULT_RADIUS

if TYPE_CHECKING:
    from ...query.types import AngleLike, CoordinatesLike, CriterionLike
    from .search import HlspSearch


class HlspMethods(MastClass):
    """Methods of `~astroquery_mast.ObservationsClass` for high-level science products."""

    @cached_property
    def _hlsp(self) -> HlspSearch:
        """The search for high-level science products."""
        from ..search import ObservationSearch  # noqa: PLC0415
        from .search import HlspSearch  # noqa: PLC0415 - imports TAP, which other queries do not need

        return HlspSearch(self._service, ObservationSearch(self._service))

    def list_hlsp(
        self,
        name: str | Iterable[str] | None = None,
        *,
        mission: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the collections of high-level science products contributed by the community.

        MAST counts the observations of each collection with TAP. Titles and DOIs are those known to this package, with
        their sources.  For collections given by name, the page of each is read as well, and its DOI has precedence.

        Parameters
        ----------
        name : str or iterable of str, optional
            The collections, in any case, such as ``"QLP"``.  By default, all collections with observations are
            returned.
        mission : str or iterable of str, optional
            The missions whose data the collections use, such as ``"TESS"``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each collection, sorted by name: ``name`` (the ``provenance_name`` of its observations),
            ``missions``, ``observations`` (0 for a collection with a page that cannot be searched), ``title``, ``doi``,
            ``page``, and ``source`` (of title and DOI).  Unknown values are masked.

        Raises
        ------
        InvalidQueryError
            If there is no such collection or mission.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.list_hlsp(mission="JWST")["name", "doi"].pprint()
         name        doi
        ----- ------------------
        JADES 10.17909/8tdj-8n28
        """
        return self._hlsp.collections.listed(name, mission, timeout)

    def query_hlsp(
        self,
        name: str | Iterable[str] | None = None,
        *,
        author: str | Iterable[str] | None = None,
        target: str | int | None = None,
        coordinates: CoordinatesLike | None = None,
        radius: AngleLike = DEFAULT_RADIUS,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
        **criteria: CriterionLike,
    ) -> Table:
        """Return observations of high-level science products, of one target or around a position.

        Parameters
        ----------
        name : str or iterable of str, optional
            The collections, such as ``"TGLC"``; see `list_hlsp`.  By default, all collections are searched.
        author : str or iterable of str, optional
            Same as ``name``: lightkurve calls the collection of a light curve its author.
        target : str or int, optional
            The target: a star by number, such as ``"TIC 160148385"``, ``"KIC 11446443"`` or ``"EPIC 201367065"``, or a
            name.  Observations match if it is their ``target_name``, in the spellings of the collections; in
            collections without target names, the observations of the target nearest to its position match, and
            ``meta["matched"]`` lists them.  Neighbors do not match, nor does the same number in another catalog.
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            The position to search around, instead of a target.
        radius : `~astropy.units.Quantity`, str, or float, optional
            The search radius around ``coordinates``, by default 0.2 deg.  For ``target``, the largest separation of its
            observations from its position, by default 3 arcsec; increase it for a star with high proper motion.  A
            number is in degrees.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        **criteria : object
            More criteria, as in `query_criteria`, such as ``sequence_number=27`` for a sector of TESS.

        Returns
        -------
        `~astropy.table.Table`
            One row for each observation, with the columns and units of `query_criteria`.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or there is no such collection, or the search does not include it; the message
            then gives the address of its page and of its scripts for bulk downloads.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        NoResultsWarning
            If there are no matches; for a target, the message lists the nearest targets.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> curves = Observations.query_hlsp("TGLC", target="TIC 160148385")
        >>> curves["target_name", "sequence_number"].pprint()
        target_name sequence_number
        ----------- ---------------
          160148385               2
          160148385               3
        """
        from .search import HlspQuery  # noqa: PLC0415 - as above

        query = HlspQuery(name, author, target, coordinates, radius, criteria, cache)
        return self._hlsp.table(query, timeout)
