"""Data quality: suites of checks over the shop's rows, carried out by Great Expectations, and what becomes of findings.

Great Expectations is loaded by `validate` and `docs` alone, inside a call: it costs seconds and 120 MB, and only the
process that checks shall pay for it.
"""
