"""Observing programs: what is planned, how it stands with the visits, and what would be done twice."""
