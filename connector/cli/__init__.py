"""The command line: a thin shell over the library, one file per group of verbs.

Standard output carries the answer, standard error everything else. What takes long to import
(dlt, duckdb, pyarrow) is imported inside the commands, so that `connector --help` is fast.
"""
