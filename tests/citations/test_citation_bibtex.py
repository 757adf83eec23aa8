"""BibTeX output: entries and comments are valid for any text in headers and tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import Observations, cite
from astroquery_mast.citations import bibtex
from astroquery_mast.sandbox import Sandbox

TEXTS = st.text(max_size=40) | st.text("{}\\@%$&#_^~,\" '=\n\r\tabc", max_size=40)


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Parse BibTeX as BibTeX does: only ``@`` counts outside of entries, and only braces and commas inside."""
    found: dict[str, dict[str, str]] = {}
    place = 0
    while (at := text.find("@", place)) >= 0:
        kind = re.compile(r"@misc\{([^\s,{}\"#%~\\]+),\n").match(text, at)
        assert kind is not None, text[at : at + 40]
        place, fields = kind.end(), {}
        while not text.startswith("}", place):
            name = re.compile(r"  (\w+) = \{").match(text, place)
            assert name is not None, text[place : place + 40]
            end = closing(text, name.end())
            assert name[1] not in fields
            fields[name[1]] = text[name.end() : end]
            assert text.startswith(",\n", end + 1)
            place = end + 3
        assert kind[1] not in found
        found[kind[1]] = fields
    return found


def closing(text: str, place: int) -> int:
    """Return the position of the brace that closes the one before ``place``."""
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        place += 1
    return place - 1


def printed(value: str) -> str:
    """Return the text that LaTeX prints for a value."""
    plain = {"\\textbackslash{}": "\\", "\\textbraceleft{}": "{", "\\textbraceright{}": "}"}
    plain |= {"\\textasciitilde{}": "~", "\\textasciicircum{}": "^", **{f"\\{sign}": sign for sign in "&%$#_"}}
    return re.sub(r"\\text[a-z]+\{\}|\\.|[{}]", lambda sign: plain.get(sign[0], ""), value)


@given(TEXTS)
def test_text_is_escaped(text: str) -> None:
    """LaTeX prints the original text, in one line."""
    expected = " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())
    assert printed(bibtex.escaped(text)) == expected


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=4))
def test_any_table_makes_bibtex(rows: list[tuple[str, str, str]]) -> None:
    """Each program is an entry with its own key, or a comment if it has no title and investigator."""
    cells = [("1", "Known", "A title"), *rows]
    table = Table(
        {
            "obs_collection": ["HST"] * len(cells),
            "proposal_id": [program for program, _, _ in cells],
            "proposal_pi": [name for _, name, _ in cells],
            "obs_title": [title for _, _, title in cells],
        }
    )
    entries = parsed(str(cite(table, "bibtex")))
    assert entries["HST-1-program"]["title"] == "{A title}" or any(program.strip() == "1" for program, _, _ in rows)
    assert len(entries) <= len(cells)


@given(st.lists(TEXTS, max_size=8))
def test_keys_are_unique(names: list[str]) -> None:
    """Keys are valid, and unique regardless of case."""
    keys = bibtex.unique_keys(names)
    assert len({key.lower() for key in keys}) == len(keys) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9.+-]+", key) for key in keys)


@given(TEXTS)
def test_comments_do_not_start_an_entry(text: str) -> None:
    """Comments do not contain ``@``, which starts an entry even in a comment."""
    assert "@" not in bibtex.comment(text)
    assert all(line.startswith("%") for line in bibtex.comment(text).splitlines())


@pytest.mark.parametrize("doi", ["10.17909/a_b%c#d", "10.17909/{x}", "10.17909/a\\b"])
def test_dois_are_not_escaped(doi: str) -> None:
    """Only braces and backslashes, which would break the entry, are percent-encoded."""
    (fields,) = parsed(bibtex.entry("x", {"doi": doi})).values()
    assert fields["doi"] == doi.replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")


def test_entries_of_files(tmp_path: Path) -> None:
    """Title, author and DOI are fields; license, acknowledgment and sources are comments."""
    header = fits.Header()
    header.update(
        HLSPID="X", HLSPNAME="50% of {all}", HLSPLEAD="A. & B.", DOI="10.17909/x", REFERENC="10.3847/y_z", LICENSE="CC"
    )
    fits.PrimaryHDU(header=header).writeto(tmp_path / "a@b.fits")
    text = str(cite(tmp_path, "bibtex"))
    entries = parsed(text)
    assert entries == {
        "X-data": {
            "title": r"{50\% of \textbraceleft{}all\textbraceright{} (X)}",
            "author": r"{A. \& B.}",
            "publisher": "STScI/MAST",
            "doi": "10.17909/x",
            "url": "https://doi.org/10.17909/x",
        },
        "X-reference": {
            "title": "{Publication to be cited for X}",
            "doi": "10.3847/y_z",
            "url": "https://doi.org/10.3847/y_z",
        },
    }
    assert text.count("% source: the header of a at b.fits") == 3
    assert "% X: CC" in text


@pytest.mark.parametrize(
    ("reference", "field", "value"),
    [
        ("doi:10.3847/abc", "doi", "10.3847/abc"),
        ("https://dx.doi.org/10.3847/abc", "doi", "10.3847/abc"),
        ("arXiv:2301.03704", "eprint", "2301.03704"),
        ("https://arxiv.org/abs/astro-ph/0001001v2", "eprint", "astro-ph/0001001v2"),
        ("2003A&A...400..123X", "url", "https://ui.adsabs.harvard.edu/abs/2003A%26A...400..123X"),
        ("https://example.org/paper", "url", "https://example.org/paper"),
        ("Smith et al. 2020", None, None),
    ],
)
def test_publications(tmp_path: Path, reference: str, field: str | None, value: str | None) -> None:
    """A DOI, preprint, bibcode or address is an entry; free text is a comment."""
    header = fits.Header()
    header.update(HLSPID="X", REFERENC=reference)
    fits.PrimaryHDU(header=header).writeto(tmp_path / "a.fits")
    entries = parsed(str(cite(tmp_path, "bibtex")))
    assert [fields.get(str(field)) for fields in entries.values()] == ([value] if field else [])


def test_a_search_of_many_missions(mast_sandbox: Sandbox) -> None:
    """The observations around a galaxy give valid BibTeX for all missions and collections."""
    table = Observations.query_region("202.469575 47.195258", radius="0.3 deg")
    citations = cite(table, format="bibtex")
    entries = parsed(str(citations))
    assert str(citations) == citations.bibtex()
    assert entries["HST-10452-program"]["author"] == "Beckwith"
    assert entries["PS1-reference"]["eprint"] == "1612.05560"
    assert len(entries) == sum(bool(each.fields) for each in citations.entries) > 8
