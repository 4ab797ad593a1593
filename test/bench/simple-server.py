"""What Quorate replaces: Python's own XML-RPC server with a dict behind it. Prints its port."""
from xmlrpc.server import SimpleXMLRPCServer


class Server(SimpleXMLRPCServer):
    # The 5 of the standard library make Linux drop connections of 64 clients.
    request_queue_size = 128


store = {}


def put(key, value):
    store[key] = value
    return True


server = Server(("127.0.0.1", 0), logRequests=False)
server.register_function(put, "kv.set")
server.register_function(lambda key: store[key], "kv.get")
server.register_multicall_functions()
print(server.server_address[1], flush=True)
server.serve_forever()
