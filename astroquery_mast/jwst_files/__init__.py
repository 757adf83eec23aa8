"""JWST files by their header keywords, and updates of files on disk."""
