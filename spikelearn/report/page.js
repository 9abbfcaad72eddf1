// Tables are sorted by their heads, and filtered where they are long; what is cut off is said.
// Without scripts the page is the same, in the order in which it was written.
"use strict";
(() => {
  const LONG = 15; // rows from which on a table has a field to filter by

  // What a cell is sorted by: its number, or null where there is none, or its words.
  const valueOf = (cell) => {
    if (!cell.closest("table").tHead.rows[0].cells[cell.cellIndex].dataset.numbers)
      return cell.textContent.trim() || null;
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };

  const inOrder = (one, other, descending) => {
    if (one === null || other === null) return (one === null) - (other === null);
    const order = typeof one === "number" ? one - other
      : one.localeCompare(other, "en", { numeric: true, sensitivity: "base" });
    return descending ? -order : order;
  };

  const sort = (table, head) => {
    const before = head.getAttribute("aria-sort");
    const descending = before ? before === "ascending" : Boolean(head.dataset.numbers);
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [valueOf(row.cells[head.cellIndex]), row]);
    rows.sort((a, b) => inOrder(a[0], b[0], descending)); // stable
    body.append(...rows.map(([, row]) => row));
  };

  const addFilter = (table) => {
    const rows = Array.from(table.tBodies[0].rows);
    const label = document.createElement("label");
    const field = document.createElement("input");
    const count = document.createElement("output");
    field.type = "search";
    label.className = "filter";
    label.append("Rows that hold ", field, " ", count);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      count.textContent = field.value ? `${shown} of ${rows.length}` : "";
    });
    table.parentElement.before(label);
  };

  for (const table of document.querySelectorAll("table.sorts")) {
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
    if (table.tBodies[0].rows.length >= LONG) addFilter(table);
  }

  const hints = () => {
    for (const hint of document.querySelectorAll(".hint")) {
      const box = hint.previousElementSibling;
      hint.hidden = box.scrollWidth <= box.clientWidth + 1;
    }
  };
  addEventListener("load", hints);
  addEventListener("resize", hints);
  document.addEventListener("toggle", hints, true); // what was folded
})();
