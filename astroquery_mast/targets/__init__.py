"""Queries for many targets, and cross-matches."""
