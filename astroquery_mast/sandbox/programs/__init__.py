"""Observing programs as presented by www.stsci.edu: program pages, visit status, and proposals."""
