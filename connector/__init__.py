"""Embedded warehouse sync for the export APIs of AppMetrica, MyTracker and ShortKit."""

__version__ = "0.1.0"
