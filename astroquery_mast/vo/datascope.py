"""DataScope: the resources of the Virtual Observatory at a position, in a result that grows while MAST queries them.

In: a cone and a timeout.  Out: a table of resources, either all of them or those received in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from astropy.table import Table
from astroquery import log

from ..exceptions import MaxResultsWarning, QueryTimeoutError, RemoteServiceError
from ..query.request import MashupRequest
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..sky.position import Cone
from ..tables.mashup import Page, parse_page
from ..tables.table import TableBuilder
from ..warn import warn_no_results, warn_user

DATASCOPE = "Vo.Hesarc.DatascopeListable"
_ROWS = 50_000


@dataclass(frozen=True)
class InventoryRequest(MashupRequest):
    """A DataScope request, repeated until the result is complete, that keeps the last partial result with rows."""

    received: list[Page] = field(default_factory=list, compare=False, repr=False)
    verbose: bool = field(default=False, compare=False, repr=False)

    @classmethod
    def of(cls, cone: Cone, *, verbose: bool = False) -> InventoryRequest:
        """Return the request for a cone; results are not cached because they depend on the services that responded."""
        return cls(DATASCOPE, cone.params(), pagesize=_ROWS, cache=False, verbose=verbose)

    def read(self, body: bytes) -> Page:
        """Read a partial result."""
        try:
            page = parse_page(200, {}, body, self.service, partial=True)
        except RemoteServiceError:  # The counts in a partial result may be wrong.
            return super().read(body)
        if page.rows:
            before = len(self.received[-1].rows) if self.received else 0
            self.received[:] = [page]
            if self.verbose and len(page.rows) > before:
                log.info("DataScope: %d resources so far.", len(page.rows))
        return page

    def table(self, service: MastService, deadline: Deadline) -> Table:
        """Return the resources; after a timeout, Ctrl-C or a failure, those received so far."""
        try:
            found = service.table(self, deadline=deadline, columns={})
            found.meta["complete"] = True
        except (QueryTimeoutError, RemoteServiceError, KeyboardInterrupt) as err:
            if not self.received:
                raise
            found = self._partial(err)
        if not len(found):
            warn_no_results()
        return found

    def _partial(self, err: BaseException) -> Table:
        """Return the resources received so far, with a warning."""
        builder = TableBuilder(self, {})
        builder.add(self.received[-1])
        found = builder.table()
        found.meta["complete"] = False
        reason = "the call was interrupted." if isinstance(err, KeyboardInterrupt) else str(err)
        warn_user(f"There may be more than these {len(found)} resources: {reason}", MaxResultsWarning)
        return found
