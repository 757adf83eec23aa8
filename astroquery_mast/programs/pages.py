"""The page of a program: title, investigator, cycle, status.

In: HTML.  Out: a `ProgramInfo`.  Facts are found by the bold labels before them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from ..exceptions import InvalidResponseError
from ..service.retrying import Deadline
from .program import ProgramId
from .site import ProgramSite, check_page

# For example GO, GTO, DD or SM4/ERO.
_KIND = re.compile(r"[A-Z][A-Z0-9/-]*")


@dataclass(frozen=True)
class ProgramInfo:
    """The information on the page of a program.

    Attributes
    ----------
    mission : str
        ``"JWST"`` or ``"HST"``.
    number : int
        The number of the program; ``proposal_id`` in tables of observations.
    title : str
        The title.
    pi : str
        The principal investigator.
    category : str
        The kind of program, such as ``"GO"``, ``"GTO"`` or ``"DD"``.
    cycle : int or None
        The cycle in which it was approved.
    status : str
        The status of the program, in the words of the page.
    links : mapping of str to str
        ``program_url``, ``visits_url``, ``apt_url`` and ``pdf_url``.
    facts : mapping of str to str
        All facts on the page, by their labels, such as ``"Allocation"`` or ``"PI Institution"``.
    """

    mission: str
    number: int
    title: str
    pi: str
    category: str
    cycle: int | None
    status: str
    links: Mapping[str, str] = field(repr=False)
    facts: Mapping[str, str] = field(repr=False)


def program_info(site: ProgramSite, program: ProgramId, deadline: Deadline) -> ProgramInfo:
    """Return the information on the page of a program."""

    def read(body: bytes) -> ProgramInfo:
        return read_program_page(body, program, program.links(site.server))

    return site.first_readable(program, "page", program.program_addresses(site.server), read, deadline)[0]


def read_program_page(body: bytes, program: ProgramId, links: Mapping[str, str]) -> ProgramInfo:
    """Read the page of a program."""
    page = BeautifulSoup(body.decode("utf-8", "replace"), "html.parser")
    check_page(page, program)
    facts = dict(filter(None, map(_fact, page.find_all(["b", "strong"]))))
    heading = page.find("h1")
    words = [] if heading is None else heading.get_text(" ").split()
    _check_facts(facts, words, program)
    cycle = facts.get("Cycle", "")
    return ProgramInfo(
        program.mission,
        program.number,
        title=facts["Title"],
        pi=facts["Principal Investigator"],
        category=_category(words, program),
        cycle=int(cycle) if cycle.isdecimal() else None,
        status=facts.get("Program Status", ""),
        links=links,
        facts=facts,
    )


def _check_facts(facts: Mapping[str, str], heading: Sequence[str], program: ProgramId) -> None:
    """Raise unless the page has the facts that all pages have, and is the page of this program."""
    lacking = [f"'{name}'" for name in ("Title", "Principal Investigator") if not facts.get(name)]
    if str(program.number) not in {word.lstrip("0") for word in heading}:
        lacking.append("the number of the program")
    if lacking:
        raise InvalidResponseError(f"The format of the page has changed: {' and '.join(lacking)} not found.")


def _category(heading: Sequence[str], program: ProgramId) -> str:
    """Return the kind of program, which precedes its number."""
    kinds = (word for word in heading if _KIND.fullmatch(word) and word != program.mission)
    return next(kinds, "")


def _fact(label: Tag) -> tuple[str, str] | None:
    """Return a label and the text after it, up to the end of the line."""
    name = " ".join(label.get_text().split())
    if not name.endswith(":"):
        return None
    words: list[str] = []
    for part in label.next_siblings:
        if isinstance(part, Tag) and part.name in {"br", "b", "strong", "p"}:
            break
        if isinstance(part, Tag | NavigableString):
            words.append(part.get_text())
    return name.removesuffix(":").strip(), " ".join("".join(words).split())
