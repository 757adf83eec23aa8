"""Products and their files, without the network: lists, filters, plans, file names, manifests."""
