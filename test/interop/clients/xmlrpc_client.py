"""Python's own xmlrpc.client. Arguments: URL, prefix of the keys to write. See ../README.md."""

import sys
from xmlrpc.client import Fault, ServerProxy

from python_values import VALUES, same

url, prefix = sys.argv[1:]
server = ServerProxy(url, allow_none=True)


def report(direction, feature, attempt):
    try:
        answer = attempt()
    except Exception as error:
        answer = repr(error)
    print(direction, feature, answer, sep="\t")


def receive(feature):
    seen = server.kv.get("in/" + feature)
    return "ok" if same(seen, VALUES[feature]) else repr(seen)


def send(feature):
    seen = server.kv.set(f"{prefix}/{feature}", VALUES[feature])
    return "ok" if seen is True else repr(seen)


def fault():
    try:
        return repr(server.kv.get("in/none"))
    except Fault as error:
        return "ok" if error.faultCode == 404 and "key not found" in error.faultString else repr(error)


for name in VALUES:
    report("receive", name, lambda: receive(name))
    if name != "i8":  # it has no way to write one
        report("send", name, lambda: send(name))
report("receive", "fault", fault)
report("receive", "methods", lambda: "ok" if "kv.set" in server.system.listMethods() else "no kv.set")
