"""Runs the two queries for Athena over CloudTrail records, in an engine that others wrote.

Standard input: {"usage": SQL, "coverage": SQL, "records": [CloudTrail records]}. Both queries have to be what sqlglot
takes for SQL of Athena; DuckDB then runs them, translated, over a table with the columns that AWS documents (Athena User
Guide, "Create a table for CloudTrail logs in Athena using partition projection"). Output: {"usage": rows, "coverage":
rows}, cells as text.

Where the engines differ, the translation says so: Trino writes $1 where DuckDB has \\1 in a replacement, and gives NULL
where DuckDB gives '' for a pattern that does not occur and 'null' for no JSON.
"""

import json
import sys

import duckdb
import sqlglot
from sqlglot import exp

ISSUER = "STRUCT(type VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, username VARCHAR)"
IDENTITY = (
    "STRUCT(type VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, invokedby VARCHAR, accesskeyid VARCHAR, "
    f"username VARCHAR, sessioncontext STRUCT(sessionissuer {ISSUER}))"
)
TEXT = [
    "eventversion", "eventtime", "eventsource", "eventname", "awsregion", "sourceipaddress", "useragent", "errorcode",
    "errormessage", "requestparameters", "responseelements", "additionaleventdata", "requestid", "eventid", "eventtype",
    "apiversion", "readonly", "recipientaccountid", "serviceeventdetails", "sharedeventid", "vpcendpointid", "timestamp",
]


def lower(value):
    """Names in structs are lower case in the table, as its definition has them."""
    if isinstance(value, dict):
        return {name.lower(): lower(v) for name, v in value.items()}
    return [lower(v) for v in value] if isinstance(value, list) else value


def row(record):
    fields = {name.lower(): value for name, value in record.items()}
    cells = {}
    for name in TEXT:
        value = fields.get(name)
        cells[name] = json.dumps(value) if isinstance(value, (dict, list, bool)) else value
    day = record["eventTime"][:10].replace("-", "/")
    identity = lower(record.get("userIdentity"))
    return {**cells, "timestamp": day, "useridentity": identity, "resources": lower(record.get("resources"))}


def translate(sql):
    statement = sqlglot.parse_one(sql.rstrip().rstrip(";"), dialect="athena")

    def adapt(node):
        if isinstance(node, exp.RegexpReplace):
            text = node.args["replacement"]
            text.set("this", text.this.replace("$1", "\\1"))
        if isinstance(node, exp.RegexpExtract):
            return exp.Nullif(this=node, expression=exp.Literal.string(""))
        if isinstance(node, exp.JSONFormat):
            return exp.Nullif(this=node, expression=exp.Literal.string("null"))
        return node

    return statement.transform(adapt).sql(dialect="duckdb")


def main():
    given = json.load(sys.stdin)
    engine = duckdb.connect()
    engine.execute("CREATE SCHEMA audit")
    columns = ", ".join(f'"{name}" VARCHAR' for name in TEXT)
    resources = "STRUCT(arn VARCHAR, accountid VARCHAR, type VARCHAR)[]"
    engine.execute(f"CREATE TABLE audit.logs ({columns}, useridentity {IDENTITY}, resources {resources})")
    names = [*TEXT, "useridentity", "resources"]
    values = ", ".join(
        f"from_json(line->'{name}', ?)" if name in ("useridentity", "resources") else f"line->>'{name}'"
        for name in names
    )
    shapes = [
        json.dumps({"type": "VARCHAR", "principalid": "VARCHAR", "arn": "VARCHAR", "accountid": "VARCHAR",
                    "invokedby": "VARCHAR", "accesskeyid": "VARCHAR", "username": "VARCHAR",
                    "sessioncontext": {"sessionissuer": {"type": "VARCHAR", "principalid": "VARCHAR", "arn": "VARCHAR",
                                                         "accountid": "VARCHAR", "username": "VARCHAR"}}}),
        json.dumps([{"arn": "VARCHAR", "accountid": "VARCHAR", "type": "VARCHAR"}]),
    ]
    quoted = ", ".join(f'"{name}"' for name in names)
    insert = f"INSERT INTO audit.logs ({quoted}) SELECT {values} FROM (SELECT ?::JSON AS line)"
    for record in given["records"]:
        engine.execute(insert, [*shapes, json.dumps(row(record))])
    result = {}
    for name in ("usage", "coverage"):
        rows = engine.execute(translate(given[name])).fetchall()
        result[name] = [[None if cell is None else str(cell) for cell in r] for r in rows]
    json.dump(result, sys.stdout)


main()
