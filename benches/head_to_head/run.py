"""Annals against DuckDB and polars: hour files to Parquet, zstd 3, no index. See ../README.md.

    run.py ANNALS --day FILE... --large FILE --small FILE [--runs 3] [--only PART] [--work DIR]

Whole processes are timed. Ours and the peer's run in turn; a figure is the median, a ratio the median of the pairs' ratios.
What ours does and the peer does not: dedupe, hashing, dead letters, `rest`, the copy of the served bytes, syncs, commits.
"""

import argparse
import os
import pathlib
import platform
import sys
import tempfile

import duckdb

from pairs import MIB, Pairs

HERE = pathlib.Path(__file__).parent

# What SQL over the JSON gives exactly as the table has it.
ALIKE = """msg_id sent_at direction file_length duration_s width height url secret thumb_url thumb_secret lat addr
    custom_event""".split()
# What both have, and where ours says more: the reasons, as the differing rows of the corpus show them.
RESOLVED = {
    "chat_type": "ours has one spelling, and names rooms that are reported as groups",
    "sender": "ours resolves decorated names and names of the server's own",
    "recipient": "ours resolves decorated names",
    "body_type": "ours names events, types nobody knows, and bodies outside an array",
    "text": "ours reads a body outside an array too",
    "filename": "ours knows `file_name` too",
    "lng": "ours knows the misprint `log` too",
    "action": "ours takes `msg` of a command without `action`",
    "custom_exts": "ours merges lists of attributes into one object",
    "ext": "ours keeps numbers as written (DuckDB turns `1e-09` into `1e-9`)",
}


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(dir=given.work, prefix="head_to_head-") as work:
        bench = Bench(given, pathlib.Path(work))
        print(f"{platform.machine()}, {os.cpu_count()} cores; duckdb {duckdb.__version__}; {given.runs} pairs")
        for name, part in PARTS.items():
            if given.only in (None, name):
                part(bench, given)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annals", help="the binary, built with the profile dist")
    parser.add_argument("--day", nargs="+", required=True, help="hour files, each of another hour")
    parser.add_argument("--large", required=True, help="an hour file of a million messages")
    parser.add_argument("--small", required=True, help="an hour file of 200,000 messages")
    parser.add_argument("--runs", type=int, default=3, help="pairs")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--work", help="where results are written, and deleted again")
    return parser.parse_args()


def day(bench, given):
    one = bench.pair("24 files, 1 worker / 1 thread", bench.ours(1, given.day), bench.duckdb(1, given.day))
    print(f"  CPU {one.cpu:.2f}   (must 0.70, aim 0.55)")
    two = bench.pair("24 files, 2 workers / 2 threads", bench.ours(2, given.day), bench.duckdb(2, given.day))
    print(f"  wall {two.wall:.2f}   (must 0.65, aim 0.50)")
    print(f"  peak of ours {two.peak / MIB:.0f} MiB   (must 200, aim 130)")


def large(bench, given):
    one = bench.pair("one large file, 2 threads", bench.ours(2, [given.large]), bench.duckdb(2, [given.large]))
    print(f"  wall {one.wall:.2f}   (must 0.75, aim 0.60)")
    grown = bench.pair("large / small file, both ours", bench.ours(2, [given.large]), bench.ours(2, [given.small]))
    print(f"  peak {grown.memory:.2f}   (must 1.15)")


def size(bench, given):
    """Bytes, of the columns that both have too, and the rows that differ."""
    ours = bench.run(bench.ours(2, [given.small]))
    theirs = bench.run(bench.duckdb(2, [given.small]))
    tables = f"{ours.out}/messages/*/*.parquet", f"{theirs.out}/*.parquet"
    parquet, packed = parquet_bytes(ours.out / "messages"), os.path.getsize(given.small)
    print(f"bytes: ours {parquet:,}, gz {packed:,}, DuckDB {parquet_bytes(theirs.out):,}")
    print(f"  ours / gz {parquet / packed:.2f}   (must 0.70, aim 0.62)")
    alike = column_bytes(tables[0]) / column_bytes(tables[1])
    print(f"  ours / DuckDB, in the columns that both have {alike:.2f}   (must 0.93, aim 0.85)")
    compare(duckdb.connect(), *tables)


def column_bytes(table):
    """The compressed bytes of the columns that both have."""
    names = ", ".join(f"'{name}'" for name in [*ALIKE, *RESOLVED])
    rows = f"SELECT sum(total_compressed_size) FROM parquet_metadata('{table}') WHERE path_in_schema IN ({names})"
    return duckdb.execute(rows).fetchone()[0]


def compare(connection, ours, theirs):
    """EXCEPT in both directions. Rows that DuckDB could not read, which it leaves empty, are counted apart."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE VIEW theirs AS SELECT * FROM '{theirs}' WHERE msg_id IS NOT NULL")
    connection.execute(f"CREATE VIEW whole AS SELECT * REPLACE (sent_at::TIMESTAMP AS sent_at) FROM '{ours}'")
    connection.execute("CREATE VIEW ours AS SELECT * FROM whole WHERE msg_id IN (SELECT msg_id FROM theirs)")
    unread = connection.execute("SELECT (SELECT count(*) FROM whole) - (SELECT count(*) FROM ours)").fetchone()[0]
    print(f"rows: {unread} of ours could not be read by DuckDB; the others, EXCEPT in both directions:")
    missing, extra = differences(connection, ALIKE)
    print(f"  {missing} and {extra} in {', '.join(ALIKE)}   (must 0)")
    for column, reason in RESOLVED.items():
        missing, extra = differences(connection, ["msg_id", column])
        print(f"  {missing} and {extra} in {column}: {reason}")


def differences(connection, columns):
    names = ", ".join(columns)

    def only_in(left, right):
        rows = f"SELECT {names} FROM {left} EXCEPT SELECT {names} FROM {right}"
        return connection.execute(f"SELECT count(*) FROM ({rows})").fetchone()[0]

    return only_in("ours", "theirs"), only_in("theirs", "ours")


def inferred(bench, given):
    peer = bench.duckdb(2, [given.small], "inferred")
    bench.pair("for information: small file, DuckDB infers", bench.ours(2, [given.small]), peer)


def polars(bench, given):
    def peer(out):
        return [sys.executable, HERE / "polars_leg.py", out, given.small]

    bench.pair("for information: small file, polars", bench.ours(2, [given.small]), peer)


PARTS = {"day": day, "large": large, "size": size, "inferred": inferred, "polars": polars}


class Bench(Pairs):
    """What is run, on which options."""

    def __init__(self, given, work):
        super().__init__(given.runs, work)
        self.annals = given.annals

    def ours(self, workers, files):
        options = ["--no-index", "--quiet", "--set", f"ingest.workers={workers}", "--set", "archive.compression=3"]
        return lambda out: [self.annals, "load", *files, "--archive", out, *options]

    def duckdb(self, threads, files, form="explicit"):
        return lambda out: [sys.executable, HERE / "duckdb_leg.py", str(threads), form, out, *files]


def parquet_bytes(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*.parquet"))


if __name__ == "__main__":
    main()
