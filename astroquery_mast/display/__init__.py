"""Plots of search results (footprints, exposure maps, timelines, wavelengths, previews) and of data products.

In: tables of observations, products.  Out: matplotlib axes, an HTML file, or a widget.
"""

from importlib import import_module

_HOME = {
    "plot_depth": ".depth",
    "plot_footprints": "..footprints",
    "plot_previews": ".previews",
    "plot_timeline": ".bars",
    "plot_wavelengths": ".bars",
    "quicklook": "..readers.quicklook",
    "to_aladin": ".aladin",
    "write_previews": ".previews",
}
__all__ = [
    "plot_depth",
    "plot_footprints",
    "plot_previews",
    "plot_timeline",
    "plot_wavelengths",
    "quicklook",
    "to_aladin",
    "write_previews",
]


def __getattr__(name: str) -> object:
    """Import a public name from the module that defines it (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
