"""An open prompt of `annals sql`: what it says that an answer took, in seconds."""

import os
import pty
import re
import select
import time

PATIENCE = 60


class Prompt:
    """Queries are asked one after the other, of one process."""

    def __init__(self, annals, archive):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execvp(annals, [annals, "sql", "--archive", str(archive), "--no-history"])
        self.said = b""
        self.wait(rb"annals> ")

    def ask(self, query):
        os.write(self.terminal, " ".join(query.split()).encode() + b";\r")
        seconds = float(self.wait(rb"rows? in ([0-9.]+) s").group(1))
        self.wait(rb"annals> ")
        return seconds

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.process, 0)

    def wait(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.said):
                self.said = self.said[found.end() :]
                return found
            if select.select([self.terminal], [], [], 0.5)[0]:
                self.said += os.read(self.terminal, 1 << 16)
        raise SystemExit(f"no answer at the prompt, but {self.said[-400:]!r}")
