"""Fetching files: sessions, transfers, checks, resumption, stores."""
