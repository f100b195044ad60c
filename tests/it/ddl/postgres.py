import json, os, sys, tempfile
import pgserver

script = open(sys.argv[1]).read()
server = pgserver.get_server(tempfile.mkdtemp(prefix="annals-pg-"), cleanup_mode="delete")


def run(sql):
    return server.psql("\\set ON_ERROR_STOP on\n\\set QUIET on\n\\pset tuples_only on\n\\pset format unaligned\n" + sql)


def row(query):
    return json.loads(run(f"select json_agg(told) from ({query}) told;"))[0]


run(script)
facts = row("select count(*) a, sum(line)::bigint b, (extract(epoch from min(sent_at)) * 1000000)::bigint c, (extract(epoch from max(sent_at)) * 1000000)::bigint d from messages")
told = {"facts": list(facts.values())}
merge = script[script.index("CREATE TABLE IF NOT EXISTS messages_new"):].split("TRUNCATE TABLE messages_new;")[0]
if facts["a"]:
    told["text"] = row("select text from messages where source_hour = '2026031400' and line = 1")["text"]
    for name in ("merged", "again"):
        run("truncate table messages_new; insert into messages_new select * from messages where source_hour = '2026031400' and line = 1;")
        run(merge)
        told[name] = list(row("select count(*) a, count(*) filter (where source_hour = '2026031400') b from messages").values())
server.cleanup()
print(json.dumps(told))
