"""Citations for data, with their sources, as a table, text or BibTeX.

In: the records of `~astroquery_mast.citations.used_data`, and facts about missions and collections, each with its
source.  Out: `Citations`.  Nothing is guessed: if a citation is unknown, a line says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote

from astropy.table import Table

from ..config import Endpoints
from ..exceptions import InvalidArgumentError
from ..observations.hlsp.facts import hlsp_facts
from ..products.manifest import masked_column
from ..tables.result_table import ResultTable
from . import bibtex
from .used_data import UsedData, used_data

__all__ = ["Citations", "cite"]

_HEADINGS = {
    "data": "Data",
    "reference": "References",
    "license": "Licenses",
    "program": "Programs",
    "acknowledgment": "Acknowledgments",
    "unknown": "Unknown",
}
_FORMATS = ("text", "bibtex")
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_ARXIV = re.compile(r"(?:https?://arxiv\.org/abs/|arXiv:\s*)([\w.\-]+/?\d+(?:v\d+)?)", re.IGNORECASE)
_BIBCODE = re.compile(r"\d{4}[A-Za-z0-9&.]{14}[A-Za-z.]")
_ADDRESS = re.compile(r"https?://\S+")
_MOST_NAMED = 3


@dataclass(frozen=True)
class Citation:
    """One line: a citation, an acknowledgment, or a note that something is unknown."""

    kind: str
    subject: str
    text: str
    source: str
    doi: str | None = None
    url: str | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)

    def bibtex(self, key: str) -> str:
        """Return the line as a BibTeX entry, or as a comment if there is nothing to cite."""
        origin = f"{self.subject} ({self.kind})\nsource: {self.source}"
        if not self.fields:
            return bibtex.comment(f"{origin}\n{self.text}")
        return f"{bibtex.comment(origin)}\n{bibtex.entry(key, {**self.fields, 'doi': self.doi, 'url': self.url})}"


@dataclass(frozen=True)
class Citations:
    """The citations and acknowledgments for data, with the source of each line; returned by `cite`.

    Attributes
    ----------
    entries : tuple
        The lines.
    format : str
        The format of ``str()``: ``"text"`` or ``"bibtex"``.
    """

    entries: tuple[Citation, ...]
    format: str = "text"

    @property
    def table(self) -> Table:
        """The lines as a table: ``kind``, ``subject``, ``text``, ``doi``, ``url``, ``source``."""
        names = ("kind", "subject", "text", "doi", "url", "source")
        cells = {name: [getattr(each, name) for each in self.entries] for name in names}
        return ResultTable({name: masked_column(values, "U") for name, values in cells.items()}, masked=True)

    def __str__(self) -> str:
        """Return the lines in the selected format."""
        return self.bibtex() if self.format == "bibtex" else self.text()

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.entries)

    def text(self) -> str:
        """Return the lines as text, by kind.

        Returns
        -------
        str
        """
        parts = []
        for kind, heading in _HEADINGS.items():
            lines = [f"- {each.text}\n  (source: {each.source})" for each in self.entries if each.kind == kind]
            if lines:
                parts.append("\n".join([heading, *lines]))
        return "\n\n".join(parts)

    def bibtex(self) -> str:
        """Return the lines as BibTeX: entries, or comments if there is nothing to cite.

        Returns
        -------
        str
        """
        keys = bibtex.unique_keys(f"{each.subject}-{each.kind}" for each in self.entries)
        return "\n\n".join(each.bibtex(key) for each, key in zip(self.entries, keys, strict=True))


def cite(what: Any, format: str = "text") -> Citations:
    """Return the citations and acknowledgments for data: DOIs, references, licenses, programs, missions.

    The citations are determined from the headers of FITS files (``DOI``, ``HLSPID``, ``REFERENC``, ``LICENSE``, program
    and investigator) and the columns of tables.  No data are read, and no request is sent.  Each line gives its source.
    If a citation is unknown, the line refers to a page that may have it.

    Parameters
    ----------
    what : `~astropy.table.Table`, `~astropy.table.Row`, str, path-like, or list of these
        Observations or products as returned by a query; the manifest of a download; a FITS file; a folder, searched
        recursively for FITS files; or a dataURI.
    format : {"text", "bibtex"}, default "text"
        The format of ``str()`` of the result.

    Returns
    -------
    `~astroquery_mast.citations.citation.Citations`
        The citations; the attribute ``table`` has a row for each line.

    Raises
    ------
    InvalidQueryError
        If ``what`` has no data to cite, such as a folder without FITS files, or ``format`` is not valid.

    Examples
    --------
    >>> from astroquery_mast import Observations, cite
    >>> curves = Observations.query_hlsp("TGLC", target="TIC 160148385")
    >>> cite(curves).table["kind", "subject", "doi"].pprint()
         kind      subject        doi
    -------------- ------- ------------------
              data    TGLC 10.17909/610m-9474
    acknowledgment    TESS                 --
    """
    if format not in _FORMATS:
        raise InvalidArgumentError(f"format must be 'text' or 'bibtex', got {format!r}.")
    used = list(used_data(what))
    if not used:
        raise InvalidArgumentError("Nothing to cite: there are no rows or no complete files.")
    return Citations(tuple(_lines(used)), format)


@cache
def _facts() -> Mapping[str, Any]:
    """Return the facts about missions."""
    facts: dict[str, Any] = json.loads(resources.files(__package__).joinpath("facts.json").read_text("utf-8"))
    return facts


def _lines(used: Sequence[UsedData]) -> Iterator[Citation]:
    """Yield the lines for all data: collections, missions, and data of unknown origin."""
    for _, records in sorted(_by_value(used, "hlsp").items()):
        yield from _of_collection(records)
    for mission, records in sorted(_by_value(used, "missions").items()):
        yield from _of_mission(mission, records)
    if unassigned := [each for each in used if not (each.hlsp or each.missions)]:
        yield Citation("unknown", "unknown", "No mission or collection found.", _sources(unassigned))


def _sources(records: Iterable[UsedData]) -> str:
    """Return the sources of records as text."""
    names = list(dict.fromkeys(each.source for each in records))
    more = len(names) - _MOST_NAMED
    return ", ".join([*names[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _by_value(records: Sequence[UsedData], name: str) -> dict[str, list[UsedData]]:
    """Group records by the values of a field, which may be several; records without a value are left out."""
    found: dict[str, list[UsedData]] = {}
    for each in records:
        values = getattr(each, name)
        for value in values if isinstance(values, tuple) else filter(None, [values]):
            found.setdefault(value, []).append(each)
    return found


def _first(records: Sequence[UsedData], name: str) -> str | None:
    """Return the first value of a field, or None."""
    return next(iter(_by_value(records, name)), None)


# -- community collections ---------------------------------------------------------------------------------------------


def _of_collection(records: Sequence[UsedData]) -> Iterator[Citation]:
    """Yield the lines for a collection of high-level science products."""
    known = hlsp_facts(str(records[0].hlsp))
    name = known.name
    dois = _by_value(records, "doi")
    for text, matching in dois.items():
        yield _doi_line(name, text, matching, _sources(matching))
    if not dois and known.doi:
        by_lead = _by_value(records, "lead")
        source = "; ".join(filter(None, [known.source, _sources(next(iter(by_lead.values()), []))]))
        yield _doi_line(name, known.doi, records, source)
    elif not dois:
        page = Endpoints().hlsp_page(name)
        yield Citation("unknown", name, f"{name}: DOI unknown. See its page: {page}", _sources(records), url=page)
    for text, matching in _by_value(records, "reference").items():
        yield _reference(name, text, _sources(matching))
    for text, matching in _by_value(records, "license").items():
        url = _first(matching, "license_url")
        yield Citation("license", name, f"{name}: {text}{f', {url}' if url else ''}", _sources(matching), url=url)


def _doi_line(name: str, text: str, records: Sequence[UsedData], source: str) -> Citation:
    """Return the line for a DOI, or a line that it is not valid."""
    number = _DOI.fullmatch(text)
    if number is None:
        return Citation("unknown", name, f"{name}: '{text}' is not a valid DOI.", source)
    doi = number[1].rstrip(".,;")
    title = _first(records, "title") or hlsp_facts(name).title
    lead, version = _first(records, "lead"), _first(records, "version")
    words = [f"{name}: {title}" if title else name, lead, version and f"version {version}", f"doi:{doi}"]
    fields = {
        "title": f"{title} ({name})" if title else name,
        "author": lead,
        "publisher": "STScI/MAST",
        "version": version,
    }
    return Citation("data", name, ", ".join(filter(None, words)), source, doi, f"https://doi.org/{doi}", fields)


def _reference(subject: str, text: str, source: str, about: Mapping[str, str] | None = None) -> Citation:
    """Return the line for a publication, given as a DOI, arXiv number, bibcode, address, or free text."""
    known: dict[str, str | None] = {**(about or {"title": f"Publication to be cited for {subject}"})}
    line = ", ".join([f"{subject}: {text}", *(about or {}).values()])
    if found := _DOI.fullmatch(text):
        return Citation("reference", subject, line, source, found[1], f"https://doi.org/{found[1]}", known)
    if found := _ARXIV.fullmatch(text):
        fields = {**known, "eprint": found[1], "archiveprefix": "arXiv"}
        return Citation("reference", subject, line, source, None, f"https://arxiv.org/abs/{found[1]}", fields)
    if _BIBCODE.fullmatch(text):
        address = f"https://ui.adsabs.harvard.edu/abs/{quote(text)}"
        return Citation("reference", subject, line, source, None, address, {**known, "note": text})
    found_at = text if _ADDRESS.fullmatch(text) else None
    return Citation("reference", subject, line, source, None, found_at, known if found_at else {})


# -- missions ----------------------------------------------------------------------------------------------------------


def _of_mission(mission: str, records: Sequence[UsedData]) -> Iterator[Citation]:
    """Yield the lines for a mission: its data, its programs, and its acknowledgment, also for derived collections."""
    own = [each for each in records if not each.hlsp]
    if own:
        yield from _of_data(mission, own)
        yield from _programs(mission, own)
    for text, about in _facts()["missions"].get(mission, {}).get("references", {}).items():
        yield _reference(mission, text, _facts()["acknowledgments"], about)
    yield _acknowledgment(mission, records)


def _of_data(mission: str, records: Sequence[UsedData]) -> Iterator[Citation]:
    """Yield the lines for the DOIs of a mission's own data, or for unknown DOIs."""
    about = _facts()["missions"].get(mission, {})
    for text, matching in _by_value(records, "doi").items():
        yield _doi_line(mission, text, matching, _sources(matching))
    rest = [each for each in records if not each.doi]
    for dataset in about.get("datasets", ()):
        others = [each for each in rest if not _is_of(each, dataset)]
        if len(others) < len(rest):
            yield _dataset(mission, dataset)
        rest = others
    if rest:
        page = _facts()["dois"]
        text = f"{mission}: DOI unknown for these data. Create one for these observations at {page}"
        yield Citation("unknown", mission, text, _sources(rest), url=page)


def _dataset(mission: str, dataset: Mapping[str, str]) -> Citation:
    """Return the line for a dataset with a DOI."""
    doi, fields = dataset["doi"], {"title": dataset["title"], "publisher": "STScI/MAST"}
    text = f"{mission}: {dataset['title']}, doi:{doi}"
    return Citation("data", mission, text, dataset["source"], doi, f"https://doi.org/{doi}", fields)


def _is_of(record: UsedData, dataset: Mapping[str, str]) -> bool:
    """Return whether a file or an observation belongs to a dataset with a DOI."""
    if record.file:
        return record.file.lower().endswith(dataset["file"])
    return record.kind == dataset["type"]


def _programs(mission: str, records: Sequence[UsedData]) -> Iterator[Citation]:
    """Yield the lines for the programs, if the mission requests them."""
    if not _facts()["missions"].get(mission, {}).get("programs"):
        return
    for program, matching in sorted(_by_value(records, "program").items(), key=_program_number):
        title, investigator = _first(matching, "program_title"), _first(matching, "investigator")
        words = [f"{mission} program {program}", investigator and f"PI {investigator}", title]
        fields = {"title": title, "author": investigator, "howpublished": f"{mission} program {program}"}
        known = fields if title or investigator else {}
        yield Citation(
            "program", f"{mission} {program}", ", ".join(filter(None, words)), _sources(matching), fields=known
        )


def _acknowledgment(mission: str, records: Sequence[UsedData]) -> Citation:
    """Return the acknowledgment of a mission: a sentence, and the page with the wording that MAST requests."""
    page, about = _facts()["acknowledgments"], _facts()["missions"].get(mission)
    if about is None:
        text = f"{mission}: acknowledgment unknown. See {page} for the missions of MAST."
        return Citation("unknown", mission, text, _sources(records), url=page)
    own = [each for each in records if not each.hlsp]
    instruments = sorted(set(_by_value(own, "instrument")) - {mission})
    programs = sorted(_by_value(own, "program"), key=_program_number) if about.get("programs") else []
    which = "; program " if len(programs) == 1 else "; programs "
    text = (
        f"This work is based on data from the {about['name']}{_listed(' (', instruments, ')')}, obtained from MAST at "
        f"the Space Telescope Science Institute{_listed(which, programs)}. MAST asks for the wording on {page}"
    )
    return Citation("acknowledgment", mission, text, page, url=page)


def _program_number(program: Any) -> tuple[int, str]:
    """Return the sort key of a program, or of a pair that begins with one: by number."""
    name = program if isinstance(program, str) else program[0]
    return len(name), name


def _listed(before: str, words: Sequence[str], after: str = "") -> str:
    """Join words for a sentence; empty without words."""
    return f"{before}{', '.join(words)}{after}" if words else ""
