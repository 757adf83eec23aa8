"""The sandbox's services of the Virtual Observatory; nothing of it is built before its first request."""
