"""What the scripted runs in Python print, and how they wait."""

import json
import time

DEADLINE_SECONDS = 30


def plain(value):
    """The value as JSON can hold it: bytes as text, sets in order, exceptions by their names and words."""
    if isinstance(value, bytes):
        return value.decode('utf-8', 'backslashreplace')
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, BaseException):
        return '%s: %s' % (type(value).__name__, value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def say(name, value):
    """One line of the outcome."""
    print(json.dumps({name: plain(value)}, sort_keys=True), flush=True)


def expiry(left):
    """The expiry that was given, of what is left of it in seconds: the next multiple of ten."""
    return -(-left // 10) * 10 if left and left > 0 else left


def failure(call, *args, **options):
    """The exception that the call ends with."""
    try:
        return 'no failure, but %r' % (call(*args, **options),)
    except Exception as error:
        return error


def until(condition, what):
    """Polls until condition() is true, and returns what it is then."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError('not within %d s: %s' % (DEADLINE_SECONDS, what))
        time.sleep(0.005)
