import json, sys
import chdb.session


def statements(script):
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";\n") if statement.strip()]


script = open(sys.argv[1]).read() + "\n"
session = chdb.session.Session()
for statement in statements(script):
    session.query(statement.rstrip(";"))


def row(query):
    return json.loads(str(session.query(query, "JSONCompact")))["data"][0]


def facts(ending):
    told = row(f"select count(), sum(line), toUnixTimestamp64Micro(min(assumeNotNull(sent_at))), toUnixTimestamp64Micro(max(assumeNotNull(sent_at))) from messages{ending}")
    told += row(f"select count(distinct source_hour) from hours{ending}") + row(f"select count() from dead_letters{ending}")
    told += row(f"select count() from attachments{ending}")
    return [int(fact) for fact in told]


merge = statements(script[script.index("CREATE TABLE IF NOT EXISTS messages_new"):].split("TRUNCATE TABLE messages_new;")[0])
told = {"facts": [facts(""), facts("_native")]}
for name in ("merged", "again"):
    session.query("truncate table messages_new")
    session.query("insert into messages_new select * except (date) from messages where source_hour = '2026031400' and line = 1")
    for statement in merge:
        session.query(statement.rstrip(";"))
    told[name] = [int(count) for count in row("select count(), countIf(source_hour = '2026031400') from messages_native")]
print(json.dumps(told))
