// Tables can be sorted by a click on a heading; without this script they are plain.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const key = (row, i) => {
    const cell = row.cells[i];
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  };
  const isNothing = (x) => x === "–" || Number.isNaN(x);
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows];
      rows.sort((p, q) => {
        const a = key(p, i), b = key(q, i);
        if (isNothing(a) || isNothing(b)) return isNothing(a) - isNothing(b);
        return down ? compare(b, a) : compare(a, b);
      });
      body.append(...rows);
    });
  });
}
