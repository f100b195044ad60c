"""DuckDB's leg: one question over the files of an archive, through the view that docs/sql.md has for it.

    duckdb_leg.py THREADS ARCHIVE OUT QUESTION

Writes the answer and the time that it took into the folder OUT. The time begins when the engine is opened and ends with the last
row: starting Python and loading the library are not counted.
"""

import csv
import pathlib
import sys
import time

import duckdb

from questions import QUESTIONS


def main(threads, archive, out, question):
    query = QUESTIONS[question]("duckdb")
    began = time.monotonic()
    connection = duckdb.connect()
    connection.execute(f"SET threads = {int(threads)}")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"""CREATE VIEW messages AS SELECT * FROM
        read_parquet('{archive}/messages/date=*/*.parquet', union_by_name = true, hive_partitioning = true)""")
    rows = connection.execute(query).fetchall()
    took = time.monotonic() - began
    out = pathlib.Path(out)
    out.mkdir(parents=True)
    with open(out / "answer.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    (out / "seconds").write_text(str(took))


if __name__ == "__main__":
    main(*sys.argv[1:])
