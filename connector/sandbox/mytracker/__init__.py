"""The emulated raw export API of MyTracker: jobs, files of events by availability, quotas.

Contract: tracker.my.com/docs/api/export-api/raw (create, get, cancel, quotas). Public pages name no
selector of money; those that begin with `invented` are this sandbox's own.
"""
