"""All rows of a query beyond the limit of a service: in pages, counted, each row once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from astroquery.exceptions import InvalidQueryError, MaxResultsWarning, NoResultsWarning, RemoteServiceError
from tap_catalogs import COLUMNS, Serve, edit_text, queries, sources

from astroquery_mast import VO, VOClass
from astroquery_mast.exceptions import IncompleteResultError, InvalidArgumentError
from astroquery_mast.query.scan import Scan, scan_of
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.vo.tables import Column
from astroquery_mast.service.retrying import Deadline
from astroquery_mast.vo.paging import Pager

query: Any = VO.query_tap
ALL = "SELECT id, name, mag FROM dbo.sources"
# Without columns that could order the pages.
NO_KEY = tuple(column for column in COLUMNS if column.name not in {"id", "name"})


def values(row: object) -> Any:
    """Return a row, whose values may have any type."""
    return row


def rows_of(table: Any) -> Counter[tuple[object, ...]]:
    """Return the rows of a table, regardless of their order."""
    return Counter(tuple(None if cell is np.ma.masked else cell for cell in row) for row in table)


@pytest.mark.parametrize("size", [1000, 334, 333, 7, 999])
def test_pages_are_complete(serve: Serve, size: int) -> None:
    """Each row is returned once, regardless of the page size."""
    catalog = serve(sources(1000))
    table = query(ALL, catalog=catalog, limit=None, maxrec=size, run_async=False)
    assert rows_of(table) == Counter((k, name, mag) for k, name, _, _, mag in sources(1000))
    assert table["mag"].unit == "mag"
    assert table["id"].description == "Number of the source"
    assert (table.meta["adql"], table.meta["overflow"], table.meta["mode"]) == (ALL, False, "sync")


def test_a_limit_beyond_one_response_uses_pages(serve: Serve) -> None:
    """The number of rows is the limit, no row is repeated, and a warning says that there are more."""
    catalog = serve(sources(1000))
    with pytest.warns(MaxResultsWarning, match="more than these 250 rows"):
        table = query(ALL, catalog=catalog, limit=250, maxrec=100, run_async=False)
    assert len(table) == len(set(table["id"])) == 250


def test_a_limit_above_the_number_of_rows_causes_no_warning(serve: Serve) -> None:
    """There is no warning if all rows are returned."""
    catalog = serve(sources(250))
    assert len(query(ALL, catalog=catalog, limit=250, maxrec=100, run_async=False)) == 250


def test_rows_that_share_a_key_are_returned_once(serve: Serve) -> None:
    """If a page ends among rows with the same key, these rows are on the next page."""
    rows = [(k // 4, f"S {k}", 1.0, 2.0, float(k)) for k in range(203)]
    table = query(ALL, catalog=serve(rows), limit=None, maxrec=10, run_async=False)
    assert rows_of(table) == Counter((k, name, mag) for k, name, _, _, mag in rows)


def test_too_many_rows_with_the_same_key_raise(serve: Serve) -> None:
    """The error names the key and suggests a solution."""
    rows = [(k // 20, f"S {k}", 1.0, 2.0, 3.0) for k in range(60)]
    with pytest.raises(InvalidQueryError, match="More rows than fit in a page have the same id"):
        query(ALL, catalog=serve(rows), limit=None, maxrec=10, run_async=False)


def test_rows_without_a_key_come_last(serve: Serve) -> None:
    """Rows with NULL in the key are not lost."""
    rows = [(k if k % 5 else None, f"S {k}", 1.0, 2.0, 3.0) for k in range(100)]
    table = query(ALL, catalog=serve(rows), limit=None, maxrec=30, run_async=False)
    assert rows_of(table) == Counter((k, name, mag) for k, name, _, _, mag in rows)


def test_too_many_rows_without_a_key_raise(serve: Serve) -> None:
    """The error has the reason, and does not say that the data have changed."""
    catalog = serve([(k if k < 15 else None, "a", 1.0, 2.0, 3.0) for k in range(40)])
    with pytest.raises(
        IncompleteResultError,
        match="more rows than fit in a page have no value in the column used for paging",
    ):
        query(ALL, catalog=catalog, limit=None, key="id", maxrec=10, run_async=False)


@pytest.mark.parametrize("names", [["a", "A", "b", "B", "c", "C"], ["O'Neil", 'say "x"', "ä", "z"]])
def test_text_may_be_the_key(serve: Serve, names: list[str]) -> None:
    """Neither case nor quotes in a key cause lost or repeated rows."""
    rows = [(k, name, 1.0, 2.0, 3.0) for k, name in enumerate(names)]
    table = query(ALL, catalog=serve(rows), key="name", limit=None, maxrec=4, run_async=False)
    assert rows_of(table) == Counter((k, name, mag) for k, name, _, _, mag in rows)


def test_without_a_key_the_sky_is_divided_into_boxes(serve: Serve) -> None:
    """Rows without a position, at the poles, and at both ends of right ascension are returned once."""
    edges = [(0, "", ra, dec, 1.0) for ra in (0.0, 360.0, 180.0) for dec in (-90.0, 0.0, 90.0)]
    nulls = [(0, "", None, 5.0, 2.0), (0, "", 5.0, None, 3.0), (0, "", None, None, 4.0)]
    rows = [tuple(row[2:]) for row in (*sources(500), *edges, *nulls)]
    catalog = serve(rows, NO_KEY)
    table = query("SELECT ra, dec, mag FROM dbo.sources", catalog=catalog, limit=None, maxrec=40, run_async=False)
    assert rows_of(table) == Counter(rows)


def test_too_many_rows_at_one_position_raise(serve: Serve) -> None:
    """The division into boxes ends at a minimum size."""
    catalog = serve([(5.0, 5.0, float(k)) for k in range(30)] + [(9.0, 9.0, 1.0)], NO_KEY)
    with pytest.raises(InvalidQueryError, match=r"30 rows have the same position."):
        query("SELECT * FROM dbo.sources", catalog=catalog, limit=None, maxrec=10, run_async=False)


def test_without_key_and_position_a_key_is_required(serve: Serve) -> None:
    """The error asks for a key, with which the query works."""
    catalog = serve([(float(k), 1.0, float(k % 6)) for k in range(30)], NO_KEY)
    text = "SELECT ra AS x, mag FROM dbo.sources"
    with pytest.raises(InvalidQueryError, match=r"Cannot split 30 rows into pages of.*key="):
        query(text, catalog=catalog, limit=None, maxrec=10, run_async=False)
    table = query(text, catalog=catalog, limit=None, key="x", maxrec=10, run_async=False)
    assert sorted(table["x"]) == [float(k) for k in range(30)]


@pytest.mark.parametrize("key", ["no", "id; DROP TABLE x", ""])
def test_an_invalid_key_raises(serve: Serve, key: str) -> None:
    """Only names can become part of a query, and a key must be a column of the result."""
    with pytest.raises(InvalidQueryError):
        query(ALL, catalog=serve(sources(30)), key=key, limit=None, maxrec=10, run_async=False)


@pytest.mark.parametrize(
    ("adql", "message"),
    [
        ("SELECT id FROM dbo.sources ORDER BY id", "ORDER BY cannot be fetched in pages"),
        ("SELECT id FROM dbo.sources -- ORDER BY x\n OFFSET 5", "OFFSET cannot be fetched in pages"),
        ("SELECT TOP 20 id FROM dbo.sources", r"set limit=20"),
        ("SELECT DISTINCT TOP 20 id FROM dbo.sources", r"set limit=20"),
    ],
)
def test_a_sorted_query_is_not_retrieved_in_pages(serve: Serve, adql: str, message: str) -> None:
    """The error suggests an alternative; if all rows fit in one response, the query is sent unchanged."""
    catalog = serve(sources(15))
    with pytest.raises(InvalidQueryError, match=message):
        query(adql, catalog=catalog, limit=None, maxrec=10, run_async=False)
    assert len(query(adql, catalog=catalog, run_async=False)) in {10, 15}


def test_comment_marks_in_text_are_text(serve: Serve) -> None:
    """Only real comments are removed from the queries for pages."""
    rows = [(k, "a--b" if k % 2 else "c", 1.0, 2.0, 3.0) for k in range(50)]
    text = "-- all of them\nSELECT id, name -- and mag\nFROM dbo.sources WHERE name = 'a--b' OR name = 'it''s' ; -- end"
    assert len(query(text, catalog=serve(rows), limit=None, maxrec=10, run_async=False)) == 25


@pytest.mark.parametrize(
    "adql",
    [
        "SELECT id FROM dbo.sources WHERE name = 'ORDER BY it''s OFFSET'",
        "SELECT id FROM (SELECT TOP 5 id FROM dbo.sources ORDER BY id) AS x",
        "SELECT id FROM dbo.sources -- ORDER BY id",
        "SELECT offset_x, top FROM dbo.sources;",
    ],
)
def test_other_keywords_do_not_count_as_an_order(adql: str) -> None:
    """Text, comments, subqueries and column names are not read as the order of the rows."""
    assert scan_of(adql)


@pytest.mark.parametrize(
    ("adql", "source", "columns", "conditions"),
    [
        ("SELECT * FROM a.b", "a.b", [], ()),
        (
            "select all x , t.y\nfrom a.b as t where x>1 or y='FROM (c' ",
            "a.b as t",
            ["x", "t.y"],
            ("x>1 or y='FROM (c'",),
        ),
        ("SELECT x FROM b WHERE 1=CONTAINS(POINT('ICRS', a, b), CIRCLE('ICRS', 1, 2, 3))", "b", ["x"], None),
    ],
)
def test_conditions_are_added_to_a_query_of_one_table(
    adql: str, source: str, columns: list[str], conditions: tuple[str, ...] | None
) -> None:
    """The resulting query works on any service and can use an index of the database."""
    scan = scan_of(adql)
    assert (scan.source, scan.columns) == (source, columns)
    assert scan.conditions == (conditions if conditions is not None else (adql.partition(" WHERE ")[2],))


@pytest.mark.parametrize(
    "select",
    ["COUNT(*)", "ra AS x", "DISTINCT ra", "1", "ra + 1", "t.*", "*, ra", "MAX(ra)", '"ra"'],
)
def test_other_queries_become_subqueries(select: str) -> None:
    """A computed or renamed column has no name that can be used in a condition."""
    assert scan_of(f"SELECT {select} FROM a.b AS t").source == f"(SELECT {select} FROM a.b AS t) AS q"


@pytest.mark.parametrize("end", ["GROUP BY x", "a, c", "JOIN c ON a.x = c.x", "WHERE x > 1 UNION SELECT x FROM c"])
def test_a_query_of_several_tables_becomes_a_subquery(end: str) -> None:
    """The same is true for groups and unions."""
    assert scan_of(f"SELECT x FROM a {end}").source.endswith(") AS q")


def test_an_added_key_is_not_returned(serve: Serve) -> None:
    """The key orders the pages regardless of the alias of the table."""
    catalog = serve(sources(100))
    for text in (
        "SELECT mag FROM dbo.sources WHERE id < 90",
        "SELECT s.mag, s.id FROM dbo.sources AS s WHERE s.id < 90",
    ):
        table = query(text, catalog=catalog, limit=None, maxrec=20, run_async=False)
        assert table.colnames == ["mag", "id"][: len(table.colnames)]
        assert Counter(np.ma.filled(table["mag"], -1)) == Counter(
            -1 if mag is None else mag for k, _, _, _, mag in map(values, sources(100)) if k < 90
        )


def test_a_key_may_be_a_reserved_word(serve: Serve) -> None:
    """A reserved word is quoted."""
    columns = (Column("order", "long", ucd="meta.id;meta.main", indexed=True), Column("mag", "double"))
    catalog = serve([(k, float(k)) for k in range(50)], columns)
    table = query("SELECT mag FROM dbo.sources", catalog=catalog, limit=None, maxrec=20, run_async=False)
    assert table.colnames == ["mag"]
    assert sorted(table["mag"]) == list(range(50))


def test_joined_tables_are_retrieved_in_pages(serve: Serve) -> None:
    """The key is one of either table."""
    text = "SELECT a.id, b.mag FROM dbo.sources AS a JOIN dbo.sources AS b ON a.id = b.id"
    table = query(text, catalog=serve(sources(100)), limit=None, maxrec=30, run_async=False)
    assert sorted(table["id"]) == list(range(100))


def test_a_sorted_query_that_fits_in_one_response_is_sent_unchanged(serve: Serve) -> None:
    """The limit of TOP makes it fit, so that limit=None has no effect."""
    catalog = serve(sources(50))
    table = query("SELECT TOP 5 id FROM dbo.sources ORDER BY id DESC", catalog=catalog, limit=None)
    assert list(table["id"]) == [49, 48, 47, 46, 45]


def test_rows_that_change_during_the_query_raise(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The final number of rows must be the one that was counted at the beginning."""
    catalog = serve(sources(100))
    more = edit_text(lambda text: text.replace("100", "101"))
    mast_sandbox.faults.add("vo_tap", more, where=lambda record: b"COUNT" in record.body)
    with pytest.raises(IncompleteResultError, match="counted 101 rows but returned 100"):
        query(ALL, catalog=catalog, limit=None, maxrec=30, run_async=False)


def test_a_service_with_a_smaller_limit_raises(mast_sandbox: Sandbox, serve: Serve) -> None:
    """The error has the limit of the service, and with this limit as maxrec all rows are returned."""
    catalog = serve([row[2:] for row in sources(100)], NO_KEY)

    def capped(text: str) -> str:
        head, *rows = text.split("<TR>")
        if len(rows) <= 20:
            return text
        tail = rows[-1].partition("</TR>")[2]
        return "<TR>".join([head.replace('value="OK"', 'value="OVERFLOW"'), *rows[:20]]) + tail

    mast_sandbox.faults.add("vo_tap", edit_text(capped), times=None)
    text = "SELECT ra, dec FROM dbo.sources"
    with pytest.raises(IncompleteResultError, match=r"it returns at most 20 rows per request.*Set maxrec="):
        query(text, catalog=catalog, limit=None, maxrec=50, run_async=False)
    assert len(query(text, catalog=catalog, limit=None, maxrec=20, run_async=False)) == 100


def test_too_many_rows_without_a_position_raise(serve: Serve) -> None:
    """Rows without a position cannot be divided into boxes, and do not fit in one page."""
    catalog = serve([(None, None, float(k)) for k in range(30)], NO_KEY)
    with pytest.raises(IncompleteResultError, match="counted 30 rows but returned 10"):
        query("SELECT ra, dec, mag FROM dbo.sources", catalog=catalog, limit=None, maxrec=10, run_async=False)


def test_an_empty_result_has_its_columns(serve: Serve) -> None:
    """An empty result causes a warning, and has columns with units."""
    with pytest.warns(NoResultsWarning):
        table = query(f"{ALL} WHERE id < 0", catalog=serve(sources(5)), limit=None, maxrec=2, run_async=False)
    assert table.colnames == ["id", "name", "mag"]
    assert table["mag"].unit == "mag"


def test_pages_are_retrieved_one_at_a_time(serve: Serve) -> None:
    """A page is only requested after the previous one was used."""
    catalog = serve(sources(100))
    pages = VO.query_tap_iter(ALL, catalog=catalog, maxrec=40, run_async=False)
    assert [len(page) for page in pages] == [39, 39, 22]
    pages = VO.query_tap_iter(ALL, catalog=catalog, maxrec=40, limit=50, run_async=False)
    assert [len(page) for page in pages] == [39, 11]


def test_a_scan_does_not_return_an_added_key(serve: Serve) -> None:
    """Other modules specify table, columns and conditions; a key that was only added is removed."""
    client = VOClass()
    deadline = Deadline.start(None)
    tap = client._discovery.place(serve(sources(100)), deadline)[0]
    pager = Pager(tap, client._discovery, lambda: deadline, size=20, run_async=False)
    scan = Scan("dbo.sources", columns=("name", "mag"), conditions=("mag > 3", "id < 90"))
    table = pager.everything(scan)
    wanted = [(name, mag) for k, name, _, _, mag in map(values, sources(100)) if mag is not None and mag > 3 and k < 90]
    assert rows_of(table) == Counter(wanted)
    assert pager.count(scan) == len(wanted)


def test_a_service_that_does_not_sort_raises(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Unsorted pages could lose and repeat rows with the correct total number."""
    catalog = serve(sources(100))
    VO.list_columns("sources", catalog)
    unsorted = edit_text(lambda text: text.replace("<TD>7</TD>", "<TD>70</TD>"))
    mast_sandbox.faults.add("vo_tap", unsorted, where=lambda record: b"ORDER" in record.body)
    with pytest.raises(RemoteServiceError, match="returned rows that are not sorted by id"):
        query(ALL, catalog=catalog, limit=None, maxrec=30, run_async=False)


def test_250000_rows_are_retrieved_with_a_limit_of_100000(mast_sandbox: Sandbox, serve: Serve) -> None:
    """Each row is returned once, with one request for each page and one for the number of rows."""
    catalog = serve(sources(250_000))
    VO.list_columns("sources", catalog)
    before = len(queries(mast_sandbox))
    table = query("SELECT id, mag FROM dbo.sources", catalog=catalog, limit=None, run_async=False)
    assert np.array_equal(np.sort(table["id"]), np.arange(250_000))
    assert len(queries(mast_sandbox)) - before == 4  # the number of rows, and three pages


@pytest.mark.parametrize("limit", [0, -1, True, 2.5, "10"])
def test_an_invalid_limit_raises(mast_sandbox: Sandbox, limit: Any) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidArgumentError, match="limit must be"):
        query(ALL, limit=limit)
    assert not queries(mast_sandbox)
