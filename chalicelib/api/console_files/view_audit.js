// Who changed what, newest first. The trail can only be added to.

import { html } from "./vendor-preact.js";
import { path } from "./api.js";
import { ask, useQuestion } from "./address.js";
import { typedTime, utc } from "./format.js";
import { named, t } from "./i18n.js";
import { usePages } from "./live.js";
import { Empty, Field, Id, More, Panel, Table, Time } from "./parts.js";

const typedIn = (query) => ({ from: typedTime(query.from), to: typedTime(query.to) });

export const AuditView = ({ query }) => {
  const [form, setForm] = useQuestion(query, typedIn);
  const pages = usePages(path(["audit"], { from: utc(query.from), to: utc(query.to), limit: 50 }), "entries");
  return html`
    <div class="head"><div><h1 tabindex="-1">${t("nav.audit")}</h1><p class="quiet">${t("audit.hint")}</p></div></div>
    <${Panel} id="entries" title=${t("audit.entries")}>
      <form class="fields inline" onSubmit=${(event) => { event.preventDefault(); if (!ask("audit", form)) pages.reload(); }}>
        ${["from", "to"].map((name) => html`<${Field} id=${`audit-${name}`} label=${t(`search.${name}`)}>
          <input id=${`audit-${name}`} type="datetime-local" value=${form[name] ?? ""} onInput=${(event) => setForm({ ...form, [name]: event.target.value })} /><//>`)}
        <div class="actions"><button type="submit" class="button"><span>${t("audit.show")}</span></button></div>
      </form>
      ${pages.rows.length > 0 && html`<${Table} label=${t("audit.entries")} rows=${pages.rows} keyOf=${(one) => one.id} columns=${[
        { label: t("audit.at"), class: "main", cell: (one) => html`<${Time} at=${one.at} />` },
        { label: t("audit.author"), cell: (one) => html`${named("author", one.author.kind)} <small><${Id}>${one.author.name ?? one.author.id}<//></small>` },
        { label: t("audit.action"), cell: (one) => named("action", one.action) },
        { label: t("audit.fields"), class: "wide", cell: (one) => html`<span class="pills">${one.fields.map((field) => html`<code key=${field}>${field}</code>`)}</span>` },
        { label: t("audit.subject"), cell: (one) => one.subject && html`<${Id}>${one.subject.slice(0, 12)}<//>` },
        { label: t("audit.source"), cell: (one) => html`<span class="quiet">${one.source_ip}</span>` },
      ]} />`}
      ${pages.rows.length === 0 && pages.last && !pages.next && html`<${Empty} icon="audit" title=${t("audit.none")} />`}
      <${More} pages=${pages} />
    <//>`;
};
