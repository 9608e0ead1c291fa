// What a table shows now: languages and models that fit the filters, numbers of the chosen kind, in the chosen order.
const plainPart = (value) => (value === null ? null : { value, low: null, high: null });
const VIEWS = {
  score: { label: "", part: (cell) => cell, sum: "mean", sign: false },
  gap: { label: "gap to English", part: (cell) => cell.gap, sum: "gap", sign: true },
  chance: { label: "corrected for chance", part: (cell) => cell.corrected, sum: "corrected", sign: false },
  fidelity: { label: "right and in the language asked", part: (cell) => cell.gated, sum: null, sign: false },
  same: { label: "same answer as in English", part: (cell) => cell.like, sum: null, sign: false },
  unread: { label: "answers not read", part: (cell) => plainPart(100 * cell.unparsed), sum: null, sign: false },
};

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

const wantedModel = (name, wanted) => !wanted.models || wanted.models.some((word) => modelMatches(name, word));

function wantedLanguage(tag, wanted) {
  const one = languages.get(tag);
  if (state.family && one.family !== state.family) return false;
  if (state.script && one.script !== state.script) return false;
  if (state.joshi && String(one.joshi_class) !== state.joshi) return false;
  if (state.training && !fitsTraining(tag, wanted)) return false;
  return wanted.tongues === null || wanted.tongues.some((word) => languageMatches(one, word));
}

// "Named" by the makers of every model shown that names any; "unnamed" by all of them.
function fitsTraining(tag, wanted) {
  const known = board.trained.filter((tags, place) => tags && wantedModel(board.models[place], wanted));
  return state.training === "named" ? known.every((tags) => tags.includes(tag)) : !known.some((tags) => tags.includes(tag));
}

function viewOf(table) {
  const wanted = filter();
  const metric = metricOf(table);
  if (!metric) return null;
  const kind = VIEWS[state.view];
  const tags = table.languages.filter((tag) => wantedLanguage(tag, wanted));
  // English is like itself: it has no part in the mean of how alike the others are.
  const sameOver = (tag) => state.view !== "same" || tag !== "en";
  const meanOver = metric.mean_over.filter((tag) => tags.includes(tag) && sameOver(tag));
  const gapOver = metric.gap_over.filter((tag) => tags.includes(tag));
  const whole = meanOver.length === metric.mean_over.filter(sameOver).length;
  const part = whole ? null : metric.sets.find((one) => sameTags(one.tags, meanOver));
  const rows = metric.rows
    .map((row, place) => {
      const cells = {};
      for (const tag of tags) if (row.cells[tag]) cells[tag] = cellOf(row.cells[tag]);
      const sums = whole ? sumsOf(row.sums) : part ? sumsOf(part.rows[place]) : sumsHere(cells, meanOver, gapOver);
      const across = { lowest: lowestOf(row.lowest), kappa: estimateOf(row.kappa) };
      return { model: board.models[row.model], index: row.model, cells, beats: row.beats, ...across, ...sums };
    })
    .filter((row) => wantedModel(row.model, wanted));
  for (const row of rows) row.sum = sumOf(row, kind, meanOver);
  const sort = state.sort[table.id] ? state.sort[table.id].match(/^(.*):(asc|desc)$/) : null;
  const order = sort ? { col: sort[1], down: sort[2] === "desc" } : null;
  const view = { table, metric, kind, tags, rows, meanOver, gapOver, order, part, exact: whole || Boolean(part) };
  view.ranked = state.view === "score" && rows.some((row) => row.place);
  view.gaps = state.view === "score" || state.view === "gap" ? gapOver.length > 0 : false;
  view.means = meanOver.length > 0 && state.view !== "gap";
  return state.rows === "languages" ? sortLanguages(view) : sortModels(view);
}

const sameTags = (one, other) => one.length === other.length && one.every((tag) => other.includes(tag));

// The answers give intervals to the sums over all languages and over each group; over others only numbers can be had.
function sumsHere(cells, meanOver, gapOver) {
  const over = (tags, get) => averageOf(tags.map((tag) => (cells[tag] ? get(cells[tag]) : null)));
  return {
    mean: over(meanOver, (cell) => cell),
    gap: over(gapOver, (cell) => cell.gap),
    corrected: over(meanOver, (cell) => cell.corrected),
    place: null,
  };
}

function averageOf(items) {
  if (!items.length || items.some((item) => !item || item.value === null)) return null;
  return plainPart(items.reduce((sum, item) => sum + item.value, 0) / items.length);
}

// What the column of sums shows, for the kind of number that is shown.
function sumOf(row, kind, meanOver) {
  if (kind.sum) return row[kind.sum];
  return averageOf(meanOver.map((tag) => (row.cells[tag] ? kind.part(row.cells[tag]) : null)));
}

function shown(cell, kind) {
  const part = cell ? kind.part(cell) : null;
  return part ? part.value : null;
}

function compare(one, other, down) {
  if (one === null || other === null) return (one === null) - (other === null);
  return down ? other - one : one - other;
}

function sortModels(view) {
  const { col, down } = view.order || { col: "mean", down: true };
  const value = (item) => (item ? item.value : null);
  if (col === "name") view.rows.sort((a, b) => (down ? -1 : 1) * a.model.localeCompare(b.model));
  else if (col === "rank") view.rows.sort((a, b) => compare(...[a, b].map((row) => (row.place ? row.place.low : null)), down));
  else {
    const key = (row) =>
      col === "mean"
        ? value(view.order ? row.sum : row.mean)
        : col === "gap"
          ? value(row.gap)
          : shown(row.cells[col], view.kind);
    view.rows.sort((a, b) => compare(key(a), key(b), down));
  }
  return view;
}

function sortLanguages(view) {
  if (!view.order) return view;
  const { col, down } = view.order;
  if (col === "name") view.tags.sort((a, b) => (down ? -1 : 1) * nameOf(a).localeCompare(nameOf(b)));
  const row = view.rows.find((one) => one.model === col);
  if (row) view.tags.sort((a, b) => compare(shown(row.cells[a], view.kind), shown(row.cells[b], view.kind), down));
  return view;
}
