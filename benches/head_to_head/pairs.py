"""Whole processes, timed in turn: user and system CPU, wall, peak of resident memory; medians."""

import os
import shutil
import statistics
import subprocess
import time

MIB = 1 << 20


class Pairs:
    """Runs commands that each write into a new folder. A command is a function of that folder."""

    def __init__(self, runs, work):
        self.runs, self.work, self.count = runs, work, 0

    def pair(self, title, ours, peer):
        """Runs both in turn, and prints medians."""
        pairs = []
        for _ in range(self.runs):
            pairs.append((self.run(ours), self.run(peer)))
            for done in pairs[-1]:
                shutil.rmtree(done.out, ignore_errors=True)
        left, right = (Run.median(side) for side in zip(*pairs))
        print(f"{title}\n  ours {left}\n  peer {right}", flush=True)
        ratios = Run.median([a / b for a, b in pairs])
        print(f"  ours / peer: CPU {ratios.cpu:.2f}, wall {ratios.wall:.2f}, peak {ratios.peak:.2f}", flush=True)
        return Ratios(ratios, left)

    def run(self, command):
        self.count += 1
        out = self.work / str(self.count)
        began = time.monotonic()
        process = subprocess.Popen(command(out), stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, out)


class Run:
    """What a process took; `/` gives ratios."""

    def __init__(self, cpu, wall, peak, out=None):
        self.cpu, self.wall, self.peak, self.out = cpu, wall, peak, out

    def __truediv__(self, other):
        return Run(self.cpu / other.cpu, self.wall / other.wall, self.peak / other.peak)

    def __str__(self):
        return f"CPU {self.cpu:.2f} s, wall {self.wall:.2f} s, peak {self.peak / MIB:.0f} MiB"

    @staticmethod
    def median(runs):
        return Run(*(statistics.median(getattr(run, name) for run in runs) for name in ("cpu", "wall", "peak")))


class Ratios:
    """The medians of a pair: ratios, and the peak of ours in bytes."""

    def __init__(self, ratios, ours):
        self.cpu, self.wall, self.memory, self.peak = ratios.cpu, ratios.wall, ratios.peak, ours.peak
