"""The JWST Engineering Database: telemetry of the spacecraft and its instruments as time series."""
