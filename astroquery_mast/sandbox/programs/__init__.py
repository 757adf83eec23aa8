"""Observing programs as www.stsci.edu shows them: their pages, their visits, and what was proposed."""
