"""Assay: an analyst asks one question of one evaluation and gets one result that carries its own evidence."""

__version__ = "0.1.0"
