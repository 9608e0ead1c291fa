// Tables: models x languages, or turned. Drawn from the data whenever the state differs from what the page came with.
function metricOf(table) {
  const metrics = table.metrics[state.rules];
  return metrics.find((one) => one.name === state.metric[table.id]) || metrics.find((one) => one.primary) || metrics[0];
}

function tokens() {
  return state.q
    .toLowerCase()
    .split(/[\s,;]+/)
    .filter(Boolean);
}

function wantedLanguage(tag, words) {
  const one = languages.get(tag);
  if (state.family && one.family !== state.family) return false;
  if (state.script && one.script !== state.script) return false;
  if (state.joshi && String(one.joshi_class) !== state.joshi) return false;
  return words === null || words.some((word) => languageMatches(one, word));
}

function languageMatches(one, word) {
  const names = `${one.name} ${one.autonym}`.toLowerCase().split(/\s+/);
  return (
    one.tag.toLowerCase() === word ||
    one.autonym.toLowerCase() === word ||
    (word.length > 2 && names.some((name) => name.startsWith(word)))
  );
}
const modelMatches = (name, word) => name.toLowerCase().includes(word);

// Words that name a language choose columns, the others choose rows; a word that names nothing is reported.
function filter() {
  const all = [...languages.values()];
  const found = tokens().map((word) => ({
    word,
    tongue: all.some((one) => languageMatches(one, word)),
    model: board.models.some((name) => modelMatches(name, word)),
  }));
  const tongues = found.filter((one) => one.tongue).map((one) => one.word);
  const models = found.filter((one) => one.model && !one.tongue).map((one) => one.word);
  const nothing = found.filter((one) => !one.tongue && !one.model).map((one) => one.word);
  return { tongues: tongues.length ? tongues : null, models: models.length ? models : null, nothing };
}

// Everything a table shows now: the export and the plot show the same.
function viewOf(table) {
  const wanted = filter();
  const metric = metricOf(table);
  if (!metric) return null;
  const tags = table.languages.filter((tag) => wantedLanguage(tag, wanted.tongues));
  const gaps = state.view === "gap";
  const meanOver = metric.mean_over.filter((tag) => tags.includes(tag));
  const gapOver = metric.gap_over.filter((tag) => tags.includes(tag));
  let rows = metric.rows.filter(
    (row) => !wanted.models || wanted.models.some((word) => modelMatches(board.models[row.model], word)),
  );
  rows = rows.map((row) => {
    const cells = {};
    for (const tag of tags) if (row.cells[tag]) cells[tag] = cellOf(row.cells[tag]);
    return {
      model: board.models[row.model],
      cells,
      mean: summary(row, "mean", meanOver, metric.mean_over),
      gap: summary(row, "gap", gapOver, metric.gap_over),
    };
  });
  const sort = state.sort[table.id] ? state.sort[table.id].match(/^(.*):(asc|desc)$/) : null;
  const order = sort ? { col: sort[1], down: sort[2] === "desc" } : null;
  const view = { table, metric, tags, rows, gaps, meanOver, gapOver, order };
  return state.rows === "languages" ? sortLanguages(view) : sortModels(view);
}

// The stored mean has an interval from the answers; over fewer languages only the number can be had here.
function summary(row, which, tags, all) {
  if (!tags.length || !row[which]) return null;
  if (tags.length === all.length) return estimateOf(row[which]);
  const values = tags
    .map((tag) => cellOf(row.cells[tag]))
    .map((cell) => (which === "mean" ? cell.value : cell.gap && cell.gap.value));
  if (values.some((value) => value === null)) return null;
  return { value: values.reduce((sum, value) => sum + value, 0) / values.length, low: null, high: null };
}

const shown = (cell, gaps) => (cell ? (gaps ? (cell.gap ? cell.gap.value : null) : cell.value) : null);

function compare(one, other, down) {
  if (one === null || other === null) return (one === null) - (other === null);
  return down ? other - one : one - other;
}

function sortModels(view) {
  if (!view.order) return view;
  const { col, down } = view.order;
  if (col === "name") view.rows.sort((a, b) => (down ? -1 : 1) * a.model.localeCompare(b.model));
  else {
    const key = (row) =>
      col === "mean" || col === "gap" ? (row[col] ? row[col].value : null) : shown(row.cells[col], view.gaps);
    view.rows.sort((a, b) => compare(key(a), key(b), down));
  }
  return view;
}

function sortLanguages(view) {
  if (!view.order) return view;
  const { col, down } = view.order;
  if (col === "name") view.tags.sort((a, b) => (down ? -1 : 1) * nameOf(a).localeCompare(nameOf(b)));
  const row = view.rows.find((one) => one.model === col);
  if (row) view.tags.sort((a, b) => compare(shown(row.cells[a], view.gaps), shown(row.cells[b], view.gaps), down));
  return view;
}

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

function cellNode(view, row, tag) {
  const cell = row.cells[tag];
  if (!cell) return el("td", { class: "none" }, el("span", { class: "fill" }));
  const pivot = view.gaps && !cell.gap;
  const part = view.gaps && cell.gap ? cell.gap : cell;
  const sign = view.gaps && Boolean(cell.gap);
  // In MME points a gap is judged against the width of the scale, as a hundredth of the highest value.
  const unit = view.metric.unit === "points" && view.metric.heat_range ? view.metric.heat_range[1] / 100 : 1;
  const colour = pivot ? null : view.gaps ? gapClass(part.value / unit) : cell.heat === null ? null : `h${cell.heat}`;
  const marks = cell.marks.map((mark) =>
    el("span", { class: "mark", title: board.marks[mark][1] }, board.marks[mark][0]),
  );
  const told = [
    cell.note,
    sign ? (cell.paired ? "paired with English on the same items" : "plain difference to English") : "",
  ]
    .filter(Boolean)
    .join("; ");
  const place = address(view.table.id, tag, row.model);
  const link = el(
    "a",
    {
      class: "fill",
      href: `#${fragment({ ...state, cell: place, show: "all", page: "1", item: "" })}`,
      title: told || null,
    },
    el("span", { class: "v" }, number(part.value, sign), marks),
    el("span", { class: "ci" }, interval(part.low, part.high, sign)),
    el("span", { class: "n" }, `n ${cell.n} · ${percent(cell.unparsed)}`),
  );
  return el("td", { class: colour }, link);
}

function sumNode(item, sign) {
  const content = item
    ? [
        el("span", { class: "v" }, number(item.value, sign)),
        el("span", { class: "ci" }, interval(item.low, item.high, sign)),
      ]
    : [];
  return el("td", { class: "sum" }, el("span", { class: "fill" }, content));
}

function drawModels(view) {
  const head = el(
    "tr",
    {},
    sortHead(view, "name", {}, "Model"),
    view.tags.map((tag) => sortHead(view, tag, {}, languageName(tag))),
  );
  if (view.meanOver.length)
    head.append(sortHead(view, "mean", { class: "sum" }, "Mean", el("span", { class: "sub" }, counted(view.meanOver))));
  if (view.gapOver.length)
    head.append(sortHead(view, "gap", { class: "sum" }, "Gap", el("span", { class: "sub" }, "to English")));
  const rows = view.rows.map((row) => {
    const line = el(
      "tr",
      {},
      el("th", { scope: "row" }, el("bdi", {}, row.model)),
      view.tags.map((tag) => cellNode(view, row, tag)),
    );
    if (view.meanOver.length) line.append(sumNode(row.mean, false));
    if (view.gapOver.length) line.append(sumNode(row.gap, true));
    return line;
  });
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
  const sums = [];
  if (view.meanOver.length)
    sums.push(
      el(
        "tr",
        {},
        el("th", { scope: "row" }, "Mean", el("span", { class: "sub" }, counted(view.meanOver))),
        view.rows.map((row) => sumNode(row.mean, false)),
      ),
    );
  if (view.gapOver.length)
    sums.push(
      el(
        "tr",
        {},
        el("th", { scope: "row" }, "Gap", el("span", { class: "sub" }, "to English")),
        view.rows.map((row) => sumNode(row.gap, true)),
      ),
    );
  return [el("thead", {}, head), el("tbody", {}, rows, sums)];
}

function captionOf(view) {
  const { metric } = view;
  const cells = view.rows.flatMap((row) => Object.values(row.cells));
  const span = (numbers) => {
    const low = Math.min(...numbers),
      high = Math.max(...numbers);
    return !numbers.length ? "0" : low === high ? `${low}` : `${low}-${high}`;
  };
  const unit = metric.unit === "points" ? "MME points" : "percent";
  const clusters = span(cells.map((cell) => cell.clusters));
  const size = `n = ${span(cells.map((cell) => cell.n))} per cell on ${clusters} images`;
  const parts = [`${metric.label} in ${unit}, ${state.rules} rules, 95 % intervals in brackets; ${size}.`];
  if (metric.note) parts.push(`Note: ${metric.note}.`);
  const part = view.meanOver.length < metric.mean_over.length ? " (of those shown; without an interval)" : "";
  if (view.meanOver.length)
    parts.push(`Mean over ${listed(view.meanOver.map(nameOf))}${part}, which every model here has.`);
  else
    parts.push(
      metric.mean_over.length
        ? "No mean: no language that all models have is shown."
        : "No mean: no language is common to all models here.",
    );
  const paired = view.rows.some((row) => row.gap && row.gap.low !== null)
    ? ", paired by image"
    : ", a plain difference without an interval";
  if (view.gapOver.length) parts.push(`Gap: mean over ${listed(view.gapOver.map(nameOf))} minus English${paired}.`);
  else parts.push("No gap: it needs English and one other language in every model.");
  return parts.join(" ");
}

function drawTable(section) {
  const table = board.tables[Number(section.dataset.table)];
  const view = viewOf(table);
  const target = section.querySelector("table.board");
  if (!view) {
    target.replaceChildren();
    section.querySelector(".caption").textContent = `There are no scores under the ${state.rules} rules.`;
    return;
  }
  target.replaceChildren(...(state.rows === "languages" ? drawLanguages(view) : drawModels(view)));
  section.querySelector(".caption").textContent = captionOf(view);
  const figure = section.querySelector("figure");
  if (figure) figure.remove();
  // Beside the table where there is room for it, else beneath.
  const pair = section.querySelector(".pair");
  const room = pair.clientWidth - target.offsetWidth - 36;
  pair.append(plot(view, Math.round(Math.min(room >= 320 ? room : pair.clientWidth, 544))));
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
