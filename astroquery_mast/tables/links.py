"""Links for the cells of a table: web pages about programs, observations and DOIs, and previews.

In: a part of a table.  Out: addresses that begin with http:// or https://, and None for all other cells.  Text from a
server becomes a link only if it is such an address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from astropy.table import Table

from ..config import Endpoints, file_address, observation_page, program_pages
from .cell_texts import CellTexts
from .table_view import TableView, texts_below

_WEB = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)
_DOI = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_PROGRAM = re.compile(r"0*([1-9]\d{0,5})")
_MISSIONS = frozenset({"HST", "JWST"})
_PICTURES = (".jpg", ".jpeg", ".png", ".gif")
# The value of dataRights for data under exclusive access.
_EXCLUSIVE = "EXCLUSIVE_ACCESS"

Links = CellTexts


@dataclass(frozen=True)
class PreviewLink:
    """The preview of a row; without an address if it is exclusive."""

    label: str
    address: str | None


def links_of(table: Table, view: TableView) -> list[Links]:
    """Return the addresses for the shown cells, column by column."""
    return [_links(table, view, column.name, column.full) for column in view.columns]


def _links(table: Table, view: TableView, name: str, cells: CellTexts) -> Links:
    """The addresses for the cells of a column."""
    kind = view.kind.links.get(name.lower(), "")
    if kind == "program":
        return _program_links(table, view, cells)
    if kind == "observation":
        server = Endpoints().server
        return [observation_page(server, cell) if cell and cell.strip() else None for cell in cells]
    address = _doi if "doi" in name.lower() else _web
    return [address(cell) if cell else None for cell in cells]


def _program_links(table: Table, view: TableView, cells: CellTexts) -> Links:
    """The addresses of program pages, which exist for two missions only."""
    server = Endpoints().programs_server
    missions = [mission or view.kind.mission for mission in texts_below(table, "obs_collection", view.rows)]
    return [_program(server, mission.upper(), cell or "") for mission, cell in zip(missions, cells, strict=True)]


def _program(server: str, mission: str, number: str) -> str | None:
    found = _PROGRAM.fullmatch(number.strip())
    return f"{program_pages(server, mission)}/program/?program={found[1]}" if found and mission in _MISSIONS else None


def _doi(text: str) -> str | None:
    found = _DOI.fullmatch(text.strip())
    return f"https://doi.org/{quote(found[1], safe='/')}" if found else None


def _web(text: str) -> str | None:
    return text if _WEB.fullmatch(text) else None


def preview_links(table: Table, view: TableView) -> list[PreviewLink]:
    """Return the previews of the shown rows: those of observations, or products that are images."""
    addresses = texts_below(table, "jpegurl", view.rows)
    labels = texts_below(table, "obs_id", view.rows)
    if not any(addresses):
        files = texts_below(table, "datauri", view.rows)
        addresses = [uri if uri.lower().endswith(_PICTURES) else "" for uri in files]
        labels = texts_below(table, "productfilename", view.rows)
    rights = texts_below(table, "datarights", view.rows)
    known = dict.fromkeys(zip(labels, addresses, rights, strict=True))
    download = Endpoints().download
    made = (_preview(download, *each) for each in known)
    return [preview for preview in made if preview is not None]


def _preview(download: str, label: str, address: str, rights: str) -> PreviewLink | None:
    """A preview; an exclusive one has no address, because browsers do not have the token."""
    if rights == _EXCLUSIVE and address:
        return PreviewLink(label, None)
    if address.startswith("mast:"):
        return PreviewLink(label, file_address(download, address))
    return PreviewLink(label, address) if _web(address) else None
