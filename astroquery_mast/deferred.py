"""Modules that are imported on first use, and attributes that are created on each access.

In: the name of a module, or a function.  Out: an object that imports the module when it is used; an attribute.

``import astroquery_mast.observations`` creates a client, for which it needs only the signatures of the methods.  It
declares the modules that do the work like this::

    if TYPE_CHECKING:
        from ..service import parallel
        from . import search
    else:
        search, parallel = deferred(__package__, ".search ..service.parallel")

so that type checkers and the test of the import order see them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Generic, NoReturn, Self, TypeVar, overload

Made = TypeVar("Made")


class DeferredModule:
    """A module that is imported when one of its names is used."""

    def __init__(self, name: str, package: str) -> None:
        self._name = name
        self._package = package

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the module, and store it for the next access."""
        value = getattr(import_module(self._name, self._package), name)
        setattr(self, name, value)
        return value


def deferred(package: str, names: str) -> Iterator[DeferredModule]:
    """Return modules, named relative to a package, that are imported on first use."""
    return (DeferredModule(name, package) for name in names.split())


class FreshAttribute(Generic[Made]):
    """An attribute that is created on each access, like a property, but with tab completion.

    To complete a name, IPython evaluates attributes of objects, but does not call properties.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        functools.update_wrapper(self, make)  # type: ignore[arg-type]

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: object, kind: type | None = None) -> Made: ...
    def __get__(self, owner: object | None, kind: type | None = None) -> Made | Self:
        """Create the attribute of an object."""
        return self if owner is None else self._make(owner)

    def __set__(self, owner: object, value: object) -> NoReturn:
        """Raise an error; documentation tools recognize data descriptors by this method."""
        raise AttributeError(f"'{self._make.__name__}' cannot be set.")
