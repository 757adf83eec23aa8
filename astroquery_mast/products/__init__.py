"""Decisions about files, without the network: lists, filters, plans, file names, manifests."""
