"""In which ways the replies of two servers to one command may differ and still be the same.

    equal(left, right, SORTED)         # SMEMBERS: the order is that of a hash table
    canonical(reply, form)             # what must be equal on both servers

Replies are the tuples of harness/resp.py.
"""

EXACT = 'exact'        # byte for byte
SORTED = 'sorted'      # the order of the elements is free
PAIRS = 'pairs'        # an array of name and value, name and value; the order of the pairs is free
NEAR = 'near'          # an integer that may differ by the time between two sends
KIND = 'kind'          # only the kind of reply counts
MASKED = 'masked'      # as EXACT, with the integers behind the names in MASKED_FIELDS left out
PENDING = 'pending'    # XPENDING with ranges: the idle time is left out
DUMPED = 'dumped'      # the payload of DUMP: order in a hash table is free, so nil or not nil counts
ENTRIES = 'entries'    # only the number of elements counts
# A list of forms: EXEC, whose elements have one each.

NEAR_MS = 300_000
MASKED_FIELDS = {b'idle', b'inactive', b'seen-time', b'active-time', b'radix-tree-keys', b'radix-tree-nodes'}


def sortable(item):
    return repr(item)


def mask_pairs(reply):
    """Replaces what follows a name of MASKED_FIELDS, and delivery times in XINFO STREAM FULL, at any depth."""
    kind, body = reply[0], reply[1]
    if kind == '%':
        return (kind, tuple((key, ('masked',) if key[1] in MASKED_FIELDS else mask_pairs(value)) for key,
                            value in body))
    if kind not in '*~>' or body is None:
        return reply
    items, hide = [], False
    for item in body:
        items.append(('masked',) if hide else mask_pairs(item))
        hide = item[0] in '$+' and item[1] in MASKED_FIELDS
    # A pending entry in XINFO STREAM FULL: id, [consumer], delivery time, delivery count.
    if len(body) in (3, 4) and body[-1][0] == ':' and body[-2][0] == ':' and body[-2][1] > 10 ** 11:
        items[-2] = ('masked',)
    return (kind, tuple(items))


def canonical(reply, form):
    """What of a reply must be equal on both servers."""
    kind = reply[0]
    if isinstance(form, list):
        if kind != '*' or reply[1] is None or len(reply[1]) != len(form):
            return reply
        return (kind, tuple(canonical(item, one) for item, one in zip(reply[1], form)))
    if form == EXACT or kind in '-!':
        return reply
    body = reply[1]
    if form == SORTED and kind in '*~%' and body is not None:
        return (kind, tuple(sorted(body, key=sortable)))
    if form == PAIRS and kind == '*' and body is not None and len(body) % 2 == 0 and (not body
            or body[0][0] != '*'):
        return (kind, tuple(sorted(zip(body[::2], body[1::2]), key=sortable)))
    if form == PAIRS and kind in '*%' and body is not None:
        return (kind, tuple(sorted(body, key=sortable)))
    if form == KIND:
        return (kind,)
    if form == DUMPED:
        return (kind, body is None)
    if form == ENTRIES and body is not None:
        return (kind, len(body))
    if form == MASKED:
        return mask_pairs(reply)
    if form == PENDING and kind == '*' and body is not None:
        return (kind, tuple((item[0], item[1][:2] + item[1][3:]) if item[0] == '*' and item[1]
                            and len(item[1]) == 4
                            else item for item in body))
    return reply


def equal(left, right, form):
    """Whether two replies are the same under this form."""
    if isinstance(form, list) and left[0] == right[0] == '*' and None not in (left[1], right[1]):
        return len(left[1]) == len(right[1]) == len(form) and all(map(equal, left[1], right[1], form))
    if form == NEAR and left[0] == right[0] == ':' and left[1] > 0 and right[1] > 0:
        return abs(left[1] - right[1]) <= NEAR_MS
    return canonical(left, form) == canonical(right, form)
