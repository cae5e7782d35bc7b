// Renders the Swagger 2.0 document that the query parameter "url" names.
// Everything is put in as text, so a document cannot run anything here.
"use strict";

const element = (tag, attributes = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children.filter((c) => c !== undefined && c !== null));
  return e;
};

const table = (heads, rows) => element("table", {},
  element("thead", {}, element("tr", {}, ...heads.map((h) => element("th", {}, h)))),
  element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell ?? ""))))));

const typeOf = (schema) => {
  if (!schema) return "";
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return element("a", { href: "#definition-" + name }, name);
  }
  if (schema.type === "array") return element("span", {}, "array of ", typeOf(schema.items) || "any");
  return [schema.type, schema.format, schema.enum && schema.enum.join(" | ")].filter(Boolean).join(" ");
};

const resolve = (doc, parameter) =>
  parameter.$ref ? doc.parameters[parameter.$ref.split("/").pop()] : parameter;

const operation = (doc, path, verb, op, shared) => {
  const parameters = [...shared, ...(op.parameters || [])].map((p) => resolve(doc, p));
  const body = element("div", {}, op.description && element("p", {}, op.description));
  if (parameters.length) {
    body.append(element("h4", {}, "Parameters"), table(["name", "in", "type", "meaning"], parameters.map((p) => [
      p.name + (p.required ? " *" : ""), p.in, typeOf(p.schema || p), p.description])));
  }
  body.append(element("h4", {}, "Responses"), table(["status", "meaning", "body"],
    Object.entries(op.responses).map(([status, r]) => [status, r.description, typeOf(r.schema)])));
  const box = element("details", {}, element("summary", {},
    element("span", { class: "verb" }, verb.toUpperCase()), element("code", {}, (doc.basePath || "") + path),
    element("span", { class: "summary" }, op.summary || "")), body);
  box.dataset.words = [verb, path, op.summary, op.description].join(" ").toLowerCase();
  return box;
};

const render = (doc) => {
  document.getElementById("title").textContent = `${doc.info.title} ${doc.info.version}`;
  document.getElementById("description").textContent = doc.info.description || "";
  const groups = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const verb of ["get", "put", "post", "delete"]) {
      if (!item[verb]) continue;
      const tag = (item[verb].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, element("section", {}, element("h2", {}, tag)));
      groups.get(tag).append(operation(doc, path, verb, item[verb], item.parameters || []));
    }
  }
  document.getElementById("operations").replaceChildren(...groups.values());
  document.getElementById("definitions").replaceChildren(element("h2", {}, "Definitions"),
    ...Object.entries(doc.definitions).map(([name, schema]) =>
      element("details", { id: "definition-" + name }, element("summary", {}, name), element("div", {},
        schema.description && element("p", {}, schema.description),
        table(["member", "type", "meaning"], Object.entries(schema.properties || {}).map(([key, p]) => [
          key + ((schema.required || []).includes(key) ? " *" : ""), typeOf(p), p.description]))))));
};

const search = (word) => {
  for (const box of document.querySelectorAll("#operations details")) {
    box.hidden = !box.dataset.words.includes(word.toLowerCase());
  }
};

const open = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
};

const start = async () => {
  const asked = new URL(new URLSearchParams(location.search).get("url") || "/api/v1/api-docs", location.href);
  const url = asked.origin === location.origin ? asked.pathname : "/api/v1/api-docs";
  document.getElementById("source").href = url;
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    render(await answer.json());
    open();
  } catch (error) {
    document.getElementById("operations").textContent = `The document cannot be shown: ${error.message}`;
  }
};

document.getElementById("search").addEventListener("input", (event) => search(event.target.value));
window.addEventListener("hashchange", open);
start();
