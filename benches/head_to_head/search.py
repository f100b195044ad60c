"""Annals' index against SQLite FTS5 and tantivy-py, and what it promises of itself. See ../README.md.

    search.py ANNALS --day FILE... [--runs 3] [--only PART] [--work DIR]

The index leg is `annals index rebuild`: from the tables, which the peers read too. Whole processes are timed.
"""

import argparse
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata

from pairs import MIB, Pairs
from tables import batches

HERE = pathlib.Path(__file__).parent
SIMPLIFIED = HERE.parent.parent / "crates" / "index" / "src" / "simplified.txt"


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(dir=given.work, prefix="search-") as work:
        bench = Bench(given, pathlib.Path(work))
        print(f"{platform.machine()}, {os.cpu_count()} cores; {given.runs} pairs")
        for name, part in PARTS.items():
            if given.only in (None, name):
                part(bench, given)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annals", help="the binary, built with the profile dist")
    parser.add_argument("--day", nargs="+", required=True, help="hour files, each of another hour")
    parser.add_argument("--runs", type=int, default=3, help="pairs")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--work", help="where results are written, and deleted again")
    return parser.parse_args()


class Bench(Pairs):
    """An archive of the day with its index, made once, and what is run on it."""

    def __init__(self, given, work):
        super().__init__(given.runs, work)
        self.annals, self.archive = given.annals, work / "archive"
        subprocess.run(self.load(2, given.day)(self.archive), check=True, stdout=subprocess.DEVNULL)

    def load(self, workers, files, *more):
        options = ["--quiet", "--set", f"ingest.workers={workers}", *more]
        return lambda out: [self.annals, "load", *files, "--archive", out, *options]

    def index(self, workers=1):
        """The index leg alone. The index is in the archive, not in the folder that is given."""
        options = ["--quiet", "--set", f"ingest.workers={workers}"]
        return lambda out: [self.annals, "index", "rebuild", "--archive", self.archive, *options]

    def peer(self, script):
        return lambda out: [sys.executable, HERE / script, out, self.archive]

    def query(self, *asked):
        return [self.annals, "query", *asked, "--archive", self.archive, "--quiet"]


def build(bench, given):
    fts5 = bench.pair("index leg, 1 worker / FTS5 trigram", bench.index(), bench.peer("fts5_leg.py"))
    print(f"  CPU {fts5.cpu:.2f}   (must 0.45, aim 0.33)")
    loop = bench.pair("index leg, 1 worker / tantivy-py, `default`", bench.index(), bench.peer("tantivy_leg.py"))
    print(f"  CPU {loop.cpu:.2f}   (must 0.75, aim 0.55)")


def both(bench, given):
    one = bench.pair("tables and index, 1 worker / index alone", bench.load(1, given.day), bench.index())
    print(f"  CPU {one.cpu:.2f}   (must 1.25, aim 1.15)")
    print(f"  peak with 1 worker {one.peak / MIB:.0f} MiB   (must 350, aim 250)")
    two = bench.pair("tables and index, 2 workers / 1 worker", bench.load(2, given.day), bench.load(1, given.day))
    print(f"  peak with 2 workers {two.peak / MIB:.0f} MiB   (must 500, aim 350)")


def size(bench, given):
    text = sum(len(text.encode()) for texts, _, _ in batches(bench.archive) for text in texts)
    index = sum(path.stat().st_size for path in (bench.archive / "index").rglob("*") if path.is_file())
    parquet = sum(path.stat().st_size for path in (bench.archive / "messages").rglob("*.parquet"))
    packed = sum(os.path.getsize(file) for file in given.day)
    print(f"bytes: text {text:,}, index {index:,}, Parquet {parquet:,}, gz {packed:,}")
    print(f"  index / text {index / text:.2f}   (must 1.6, aim 1.2)")
    print(f"  (Parquet + index) / gz {(parquet + index) / packed:.2f}   (must 1.45, aim 1.2)")


def cold(bench, given):
    """The whole process, ten hits on screen, the files in the system's cache."""
    times = []
    for _ in range(21):
        began = time.monotonic()
        subprocess.run(bench.query("订单", "--limit", "10"), check=True, stdout=subprocess.DEVNULL)
        times.append((time.monotonic() - began) * 1000)
    print(f"the whole process: {statistics.median(times):.0f} ms   (must 60, aim 30)")


SCRIPTS = {
    "Chinese": ("\u4e00", "\u9fff"),
    "Japanese": ("\u3041", "\u30ff"),
    "Korean": ("\uac00", "\ud7a3"),
    "Thai": ("\u0e01", "\u0e5b"),
}


def counts(bench, given):
    """Strings of one, two and four characters, drawn from the texts: counted by the index, and by looking at every text."""
    simplified = {}
    for line in SIMPLIFIED.read_text().splitlines():
        if not line.startswith("#"):
            simplified.update(zip(map(ord, line[::2]), line[1::2]))

    def fold(text):
        return unicodedata.normalize("NFKC", text).lower().translate(simplified)

    earliest = {}
    for texts, _, keys in batches(bench.archive):
        for text, msg_id, hour in zip(texts, keys["msg_id"], keys["source_hour"]):
            earliest.setdefault(msg_id or (hour, len(earliest)), fold(text))
    texts = list(earliest.values())
    several = {}
    for text in texts:
        several[text] = several.get(text, 0) + 1
    for script, (first, last) in SCRIPTS.items():
        for length in (1, 2, 4):
            drawn = draw(several, first, last, length)
            wrong = []
            for string in drawn:
                scanned = sum(count for text, count in several.items() if string in text)
                indexed = int(subprocess.run(bench.query(string, "--count"), stdout=subprocess.PIPE).stdout or 0)
                if scanned != indexed:
                    wrong.append((string, indexed, scanned))
            print(f"{script}, {length} characters: {len(drawn)} strings, {len(wrong)} counted differently   (must 0)", *wrong[:5])


def draw(texts, first, last, length):
    """Up to 200 different strings of one script, of texts drawn by a seed."""
    dice, found = random.Random(length), set()
    pool = [text for text in texts if any(first <= letter <= last for letter in text)]
    for text in dice.choices(pool, k=20_000) if pool else ():
        at = dice.randrange(max(len(text) - length, 0) + 1)
        string = text[at : at + length]
        if len(string) == length and all(first <= letter <= last for letter in string):
            found.add(string)
        if len(found) == 200:
            break
    return sorted(found)


PARTS = {"build": build, "both": both, "size": size, "cold": cold, "counts": counts}

if __name__ == "__main__":
    main()
