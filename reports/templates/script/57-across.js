// Across languages: the lowest ones, how far apart they are, and whether the same question gets the same answer.
function drawAcross() {
  const section = byId("across");
  const views = board.tables.map(viewOf).filter((view) => view && view.metric.primary && view.rows.some((row) => row.lowest));
  section.hidden = !views.length;
  if (section.hidden) return;
  const models = board.models.filter((model) => views.some((view) => view.rows.some((row) => row.model === model)));
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Model"),
    views.map((view) =>
      el(
        "th",
        { scope: "col" },
        el("span", { class: "fill" }, view.table.title, el("span", { class: "sub" }, `${view.metric.label}, ${view.metric.unit}`)),
      ),
    ),
  );
  const lines = models.map((model) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, el("bdi", {}, model)),
      views.map((view) => acrossCell(view, view.rows.find((row) => row.model === model))),
    ),
  );
  const sets = new Set(views.map((view) => view.metric.mean_over.join(" ")));
  const over = sets.size === 1 ? `Over ${listed([...sets][0].split(" ").map(nameOf))}, whatever is filtered. ` : "Over the languages that all models of a task have, whatever is filtered. ";
  section
    .querySelector(".inside")
    .replaceChildren(
      el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Across languages" },
        el("table", { class: "board across" }, el("thead", {}, head), el("tbody", {}, lines)),
      ),
      el(
        "p",
        { class: "caption" },
        `${over}The lowest of several noisy numbers is too low by construction: it has a name and no interval of its own, and those that may be as low stand beside it (paired by image, Holm). `,
        "Spread: standard deviation over the languages. κ: Fleiss' kappa of the answers to the same questions in all languages; about 0 is habit alone, 1 always the same.",
      ),
    );
}

function acrossCell(view, row) {
  if (!row || !row.lowest) return el("td", {}, el("span", { class: "fill" }));
  const { tag, value, ties, fifth, fifthMean, spread } = row.lowest;
  const place = address(view.table.id, tag, row.model);
  const also = ties.length ? `may be as low: ${some(ties)}` : "lower than all others";
  const least = fifth.length > 1 ? `lowest fifth ${number(fifthMean)} (${fifth.join(", ")}) · ` : "";
  const alike = row.kappa ? `κ ${number(row.kappa.value, false, 2)} ${kappaEnds(row.kappa)}` : "";
  return el(
    "td",
    {},
    el(
      "a",
      { class: "fill", href: `#${fragment({ ...state, cell: place, show: "wrong", page: "1", item: "" })}`, title: "its wrong answers" },
      el("span", { class: "v" }, `${nameOf(tag)} ${number(value)}`),
      el("span", { class: "ci" }, also),
      el("span", { class: "n" }, `${least}spread ${number(spread)}`),
      el("span", { class: "n" }, alike),
    ),
  );
}

const kappaEnds = ({ low, high }) => (low === null ? "" : `[${number(low, false, 2)}, ${number(high, false, 2)}]`);
const some = (tags) => (tags.length > 5 ? `${tags.slice(0, 4).join(", ")} and ${tags.length - 4} more` : tags.join(", "));
