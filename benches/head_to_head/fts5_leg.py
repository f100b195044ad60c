"""SQLite's leg: the texts of an archive into FTS5 with the tokenizer `trigram`, the keys into a table with three indexes.

    fts5_leg.py OUT ARCHIVE

In its cheapest form: no text is stored (`content=''`), nothing is synced, one transaction. It finds no string of one or two
characters, which is what most searches in Chinese are.
"""

import pathlib
import sqlite3
import sys

from tables import KEYS, batches


def main(out, archive):
    pathlib.Path(out).mkdir(parents=True)
    connection = sqlite3.connect(f"{out}/messages.sqlite", isolation_level=None)
    connection.executescript("""
        PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -131072;
        CREATE TABLE messages (row INTEGER PRIMARY KEY, sent_at INTEGER, msg_id, source_hour, part, line, sender, recipient,
            conversation, body_type, chat_type);
        CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize='trigram');""")
    connection.execute("BEGIN")
    row = 0
    for texts, times, keys in batches(archive):
        numbers = range(row, row + len(texts))
        row += len(texts)
        connection.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               zip(numbers, times, *(keys[name] for name in KEYS)))
        connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", zip(numbers, texts))
    for column in ("sender", "recipient", "conversation"):
        connection.execute(f"CREATE INDEX {column}s ON messages ({column})")
    connection.execute("COMMIT")
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
