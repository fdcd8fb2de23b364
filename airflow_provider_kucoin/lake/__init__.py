"""
Rows to files: Parquet, JSON lines, CSV. The only place that knows Arrow.

Nothing heavy is imported when a module of this package is; Arrow comes in when the first file is begun.
"""
