"""The methods of `ObservationsClass` that describe query criteria.

In: the name of a criterion.  Out: the forms it takes and its known values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from astropy import units as u

from ..deferred import FreshAttribute

if TYPE_CHECKING:
    from ..query.criterion import CriteriaNamespace, Criterion
    from ..service.mast_service import MastService
    from .known_criteria import ObservationCriteria
    from .search import ObservationSearch


def _criteria_of(client: CriteriaMethods) -> ObservationCriteria:
    """Return the object that describes the criteria."""
    from .known_criteria import ObservationCriteria  # noqa: PLC0415 - queries do without it

    return ObservationCriteria(client._service, client._search)


class CriteriaMethods(Protocol):
    """Methods that `ObservationsClass` takes over by name."""

    _service: MastService

    @property
    def _search(self) -> ObservationSearch:
        """The search for observations."""

    @FreshAttribute
    def criteria(self) -> CriteriaNamespace:
        """The criteria of `query_criteria` and their known values, for completion with Tab.

        ``Observations.criteria.instrument_name.ACS_WFC`` is the string ``"ACS/WFC"``, and so is
        ``Observations.criteria.instrument_name["ACS/WFC"]``.  No request is sent: the values are those known to this
        version of the package, or those that MAST has listed in this session.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.criteria.instrument_name.ACS_WFC
        'ACS/WFC'
        """
        return _criteria_of(self).every()

    def help(
        self, name: str | None = None, /, *, values: bool = False, timeout: float | u.Quantity | None = None
    ) -> Criterion | CriteriaNamespace:
        """Return the values that a criterion of `query_criteria` takes, or a list of all criteria.

        Parameters
        ----------
        name : str, optional
            The criterion, in any case.  By default, all criteria are returned, in groups.
        values : bool, default False
            Whether to query MAST for the values, at most once an hour.  Otherwise no request is sent, and the values
            are those listed earlier in this session, or those known to this version of the package.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astroquery_mast.query.criterion.Criterion` or `~astroquery_mast.query.criterion.CriteriaNamespace`
            An object with a display for terminals and notebooks.  A criterion has a ``description``, ``data_type``,
            ``unit``, ``forms``, ``values`` and an ``example``, and is a sequence of the values.

        Raises
        ------
        InvalidQueryError
            If there is no such criterion; the message suggests similar names.
        RemoteServiceError, TimeoutError
            With ``values=True``, if the service fails, or the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.help("t_exptime").forms[1]
        ('an open range', 't_exptime=[1200, None]')
        >>> print(*Observations.help("intentType"))
        science calibration
        """
        return _criteria_of(self).help(name, values=values, timeout=timeout)
