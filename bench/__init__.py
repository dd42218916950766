"""foregone beside the standard library: ``make bench``."""
