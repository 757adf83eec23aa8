"""Catalogs."""

from importlib import import_module


def __getattr__(name: str) -> object:
    """Look a name up where the client is defined, when it is first asked for (PEP 562)."""
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(import_module(".client", __name__), name)
