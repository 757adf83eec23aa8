"""The public method of `~astroquery_mast.CatalogsClass` that has positions matched; `CrossmatchSearch` does the work.

In: positions and a catalog.  Out: a table of matches.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from astropy.table import Table

from ..query.known_catalogs import find_crossmatch
from ..service.core import MastClass
from ..service.parallel import RunOptions
from ..sky.position import DEFAULT_MATCH_RADIUS


class CatalogCrossmatchMethods(MastClass):
    """What `~astroquery_mast.CatalogsClass` has for many positions at a time; see `MastClass` for parameters."""

    def crossmatch(
        self,
        table: Any,
        catalog: str,
        *,
        radius: Any = DEFAULT_MATCH_RADIUS,
        version: int | None = None,
        magtype: int | None = None,
        best: bool = False,
        ra_column: str | None = None,
        dec_column: str | None = None,
        chunk_size: int | None = None,
        timeout: float | None = None,
        max_workers: int | None = None,
        executor: Executor | None = None,
        get_query_payload: bool = False,
        verbose: bool = True,
        cache: bool | None = None,
    ) -> Table | list[dict[str, object]]:
        """Return the entries of a catalog at each of many positions.

        Parameters
        ----------
        table : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord`, or list
            The positions, as `ObservationsClass.crossmatch` takes them.
        catalog : str
            ``"TIC"``, ``"CTL"``, ``"Gaia"``, ``"Tgas"``, ``"HSC"``, ``"GALEX"``, ``"SDSS"`` or ``"2MASS"``, whatever
            the case; or the full name of a Mashup service, such as ``"Mast.Tic.Crossmatch"``.
        radius : `~astropy.units.Quantity`, str, or number
            The radius, by default 7.2 arcsec; a plain number is in degrees.
        version : int, optional
            For Gaia: the data release, 3 if not given.
        magtype : int, optional
            For HSC, version 3: magnitudes in small apertures (1, MagAper2, if not given) or of whole objects
            (2, MagAuto).
        best, ra_column, dec_column, chunk_size, timeout, max_workers, executor, get_query_payload, verbose, cache
            As `ObservationsClass.crossmatch`.

        Returns
        -------
        `~astropy.table.Table` or list of dict
            As `ObservationsClass.crossmatch`, with the columns of the catalog.

        Raises
        ------
        InvalidQueryError, RemoteServiceError, TimeoutError
            As `ObservationsClass.crossmatch`.
        """
        from ..targets.crossmatch import CrossmatchSearch  # noqa: PLC0415 - only many positions need it

        found = find_crossmatch(catalog)
        return CrossmatchSearch(self._service).table(
            table,
            (found, *found.service({"version": version, "magtype": magtype})),
            radius,
            RunOptions(verbose, max_workers, executor, timeout),
            best=best,
            columns={"ra_column": ra_column, "dec_column": dec_column},
            chunk_size=chunk_size,
            cache=cache,
            payload=get_query_payload,
        )
