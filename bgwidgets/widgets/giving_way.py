"""What need not be done any more, for the same page has asked for something else since."""

from __future__ import annotations

from bgwidgets.widgets.items import FromTable, Item
from bgwidgets.widgets.requests import PickRange, PickRows


def gives_way(item: Item, following: Item | None) -> bool:
    """Whether an item is undone by the very next one, and nothing comes of it but work.

    To pick a range among very many rows that are sorted takes a tenth of a second. Rows that are
    let go undo it too, but whoever picked them has chosen their loop, and that stays.
    """
    match item, following:
        case FromTable(table, PickRange() as asked), FromTable(other_table, PickRange() as later):
            return (table, asked.loop_id) == (other_table, later.loop_id)
        case FromTable(table, PickRange() as asked), FromTable(other_table, PickRows(ids, loop_id)):
            return bool(ids) and (table, asked.loop_id) == (other_table, loop_id)
    return False
