"""Entries in Markdown tables: a row at the end of a section's table, a name in a cell's comma list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from generator.infra_repo.registrations.edits import (
    ABSENT,
    PRESENT,
    EditedEntryError,
    Finding,
    PlaceNotFoundError,
    State,
)
from generator.infra_repo.registrations.markdown import Cell, Row, Table, escape, plain, sections, tables


@dataclass(frozen=True)
class MarkdownTableRow:
    """A row with ``cells`` (header, text) at the end of the table below the heading ``section``.

    ``key`` names the column that a row is known by. The table's own order of columns counts; columns that
    the entry doesn't know stay empty.
    """

    section: str
    key: str
    cells: tuple[tuple[str, str], ...]

    @property
    def location(self) -> str:
        """The section."""
        return f"table of section '{self.section}'"

    @property
    def identity(self) -> str:
        """The text of the key's cell."""
        return dict(self.cells)[self.key]

    @property
    def snippet(self) -> str:
        """The row in its declared order of columns."""
        return _format([escape(text) for _, text in self.cells])

    def find(self, text: str) -> Finding:
        """Present when a row of the section has this key and these cells, drifted when it differs."""
        wanted = self._table(text)
        found = list(self._rows(text))
        if not found:
            return ABSENT
        table, row = next((pair for pair in found if pair[0] == wanted), found[0])
        if table != wanted:
            return Finding(State.DRIFTED, f"the row '{self.identity}' is in section '{table.section}'")
        if [cell.text for cell in row.cells] != [plain(source) for source in self._sources(table)]:
            return Finding(State.DRIFTED, f"the row '{self.identity}' has other cells")
        return PRESENT

    def insert(self, text: str) -> str:
        """``text`` with the row below the table's last one."""
        table = self._table(text)
        end = table.last.end
        if text[end : end + 2] == "\r\n":
            newline = "\r\n"
        else:
            newline = "\n" if text[end : end + 1] == "\n" or "\r\n" not in text else "\r\n"
        return text[:end] + newline + _format(self._sources(table)) + text[end:]

    def remove(self, text: str) -> str:
        """``text`` without the row."""
        for table, row in self._rows(text):
            if row.line.text != _format(self._sources(table)):
                raise EditedEntryError("its cells are not as they were written")
            return _without(text, row)
        return text

    def replace(self, text: str) -> str:
        """``text`` with the row rewritten, in its place or moved to the wanted section."""
        wanted = self._table(text)
        for table, row in self._rows(text):
            if table == wanted:
                return text[: row.line.start] + _format(self._sources(table)) + text[row.line.end :]
            return self.insert(_without(text, row))
        return text

    def _table(self, text: str) -> Table:
        """The section's first table that has our columns."""
        title = _section(text, self.section)
        for table in tables(text):
            if table.section == title and self._fits(table):
                return table
        raise PlaceNotFoundError(
            f"that section has no table with the columns {', '.join(name for name, _ in self.cells)}"
        )

    def _fits(self, table: Table) -> bool:
        return all(table.column(name) is not None for name, _ in self.cells)

    def _rows(self, text: str) -> Iterator[tuple[Table, Row]]:
        """Every row with our key, in any table that has our columns."""
        wanted = plain(escape(self.identity))
        for table in filter(self._fits, tables(text)):
            column = table.column(self.key) or 0
            for row in table.rows:
                if column < len(row.cells) and row.cells[column].text == wanted:
                    yield table, row

    def _sources(self, table: Table) -> list[str]:
        cells = dict(self.cells)
        return [escape(cells.get(cell.text, "")) for cell in table.header.cells]


@dataclass(frozen=True)
class MarkdownCellItem:
    """``value`` in the comma list of one cell: column ``column`` of the row whose ``key`` column says ``row``."""

    section: str
    key: str
    row: str
    column: str
    value: str

    @property
    def location(self) -> str:
        """The cell."""
        return f"section '{self.section}', column '{self.column}' of row '{self.row}'"

    @property
    def identity(self) -> str:
        """The item."""
        return self.value

    @property
    def snippet(self) -> str:
        """The item as the cell's source has it."""
        return self._source

    @property
    def _source(self) -> str:
        return escape(self.value).replace(",", "&#44;")

    def find(self, text: str) -> Finding:
        """Present when the cell lists the value, drifted when only another row's cell does."""
        cells = self._cells(text)
        holders = [row for row, cell in cells.items() if self._position(cell) is not None]
        if self.row in holders:
            return PRESENT
        if holders:
            return Finding(State.DRIFTED, f"'{self.value}' is listed under '{holders[0]}'")
        return ABSENT

    def insert(self, text: str) -> str:
        """``text`` with the value at the end of the cell."""
        cell = self._cells(text)[self.row]
        if not cell.source.strip():
            at = cell.start
            return text[:at] + f" {self._source}" + text[at:]
        at = cell.start + len(cell.source.rstrip())
        return text[:at] + f", {self._source}" + text[at:]

    def remove(self, text: str) -> str:
        """``text`` without the value and its comma."""
        cells = self._cells(text)
        if self._position(cells[self.row]) is None:
            if self.find(text).state is State.DRIFTED:
                raise EditedEntryError(self.find(text).detail)
            return text
        return self._without(text, cells[self.row])

    def replace(self, text: str) -> str:
        """``text`` with the value moved to the wanted row."""
        for row, cell in self._cells(text).items():
            if row != self.row and self._position(cell) is not None:
                return self.insert(self._without(text, cell))
        return text

    def _without(self, text: str, cell: Cell) -> str:
        parts = cell.source.split(",")
        index = self._position(cell) or 0
        if len(parts) == 1:
            start = len(cell.source) - len(cell.source.lstrip())
            source = cell.source[: max(start - 1, 0)] + cell.source[len(cell.source.rstrip()) :]
        elif index == len(parts) - 1:
            padding = parts[-1][len(parts[-1].rstrip()) :]
            source = ",".join(parts[:-1]) + padding
        elif index == 0:
            source = cell.source[: len(cell.source) - len(cell.source.lstrip())]
            source += ",".join(parts[1:]).lstrip()
        else:
            source = ",".join(parts[:index] + parts[index + 1 :])
        return text[: cell.start] + source + text[cell.end :]

    def _position(self, cell: Cell) -> int | None:
        wanted = plain(self._source)
        items = [plain(item) for item in cell.source.split(",")]
        return items.index(wanted) if wanted in items else None

    def _cells(self, text: str) -> dict[str, Cell]:
        """The list cells of the table by their row's key; the wanted row is among them."""
        title = _section(text, self.section)
        for table in tables(text):
            key, column = table.column(self.key), table.column(self.column)
            if table.section != title or key is None or column is None:
                continue
            cells = {row.cells[key].text: row.cells[column] for row in table.rows if len(row.cells) > max(key, column)}
            if self.row in cells:
                return cells
        raise PlaceNotFoundError(
            f"that section has no table with a row '{self.row}' in column '{self.key}' and a column '{self.column}'"
        )


def _section(text: str, wanted: str) -> str:
    """The heading meant by ``wanted``: the same text, or that with a remark in brackets behind it."""
    headings = sections(text)
    if wanted in headings:
        return wanted
    remarked = [heading for heading in headings if heading.startswith(f"{wanted} (")]
    if len(remarked) == 1:
        return remarked[0]
    raise PlaceNotFoundError(f"it has no section '{wanted}'")


def _format(sources: list[str]) -> str:
    return "| " + " | ".join(sources) + " |"


def _without(text: str, row: Row) -> str:
    """``text`` without the row's line and the end of line above it."""
    start = row.line.start
    end_above = start - 2 if text[start - 2 : start] == "\r\n" else start - 1
    return text[:end_above] + text[row.line.end :]
