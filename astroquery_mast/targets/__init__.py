"""One query for many targets, and cross-matches."""
