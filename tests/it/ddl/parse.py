import json, logging, os, sys
import sqlglot, yaml
from sqlglot import exp

logging.disable(logging.CRITICAL)
folder = sys.argv[1]
taken, failed = {}, {}
for name in sorted(os.listdir(folder)):
    engine, ending = name.split(".")
    if ending != "sql":
        continue
    try:
        parsed = [statement for statement in sqlglot.parse(open(os.path.join(folder, name)).read(), read=engine) if statement]
        commands = {" ".join(statement.sql(dialect=engine, comments=False).split()[:2]).split("(")[0] for statement in parsed if isinstance(statement, exp.Command)}
        taken[engine] = sorted(commands)
        if len(parsed) < 9:
            failed[engine] = f"only {len(parsed)} statements"
    except sqlglot.errors.SqlglotError as error:
        failed[engine] = str(error)
sources = yaml.safe_load(open(os.path.join(folder, "sources.yml")))["sources"][0]["tables"]
columns = {table["name"]: [column["name"] for column in table["columns"]] for table in sources}
assert sources[1]["freshness"]["error_after"] == {"count": 36, "period": "hour"}, sources[1]
assert all("unique" in table["data_tests"][0] for table in sources), sources
print(json.dumps({"taken": taken, "failed": failed, "sources": columns}))
