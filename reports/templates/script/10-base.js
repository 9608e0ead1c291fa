// Data, elements, numbers. The files of this folder are joined in order into one script with one scope.
const byId = (id) => document.getElementById(id);
const json = (id) => JSON.parse(byId(id).textContent);

// Large blocks are deflated and in base64; the browser inflates them itself, with no network.
async function inflated(id) {
  const text = atob(byId(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place += 1) bytes[place] = text.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

if (typeof DecompressionStream === "undefined") {
  byId("old").hidden = false;
  return;
}
const board = await inflated("board");
const languages = new Map(board.languages.map((one) => [one.tag, one]));

// Text becomes text nodes, never markup: nothing a model or a data set wrote is parsed as HTML.
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// The same digits as lrm_eval.reporting.names.number: half away from zero, a true minus sign.
function number(value, sign = false, decimals = 1) {
  if (value === null || value === undefined) return "—";
  let text = value.toFixed(decimals);
  if (Number(text) === 0) text = text.replace("-", "");
  else if (sign && value > 0) text = `+${text}`;
  return text.replace("-", "\u2212");
}

const interval = (low, high, sign = false) =>
  low === null || high === null ? "" : `[${number(low, sign)}, ${number(high, sign)}]`;

function percent(share) {
  if (share > 0 && share < 0.001) return "<0.1%";
  return `${number(100 * share, false, share === 0 || share >= 0.0995 ? 0 : 1)}%`;
}

// Cells, estimates and places travel as lists (lrm_eval.reporting.page_data): names for their items.
const estimateOf = (list) => (list ? { value: list[0], low: list[1], high: list[2] } : null);
const placeOf = (list) => (list ? { low: list[0], high: list[1], group: list[2], best: Boolean(list[3]) } : null);
function cellOf(list) {
  const [value, low, high, n, clusters, unparsed, outcomes, marks, note, gap, heat, best, corrected, chance, gated, lost, like, beats] =
    list;
  return {
    value,
    low,
    high,
    n,
    clusters,
    unparsed,
    outcomes,
    marks,
    note,
    gap: estimateOf(gap),
    heat: heat ?? null,
    best: Boolean(best),
    corrected: estimateOf(corrected),
    chance: chance ?? null,
    gated: estimateOf(gated),
    lost: lost ?? null,
    like: likeOf(like),
    beats: beats || [],
  };
}
// The answers of a cell beside those to the same questions in English.
function likeOf(list) {
  if (!list) return null;
  const [same, kappa, both, ranks, n] = list;
  return { ...estimateOf(same), kappa, both, ranks, n };
}
function lowestOf(list) {
  if (!list) return null;
  const [tag, value, ties, fifth, fifthMean, spread] = list;
  return { tag, value, ties, fifth, fifthMean, spread };
}
function sumsOf([mean, gap, corrected, place]) {
  return { mean: estimateOf(mean), gap: estimateOf(gap), corrected: estimateOf(corrected), place: placeOf(place) };
}
const rankOf = (place) => (place ? (place.low === place.high ? `${place.low}` : `${place.low}–${place.high}`) : "");

function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
const counted = (tags) => `${tags.length} language${tags.length === 1 ? "" : "s"}`;
const nameOf = (tag) => (languages.get(tag) || { name: tag }).name;
const autonym = (tag) => {
  const one = languages.get(tag);
  return el("bdi", { lang: tag, dir: one.direction }, one.autonym);
};
