"""Tables in notebooks: escaped, with one line for each row, with links and previews."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from astropy.table import Column, MaskedColumn
from astropy.utils.console import conf as console
from hypothesis import given
from hypothesis import strategies as st
from shown_tables import observations

from astroquery_mast import Observations, ResultTable, conf
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service.token import SHARED

TAGS = {"div", "style", "table", "thead", "tbody", "tr", "th", "td", "a", "code", "details", "summary", "figure"}
TAGS |= {"figcaption", "img", "span"}
ATTRIBUTES = {"class", "colspan", "title", "href", "target", "rel", "src", "alt", "loading", "referrerpolicy"}


class Page(HTMLParser):
    """The content that a browser reads: tags, attributes, and the texts of cells."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {"td": [], "th": [], "div": [], "figcaption": [], "style": []}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a tag."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "img":
            self.open.append(tag)
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        """Check that tags are closed in reverse order."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Add text to the innermost cell."""
        for tag in reversed(self.open):
            if tag in self.texts:
                self.texts[tag][-1] += data
                break

    def values(self, name: str) -> list[str]:
        """Return the values of an attribute."""
        return [value for attribute, value in self.attributes if attribute == name]


def page_of(table: ResultTable) -> Page:
    """Return the page that a notebook shows."""
    page = Page(table._repr_html_())
    assert not page.open
    return page


def test_a_notebook_shows_names_units_rows_and_counts() -> None:
    """The same columns are shown first as on a terminal."""
    page = page_of(observations())
    assert page.texts["th"][:4] == ["obs_id", "target_name", "obs_collection", "instrument_name"]
    assert "UTC date" in page.texts["th"]
    assert page.texts["td"][:6] == ["j97c00000", "M51", "HST", "ACS/WFC", "F435W", "2005-01-18"]
    assert "--" in page.texts["td"]
    assert any(text.startswith("3 rows \N{MULTIPLICATION SIGN} 11 columns (3 ") for text in page.texts["div"])


def test_shortened_and_rounded_cells_have_tooltips() -> None:
    """The tooltip has the complete text, and the exact number."""
    table = ResultTable({"a": ["x" * 500], "b": [1 / 3], "c": Column([53388.5], unit="d", description="Of <c>")})
    table.rename_column("c", "t_min")
    page = page_of(table)
    assert page.texts["td"][1:] == ["0.33333333", "2005-01-18"]
    assert {"x" * 500, "0.3333333333333333", "53388.5", "Of <c>"} <= set(page.values("title"))


def test_long_tables_show_fifty_rows_or_those_of_astropys_limit() -> None:
    """A row says how many are omitted."""
    page = page_of(observations(200))
    assert page.tags.count("tr") == 2 + 50 + 1
    assert "150 more rows" in page.texts["td"]
    with console.set_temp("max_lines", 10):
        assert page_of(observations(200)).tags.count("tr") == 2 + 10 + 1
    with console.set_temp("max_lines", -1):
        assert page_of(observations(200)).tags.count("tr") == 2 + 200


@pytest.mark.parametrize("rows", [0, 1])
def test_an_empty_table_shows_its_columns(rows: int) -> None:
    """Without rows, there are no previews."""
    page = page_of(observations(rows))
    assert "obs_id" in page.texts["th"]
    assert page.tags.count("details") == rows
    assert not page_of(ResultTable()).texts["td"]


# -- links -------------------------------------------------------------------------------------------------------------


def test_links_lead_to_the_portal_to_programs_and_to_dois() -> None:
    """Only programs of HST and JWST have pages; text that is not a DOI or an address is not a link."""
    table = ResultTable(
        {
            "obs_id": ["j97&c01010", "jw01", "kplr"],
            "obs_collection": ["HST", "JWST", "Kepler"],
            "target_name": ["M51"] * 3,
            "proposal_id": ["10452", "01783", "12"],
        }
    )
    links = page_of(table).values("href")
    assert [link for link in links if "program-info" in link] == [
        "https://www.stsci.edu/hst-program-info/program/?program=10452",
        "https://www.stsci.edu/jwst-program-info/program/?program=1783",
    ]
    assert len(links) == 5
    portal = next(link for link in links if "j97" in link)
    assert portal.startswith("https://mast.stsci.edu/portal/Mashup/Clients/Mast/Portal.html?")
    assert '"freeText":"j97&c01010"' in parse_qs(urlsplit(portal).query)["searchQuery"][0]
    others = ResultTable({"doi": ["10.17909/t9-abc", "none"], "page": ["https://archive.stsci.edu/hlsp/x", "ftp://x"]})
    assert page_of(others).values("href") == ["https://doi.org/10.17909/t9-abc", "https://archive.stsci.edu/hlsp/x"]


def test_addresses_follow_the_configuration() -> None:
    """The addresses are determined when the table is shown."""
    with conf.set_temp("server", "https://mast.example"):
        assert all("https://mast.example/" in link for link in page_of(observations(1)).values("href"))


# -- previews ----------------------------------------------------------------------------------------------------------


def test_previews_are_loaded_when_they_are_opened(mast_sandbox: Sandbox) -> None:
    """They are collapsed and loaded lazily, and each is the public file at MAST."""
    page = page_of(Observations.query_object("M51")[:3])
    sources = page.values("src")
    assert page.tags.count("details") == 1
    assert not page.values("open")
    assert sources == [source for source in sources if source.startswith(mast_sandbox.url)]
    assert page.values("loading") == ["lazy"] * len(sources)
    assert page.values("referrerpolicy") == ["no-referrer"] * len(sources)


def test_exclusive_previews_have_no_link() -> None:
    """Browsers cannot load them, and no address contains a token."""
    table = observations(2)
    table["dataRights"] = ["EXCLUSIVE_ACCESS", "PUBLIC"]
    table["jpegURL"] = ["mast:HST/product/a.jpg", "mast:HST/product/b & c.jpg"]
    page = page_of(table)
    assert page.values("src") == [
        "https://mast.stsci.edu/api/v0.1/Download/file?uri=mast:HST/product/b%20%26%20c.jpg",
    ]
    assert "exclusive access" in page.texts["div"]


def test_products_that_are_images_are_previews() -> None:
    """Other files are not previews."""
    table = ResultTable(
        {
            "productFilename": ["a.fits", "a.jpg"],
            "dataURI": ["mast:HST/product/a.fits", "mast:HST/product/a.jpg"],
            "size": [1_000_000, MaskedColumn([2], mask=[True])[0]],
            "productType": ["SCIENCE", "PREVIEW"],
        }
    )
    page = page_of(table)
    assert len(page.values("src")) == 1
    assert page.texts["figcaption"] == ["a.jpg"]


def test_a_token_is_not_shown() -> None:
    """A token is not shown, even if a server returns it in a cell."""
    SHARED.keep("0123456789abcdef0123456789abcdef")
    table = ResultTable({"dataURL": ["https://mast.stsci.edu/x?token=0123456789abcdef0123456789abcdef"]})
    assert "0123456789abcdef" not in table._repr_html_() + str(table) + repr(table.show_all())


# -- hostile text ------------------------------------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "javascript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "https://x/\" onmouseover='alert(1)",
            "https://x/'><script>",
            "mast:javascript:alert(1).jpg",
            'mast:x"><svg onload=alert(1)>.jpg',
            "</style><script>alert(1)</script>",
            '10.17909/"><script>',
            "&lt;script&gt;",
            "--><script>",
        ]
    ),
)
NAMES = ("obs_id", "obs_collection", "proposal_id", "jpegURL", "dataURI", "doi", "page", "dataRights", "Status")
NAMES += ("Local Path", "productFilename", "target_name")


@given(
    st.dictionaries(st.one_of(st.sampled_from(NAMES), HOSTILE.filter(bool)), HOSTILE, min_size=1, max_size=8), HOSTILE
)
def test_text_from_a_server_never_becomes_markup(cells: dict[str, str], words: str) -> None:
    """Whatever names, cells and descriptions contain, there are only our tags and attributes, and links to the web."""
    table = ResultTable({name: Column([cell, cell], description=words) for name, cell in cells.items()})
    for text in (table._repr_html_(), table.show_all()._repr_html_()):
        page = Page(text)
        assert not page.open
        assert set(page.tags) <= TAGS
        assert {name for name, _ in page.attributes} <= ATTRIBUTES
        assert len(page.texts["style"]) == 1
        addresses = page.values("href") + page.values("src")
        assert all(urlsplit(address).scheme in {"http", "https"} for address in addresses)
        assert not any(set(address) & set(" \t\n<>\"'") for address in addresses)


# -- all of it ---------------------------------------------------------------------------------------------------------


def test_show_all_scrolls_through_everything() -> None:
    """All rows and columns are shown, with the values as astropy formats them."""
    table = observations(60)
    page = Page(table.show_all()._repr_html_())
    assert page.texts["th"][: len(table.colnames)] == table.colnames
    assert page.tags.count("tr") == 2 + 60
    assert table["s_region"][0] in page.texts["td"]
    assert "53388.5" in page.texts["td"]


def test_show_all_of_a_huge_table_says_how_to_continue() -> None:
    """Browsers cannot show a million cells."""
    table = ResultTable({"a": range(300_000), "b": range(300_000)})
    text = table.show_all()._repr_html_()
    assert text.count("<tr>") == 100_000 + 1
    assert "the first 100,000 rows are shown" in text
