"""`make bench`: generates its data, and prints ratios measured in one run."""
