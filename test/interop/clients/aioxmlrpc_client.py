"""aioxmlrpc, for asyncio. Arguments: URL, prefix of the keys to write. See ../README.md."""

import asyncio
import sys

from aioxmlrpc.client import Fault, ServerProxy
from python_values import VALUES, same

url, prefix = sys.argv[1:]


async def report(direction, feature, attempt):
    try:
        answer = await attempt
    except Exception as error:
        answer = repr(error)
    print(direction, feature, answer, sep="\t")


async def receive(server, feature):
    seen = await server.kv.get("in/" + feature)
    return "ok" if same(seen, VALUES[feature]) else repr(seen)


async def send(server, feature):
    seen = await server.kv.set(f"{prefix}/{feature}", VALUES[feature])
    return "ok" if seen is True else repr(seen)


async def fault(server):
    try:
        return repr(await server.kv.get("in/none"))
    except Fault as error:
        return "ok" if error.faultCode == 404 and "key not found" in error.faultString else repr(error)


async def methods(server):
    return "ok" if "kv.set" in await server.system.listMethods() else "no kv.set"


async def main():
    server = ServerProxy(url, allow_none=True)
    for name in VALUES:
        await report("receive", name, receive(server, name))
        if name != "i8":  # it has no way to write one
            await report("send", name, send(server, name))
    await report("receive", "fault", fault(server))
    await report("receive", "methods", methods(server))


asyncio.run(main())
