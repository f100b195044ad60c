import json, os, sys, tempfile
from pyspark.sql import SparkSession


def statements(script):
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";\n") if statement.strip()]


script = open(sys.argv[1]).read() + "\n"
session = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.warehouse.dir", tempfile.mkdtemp(dir=os.path.dirname(sys.argv[1])))
    .getOrCreate()
)
session.sparkContext.setLogLevel("ERROR")
for statement in statements(script):
    session.sql(statement.rstrip(";"))


def row(query):
    return list(session.sql(query).collect()[0])


def facts(ending):
    told = row(f"select count(*), sum(line), unix_micros(min(sent_at)), unix_micros(max(sent_at)) from messages{ending}")
    told += row(f"select count(distinct source_hour) from hours{ending}") + row(f"select count(*) from dead_letters{ending}")
    return told + row(f"select count(*) from attachments{ending}")


merge = statements(script[script.index("CREATE TABLE IF NOT EXISTS messages_new"):].split("TRUNCATE TABLE messages_new;")[0])
told = {"facts": [facts(""), facts("_native")]}
columns = ", ".join(f"`{name}`" for name in session.table("messages_new").columns)
for name in ("merged", "again"):
    session.sql("truncate table messages_new")
    session.sql(f"insert into messages_new select {columns} from messages where source_hour = '2026031400' and line = 1")
    for statement in merge:
        session.sql(statement.rstrip(";"))
    told[name] = row("select count(*), count_if(source_hour = '2026031400') from messages_native")
print(json.dumps(told))
