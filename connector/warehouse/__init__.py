"""Loaded data and what becomes of it: pipelines, ledger, models, checks."""
