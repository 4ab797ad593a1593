"""Answers one JSON request per line with one JSON line: CPython's view of documents and values.

{"decode": DOCUMENT}          -> {"method": NAME or null, "params": [TAGGED...]} or {"error": TEXT}
{"encode": [TAGGED...]}       -> {"document": DOCUMENT}
{"wellFormed": DOCUMENT, "as": "text" or "bytes"} -> {"wellFormed": BOOLEAN, "error": TEXT}
"""

import base64
import json
import sys
import xml.parsers.expat
import xmlrpc.client


def tag(value):
    if isinstance(value, bool):
        return {"boolean": value}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"double": repr(value)}
    if isinstance(value, str):
        return {"string": value}
    if isinstance(value, xmlrpc.client.DateTime):
        return {"dateTime": value.value}
    if isinstance(value, xmlrpc.client.Binary):
        return {"base64": base64.b64encode(value.data).decode("ascii")}
    if isinstance(value, (list, tuple)):
        return {"array": [tag(item) for item in value]}
    if isinstance(value, dict):
        return {"struct": [[name, tag(item)] for name, item in value.items()]}
    if value is None:
        return {"nil": True}
    raise TypeError(type(value).__name__)


def untag(tagged):
    (kind, content), = tagged.items()
    if kind == "int":
        return int(content)
    if kind == "double":
        return float(content)
    if kind == "dateTime":
        return xmlrpc.client.DateTime(content)
    if kind == "base64":
        return xmlrpc.client.Binary(base64.b64decode(content))
    if kind == "array":
        return [untag(item) for item in content]
    if kind == "struct":
        return {name: untag(item) for name, item in content}
    if kind == "nil":
        return None
    return content


def answer(request):
    if "decode" in request:
        try:
            params, method = xmlrpc.client.loads(request["decode"].encode("utf-8"))
            return {"method": method, "params": [tag(param) for param in params]}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
    if "encode" in request:
        values = tuple(untag(value) for value in request["encode"])
        return {"document": xmlrpc.client.dumps(values, "echo", allow_none=True)}
    parser = xml.parsers.expat.ParserCreate()
    try:
        document = request["wellFormed"]
        parser.Parse(document if request["as"] == "text" else document.encode("utf-8", "replace"), True)
        return {"wellFormed": True}
    except xml.parsers.expat.ExpatError as error:
        return {"wellFormed": False, "error": str(error)}


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
    sys.stdout.flush()
