"""Ten questions as analysts ask them, for `annals sql` and for DuckDB over the same files.

Where the dialects differ, a question has two forms. Every answer has one order, so that both can be compared.
"""

MICROS = {"ours": "CAST({} AS bigint)", "duckdb": "epoch_us({})"}


def micros(column):
    return lambda engine: MICROS[engine].format(column)


def silence(engine):
    return f"""SELECT conversation, max(sent - before) AS silence FROM (
        SELECT conversation, sent, lag(sent) OVER (PARTITION BY conversation ORDER BY sent) AS before
        FROM (SELECT conversation, {micros("sent_at")(engine)} AS sent FROM messages WHERE conversation IS NOT NULL) AS m
        ) AS gaps GROUP BY conversation ORDER BY silence DESC NULLS LAST, conversation LIMIT 10"""


def locale(engine):
    value = {"ours": "json_text(ext, '$.locale')", "duckdb": "json_extract_string(ext, '$.locale')"}[engine]
    return f"""SELECT locale, count(*) AS said FROM (SELECT {value} AS locale FROM messages WHERE ext IS NOT NULL) AS m
        GROUP BY locale ORDER BY said DESC, locale"""


def replies(engine):
    took = f"{micros('later.sent_at')(engine)} - {micros('m.sent_at')(engine)}"
    return f"""SELECT later.chat_type, count(*) AS events, max({took}) AS longest
        FROM messages AS later JOIN messages AS m ON m.msg_id = later.about
        GROUP BY later.chat_type ORDER BY later.chat_type"""


def same(query):
    return lambda engine: query


PHRASE = "platform 2, 07:40"

QUESTIONS = {
    "top senders": same("""SELECT sender, count(*) AS said FROM messages
        GROUP BY sender ORDER BY said DESC, sender LIMIT 10"""),
    "messages by day and type": same("""SELECT CAST(date AS varchar) AS day, body_type, count(*) AS said FROM messages
        GROUP BY date, body_type ORDER BY day, body_type NULLS LAST"""),
    "distinct conversations": same("""SELECT chat_type, count(DISTINCT conversation) AS conversations FROM messages
        GROUP BY chat_type ORDER BY chat_type NULLS LAST"""),
    "longest silence": silence,
    "largest attachments": same("""SELECT msg_id, filename, file_length FROM messages WHERE file_length IS NOT NULL
        ORDER BY file_length DESC, msg_id LIMIT 20"""),
    "a key of ext": locale,
    "self-join: until it was edited, read, recalled": replies,
    "window: the three loudest of each hour": same("""SELECT source_hour, place, sender, said FROM (
        SELECT source_hour, sender, count(*) AS said,
            row_number() OVER (PARTITION BY source_hour ORDER BY count(*) DESC, sender) AS place
        FROM messages GROUP BY source_hour, sender) AS ranked WHERE place <= 3 ORDER BY source_hour, place"""),
    "LIKE": same(f"""SELECT source_hour, sender, msg_id FROM messages WHERE text LIKE '%{PHRASE}%' ORDER BY msg_id"""),
}

# The tenth, which DuckDB cannot be asked: held against the LIKE before it.
SEARCH = f"""SELECT source_hour, sender, msg_id FROM search('"{PHRASE}"') ORDER BY msg_id"""
