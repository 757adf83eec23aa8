"""Associations: the exposures that a product is made of, as recorded by the pipelines.

In: the bytes of an association file: JSON for JWST, a FITS table for HST.  Out: a frozen `Association` with its
products and members, and the bytes of an association with only some of the members.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from ..exceptions import InvalidArgumentError, InvalidResponseError
from ..tables.mashup import reading

ASSOCIATION_ENDINGS = ("_asn.json", "_asn.fits")
"""The endings of the names of association files."""
_SCIENCE = "science"
# The length of a FITS file is a multiple of this.
_BLOCK = 2880
# The names of level-3 inputs may include the number of their association, as in jw..._a3001_crf.fits.
_CANDIDATE = re.compile(r"_[aco]\d{3,4}$")
# The start of the MEMTYPE of a product.
_PRODUCT = "PROD"
# The MEMTYPE of a background exposure, in the style of JWST.
_BACKGROUND = re.compile(r"EXP-(BCK|BACK)")


@dataclass(frozen=True)
class AssociationMember:
    """An input of a product: a file (JWST), or an exposure with several files (HST)."""

    name: str
    exptype: str
    product: str
    present: bool = True

    @property
    def exposure(self) -> str:
        """The ``obs_id`` of the exposure, or of the observation that the file belongs to."""
        path = PurePosixPath(self.name)
        return _CANDIDATE.sub("", path.stem.rpartition("_")[0]) if path.suffix else self.name


@dataclass(frozen=True)
class Association:
    """The contents of an association file."""

    name: str
    content: bytes
    products: tuple[str, ...]
    members: tuple[AssociationMember, ...]

    @property
    def names_files(self) -> bool:
        """Whether the members are files, as in JWST associations."""
        return self.name.endswith(".json")

    def of_product(self, product: str) -> tuple[AssociationMember, ...]:
        """Return the members of one product, or all members if the association has no product with that name."""
        own = tuple(member for member in self.members if member.product == product.lower())
        return own or self.members

    @property
    def exptypes(self) -> set[str]:
        """The exposure types of the members."""
        return {member.exptype for member in self.members}

    def chosen(self, exptypes: Iterable[str] | None) -> Association:
        """Return the association with only members of some exposure types; raise if there are none."""
        wanted = self.exptypes if exptypes is None else {each.strip().lower() for each in exptypes}
        if wanted >= self.exptypes:
            return self
        kept = tuple(member for member in self.members if member.exptype in wanted)
        if not any(member.present for member in kept):
            asked, known = (", ".join(map(repr, sorted(each))) for each in (wanted, self.exptypes))
            raise InvalidArgumentError(f"{self.name} has no members of type {asked}. Available types: {known}.")
        change = _json_of if self.names_files else _table_of
        return replace(self, content=change(self.content, wanted), members=kept)


def read_association(content: bytes, name: str) -> Association:
    """Read an association file; raise `InvalidResponseError` if it is not valid."""
    read = _from_table if name.endswith(".fits") else _from_json
    with reading(name):
        found = tuple(read(content, name))
    if not found:
        raise InvalidResponseError(f"{name} is not an association: it has no members.", service=name)
    return Association(name, content, tuple(dict.fromkeys(member.product for member in found)), found)


# -- JWST ------------------------------------------------------------------------------------------------------------


def _document(content: bytes, name: str) -> dict[str, Any]:
    """Return the JSON document of an association."""
    document = json.loads(content)
    if not isinstance(document, dict) or not isinstance(document.get("products"), list):
        raise InvalidResponseError(f"{name} is not an association: it has no list of products.", service=name)
    return document


def _from_json(content: bytes, name: str) -> Iterator[AssociationMember]:
    """Yield the members of a JWST association."""
    for product in _document(content, name)["products"]:
        for member in product["members"]:
            file = member["expname"]
            if not isinstance(file, str) or PurePosixPath(file).name != file:
                raise InvalidResponseError(f"{name} has a member that is not a file name: {file!r}.")
            yield AssociationMember(file, _exptype(member), str(product["name"]).lower())


def _exptype(member: Mapping[str, Any]) -> str:
    """Return the exposure type of a member of a JWST association."""
    return str(member.get("exptype") or _SCIENCE).lower()


def _json_of(content: bytes, wanted: Collection[str]) -> bytes:
    """Return the JSON with only some members, and without products that have none of them."""
    document = json.loads(content)
    for product in document["products"]:
        product["members"] = [each for each in product["members"] if _exptype(each) in wanted]
    document["products"] = [each for each in document["products"] if each["members"]]
    return json.dumps(document, indent=4).encode() + b"\n"


# -- HST -------------------------------------------------------------------------------------------------------------


def _from_table(content: bytes, name: str) -> Iterator[AssociationMember]:
    """Yield the members in an HST association table, which has the product in its last row."""
    if len(content) % _BLOCK or not content:
        raise InvalidResponseError(f"{name} is not a complete FITS file.", service=name)
    try:
        with fits.open(io.BytesIO(content)) as file:
            rows = list(_member_rows(file))
    except (OSError, fits.VerifyError, AstropyWarning) as err:
        raise InvalidResponseError(f"Cannot read {name} ({err}).", service=name) from err
    products = [member for member, kind, _ in rows if kind.startswith(_PRODUCT)]
    product = (products or [name.rpartition("_")[0].lower()])[-1]
    for member, kind, present in rows:
        if not kind.startswith(_PRODUCT):
            yield AssociationMember(member, _exptype_of(kind), product, present)


def _table_in(file: Iterable[Any]) -> Any:
    """Return the HDU with the members; None if there is none."""
    tables = (each for each in file if isinstance(each, fits.BinTableHDU))
    return next((each for each in tables if "MEMNAME" in each.columns.names), None)


def _member_rows(file: Iterable[Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield the rootname, MEMTYPE and MEMPRSNT of each row that is not empty."""
    table = _table_in(file)
    if table is None:
        return
    data = table.data
    for member, kind, present in zip(data["MEMNAME"], data["MEMTYPE"], data["MEMPRSNT"], strict=True):
        if str(member).strip():
            yield str(member).strip().lower(), str(kind).strip().upper(), bool(present)


def _exptype_of(kind: str) -> str:
    """Return the JWST exposure type for a MEMTYPE."""
    if "WAVE" in kind:
        return "wavecal"
    return "background" if _BACKGROUND.match(kind) else _SCIENCE


def _table_of(content: bytes, wanted: Collection[str]) -> bytes:
    """Return the table with the other members marked as not present, which is how HST pipelines skip members."""
    changed = io.BytesIO()
    with fits.open(io.BytesIO(content)) as file:
        table = _table_in(file)
        data = table.data
        for row, kind in enumerate(data["MEMTYPE"]):
            said = str(kind).strip().upper()
            if said and not said.startswith(_PRODUCT) and _exptype_of(said) not in wanted:
                data["MEMPRSNT"][row] = False
        file.writeto(changed, checksum="CHECKSUM" in table.header)
    return changed.getvalue()
