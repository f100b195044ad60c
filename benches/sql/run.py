"""`annals sql` against DuckDB over the same files of an archive: ten questions. See ../README.md.

    run.py ANNALS ARCHIVE [--runs 3] [--only PART-OF-A-TITLE] [--work DIR]

Ours is a whole process, from its start to its end, but for `search()`, which is asked at a prompt, too. DuckDB's time is what its
engine takes within a Python that has already been started. Both run in turn; a figure is the median, a ratio the median of the
pairs' ratios. Answers are compared.
"""

import argparse
import csv
import math
import os
import pathlib
import platform
import shutil
import statistics
import sys
import tempfile

import duckdb

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "head_to_head"))

from pairs import Pairs, Run  # noqa: E402
from prompt import Prompt  # noqa: E402
from questions import QUESTIONS, SEARCH  # noqa: E402

MUST, AIM, SEARCH_MUST = 1.5, 1.0, 20
THREADS = 2
PROMPT_RUNS = 15


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(dir=given.work, prefix="sql-") as work:
        bench = Bench(given, pathlib.Path(work))
        print(f"{platform.machine()}, {os.cpu_count()} cores; duckdb {duckdb.__version__}; {given.runs} pairs")
        asked = {title: question for title, question in QUESTIONS.items() if given.only in title}
        ratios = [bench.question(title) for title in asked]
        if ratios:
            mean = math.exp(statistics.fmean(map(math.log, ratios)))
            print(f"geometric mean of ours / DuckDB, wall: {mean:.2f}   (must {MUST}, aim {AIM})")
        if "LIKE" in asked:
            bench.search()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annals", help="the binary, built with the profile dist and the feature sql")
    parser.add_argument("archive", type=pathlib.Path, help="an archive with its index")
    parser.add_argument("--runs", type=int, default=3, help="pairs")
    parser.add_argument("--only", default="", help="questions whose title has this in it")
    parser.add_argument("--work", help="where answers are written, and deleted again")
    return parser.parse_args()


class Bench(Pairs):
    """The questions, on which archive."""

    def __init__(self, given, work):
        super().__init__(given.runs, work)
        self.annals, self.archive = given.annals, given.archive

    def question(self, title):
        """Both in turn: their answers are alike, and this is the ratio of their wall times."""
        pairs = [(self.ours(QUESTIONS[title]("ours")), self.peer(title)) for _ in range(self.runs)]
        left, right = (Run.median(side) for side in zip(*pairs))
        ratio = statistics.median(ours.wall / peer.wall for ours, peer in pairs)
        alike = all(answer(ours) == answer(peer) for ours, peer in pairs)
        print(f"{title}: {ratio:.2f}\n  ours {left}\n  peer {right}", flush=True)
        if not alike:
            raise SystemExit(f"the answers differ: {answer(pairs[0][0])[:5]}, DuckDB {answer(pairs[0][1])[:5]}")
        for pair in pairs:
            for done in pair:
                shutil.rmtree(done.out, ignore_errors=True)
        return ratio

    def search(self):
        """The LIKE against the search for the same words: of an open prompt, as DuckDB's engine is open, and as processes."""
        like = QUESTIONS["LIKE"]("ours")
        prompt = Prompt(self.annals, self.archive)
        asked = [(prompt.ask(like), prompt.ask(SEARCH)) for _ in range(PROMPT_RUNS)]
        prompt.close()
        slow, fast = (statistics.median(side) * 1000 for side in zip(*asked))
        print(f"search() in place of LIKE, at a prompt: {slow / fast:.1f} times faster   (must {SEARCH_MUST})")
        print(f"  LIKE {slow:.0f} ms, search() {fast:.0f} ms")
        pairs = [(self.ours(like), self.ours(SEARCH)) for _ in range(self.runs)]
        slow, fast = (Run.median(side) for side in zip(*pairs))
        faster = statistics.median(slow.wall / fast.wall for slow, fast in pairs)
        print(f"the same as processes: {faster:.0f} times faster\n  LIKE {slow}\n  search() {fast}")
        if answer(pairs[0][0]) != answer(pairs[0][1]):
            raise SystemExit("search() finds something else than LIKE")

    def ours(self, query):
        def command(out):
            out.mkdir(parents=True)
            settings = ["--archive", str(self.archive), "--quiet"]
            return [self.annals, "sql", query, "--output", str(out / "answer.csv"), *settings]

        return self.run(command)

    def peer(self, title):
        leg = [sys.executable, HERE / "duckdb_leg.py", str(THREADS), str(self.archive)]
        done = self.run(lambda out: [*leg, str(out), title])
        done.wall = float((done.out / "seconds").read_text())
        return done


def answer(run):
    """The rows as texts; ours has a header."""
    with open(run.out / "answer.csv", newline="") as file:
        rows = list(csv.reader(file))
    is_ours = not (run.out / "seconds").exists()
    return rows[1:] if is_ours else rows


if __name__ == "__main__":
    main()
