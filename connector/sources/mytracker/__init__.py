"""MyTracker raw data export: events as they become available, asked for in jobs."""
