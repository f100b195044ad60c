"""polars' leg: hour files to Parquet. Its reader of nested NDJSON is slow, so one small file says enough.

    polars_leg.py OUT FILE...
"""

import pathlib
import sys

import polars

out, *files = sys.argv[1:]
pathlib.Path(out).mkdir(parents=True, exist_ok=True)
for file in files:
    lines = polars.scan_ndjson(file, ignore_errors=True)
    lines.sink_parquet(pathlib.Path(out, pathlib.Path(file).stem + ".parquet"), compression="zstd", compression_level=3)
