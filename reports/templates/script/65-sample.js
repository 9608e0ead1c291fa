// One question with its answer. Signs that would hide or turn the text around them are shown by name, not obeyed.
const CONTROLS =
  /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff])/;
function visible(text) {
  return text
    .split(CONTROLS)
    .map((part) =>
      part.length === 1 && CONTROLS.test(part)
        ? el(
            "span",
            { class: "ctl", title: "an invisible sign of the text" },
            `U+${part.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
          )
        : part,
    );
}
const said = (text, tag) => el("bdi", { lang: tag || null, dir: "auto", class: "t" }, visible(text));
const brief = (text) => el("bdi", { dir: "auto" }, el("b", {}, visible(text)));

const WORDS = { error: "error", unparsed: "not read", wrong: "wrong", right: "right" };
const chip = (kind) => el("span", { class: `chip ${kind}` }, WORDS[kind]);

function sampleNode(data, where, index) {
  const answer = answerAt(data, where.model, where.tag, index);
  const { wording, reading } = answer;
  const item = (name) => data.texts[data.items[name][index]];
  const id = item("id");
  const pictures = data.items.images[index].map((sha) =>
    Object.hasOwn(images, sha)
      ? el("img", { src: images[sha], alt: `image of ${id}`, loading: "lazy" })
      : el("div", { class: "noimage" }, "no thumbnail of this image in the run folder, or no room for it"),
  );
  const left = el(
    "div",
    {},
    pictures.length ? pictures : el("div", { class: "noimage" }, "asked without an image"),
    el("div", { class: "id" }, el("a", { href: `#${fragment({ ...state, item: id, page: "1" })}` }, visible(id))),
    ["category", "split"].map((name) => (item(name) ? el("div", { class: "id" }, visible(item(name))) : "")),
  );
  const right = el(
    "div",
    {},
    wording.hint ? el("p", { class: "hint" }, said(wording.hint, where.tag)) : "",
    el("p", { class: "q" }, said(wording.q, where.tag)),
    optionsNode(wording, reading, where.tag),
    wording.inst ? el("p", { class: "hint" }, said(wording.inst, where.tag)) : "",
    el("div", { class: "answer" }, answerNode(answer, answerTag(reading, where.tag))),
    el("p", { class: "read" }, chip(reading.kind), " ", readingText(reading, wording, askedIn(where.table, where.tag))),
    promptNode(answer),
    elsewhere(data, where, index),
    otherModels(data, where, index),
  );
  return el("article", { class: "sample", "data-item": id }, left, right);
}

// Fonts and voices go by the language the answer is in, where that is known.
const answerTag = (reading, tag) => reading.language || tag;

function optionsNode(wording, reading, tag) {
  const { options, labels, gold } = wording;
  if (!options.length) return el("p", { class: "hint" }, "gold: ", brief(gold));
  const rows = options.map((option, place) => {
    const label = labels[place] || "";
    const [isGold, isRead] = [label === gold, label === reading.value];
    const tags = [isGold ? "gold" : "", isRead ? "read" : ""].filter(Boolean).join(", ");
    return el(
      "li",
      { class: isGold ? "gold" : isRead ? "bad" : null },
      el("b", {}, el("bdi", {}, visible(label))),
      said(option, tag),
      tags ? el("span", { class: "tag" }, tags) : "",
    );
  });
  return el("ol", { class: "options" }, rows);
}

function answerNode(answer, tag) {
  if (answer.error) return [el("span", { class: "none" }, "no answer: "), said(answer.error, null)];
  if (!answer.text) return el("span", { class: "none" }, "(an empty answer)");
  const ends = answer.length
    ? el("span", { class: "none" }, ` … the first part of ${answer.length} characters`)
    : answer.truncated
      ? el("span", { class: "none" }, " … cut off by the token budget")
      : "";
  return [said(answer.text, tag), ends];
}

function readingText(reading, wording, asked) {
  const language = reading.language
    ? [", answer in ", el("span", reading.language === asked ? {} : { class: "foreign" }, nameOf(reading.language))]
    : ", language of the answer not identified";
  if (reading.value === null) return [`${reading.outcome}, by rule `, el("code", {}, visible(reading.rule)), language];
  return ["read as ", brief(reading.value), ", gold ", brief(wording.gold), ", by rule ", el("code", {}, visible(reading.rule)), language];
}

// As lrm_eval.reporting.prompts fills a template, in the same order.
function promptOf(answer) {
  const { q, hint, inst, options, labels } = answer.wording;
  const block = options.length === labels.length ? options.map((text, place) => `${labels[place]}. ${text}`).join("\n") : null;
  let text = answer.template;
  for (const [letter, part] of [["o", block], ["i", inst], ["h", hint], ["q", q]])
    if (part !== null) text = text.split(`\u0001${letter}`).join(part);
  return text;
}

function promptNode(answer) {
  if (answer.template === null) return "";
  return el(
    "details",
    {},
    el("summary", {}, "Prompt as the model saw it"),
    el("pre", { dir: "auto" }, visible(promptOf(answer))),
  );
}

function answerRow(head, answer, question, tag) {
  const { reading } = answer;
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, head),
    question ? el("td", {}, said(answer.wording.q, tag)) : "",
    el("td", {}, answerNode(answer, answerTag(reading, tag))),
    el("td", {}, chip(reading.kind), " ", reading.value === null ? reading.outcome : brief(reading.value)),
  );
}

const folded = (title, lines, open) =>
  el(
    "details",
    { open },
    el("summary", {}, title),
    el("div", { class: "scroll" }, el("table", { class: "plain" }, el("tbody", {}, lines))),
  );

function elsewhere(data, where, index) {
  const found = board.tables[where.table].languages
    .filter((tag) => tag !== where.tag)
    .map((tag) => [tag, answerAt(data, where.model, tag, index)])
    .filter(([, answer]) => answer);
  if (!found.length) return "";
  const lines = found.map(([tag, answer]) =>
    answerRow([nameOf(tag), " ", el("span", { class: "muted" }, tag)], answer, true, tag),
  );
  const title = found.length === 1 ? "another language" : `${found.length} other languages`;
  return folded(`The same question in ${title}`, lines, false);
}

function otherModels(data, where, index) {
  const rival = rivalOf(data, where);
  const found = board.models
    .filter((model) => model !== where.model)
    .map((model) => [model, answerAt(data, model, where.tag, index)])
    .filter(([, answer]) => answer)
    .sort(([one], [other]) => (other === rival) - (one === rival));
  if (!found.length) return "";
  const lines = found.map(([model, answer]) => answerRow(el("bdi", {}, model), answer, false, where.tag));
  const title = found.length === 1 ? "the other model" : `${found.length} other models`;
  return folded(`What ${title} answered`, lines, state.show === "ours" || state.show === "theirs");
}
