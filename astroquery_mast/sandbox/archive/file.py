"""A file of the archive before it is rendered: what it is called, who owns it, and of which kind it is."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import Unit, plan
from .observation import Observation
from .products import Kind, dimensions, file_name

__all__ = ["File"]


@dataclass(frozen=True)
class File:
    """A file to be rendered: its URI, the observation that owns it, its kind and the exposures it is made of."""

    uri: str
    owner: Observation
    kind: Kind
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the file."""
        return file_name(self.uri)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Header and data units that the file has when it is a FITS file."""
        return plan(self.kind.layout, *dimensions(self.owner))
