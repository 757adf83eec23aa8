"""The pages of programs at www.stsci.edu, at their old and new URLs, and the files of proposals.

In: a request.  Out: a page, a visit report, or the proposal, as APT file (JWST: a zip file with XML, HST: XML) or PDF.
The page of an unknown program also has status 200, and a text that says so.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape as xml_escape  # only written here, never read

from ..archive.fields import FIELDS, MOVING
from ..archive.pointing import Program
from ..packaged import packaged
from ..reply import Reply
from ..requestlog import RequestRecord
from .reports import html_report, xml_report
from .visits import lines_of, visits_of

if TYPE_CHECKING:
    from ..archive import Archive

_HTML = "text/html; charset=utf-8"
_INSTITUTIONS = packaged("visits")["institutions"]
_ZIP_DATE = (2026, 1, 1, 0, 0, 0)
_FIRST_CYCLE = {"JWST": 59700.0, "HST": 48000.0}


def visits_page(archive: Archive, record: RequestRecord) -> Reply:
    """Return the visits of a program, as XML or as a page."""
    mission, number = _requested_program(record)
    if not lines_of(mission, number):
        return _unknown(mission, number)
    visits = visits_of(archive, mission, number)
    form = (record.query.get("markupFormat") or ["html"])[0]
    if form == "xml" or "download" in record.query:
        return Reply.text(
            f'<?xml version="1.0" encoding="UTF-8"?>\n{xml_report(mission, number, visits)}\n', 200, "text/xml"
        )
    return Reply.text(html_report(mission, number, visits), content_type=_HTML)


def program_page(archive: Archive, record: RequestRecord) -> Reply:
    """Return the page of a program."""
    del archive
    mission, number = _requested_program(record)
    lines = lines_of(mission, number)
    return Reply.text(_page(mission, lines), content_type=_HTML) if lines else _unknown(mission, number)


def proposal_file(archive: Archive, record: RequestRecord) -> Reply:
    """Return a proposal file: ``/jwst/phase2-public/1783.aptx``, ``/jwst-program-info/download/jwst/apt/1783/``."""
    del archive
    mission, number, kind = _requested_file(record.path.strip("/").split("/"))
    lines = lines_of(mission, number)
    ending = "apt" if mission == "HST" else "aptx"
    if not lines or kind not in {"pdf", "apt", ending}:
        return Reply.text(f"<html><body><h1>Not Found</h1>There is no {escape(record.path)}</body></html>", 404, _HTML)
    if kind == "pdf":
        return Reply.file(_pdf(lines), f"{number}.pdf", "application/pdf")
    document = _proposal(mission, lines).encode()
    content = document if mission == "HST" else _zipped(f"{number}.xml", document)
    return Reply.file(content, f"{number}.{ending}", "application/octet-stream")


def _requested_file(parts: Sequence[str]) -> tuple[str, str, str]:
    """Return mission, program number, and kind of the file at a path."""
    mission = parts[0].partition("-")[0].upper()
    if parts[1] == "phase2-public":
        number, _, kind = parts[-1].partition(".")
        return mission, number, kind
    return mission, parts[-1], parts[-2]


def _requested_program(record: RequestRecord) -> tuple[str, str]:
    """Return mission and number of the requested program."""
    old = record.path.startswith("/cgi-bin/")
    number = (record.query.get("id" if old else "program") or [""])[0]
    if old:
        return (record.query.get("observatory") or ["HST"])[0].upper(), number
    return record.path.strip("/").partition("-")[0].upper(), number


def _unknown(mission: str, number: str) -> Reply:
    said = f"{mission} program {escape(number)} is not available via this interface."
    return Reply.text(f"<!DOCTYPE html>\n<html><body><main><p>{said}</p></main></body></html>\n", 200, _HTML)


# -- the page --------------------------------------------------------------------------------------------------------


def _page(mission: str, lines: Sequence[Program]) -> str:
    program, low = lines[0], mission.lower()
    number, done = program.number, not any(line.rights.startswith("planned") for line in lines)
    facts = {
        "Title": escape(program.title),
        "Cycle": str(1 + int((program.mjd - _FIRST_CYCLE[mission]) // 365)),
        "Allocation": f"{sum(line.visits for line in lines) * 1.7:.1f} hours" if mission == "JWST" else "8 orbits",
        "Exclusive Access Period": f"{0 if program.kind in {'DD', 'ERS'} else 12} months",
    }
    status = "Program has been Completed" if done else "Program is being Executed"
    who = {
        "Principal Investigator": escape(program.investigator),
        "PI Institution": _INSTITUTIONS.get(str(number), "University of Baltimore"),
    }
    files = f"{_link(mission, number, 'apt')}APT File</a> | {_link(mission, number, 'pdf')}PDF</a>"
    visits = f'<a href="/{low}-program-info/visits/?program={number}">Visit Status Information</a>'
    kind = (
        f'<a class="prop_type" href="/{low}-program-info/program-help/?program={number}#prop_type">{program.kind}</a>'
    )
    return (
        f"<!DOCTYPE html>\n<html><head><title>{mission} Program {number}</title></head><body><main>\n"
        f"<h1>{kind} {number}</h1>\n<p>{_listed(who)}</p>\n<p>{_listed(facts)}</p>\n"
        f'<p><b>Program Status:</b> <a href="/{low}-program-info/program-help/#status">{status}</a></p>\n'
        f"<p><b>Program Contents:</b> {files}</p>\n<p>{visits}</p>\n</main></body></html>\n"
    )


def _listed(facts: dict[str, str]) -> str:
    return "<br/>\n".join(f"<b>{name}:</b> {text}" for name, text in facts.items())


def _link(mission: str, number: int, kind: str) -> str:
    low = mission.lower()
    return f'<a href="/{low}-program-info/download/{low}/{kind}/{number}/">'


# -- the proposal ----------------------------------------------------------------------------------------------------


def _proposal(mission: str, lines: Sequence[Program]) -> str:
    """Return the proposal in the format of APT, limited to the elements that readers use."""
    program = lines[0]
    targets = sorted({line.target for line in lines})
    listed = "".join(f"<Target><Number>{n}</Number>{_target(name)}</Target>" for n, name in enumerate(targets, 1))
    observations = "".join(
        f"<Observation><Number>{number}</Number><Instrument>{line.instrument.partition('/')[0]}</Instrument>"
        f"<TargetID>{targets.index(line.target) + 1} {xml_escape(line.target)}</TargetID></Observation>"
        for number, line in enumerate((line for line in lines for _ in range(line.visits)), 1)
    )
    name = f"{'Jwst' if mission == 'JWST' else 'Hst'}Proposal"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="http://www.stsci.edu/{mission}/APT">'
        f"<ProposalInformation><Title>{xml_escape(program.title)}</Title><ProposalID>{program.number}</ProposalID>"
        f"<ProposalCategory>{program.kind}</ProposalCategory><PrincipalInvestigator><LastName>"
        f"{xml_escape(program.investigator.partition(',')[0])}</LastName></PrincipalInvestigator></ProposalInformation>"
        f"<Targets>{listed}</Targets><DataRequests><ObservationGroup>{observations}</ObservationGroup></DataRequests>"
        f"</{name}>\n"
    )


def _target(name: str) -> str:
    field = FIELDS[name]
    place = "" if name in MOVING else f'<EquatorialCoordinates Value="{field.ra:.6f} {field.dec:.6f}"/>'
    return f"<TargetName>{xml_escape(name)}</TargetName>{place}"


def _zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _pdf(lines: Sequence[Program]) -> bytes:
    """Return a document with one page."""
    words = f"{lines[0].kind} {lines[0].number}: {lines[0].title}".encode("ascii", "replace").decode()
    # Parentheses and backslashes have a meaning in PDF text.
    text = f"BT /F1 12 Tf 72 720 Td ({words.translate({40: 91, 41: 93, 92: 47})}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    document, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(document))
        document += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    document += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(document)}\n%%EOF\n"
    )
    return document.encode("latin-1")
