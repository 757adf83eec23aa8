"""Tables as HTML for notebooks: one line for each row, links, and previews that are loaded on demand.

In: a table.  Out: HTML without scripts, in which all text is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from astropy.table import Table
from astropy.utils.console import conf

from ..exceptions import presentable
from .cell_texts import ShownColumn, shortened
from .links import Links, PreviewLink, links_of, preview_links
from .table_view import Room, TableView, view_of

# The number of characters of the size of tables in notebooks that fit in a window of 1280 pixels.
_WIDTH, _BETWEEN, _ROWS = 157, 2, 50
_MOST_CELLS = 200_000
_LONGEST_TITLE = 1000
_LONG = 60


def html_text(table: Table) -> str:
    """Return the most important columns of a table as HTML, with up to ``astropy.conf.max_lines`` or 50 rows."""
    lines = _ROWS if conf.max_lines is None else conf.max_lines
    view = view_of(table, Room(None if lines < 0 else max(2, lines), _WIDTH, _BETWEEN, whole_names=True))
    return _page(table, view, view.footer)


def whole_html_text(table: Table) -> str:
    """Return all columns and rows of a table as HTML that scrolls, up to a maximum number of cells."""
    most = max(1, _MOST_CELLS // max(1, len(table.colnames)))
    view = view_of(table[:most], Room(None, None, all_columns=True))
    footer = f"{len(table):,} rows x {len(table.colnames)} columns"
    if len(table) > most:
        footer += f"; the first {most:,} rows are shown, table[{most}:].show_all() shows the rest"
    return _page(table[:most], view, footer, whole=True)


def _page(table: Table, view: TableView, footer: str, *, whole: bool = False) -> str:
    """A table with its summary, size, and previews."""
    summary = f'<div class="mast-summary">{html.escape(view.summary)}</div>' if view.summary else ""
    size = html.escape(footer).replace(" x ", " &times; ").replace("show_all()", "<code>show_all()</code>")
    return (
        f'<div class="mast-result"><style>{_STYLE}</style>{summary}'
        f'<div class="mast-scroll{" mast-whole" if whole else ""}">{"".join(_table(table, view, whole))}</div>'
        f'<div class="mast-size">{size}</div>{"" if whole else _previews(preview_links(table, view))}</div>'
    )


# -- rows --------------------------------------------------------------------------------------------------------------


def _table(table: Table, view: TableView, whole: bool) -> Iterator[str]:
    """The table itself."""
    yield '<table class="mast-rows"><thead><tr>'
    yield from map(_heading, view.columns)
    if any(column.unit for column in view.columns):
        yield '</tr><tr class="mast-units">'
        yield from (f"<th{_side(column)}>{html.escape(column.unit)}</th>" for column in view.columns)
    yield "</tr></thead><tbody>"
    links = links_of(table, view)
    columns = [list(_cells(column, its_links, whole)) for column, its_links in zip(view.columns, links, strict=True)]
    for number, cells in enumerate(zip(*columns, strict=True)):
        if number == view.gap:
            more = f"{len(table) - len(view.rows):,} more rows"
            yield f'<tr><td class="mast-gap" colspan="{len(columns)}">{more}</td></tr>'
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table>"


def _heading(column: ShownColumn) -> str:
    """The name of a column, with its description as a tooltip."""
    return f"<th{_side(column)}{_title(column.description)}>{html.escape(column.name)}</th>"


def _side(column: ShownColumn) -> str:
    """The class for the alignment of a column; numbers are right-aligned."""
    return "" if column.is_text else ' class="mast-number"'


def _title(text: str) -> str:
    """The attribute for a tooltip."""
    return f' title="{html.escape(shortened(presentable(text), _LONGEST_TITLE, "…"))}"' if text else ""


def _cells(column: ShownColumn, links: Links, whole: bool) -> Iterator[str]:
    """The cells of a column, with the complete text as a tooltip if it was shortened or rounded."""
    for shown, full, link in zip(column.cells, column.full, links, strict=True):
        if shown is None or full is None:
            yield f'<td{_side(column)}><span class="mast-masked">--</span></td>'
            continue
        text = shown if whole else shortened(shown, column.width, "…")
        title = _title(full) if text != full or len(text) > _LONG else ""
        yield f"<td{_side(column)}{title}>{_linked(html.escape(text), link)}</td>"


def _linked(text: str, link: str | None) -> str:
    """Text that is already escaped, as a link if there is an address."""
    return (
        text if link is None else f'<a href="{html.escape(link)}" target="_blank" rel="noopener noreferrer">{text}</a>'
    )


# -- previews ----------------------------------------------------------------------------------------------------------


def _previews(previews: Sequence[PreviewLink]) -> str:
    """The previews, collapsed at first; the browser loads the pictures lazily when they become visible."""
    if not previews:
        return ""
    figures = "".join(map(_figure, previews))
    return f'<details><summary>Previews ({len(previews)})</summary><div class="mast-previews">{figures}</div></details>'


def _figure(preview: PreviewLink) -> str:
    """A preview, or a note that it is exclusive."""
    words = html.escape(preview.label)
    caption = f"<figcaption{_title(preview.label)}>{words}</figcaption>"
    if preview.address is None:
        return f'<figure><div class="mast-exclusive">exclusive access</div>{caption}</figure>'
    address = html.escape(preview.address)
    picture = f'<img src="{address}" alt="{words}" loading="lazy" referrerpolicy="no-referrer">'
    return f"<figure>{_linked(picture, preview.address)}{caption}</figure>"


# The colors of JupyterLab or VS Code if defined; else colors for light and dark pages.
_STYLE = """
.mast-result{color:inherit;max-width:100%}
.mast-result .mast-scroll{overflow:auto;max-width:100%}
.mast-result .mast-whole{max-height:32em}
.mast-result table.mast-rows{border-collapse:collapse;font-size:12px;margin:0;width:auto;table-layout:auto;
border:none;color:inherit}
.mast-result table.mast-rows th,.mast-result table.mast-rows td{text-align:left;white-space:nowrap;padding:3px 6px;
line-height:1.4;border:none;max-width:32em;overflow:hidden;text-overflow:ellipsis;vertical-align:middle}
.mast-result table.mast-rows thead th{font-weight:600;padding-bottom:1px;
background:var(--jp-layout-color0,var(--vscode-editor-background,Canvas))}
.mast-result table.mast-rows tr.mast-units th{font-weight:normal;opacity:.65;padding-top:0;padding-bottom:3px}
.mast-result table.mast-rows thead{border-bottom:1px solid var(--jp-border-color1,#8889)}
.mast-result .mast-whole thead{position:sticky;top:0}
.mast-result table.mast-rows tbody tr{background:transparent;border-bottom:1px solid var(--jp-border-color3,#8883)}
.mast-result table.mast-rows tbody tr:hover{background:var(--jp-rendermime-table-row-hover-background,#88aaff33)}
.mast-result table.mast-rows .mast-number{text-align:right;font-variant-numeric:tabular-nums}
.mast-result table.mast-rows td.mast-gap{text-align:center;opacity:.65;font-style:italic}
.mast-result .mast-masked{opacity:.45}
.mast-result a{color:var(--jp-content-link-color,var(--vscode-textLink-foreground,#3a7bd5));text-decoration:none}
.mast-result a:hover{text-decoration:underline}
.mast-result .mast-summary{font-weight:600;margin:2px 8px 6px}
.mast-result .mast-size{opacity:.75;font-size:12px;margin:6px 8px}
.mast-result details{font-size:12px;margin:4px 8px}
.mast-result summary{cursor:pointer}
.mast-result .mast-previews{display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:8px;
margin-top:6px}
.mast-result details:not([open]) .mast-previews{display:none}
.mast-result figure{margin:0;min-width:0}
.mast-result figure img,.mast-result .mast-exclusive{width:100%;height:130px;object-fit:contain;margin:0;
background:#8882}
.mast-result .mast-exclusive{display:flex;align-items:center;justify-content:center}
.mast-result figcaption{font-size:11px;text-align:center;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
"""
