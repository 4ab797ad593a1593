"""The values of ../features.ts as Python has them."""

from xmlrpc.client import Binary, DateTime

VALUES = {
    "int": -2147483648,
    "double": -2.5e-7,
    "integral double": 3.0,
    "boolean": False,
    "string": "  two  spaces ",
    "empty string": "",
    "markup": "<b> & \"q\" 'a' ]]>",
    "text": "Grüße, 世界",
    "emoji": "😀",
    "dateTime": DateTime("19980717T14:08:55"),
    "base64": Binary(bytes(range(256))),
    "array": [1, "two", []],
    "struct": {"a": 1, "b": "two"},
    "nested": {"list": [1, ["two", {"deep": [True]}]], "more": {"x": {"y": 2.5}}},
    "i8": 9007199254740993,
    "nil": None,
}


def same(a, b):
    """Equal, and of the same type: True is not 1, and 3 not 3.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return a == b
