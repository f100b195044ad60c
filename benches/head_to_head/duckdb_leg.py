"""DuckDB's leg: hour files to Parquet, a COPY a file, all in one process.

    duckdb_leg.py THREADS explicit|inferred OUT FILE...

`explicit` is its cheapest form: columns are named, so that nothing is sniffed, and the first body is flattened into the
columns of `messages`. Not made, because SQL over the JSON cannot give them or only at a cost that nobody would pay:
`source_hour`, `part` (in the file's name), `line` (no row number that survives threads), `conversation` and `about` (rules
over several members), `rest` (what no column holds), `retained_at` (from earlier publications).
Duplicates stay in, and nothing is hashed: both are work that it is spared.
"""

import pathlib
import sys

import duckdb

# ext and custom_exts as JSON keep the text as written.
BODY = """STRUCT("type" VARCHAR, "subType" VARCHAR, msg VARCHAR, filename VARCHAR, file_length BIGINT, "length" DOUBLE,
    size STRUCT(width DOUBLE, height DOUBLE), url VARCHAR, secret VARCHAR, thumb VARCHAR, thumb_secret VARCHAR, lat DOUBLE,
    lng DOUBLE, addr VARCHAR, action VARCHAR, "customEvent" VARCHAR, "customExts" JSON, title VARCHAR, summary VARCHAR)"""
COLUMNS = f"""{{msg_id: 'VARCHAR', timestamp: 'BIGINT', direction: 'VARCHAR', "to": 'VARCHAR', "from": 'VARCHAR',
    chat_type: 'VARCHAR', payload: 'STRUCT(bodies {BODY}[], ext JSON)'}}"""

# The columns in the names of `messages`. `text` of a combined message is its title and summary.
FLAT = """msg_id, make_timestamp(timestamp * 1000) AS sent_at, chat_type, "from" AS sender, "to" AS recipient, direction,
    CASE WHEN b."subType" = 'sub_combine' THEN 'combine' ELSE b."type" END AS body_type,
    CASE WHEN b."subType" = 'sub_combine' THEN concat_ws(chr(10), b.title, b.summary)
         WHEN b."type" = 'txt' THEN b.msg END AS text,
    b.filename, b.file_length, b."length" AS duration_s, b.size.width AS width, b.size.height AS height, b.url,
    nullif(b.secret, '') AS secret, b.thumb AS thumb_url, nullif(b.thumb_secret, '') AS thumb_secret, b.lat, b.lng, b.addr,
    b.action, b."customEvent" AS custom_event, b."customExts"::VARCHAR AS custom_exts, e::VARCHAR AS ext"""


def explicit(file):
    lines = f"read_ndjson('{file}', columns = {COLUMNS}, ignore_errors = true)"
    return f"SELECT {FLAT} FROM (SELECT *, payload.bodies[1] AS b, payload.ext AS e FROM {lines})"


def inferred(file):
    return f"SELECT * FROM read_ndjson('{file}', ignore_errors = true)"


def main():
    threads, form, out, *files = sys.argv[1:]
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(f"SET threads = {int(threads)}")
    select = {"explicit": explicit, "inferred": inferred}[form]
    for file in files:
        parquet = pathlib.Path(out, pathlib.Path(file).stem + ".parquet")
        connection.execute(f"COPY ({select(file)}) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)")


if __name__ == "__main__":
    main()
