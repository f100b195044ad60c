import json, sys
import duckdb

script = open(sys.argv[1]).read()
connection = duckdb.connect()
connection.execute(script)


def rows(query):
    return [list(row) for row in connection.execute(query).fetchall()]


def facts(ending):
    counted = f"count(*), sum(line)::bigint, epoch_us(min(sent_at)), epoch_us(max(sent_at))"
    others = f"(select count(distinct source_hour) from hours{ending}), (select count(*) from dead_letters{ending}), (select count(*) from attachments{ending})"
    return rows(f"select {counted}, {others} from messages{ending}")[0]


merge = script[script.index("CREATE TABLE IF NOT EXISTS messages_new"):].split("TRUNCATE TABLE messages_new;")[0]
told = {"facts": [facts(""), facts("_native")]}
for name in ("merged", "again"):
    connection.execute("delete from messages_new")
    connection.execute("insert into messages_new by name select * exclude (date) from messages where source_hour = '2026031400' and line = 1")
    connection.execute(merge)
    told[name] = rows("select count(*), count(*) filter (where source_hour = '2026031400') from messages_native")[0]
print(json.dumps(told))
