// How well the answers could be read: a score is only worth as much as the reading of the answers behind it.
const CAUSES = ["unparsed", "refusal", "empty", "truncated", "error"];
const LOOKS = 12;

function drawHealth() {
  const section = byId("health");
  const views = board.tables.map(viewOf).filter((view) => view && view.rows.length);
  const models = board.models.filter((model) => views.some((view) => view.rows.some((row) => row.model === model)));
  const lines = models.map((model) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, el("bdi", {}, model)),
      views.map((view) => healthCell(view, view.rows.find((row) => row.model === model))),
    ),
  );
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Model"),
    views.map((view) => el("th", { scope: "col" }, el("span", { class: "fill" }, view.table.title))),
  );
  const keys = CAUSES.map((name, index) =>
    el("span", {}, svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, svg("rect", { class: `c${index}`, width: 12, height: 12 })), name),
  );
  section.querySelector(".inside").replaceChildren(
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Share of answers not read" },
      el("table", { class: "board health" }, el("thead", {}, head), el("tbody", {}, lines)),
    ),
    el("p", { class: "keys" }, keys),
    ...troubled(views),
  );
}

function healthCell(view, row) {
  const cells = row ? Object.entries(row.cells) : [];
  const total = cells.reduce((sum, [, cell]) => sum + cell.n, 0);
  if (!total) return el("td", {}, el("span", { class: "fill" }));
  const shares = CAUSES.map((name) => {
    const place = board.outcomes.indexOf(name);
    return cells.reduce((sum, [, cell]) => sum + cell.n * cell.outcomes[place], 0) / total;
  });
  const unread = cells.reduce((sum, [, cell]) => sum + cell.n * cell.unparsed, 0) / total;
  const bar = svg("svg", { viewBox: "0 0 100 6", class: "outcomes", preserveAspectRatio: "none", "aria-hidden": "true" });
  bar.append(svg("rect", { class: "read", width: 100, height: 6 }));
  let x = 0;
  shares.forEach((share, index) => {
    if (share > 0) bar.append(svg("rect", { class: `c${index}`, x: x, width: 100 * share, height: 6 }));
    x += 100 * share;
  });
  const text = CAUSES.map((name, index) => (shares[index] > 0 ? `${name} ${percent(shares[index])}` : ""));
  const [worst, cell] = cells.reduce((most, one) => (one[1].unparsed > most[1].unparsed ? one : most));
  return el(
    "td",
    {},
    el(
      "span",
      { class: "fill" },
      el("span", { class: "v" }, percent(unread)),
      bar,
      el("span", { class: "ci" }, text.filter(Boolean).join(", ") || "all read"),
      el("span", { class: "n" }, cell.unparsed > 0 ? `most: ${nameOf(worst)} ${percent(cell.unparsed)}` : ""),
    ),
  );
}

// Cells whose score says more about the reading than about the model, the worst first.
function troubled(views) {
  const found = views.flatMap((view) =>
    view.rows.flatMap((row) =>
      Object.entries(row.cells)
        .filter(([, cell]) => cell.marks.includes("chance") || cell.marks.includes("unparsed"))
        .map(([tag, cell]) => ({ view, row, tag, cell })),
    ),
  );
  if (!found.length) return [el("p", {}, "No cell is below guessing, and none has more than 5 % of its answers unread.")];
  const alarm = (one) => Number(one.cell.marks.includes("chance"));
  // The list does not change with the order of the tables.
  const place = (one) => board.models.indexOf(one.row.model);
  found.sort((a, b) => alarm(b) - alarm(a) || b.cell.unparsed - a.cell.unparsed || place(a) - place(b));
  const items = found.slice(0, LOOKS).map(({ view, row, tag, cell }) => {
    const below = cell.marks.includes("chance") ? `${number(cell.value)} is below guessing (${number(cell.chance)}); ` : "";
    const show = cell.marks.includes("unparsed") ? unreadFilter(cell) : "wrong";
    const place = address(view.table.id, tag, row.model);
    return el(
      "li",
      {},
      el(
        "a",
        { href: `#${fragment({ ...state, cell: place, show, page: "1", item: "" })}` },
        el("bdi", {}, row.model),
        `, ${view.table.title}, ${nameOf(tag)}`,
      ),
      `: ${below}${percent(cell.unparsed)} not read, ${causeOf(cell)}`,
    );
  });
  const more = found.length > LOOKS ? el("li", {}, `and ${found.length - LOOKS} more; “not read” above shows them all`) : "";
  return [el("p", {}, "Look at these first:"), el("ul", { class: "troubled" }, items, more)];
}
