"""What `annals compact` does to readers: the same questions of an archive before and after, in turn. See ../README.md.

    compacted.py ANNALS FOLDER-OF-HOURS [--runs 5] [--work DIR]

Two archives are loaded from the same hour files, of which one is compacted. DuckDB reads the files that the Delta log names.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb
from deltalake import DeltaTable

from pairs import Pairs, Run

THREADS = 2

# What engines read of the table: hardly a column, a few, and all of them.
SCANS = {
    "one hour": "SELECT count(*), max(length(text)) FROM messages WHERE source_hour = '2026031409'",
    "messages by type": "SELECT body_type, count(*) FROM messages GROUP BY ALL ORDER BY ALL",
    "top senders": "SELECT sender, count(*) FROM messages GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 10",
    "text with a word": "SELECT count(*) FROM messages WHERE text LIKE '%harbour%'",
    "one message": "SELECT * EXCLUDE (secret, thumb_secret) FROM messages WHERE msg_id = '{msg_id}'",
    "all columns": "SELECT max(COLUMNS(*)) FROM messages",
}


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(dir=given.work, prefix="compacted-") as work:
        work = pathlib.Path(work)
        apart, together = (Archive(given, work / name) for name in ("apart", "together"))
        began = time.monotonic()
        together.annals("compact", "--since", "2000-01-01", "--until", "2100-01-01")
        print(f"compact: {time.monotonic() - began:.2f} s")
        for archive in (apart, together):
            archive.look()
        for title, query in SCANS.items():
            print(f"DuckDB, {title}: {in_turn(given.runs, apart, together, query)}", flush=True)
        pairs = Pairs(given.runs, work)
        for asked in (["query", "harbour", "--limit", "10"], ["show", apart.msg_id], ["status"], ["export", "--to", "-"]):
            print(f"annals {asked[0]}: {processes_in_turn(pairs, apart, together, asked)}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annals", help="the binary")
    parser.add_argument("hours", type=pathlib.Path, help="hour files, such as those of make_hours.py")
    parser.add_argument("--runs", type=int, default=5, help="pairs")
    parser.add_argument("--work", help="where archives are written, and deleted again")
    return parser.parse_args()


class Archive:
    """An archive of its own, and a connection in which its live files are the view `messages`."""

    def __init__(self, given, place):
        self.binary, self.place = given.annals, place
        hours = sorted(str(path) for path in given.hours.glob("*.gz"))
        self.annals("load", *hours, "--set", "compact.files=0")

    def look(self):
        """Opens it for the engine, and says how large it is."""
        table = DeltaTable(self.place / "messages")
        files = table.file_uris()
        self.engine = duckdb.connect()
        self.engine.execute(f"SET threads = {THREADS}; SET TimeZone = 'UTC'")
        self.engine.execute(f"CREATE VIEW messages AS SELECT * FROM read_parquet({files}, hive_partitioning = true)")
        size = sum(pathlib.Path(file).stat().st_size for file in files)
        rows, self.msg_id = self.engine.execute("SELECT count(*), quantile_disc(msg_id, 0.5) FROM messages").fetchone()
        print(f"{self.place.name}: {rows:,} rows in {len(files)} files of {size:,} bytes")

    def annals(self, *arguments):
        subprocess.run(self.command(*arguments), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self, *arguments):
        return [self.binary, *arguments, "--archive", str(self.place), "--quiet"]


def in_turn(runs, apart, together, query):
    """The medians of both, of which the first is before; the answers are the same."""
    times = []
    for _ in range(runs):
        before, told = timed(apart, query)
        after, again = timed(together, query)
        if told != again:
            raise SystemExit(f"other answers after compaction: {query}")
        times.append((before, after))
    before, after = (statistics.median(side) * 1e3 for side in zip(*times))
    ratio = statistics.median(after / before for before, after in times)
    return f"{before:.1f} ms before, {after:.1f} ms after, {ratio:.2f}"


def processes_in_turn(pairs, apart, together, asked):
    """The medians of both, for whole processes."""
    runs = [[pairs.run(lambda _: archive.command(*asked)) for archive in (apart, together)] for _ in range(pairs.runs)]
    before, after = (Run.median(side) for side in zip(*runs))
    ratio = Run.median([after / before for before, after in runs])
    return (
        f"CPU {before.cpu * 1e3:.0f} ms before, {after.cpu * 1e3:.0f} ms after, {ratio.cpu:.2f}; "
        f"wall {before.wall * 1e3:.0f} ms, {after.wall * 1e3:.0f} ms, {ratio.wall:.2f}"
    )


def timed(archive, query):
    began = time.monotonic()
    rows = archive.engine.execute(query.replace("{msg_id}", archive.msg_id)).fetchall()
    return time.monotonic() - began, rows


if __name__ == "__main__":
    sys.exit(main())
