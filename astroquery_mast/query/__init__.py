"""Queries as values: criteria, columns and requests, without network access."""
