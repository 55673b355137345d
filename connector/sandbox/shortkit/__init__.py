"""The emulated video data export of ShortKit: jobs, files, webhooks, persons.

Contract: the vendor's withdrawn pages of 2026-02-04, as the field table of the source cites them.
"""
