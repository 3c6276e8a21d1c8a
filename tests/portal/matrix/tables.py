"""Reads and writes the tables of the matrix: text that a person can check line by line."""

from collections.abc import Iterator
from pathlib import Path

from tests.portal.matrix.visitors import VISITORS

FOLDER = Path(__file__).parent / "expected"
#: Line ("GET", "POST", …) → column → word.
Lines = dict[str, dict[str, str]]


def expected(folder: Path = FOLDER) -> dict[str, Lines]:
    """Route, without its first slash, → its lines, out of all files."""
    found: dict[str, Lines] = {}
    for file in sorted(folder.glob("*.txt")):
        for route, lines in read(file.read_text()).items():
            assert route not in found, f"{route} has two blocks"
            found[route] = lines
    return found


def read(text: str) -> dict[str, Lines]:
    found: dict[str, Lines] = {}
    for block in _blocks(text):
        address, header, *lines = block
        route = address.removeprefix("/")
        columns = header.split()
        assert columns == list(VISITORS), f"{route}: the columns are not those of visitors.py"
        assert route not in found, f"{route} has two blocks"
        found[route] = {}
        for line in lines:
            name, *words = line.split()
            assert len(words) == len(columns), f"{route} {name} has {len(words)} cells, not {len(columns)}"
            found[route][name] = dict(zip(columns, words, strict=True))
    return found


def written(route: str, lines: Lines) -> str:
    """A block as it stands in a file."""
    columns = list(VISITORS)
    rows = [("", columns)] + [(name, [cells[column] for column in columns]) for name, cells in lines.items()]
    return "\n".join([f"/{route}"] + [f"  {name:6}" + _aligned(words) for name, words in rows]) + "\n"


def _aligned(words: list[str]) -> str:
    return "".join(f" {word:5}" for word in words).rstrip()


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if line.strip():
            block.append(line.strip())
        elif block:
            yield block
            block = []
