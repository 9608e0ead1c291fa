// Tables: models x languages, or turned. Drawn from the data whenever the state differs from what the page came with.
function sortHead(view, col, attributes, ...content) {
  const sorted = view.order && view.order.col === col ? (view.order.down ? "descending" : "ascending") : null;
  return el(
    "th",
    { scope: "col", "aria-sort": sorted, ...attributes },
    el("button", { type: "button", class: "sort", "data-col": col }, content),
  );
}

function languageName(tag) {
  const same = nameOf(tag) === languages.get(tag).autonym;
  return [nameOf(tag), el("span", { class: "sub" }, same ? tag : [autonym(tag), ` · ${tag}`])];
}

function gapClass(value) {
  if (value === null) return null;
  const size = Math.abs(value);
  const step = size < 1 ? 0 : size < 3 ? 1 : size < 8 ? 2 : size < 20 ? 3 : 4;
  return step ? `g${value < 0 ? "n" : "p"}${step}` : "g0";
}

// The numbers say all that colour says.
function colourOf(view, cell, part) {
  if (!part || part.value === null) return null;
  if (state.view === "gap") {
    // In MME points a gap is judged against the width of the scale, as a hundredth of the highest value.
    const unit = view.metric.unit === "points" && view.metric.heat_range ? view.metric.heat_range[1] / 100 : 1;
    return cell.gap ? gapClass(part.value / unit) : null;
  }
  if (state.view === "unread") return gapClass(-part.value);
  if (state.view === "score") return cell.heat === null ? null : `h${cell.heat}`;
  return `h${Math.min(8, Math.max(0, Math.floor((9 * part.value) / 100)))}`;
}

// The most frequent reason why answers were not read, with its share.
function mostOf(cell) {
  const causes = board.outcomes.map((name, place) => [name, cell.outcomes[place]]).filter(([name]) => name !== "read");
  return causes.reduce((most, one) => (one[1] > most[1] ? one : most), ["", 0]);
}

function causeOf(cell) {
  const [name, share] = mostOf(cell);
  return share > 0 ? `${name} ${percent(share)}` : "all read";
}

const unreadFilter = (cell) => (cell.unparsed === 0 ? "all" : mostOf(cell)[0] === "error" ? "error" : "unparsed");

// Agreement beyond habit, and what is right in both languages of what is right in either.
function likeness(cell) {
  if (!cell.like) return "";
  const { kappa, both, ranks } = cell.like;
  const parts = [kappa === null ? "" : `κ ${number(kappa, false, 2)}`, both === null ? "" : `both right ${percent(both / 100)}`];
  const first = parts.filter(Boolean).join(" · ");
  return ranks === null ? first : [first, el("br"), `RankC ${number(ranks, false, 2)}`];
}

const lostOf = (cell) => (cell.lost === null ? "" : `${number(cell.lost)} in another language`);

function told(view, cell) {
  const parts = [cell.note];
  if (cell.chance !== null) parts.push(`guessing gives ${number(cell.chance)}`);
  if (state.view === "gap" && cell.gap)
    parts.push(cell.gap.low === null ? "plain difference to English" : "paired with English on the same images");
  return parts.filter(Boolean).join("; ");
}

const marksOf = (cell) =>
  cell.marks.map((mark) => el("span", { class: "mark", title: board.marks[mark][1] }, board.marks[mark][0]));

function cellNode(view, row, tag) {
  const cell = row.cells[tag];
  if (!cell) return el("td", { class: "none" }, el("span", { class: "fill" }));
  // English has no gap to itself: there its score stands, without colour.
  const pivot = state.view === "gap" && !cell.gap;
  const part = pivot ? cell : view.kind.part(cell);
  const sign = view.kind.sign && !pivot;
  const second = state.view === "unread" ? causeOf(cell) : part ? interval(part.low, part.high, sign) : "";
  const place = address(view.table.id, tag, row.model);
  const show = state.view === "unread" ? unreadFilter(cell) : state.view === "same" && part ? "english" : "all";
  const third = { fidelity: lostOf, same: likeness }[state.view] || ((one) => `n ${one.n} · ${percent(one.unparsed)}`);
  const best = state.view === "score" && cell.best ? " best" : "";
  const link = el(
    "a",
    {
      class: "fill",
      href: `#${fragment({ ...state, cell: place, show, page: "1", item: "" })}`,
      title: told(view, cell) || null,
    },
    el("span", { class: `v${best}` }, number(part ? part.value : null, sign), marksOf(cell)),
    el("span", { class: "ci" }, second),
    el("span", { class: "n" }, third(cell)),
  );
  return el("td", { class: colourOf(view, cell, part) }, link);
}

function sumNode(item, sign, best = false) {
  const content = item
    ? [
        el("span", { class: best ? "v best" : "v" }, number(item.value, sign)),
        el("span", { class: "ci" }, interval(item.low, item.high, sign)),
      ]
    : [];
  return el("td", { class: "sum" }, el("span", { class: "fill" }, content));
}

function rankNode(place) {
  const content = place
    ? [el("span", { class: "v" }, rankOf(place)), el("span", { class: "ci" }, `group ${place.group}`)]
    : [];
  return el("td", { class: "sum" }, el("span", { class: "fill" }, content));
}

// Columns (or lines) beside the languages: name of the column, its heading, and a node for each model.
function sumColumns(view) {
  const found = [];
  if (view.ranked) found.push(["rank", ["Rank", el("span", { class: "sub" }, "by mean")], (row) => rankNode(row.place)]);
  if (view.means)
    found.push([
      "mean",
      ["Mean", el("span", { class: "sub" }, counted(view.meanOver))],
      (row) => sumNode(row.sum, false, state.view === "score" && Boolean(row.place && row.place.best)),
    ]);
  if (view.gaps) found.push(["gap", ["Gap", el("span", { class: "sub" }, "to English")], (row) => sumNode(row.gap, true)]);
  return found;
}

function drawModels(view) {
  const sums = sumColumns(view);
  const head = el(
    "tr",
    {},
    sortHead(view, "name", {}, "Model"),
    sums.map(([col, heading]) => sortHead(view, col, { class: "sum" }, heading)),
    view.tags.map((tag) => sortHead(view, tag, {}, languageName(tag))),
  );
  const rows = view.rows.map((row) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, el("bdi", {}, row.model)),
      sums.map(([, , node]) => node(row)),
      view.tags.map((tag) => cellNode(view, row, tag)),
    ),
  );
  return [el("thead", {}, head), el("tbody", {}, rows)];
}

function drawLanguages(view) {
  const head = el(
    "tr",
    {},
    sortHead(view, "name", {}, "Language"),
    view.rows.map((row) => sortHead(view, row.model, {}, el("bdi", {}, row.model))),
  );
  const rows = view.tags.map((tag) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, languageName(tag)),
      view.rows.map((row) => cellNode(view, row, tag)),
    ),
  );
  const sums = sumColumns(view).map(([, heading, node]) =>
    el("tr", {}, el("th", { scope: "row" }, heading), view.rows.map((row) => node(row))),
  );
  return [el("thead", {}, head), el("tbody", {}, sums, rows)];
}

function span(numbers) {
  const low = Math.min(...numbers),
    high = Math.max(...numbers);
  return !numbers.length ? "0" : low === high ? `${low}` : `${low}-${high}`;
}

const WHAT = {
  chance: (label) => `${label}, corrected for chance,`,
  fidelity: () => "Questions answered rightly and in the language asked, whatever the metric,",
  same: () => "Questions with the same answer as in English, right or wrong,",
  unread: () => "Answers without a reading",
};

function captionOf(view) {
  const { metric, kind } = view;
  const cells = view.rows.flatMap((row) => Object.values(row.cells));
  const share = ["unread", "chance", "fidelity", "same"].includes(state.view);
  const unit = metric.unit === "points" && !share ? "MME points" : "percent";
  const images = span(cells.map((cell) => cell.clusters));
  const size = `n = ${span(cells.map((cell) => cell.n))} per cell on ${images} image${images === "1" ? "" : "s"}`;
  const what = WHAT[state.view] ? WHAT[state.view](metric.label) : metric.label;
  const intervals = state.view === "unread" ? "" : ", 95 % intervals in brackets";
  const rules = state.view === "same" ? "multilingual" : state.rules;
  const parts = [`${what} in ${unit}, ${rules} rules${intervals}; ${size}.`];
  if (state.view === "chance") parts.push("0 is guessing on the same questions, 100 is all right.");
  if (state.view === "fidelity")
    parts.push("An answer whose language cannot be known (a letter) is not held against a model.");
  if (state.view === "same")
    parts.push(
      "κ is Cohen's: 0 is what habit alone would give, 1 is always the same. “Both right”: of the questions right in either language.",
    );
  if (metric.note) parts.push(`Note: ${metric.note}.`);
  const some = view.exact ? "" : " (of those shown; without an interval)";
  const which = view.part ? ` (${view.part.label})` : "";
  if (view.meanOver.length)
    parts.push(`Mean over ${listed(view.meanOver.map(nameOf))}${which}${some}, which every model here has.`);
  else
    parts.push(
      metric.mean_over.length
        ? "No mean: no language that all models have is shown."
        : "No mean: no language is common to all models here.",
    );
  if (view.gaps) {
    const paired = view.rows.some((row) => row.gap && row.gap.low !== null)
      ? ", paired by image"
      : ", a plain difference without an interval";
    parts.push(`Gap: mean over ${listed(view.gapOver.map(nameOf))} minus English${paired}.`);
  } else if (!metric.gap_over.length && ["score", "gap"].includes(state.view)) parts.push("No gap: it needs English and one other language in every model.");
  return parts.join(" ");
}

function drawTable(section) {
  const table = board.tables[Number(section.dataset.table)];
  const view = viewOf(table);
  const target = section.querySelector("table.board");
  for (const old of section.querySelectorAll(".verdict")) old.remove();
  const figure = section.querySelector("figure");
  if (figure) figure.remove();
  if (!view) {
    target.replaceChildren();
    section.querySelector(".caption").textContent = `There are no scores under the ${state.rules} rules.`;
    return;
  }
  target.replaceChildren(...(state.rows === "languages" ? drawLanguages(view) : drawModels(view)));
  section.querySelector(".caption").textContent = captionOf(view);
  section.querySelector(".pair").before(...verdictOf(view));
  drawFigure(section, view, target);
  drawMetrics(section, table, view.metric);
}

function drawMetrics(section, table, current) {
  const metrics = table.metrics[state.rules];
  const option = (one) => el("option", { value: one.name, selected: one === current }, `${one.label}, ${one.unit}`);
  const choice = el(
    "select",
    { "aria-label": `metric of ${table.title}`, "data-metric": table.id },
    metrics.map(option),
  );
  section.querySelector(".metric").replaceChildren(metrics.length > 1 ? choice : `${current.label}, ${current.unit}`);
}
