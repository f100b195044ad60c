"""tantivy-py's leg: the texts and keys of an archive, document by document, with the tokenizer `default`.

    tantivy_leg.py OUT ARCHIVE

What a plain loop over the library does: one thread, a heap of 128 MB, one commit. A Chinese sentence is one word to it.
"""

import pathlib
import sys

import tantivy

from tables import batches


def schema():
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="default", index_option="position")
    for name in ("msg_id", "source_hour"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("sender", "recipient", "conversation", "body_type", "chat_type"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("sent_at", fast=True, stored=True)
    for name in ("part", "line"):
        builder.add_integer_field(name, stored=True)
    return builder.build()


def main(out, archive):
    pathlib.Path(out).mkdir(parents=True)
    index = tantivy.Index(schema(), path=out)
    writer = index.writer(heap_size=128_000_000, num_threads=1)
    for texts, times, keys in batches(archive):
        names = list(keys)
        for text, sent_at, *values in zip(texts, times, *keys.values()):
            document = {name: value for name, value in zip(names, values) if value is not None}
            document["text"] = text
            if sent_at is not None:
                document["sent_at"] = sent_at
            writer.add_document(tantivy.Document(**document))
    writer.commit()
    writer.wait_merging_threads()


if __name__ == "__main__":
    main(*sys.argv[1:])
