// What is shown lives in the URL's fragment, so that a view can be bookmarked and sent.
const DEFAULTS = {
  rules: board.rules,
  view: "score",
  rows: "models",
  plot: "dots",
  q: "",
  family: "",
  script: "",
  joshi: "",
  training: "",
  cell: "",
  show: "all",
  page: "1",
  item: "",
  with: "",
};
const MANY = ["sort", "metric"];
const KNOWN = {
  rules: ["multilingual", "official"],
  view: ["score", "gap", "chance", "fidelity", "same", "unread"],
  rows: ["models", "languages"],
  plot: ["dots", "radar", "none"],
  training: ["", "named", "unnamed"],
  show: ["all", "wrong", "unparsed", "error", "right", "english", "other", "ours", "theirs"],
};
const FACETS_OF = { family: (one) => one.family, script: (one) => one.script, joshi: (one) => one.joshi_class };
for (const [key, of] of Object.entries(FACETS_OF)) KNOWN[key] = ["", ...board.languages.map((one) => String(of(one)))];
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

// Every change is one entry less to go back through, but for opening a cell, which "back" closes again.
function change(changes, only = null) {
  state = { ...state, ...changes };
  history.replaceState(null, "", `#${fragment()}`);
  draw(only);
}

const setFor = (key, table, value) => change({ [key]: { ...state[key], [table]: value } }, table);

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
