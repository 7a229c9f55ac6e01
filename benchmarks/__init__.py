"""Measurements of the whole, side by side: ``make bench``."""
