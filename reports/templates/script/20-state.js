// What is shown lives in the URL's fragment, so that a view can be bookmarked and sent.
const DEFAULTS = {
  rules: board.rules,
  view: "score",
  rows: "models",
  q: "",
  family: "",
  script: "",
  joshi: "",
  cell: "",
  show: "all",
  page: "1",
  item: "",
};
const MANY = ["sort", "metric"];
const KNOWN = {
  rules: ["multilingual", "official"],
  view: ["score", "gap"],
  rows: ["models", "languages"],
  show: ["all", "wrong", "unparsed", "error", "right", "english"],
};
let state = read();

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = { ...DEFAULTS, sort: {}, metric: {} };
  for (const key of Object.keys(DEFAULTS)) {
    const value = given.get(key);
    if (value !== null && (!KNOWN[key] || KNOWN[key].includes(value))) found[key] = value;
  }
  for (const key of MANY) {
    for (const pair of given.getAll(key)) {
      const cut = pair.indexOf(":");
      if (cut > 0) found[key][pair.slice(0, cut)] = pair.slice(cut + 1);
    }
  }
  return found;
}

function fragment(of = state) {
  const parts = [];
  const put = (key, value) =>
    parts.push(`${key}=${encodeURIComponent(value).replace(/%2F/g, "/").replace(/%3A/g, ":")}`);
  for (const key of Object.keys(DEFAULTS)) if (of[key] !== DEFAULTS[key]) put(key, of[key]);
  for (const key of MANY) for (const [table, value] of Object.entries(of[key])) put(key, `${table}:${value}`);
  return parts.join("&");
}

// Opening a cell is a step that "back" undoes; everything else changes the present one.
function change(changes, step = false) {
  state = { ...state, ...changes };
  const url = `#${fragment()}`;
  if (step) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  draw();
}

const setFor = (key, table, value) => change({ [key]: { ...state[key], [table]: value } });

// A cell's address is <table>/<language>/<model>; only a model's name may hold a slash.
function address(table, tag, model) {
  return `${table}/${tag}/${model}`;
}
function parseAddress(text) {
  const [id, tag, ...rest] = text.split("/");
  const table = board.tables.findIndex((one) => one.id === id);
  const model = rest.join("/");
  if (table < 0 || !board.tables[table].languages.includes(tag) || !board.models.includes(model)) return null;
  return { table, tag, model };
}
