// Data, elements, numbers. The files of this folder are joined in order into one script with one scope.
const json = (id) => JSON.parse(document.getElementById(id).textContent);
const board = json("board");
const languages = new Map(board.languages.map((one) => [one.tag, one]));
const byId = (id) => document.getElementById(id);

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

// Cells and estimates travel as lists (lrm_eval.reporting.html.page_data): names for their places.
function cellOf(list) {
  const [value, low, high, n, clusters, unparsed, marks, note, gap, paired, heat] = list;
  return { value, low, high, n, clusters, unparsed, marks, note, gap: estimateOf(gap), paired: Boolean(paired), heat };
}
const estimateOf = (list) => (list ? { value: list[0], low: list[1], high: list[2] } : null);

function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
const counted = (tags) => `${tags.length} language${tags.length === 1 ? "" : "s"}`;
const nameOf = (tag) => (languages.get(tag) || { name: tag }).name;
const autonym = (tag) => {
  const one = languages.get(tag);
  return el("bdi", { lang: tag, dir: one.direction }, one.autonym);
};
