"""Responses as columns and tables, without network access."""
