"""A tolerant JSON reader: every object of a text, whatever surrounds it and whatever is wrong with it.

Strict JSON is a special case. Single or no quotes, missing or trailing commas, NaN, decimal commas, unescaped quotes
and stray braces are read; values stay text. One pass with a stack: linear, and no nesting overflows it.
"""

import re
from dataclasses import dataclass, field
from typing import Union

Value = Union[str, "Node"]

# a quote that nothing structural follows is part of the string
_ENDS_STRING = r"(?=[ \n]?[,:=}\]]|[ ]?\n|[ ]?$)"
_TOKEN = re.compile(
    rf"""(?P<open>[{{\[]) | (?P<close>[}}\]]) | (?P<comma>,) | (?P<colon>[:=])
| (?P<quoted>"(?:[^"\\\n]|\\.|"(?!{_ENDS_STRING}))*+(?P<shut>")?
  | '(?:[^'\\\n]|\\.|'(?!{_ENDS_STRING}))*+(?P<shut_single>')?)
| (?P<bare>[^\s{{}}\[\]:=,"'\\][^{{}}\[\]:=,"\n]*+)""",
    re.VERBOSE,
)
_WHOLE = re.compile(r"[-+]?\d+")


@dataclass
class Node:
    """An object or a list at text[start:end]; `complete` only if it was closed."""

    start: int
    is_list: bool
    items: list[tuple[str | None, Value]] = field(default_factory=list)
    end: int = 0
    complete: bool = False
    key: str | None = None  # of the item being read
    pieces: list[str] = field(default_factory=list)  # of its value

    def settle(self) -> None:
        """The pieces so far become an item; `48,8566` was one number, since no key stands before 8566."""
        text = " ".join(self.pieces)
        if self.key is None and text.isdigit() and (whole := self._last_whole()) is not None:
            self.items[-1] = self.items[-1][0], f"{whole},{text}"
        elif self.pieces or self.key is not None:
            self.items.append((self.key, text))
        self.key, self.pieces = None, []

    def _last_whole(self) -> str | None:
        """The value of the last item, if decimals can follow it."""
        key, value = self.items[-1] if self.items else (None, "")
        return value if key is not None and isinstance(value, str) and _WHOLE.fullmatch(value) else None

    def read_key(self) -> None:
        """The last piece is a key; those before it are the value of the key before."""
        if not self.pieces:
            return
        key = self.pieces.pop()
        if self.pieces:
            self.settle()
        self.key, self.pieces = key, []

    def drop(self) -> None:
        """Forget the value that the end of the text cut, even in its decimals: `2,35` may go on."""
        begun = "".join(self.pieces)
        if self.key is None and (not begun or begun.isdigit()) and self._last_whole() is not None:
            self.items.pop()
        self.key, self.pieces = None, []

    def is_keyed(self) -> bool:
        """Whether anything in it looks like JSON; a brace of prose has nothing."""
        return self.key is not None or any(key is not None for key, _ in self.items)


def read_objects(text: str) -> tuple[list[Node], Node | None]:
    """The outermost complete objects, and the object that the text ends in."""
    complete: list[Node] = []
    stack: list[Node] = []
    open_now = {"{": 0, "[": 0}
    at, found = text.find("{"), None
    while at >= 0 and (token := _TOKEN.search(text, at)):
        found = token
        if found["open"]:
            stack.append(Node(found.start(), is_list=found["open"] == "["))
            open_now[found["open"]] += 1
        elif found["close"]:
            _close(found, stack, open_now, complete)
        else:
            _read(found, stack[-1])
        at = found.end() if stack else text.find("{", found.end())
    return complete, _torn(text, stack, found, complete)


def _read(token: re.Match[str], node: Node) -> None:
    """A comma, a colon, or a piece of text."""
    if token["comma"]:
        node.settle()
    elif token["colon"]:
        node.read_key()
    else:
        node.pieces.append(_unquoted(token))


def _unquoted(token: re.Match[str]) -> str:
    quoted = token["quoted"]
    if quoted is None:
        return token["bare"].strip()
    inside = quoted[1:-1] if _is_shut(token) else quoted[1:]
    return inside.replace("\\n", " ").replace("\\", "")


def _is_shut(token: re.Match[str]) -> bool:
    return token["shut"] is not None or token["shut_single"] is not None


def _close(token: re.Match[str], stack: list[Node], open_now: dict[str, int], complete: list[Node]) -> None:
    """The innermost bracket of that kind is closed; those that were opened in it never will be."""
    bracket = {"}": "{", "]": "["}[token["close"]]
    if not open_now[bracket]:
        return
    closed = False
    while not closed:
        node = stack.pop()
        node.settle()
        node.end = token.end()
        closed = node.is_list == (bracket == "[")
        node.complete = closed
        open_now["[" if node.is_list else "{"] -= 1
        _hand_on(node, stack, complete)


def _hand_on(node: Node, stack: list[Node], complete: list[Node]) -> None:
    """A node becomes the value of its key in the node around it, if there is one."""
    if stack:
        stack[-1].items.append((stack[-1].key, node))
        stack[-1].key, stack[-1].pieces = None, []
    elif node.complete:
        complete.append(node)


def _is_cut(text: str, last: re.Match[str]) -> bool:
    """Whether the text ends in the midst of a value, or may do so."""
    if last["colon"]:
        return True
    if text[last.end() :].strip("\\"):
        return False
    if last["comma"]:
        return True
    return not _is_shut(last) if last["quoted"] else bool(last["bare"]) and not last["bare"][-1].isspace()


def _torn(text: str, stack: list[Node], last: re.Match[str] | None, complete: list[Node]) -> Node | None:
    """What is left open at the end as one node, without a last value that the end may have cut."""
    while stack and not stack[0].is_keyed():
        complete += [each for _, each in stack.pop(0).items if isinstance(each, Node) and each.complete]
    if not stack or last is None:
        return None
    if _is_cut(text, last):
        stack[-1].drop()
    root = stack[0]
    while stack:
        node = stack.pop()
        node.settle()
        node.end = len(text)
        if stack:
            _hand_on(node, stack, complete)
    return root
