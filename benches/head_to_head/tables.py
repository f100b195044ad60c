"""The texts and keys of an archive's messages, for the peers of search.py: the same that Annals puts into its index."""

import pathlib

import pyarrow.parquet

# What Annals searches of a message, in its order.
TEXTS = "text filename addr action custom_event".split()
KEYS = "msg_id source_hour part line sender recipient conversation body_type chat_type".split()


def batches(archive):
    """Each batch as (texts, sent_at in microseconds, {key: values}); the rows of a file come in its order."""
    for path in sorted(pathlib.Path(archive, "messages").glob("date=*/*.parquet")):
        file = pyarrow.parquet.ParquetFile(path)
        for batch in file.iter_batches(batch_size=8192, columns=[*TEXTS, "sent_at", *KEYS]):
            columns = {name: batch.column(name) for name in [*TEXTS, *KEYS]}
            said = zip(*(columns[name].to_pylist() for name in TEXTS))
            texts = ["\n".join(text for text in row if text is not None) for row in said]
            times = batch.column("sent_at").cast("int64").to_pylist()
            yield texts, times, {name: columns[name].to_pylist() for name in KEYS}
