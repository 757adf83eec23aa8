"""What is imported or made when it is used.

In: the name of a module, or a function.  Out: an object that stands in for the module; an attribute that is made anew.

``import astroquery_mast.observations`` makes a client that is ready to use, and needs its signatures only.  The modules
that do the work are named like this::

    if TYPE_CHECKING:
        from ..service import parallel
        from . import search
    else:
        search, parallel = deferred(__package__, ".search ..service.parallel")

so that type checkers, and the test of the order of imports, know them.
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
        """Return what the module has under a name; it is found at once the next time."""
        value = getattr(import_module(self._name, self._package), name)
        setattr(self, name, value)
        return value


def deferred(package: str, names: str) -> Iterator[DeferredModule]:
    """Give modules that are imported when they are used; their names are relative to a package."""
    return (DeferredModule(name, package) for name in names.split())


class FreshAttribute(Generic[Made]):
    """An attribute that is made whenever it is asked for, and into which completion looks, as into no property.

    IPython evaluates attributes of objects for completion, and calls no property for that.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        functools.update_wrapper(self, make)  # type: ignore[arg-type]

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: object, kind: type | None = None) -> Made: ...
    def __get__(self, owner: object | None, kind: type | None = None) -> Made | Self:
        """Make it for an object."""
        return self if owner is None else self._make(owner)

    def __set__(self, owner: object, value: object) -> NoReturn:
        """Refuse to be replaced; documentation tells an attribute from a method by this."""
        raise AttributeError(f"'{self._make.__name__}' cannot be set.")
