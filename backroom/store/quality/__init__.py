"""What data quality reads and keeps: the rows of each subject, its runs and findings, and the repairs."""
