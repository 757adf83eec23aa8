"""The public methods of `ObservationsClass` for what belongs together: members, parents, associations and inputs.

In: observations, or an association.  Out: tables of observations; files on disk and their manifest.  The work is done
by `astroquery_mast.observations.members` and `astroquery_mast.observations.gathering`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Protocol

from astropy import units as u
from astropy.table import Table

from ..deferred import deferred

if TYPE_CHECKING:
    from ..downloads.product_flow import ProductFlow
    from ..products.manifest import Manifest
    from ..service import parallel, retrying
    from ..service.mast_service import MastService
    from .lookup import ObservationLookup
    from .search import ObservationSearch
else:
    parallel, retrying = deferred(__package__, "..service.parallel ..service.retrying")


def _lookup(client: MemberMethods, deadline: retrying.Deadline, cache: bool | None = None) -> ObservationLookup:
    """What looks observations up in one call."""
    from .lookup import ObservationLookup  # noqa: PLC0415 - queries need nothing of it

    return ObservationLookup(client._service, client._search, client._product_flow(cache=cache), deadline, cache)


class MemberMethods(Protocol):
    """Methods that `ObservationsClass` takes over by name."""

    _service: MastService

    @property
    def _search(self) -> ObservationSearch:
        """What asks for observations."""

    def _product_flow(self, *, cache: bool | None = None) -> ProductFlow:
        """The way that products go in one call."""

    def get_members(
        self, observations: Any, *, timeout: float | u.Quantity | None = None, cache: bool | None = None
    ) -> Table:
        """Return the exposures that combined products are made of.

        For drizzled products of HST and products of level 3 of JWST these are the members of their associations,
        exposures that are still to be made for the same observation of JWST among them; for other products, such as
        those of the HLA, the observations whose files are listed with theirs; for Hubble Advanced Products of a visit
        (HAP) its exposures with that detector and filter.

        Parameters
        ----------
        observations : Table, Row, str, int, or iterable of these
            Observations as a query returned them, or their products, or their ``obsid`` or ``obs_id``.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        cache : bool, optional
            Whether to use answers that were kept on disk, and to keep these; ``conf.cache`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            A row for each exposure of each product, in the order of the products and their associations, in the columns
            of `query_criteria`, which `get_product_list` and `download_products` take.  Before them are ``member_of``,
            the ``obs_id`` of the product, and ``exptype``, what the association says that the exposure is for:
            ``science``, ``background``, ``psf``, ``wavecal`` and so on, several joined by ``;``, masked where that is
            not known.  ``calib_level`` is -1 for planned exposures.  ``meta["absent"]`` lists members that the archive
            has no observations of, because they were not made.

        Raises
        ------
        InvalidQueryError
            If there is no such observation.
        RemoteServiceError, TimeoutError
            If the archive fails, its answer is not complete, or there is not enough time.

        Warns
        -----
        NoResultsWarning
            If there are no members, some are absent, or an association cannot be read because it is exclusive, so that
            its exposures are those of the list of products.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> exposures = Observations.get_members("j97c01010")
        >>> for name, kind in exposures["obs_id", "exptype"].iterrows():
        ...     print(name, kind)
        j97c01aaq science
        j97c01abq science
        j97c01acq science
        j97c01adq science
        """
        from .members import MemberSearch  # noqa: PLC0415 - queries need nothing of it

        return MemberSearch(_lookup(self, self._service.deadline(timeout), cache)).table(observations)

    def get_parents(
        self, observations: Any, *, timeout: float | u.Quantity | None = None, cache: bool | None = None
    ) -> Table:
        """Return the combined products that exposures went into.

        For JWST the archive tells the products of level 3 of a file.  For HST and the HLA those are taken whose list of
        products has the exposure, among the products of its visit and the mosaics at its position, and Hubble Advanced
        Products (HAP) of its visit by their names; an exposure of these has parents, too.

        Parameters
        ----------
        observations, timeout, cache
            As `get_members`.

        Returns
        -------
        `~astropy.table.Table`
            A row for each product of each exposure, in the order of the exposures, in the columns of `query_criteria`,
            which `get_product_list` and `download_products` take.  Before them is ``member``, the ``obs_id`` of the
            exposure.

        Raises
        ------
        InvalidQueryError
            If there is no such observation.
        RemoteServiceError, TimeoutError
            If the archive fails, its answer is not complete, or there is not enough time.

        Warns
        -----
        NoResultsWarning
            If there are none.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> products = Observations.get_parents("j97c01aaq")
        >>> print(*products["obs_id"])
        j97c01010 hst_10452_01_acs_wfc_total_j97c01
        """
        from .parents import ParentSearch  # noqa: PLC0415 - queries need nothing of it

        return ParentSearch(_lookup(self, self._service.deadline(timeout), cache)).table(observations)

    def gather_association(
        self,
        association: Any,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        exptypes: str | Iterable[str] | None = None,
        suffix: str | Iterable[str] | None = None,
        cache: bool = True,
        overwrite: str | None = None,
        dry_run: bool = False,
        verbose: bool = True,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Manifest | Table:
        """Fetch an association and all of its inputs into one folder, where calibration pipelines look for them.

        The association is written last, when all inputs are there.

        Parameters
        ----------
        association : str, path-like, `~astropy.table.Row`
            The association: the dataURI or the name of its file (``..._asn.json`` of JWST, ``..._asn.fits`` of HST), a
            row of a table of products, an observation that has one association, or the path of a file on disk.
        download_dir : path-like, optional
            The folder; the current one if not given, or that of an association on disk.
        exptypes : str or iterable of str, optional
            Take only members of these types, such as ``("science", "background")``; all if not given.  The association
            that is written then has only these: those of HST are marked as not present.
        suffix : str or iterable of str, optional
            For HST, which files of the exposures: ``"FLC"``, or several.  If not given those that the calibration
            starts from: raw data (``RAW``, ``TAG``, ``RAWTAG``, ...), lamp exposures, and support files (``SPT``).
            Associations of JWST name the files themselves.
        cache, overwrite, max_workers, executor, timeout
            As `download_products`.
        dry_run : bool, default False
            Fetch no inputs, and return what would be done for them.
        verbose : bool, default True
            Whether to show a bar on a terminal, and to log the outcome.

        Returns
        -------
        Manifest or `~astropy.table.Table`
            One row for each file, that of the association first; with ``dry_run`` a plan, as `download_products`.

        Raises
        ------
        InvalidQueryError
            If that is not an association, it has no members of these types, or an argument cannot be applied.
        DownloadError
            If an input is not available: the message and the ``manifest`` of the exception list the inputs that are
            missing, and the association is not written.  What the archive is known to lack is found out before
            anything is fetched.
        LoginError
            If the association itself is exclusive.
        RemoteServiceError, TimeoutError
            If the archive fails, or there is not enough time to read the association.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> plan = Observations.gather_association("j97c01010_asn.fits", dry_run=True)
        >>> print(len(plan), plan["Action"][0])
        9 fetch
        """
        from .gathering import AssociationGathering, GatherRequest  # noqa: PLC0415 - queries need nothing of it

        request = GatherRequest(download_dir, exptypes, suffix, cache, overwrite, dry_run)
        options = parallel.RunOptions(verbose, max_workers, executor, timeout)
        options = options.until(options.deadline())
        lookup = _lookup(self, retrying.Deadline.within(options.deadline()))
        return AssociationGathering(lookup).gather(association, request, options)
