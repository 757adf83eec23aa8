"""The methods of `ObservationsClass` for high-level science products (HLSP): collections, and observations of a target.

In: names of collections and targets.  Out: tables.  The work is done by `astroquery_mast.observations.hlsp` and
`astroquery_mast.observations.hlsp_collections`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from astropy import units as u
from astropy.table import Table

from ..service.core import MastClass
from ..sky.radii import DEFAULT_RADIUS

if TYPE_CHECKING:
    from .hlsp import HlspSearch


class HlspMethods(MastClass):
    """What `~astroquery_mast.ObservationsClass` has for high-level science products."""

    @cached_property
    def _hlsp(self) -> HlspSearch:
        """What asks for high-level science products."""
        from .hlsp import HlspSearch  # noqa: PLC0415 - brings TAP along, which other queries do without
        from .search import ObservationSearch  # noqa: PLC0415

        return HlspSearch(self._service, ObservationSearch(self._service))

    def list_hlsp(
        self,
        name: str | Iterable[str] | None = None,
        *,
        mission: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the collections of high-level science products that the community has contributed.

        The archive counts the observations of each collection by TAP.  Titles and DOIs are those that this package
        knows, each with its source; for collections that are named the page of each is read as well, and a DOI there
        goes before that of the package.

        Parameters
        ----------
        name : str or iterable of str, optional
            The collections, such as ``"QLP"``, in upper or lower case; all that have observations if not given.
        mission : str or iterable of str, optional
            Only collections made from data of these missions, such as ``"TESS"``.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            A row for each collection, by name: ``name`` (the ``provenance_name`` of its observations), ``missions``,
            ``observations`` (0 for a collection that has a page and is not in the archive's search), ``title``,
            ``doi``, ``page``, ``source`` (of title and DOI).  What is not known is masked.

        Raises
        ------
        InvalidQueryError
            If there is no such collection or mission.
        RemoteServiceError, TimeoutError
            If the archive fails, or takes too long.

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
        coordinates: Any = None,
        radius: Any = DEFAULT_RADIUS,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
        **criteria: Any,
    ) -> Table:
        """Return observations of high-level science products: those of exactly one target, or of a part of the sky.

        Parameters
        ----------
        name : str or iterable of str, optional
            The collections, such as ``"TGLC"``; all if not given.  `list_hlsp` has the names.
        author : str or iterable of str, optional
            The same, in the word that lightkurve has for the collection of a light curve.
        target : str or int, optional
            The target: a star by number, such as ``"TIC 160148385"``, ``"KIC 11446443"`` or ``"EPIC 201367065"``, or a
            name.  Found are the observations that have it as ``target_name``, in the spellings of the collections; in
            collections that have none, those of the target nearest to its position; ``meta["matched"]`` lists these.
            Neighbors are left out.  The same number in another catalog is another star.
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            Instead of a target: a position, around which everything is found.
        radius : `~astropy.units.Quantity`, str, or number
            Around coordinates: the radius, by default 0.2 degrees.  For a target: how far from its position that of its
            observations may be, by default 3 arcsec; more for a star that moves fast.  A plain number is in degrees.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        cache : bool, optional
            As `query_region`.
        **criteria : object
            Further columns, as in `query_criteria`: ``sequence_number=27`` for a sector of TESS.

        Returns
        -------
        `~astropy.table.Table`
            One row for each observation, as `query_criteria` returns them.

        Raises
        ------
        InvalidQueryError
            If there is no such collection, or if it is not in the archive's search: then the message has its page, and
            the scripts for bulk downloads that the page links to.
        RemoteServiceError, TimeoutError
            If the archive fails, or takes too long.

        Warns
        -----
        NoResultsWarning
            If there are no observations, with the nearest targets.

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
        from .hlsp import HlspQuery  # noqa: PLC0415 - as above

        asked = HlspQuery(name, author, target, coordinates, radius, criteria, cache)
        return self._hlsp.table(asked, timeout)
