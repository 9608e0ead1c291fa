// The first thing to see when there is more than one task: mean, rank, gap and the lowest language of every model.
function drawOverview() {
  const section = byId("overview");
  const views = board.tables.map(viewOf).filter((view) => view && view.rows.length);
  section.hidden = views.length < 2 || state.view !== "score";
  if (section.hidden) return;
  const models = byPlace(views);
  const heading = (view) =>
    el(
      "th",
      { scope: "col" },
      el(
        "a",
        { class: "fill", href: `#${view.table.id}`, "data-jump": view.table.id },
        view.table.title,
        el("span", { class: "sub" }, `${view.metric.label}, ${view.metric.unit}`),
      ),
    );
  const line = (model) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, el("bdi", {}, model)),
      views.map((view) =>
        overviewCell(
          view,
          view.rows.find((row) => row.model === model),
        ),
      ),
    );
  const sets = new Set(views.filter((view) => view.meanOver.length).map((view) => view.meanOver.join(" ")));
  const over =
    sets.size === 1
      ? `Means over ${listed([...sets][0].split(" ").map(nameOf))}. `
      : sets.size === 0
        ? "No mean: no language is common to all models. "
        : "The tasks have different sets of languages: each table names its own. ";
  const two = board.models.length > 2 && models.length > 2 ? " To hold two models against each other, write both names under “Find”." : "";
  const ranks = views.some((view) => view.ranked)
    ? "Bold: the best, and every model that the data cannot tell from it. A rank is every place that the data allow."
    : "";
  const head = el("tr", {}, el("th", { scope: "col" }, "Model"), views.map(heading));
  const table = el("table", { class: "board overview" }, el("thead", {}, head), el("tbody", {}, models.map(line)));
  section.replaceChildren(
    el(
      "div",
      { class: "head" },
      el("h2", {}, "Overview"),
      el("span", { class: "muted" }, "mean, rank, gap to English, lowest language"),
    ),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Overview" }, table),
    el("p", { class: "caption" }, `${over}Models by their average place over the tasks. ${ranks}${two}`),
  );
}

// Best first, by the average over the tasks of the place by mean; scores of different tasks are never averaged.
function byPlace(views) {
  const places = new Map();
  for (const view of views) {
    const rows = [...view.rows].sort((a, b) => compare(a.mean && a.mean.value, b.mean && b.mean.value, true));
    rows.forEach(({ model }, place) => places.set(model, [...(places.get(model) || []), place]));
  }
  const average = (model) => places.get(model).reduce((sum, place) => sum + place, 0) / places.get(model).length;
  return [...places.keys()].sort((a, b) => average(a) - average(b) || board.models.indexOf(a) - board.models.indexOf(b));
}

// The language with the lowest value among those shown.
function lowestShown(view, row) {
  const known = view.tags.filter((tag) => row.cells[tag] && row.cells[tag].value !== null);
  if (known.length < 2) return null;
  return known.reduce((least, tag) => (row.cells[tag].value < row.cells[least].value ? tag : least));
}

function overviewCell(view, row) {
  if (!row) return el("td", {}, el("span", { class: "fill" }));
  const lowest = lowestShown(view, row);
  const best = row.place && row.place.best ? " best" : "";
  const rank = row.place ? el("span", { class: "rank" }, `rank ${rankOf(row.place)}`) : "";
  const gap = row.gap ? `gap ${number(row.gap.value, true)} ${interval(row.gap.low, row.gap.high, true)}` : "";
  const least = lowest
    ? el(
        "a",
        { href: `#${fragment({ ...state, cell: address(view.table.id, lowest, row.model), show: "all" })}` },
        `lowest: ${nameOf(lowest)} ${number(row.cells[lowest].value)}`,
      )
    : "";
  return el(
    "td",
    {},
    el(
      "span",
      { class: "fill" },
      el("span", { class: `v${best}` }, row.mean ? number(row.mean.value) : "—", rank),
      el("span", { class: "ci" }, gap),
      el("span", { class: "n" }, least),
    ),
  );
}
