"""The archive's lists of the columns of catalogs: besides Mashup's there are those of Catalogs.MAST.

For some catalogs Mashup's lists say nothing of types; which of their columns hold numbers is then told by histograms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from astroquery import log

from ..config import Endpoints
from ..exceptions import InvalidResponseError, MastError
from ..query.request import MashupRequest
from ..service.columns import MashupColumns
from ..service.deadline import Deadline
from ..service.http import HttpClient
from ..tables.columns import Columns, snapshot
from .answer import continuous_columns, read_metadata

# List of columns without types → service whose histograms tell them.
_HISTOGRAMS = {
    "Mast.Catalogs.Tess.Cone": "Mast.Catalogs.All.Tic",
    "Mast.Catalogs.Dd.Cone": "Mast.Catalogs.All.DiskDetective",
}


@dataclass(frozen=True)
class CatalogColumns:
    """The columns of catalogs; those of Catalogs.MAST have names such as ``panstarrs/dr2/mean``."""

    http: HttpClient
    endpoints: Endpoints

    def server(self, name: str) -> str:
        """Return the server that is asked."""
        return self.endpoints.catalogs_server if "/" in name else self.endpoints.server

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Ask for the columns of a catalog."""
        known = snapshot().get(name, {})
        if "/" in name:
            columns = self._metadata(name, deadline)
        else:
            columns = self._typed(name, MashupColumns(self.http, self.endpoints).fetch(name, deadline), known, deadline)
        # What the package knows has types and units that astropy reads.
        return {**columns, **known}

    def _metadata(self, name: str, deadline: Deadline) -> Columns:
        """The columns of a table of Catalogs.MAST."""
        service = f"The list of columns of {name}"
        url = f"{self.endpoints.catalogs}/{name}/metadata.json"
        response = self.http.request("GET", url, deadline=deadline, service=service, attempts=1)
        return read_metadata(response.content, service)

    def _typed(self, name: str, columns: Columns, known: Columns, deadline: Deadline) -> Columns:
        """The same columns, with numbers marked as such where nothing tells of what type they are."""
        untyped = [each for each, column in columns.items() if each not in known and not column.type_name]
        service = _HISTOGRAMS.get(name)
        if service is None or not untyped:
            return columns
        try:
            page = self.http.page(MashupRequest(service, format="extjs"), deadline).page
            if page.document is None:
                raise InvalidResponseError(f"{service} sent no histograms.", service=service)
            numbers = continuous_columns(page.document, service)
        except MastError as err:
            log.debug("It is not known which columns of %s hold numbers: %s", name, err)
            return columns
        typed = {
            each: replace(columns[each], type_name="float", continuous=True) for each in untyped if each in numbers
        }
        return {**columns, **typed}
