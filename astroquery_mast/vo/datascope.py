"""DataScope: what the Virtual Observatory has at a position, in an answer that grows while the archive asks around.

In: a cone and a time.  Out: a table of resources, all of them or those that had come by then.
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
    """A question that remembers the last part of its answer that had rows; the same question is asked at each poll."""

    came: list[Page] = field(default_factory=list, compare=False, repr=False)
    verbose: bool = field(default=False, compare=False, repr=False)

    @classmethod
    def of(cls, cone: Cone, *, verbose: bool = False) -> InventoryRequest:
        """Return the question for a cone; an answer that depends on who answers in time is not kept on disk."""
        return cls(DATASCOPE, cone.params(), pagesize=_ROWS, cache=False, verbose=verbose)

    def read(self, body: bytes) -> Page:
        """Read a part of the answer."""
        try:
            page = parse_page(200, {}, body, self.service, partial=True)
        except RemoteServiceError:  # Counts of a part need not be right; those of the whole are.
            return super().read(body)
        if page.rows:
            before = len(self.came[-1].rows) if self.came else 0
            self.came[:] = [page]
            if self.verbose and len(page.rows) > before:
                log.info("DataScope: %d resources so far.", len(page.rows))
        return page

    def table(self, service: MastService, deadline: Deadline) -> Table:
        """Return the resources; those that have come if the time is over, the user interrupts, or the archive fails."""
        try:
            found = service.table(self, deadline=deadline, columns={})
            found.meta["complete"] = True
        except (QueryTimeoutError, RemoteServiceError, KeyboardInterrupt) as err:
            if not self.came:
                raise
            found = self._partial(err)
        if not len(found):
            warn_no_results()
        return found

    def _partial(self, err: BaseException) -> Table:
        """What has come, with a warning."""
        builder = TableBuilder(self, {})
        builder.add(self.came[-1])
        found = builder.table()
        found.meta["complete"] = False
        reason = "the call was interrupted." if isinstance(err, KeyboardInterrupt) else str(err)
        warn_user(f"There may be more than these {len(found)} resources: {reason}", MaxResultsWarning)
        return found
