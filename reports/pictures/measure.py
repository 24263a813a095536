"""How wide a text is, without a font: by the widths of DejaVu Sans, wider than most."""

from unicodedata import combining, east_asian_width

__all__ = ["fitting", "width_of"]

_WIDTHS = {
    0.30: "'ijlIJ",
    0.34: " ,./:;\\|",
    0.40: "f-()[]t!r",
    0.52: '"*_`szc?',
    0.60: "LFkvxyPTYao",
    0.64: "eESbdghnpqu$0123456789{}",
    0.70: "KAVBRXZC",
    0.77: "UHNDGOQ&",
    0.85: "w#+<=>^~M",
    1.00: "%mW@",
}
_WIDTH = {ord(sign): width for width, signs in _WIDTHS.items() for sign in signs}
_UNKNOWN = 0.7


def width_of(text: str, size: float = 12.0, *, bold: bool = False) -> float:
    """How wide a text is, in pixels, rather a little more."""
    return sum(map(_width, text)) * size * (1.1 if bold else 1.0)


def fitting(text: str, width: float, size: float = 12.0, *, bold: bool = False) -> str:
    """As much of a text as there is room for, with `…` where it is cut."""
    if width_of(text, size, bold=bold) <= width:
        return text
    room = width - width_of("…", size, bold=bold)
    for place, sign in enumerate(text):
        room -= width_of(sign, size, bold=bold)
        if room < 0:
            return f"{text[:place].rstrip()}…"
    return text


def _width(sign: str) -> float:
    if (known := _WIDTH.get(ord(sign))) is not None:
        return known
    if combining(sign):
        return 0.0
    return 1.05 if east_asian_width(sign) in "WF" else _UNKNOWN
