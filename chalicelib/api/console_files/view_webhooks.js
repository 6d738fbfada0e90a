// Webhooks: the endpoints and whether they answer, what was sent and what came back, and sending it again.

import { html, useState } from "./vendor-preact.js";
import { path, post } from "./api.js";
import { moment, number } from "./format.js";
import { named, t } from "./i18n.js";
import { useChange, useLive } from "./live.js";
import { useMay } from "./member.js";
import { Answer, Badge, Button, Dialog, Empty, Field, Id, Link, Notice, Panel, Table, Time } from "./parts.js";

export const WebhooksView = () => {
  const live = useLive(path(["webhooks", "attempts"], { limit: 50 }));
  const isAdmin = useMay("admin");
  const [done, setDone] = useState(null);
  const resend = useChange(async (one) => {
    await post(path(["webhooks", one.id, "resend"]));
    setDone(t("webhooks.resent", { count: 1, number: number(1) }));
    live.refresh();
  });
  const test = useChange(async () => {
    const { data } = await post("webhooks/test");
    setDone(data.tests);
    live.refresh();
  });
  return html`
    <div class="head"><div><h1 tabindex="-1">${t("nav.webhooks")}</h1><p class="quiet">${t("webhooks.hint")}</p></div>
      ${isAdmin && html`<${Button} kind="primary" icon="webhooks" busy=${test.isRunning} onClick=${test.run}>${t("webhooks.test")}<//>`}</div>
    <${Notice} problem=${test.problem ?? resend.problem} retry=${test.problem ? test.retry : resend.retry} />
    <div role="status">${typeof done === "string" && html`<p class="notice good">${done}</p>`}
      ${Array.isArray(done) && html`<ul class="tests">${done.map((one) => html`<li class=${`notice ${one.accepted ? "good" : "bad"}`} key=${one.id}>
        <span>${t(one.accepted ? "webhooks.accepted" : "webhooks.not_accepted", { answer: named("outcome", one.answer) })}</span> <code>${one.url}</code></li>`)}</ul>`}</div>
    <${Answer} of=${live}>${({ endpoints, attempts }) => html`
      <${Panel} id="endpoints" title=${t("webhooks.endpoints")} actions=${isAdmin && html`<${Secret} />`}>
        ${endpoints.length === 0 && html`<${Empty} icon="webhooks" title=${t("webhooks.no_endpoint")}>${t("webhooks.no_endpoint.next")}<//>`}
        <ul class="endpoints">${endpoints.map((one) => html`
          <li key=${one.id}><div><code>${one.url}</code><p class="pills">${one.types.map((type) => html`<span class="badge plain" key=${type}>${type}</span>`)}</p></div>
            <div><${Badge} kind="endpoint" name=${one.status} tone=${{ in_use: "good", unproved: "warn", gone: "bad" }[one.status]} />
              ${one.since && html` <span class="quiet"><${Time} at=${one.since} relative /></span>`}</div></li>`)}</ul>
      <//>
      <${Panel} id="attempts" title=${t("webhooks.attempts")} actions=${isAdmin && html`<${Range} onDone=${(words) => { setDone(words); live.refresh(); }} />`}>
        ${attempts.length === 0 ? html`<${Empty} icon="webhooks" title=${t("webhooks.no_attempt")} />` : html`
        <${Table} label=${t("webhooks.attempts")} rows=${attempts} keyOf=${(one) => `${one.id}${one.at}${one.endpoint}`} columns=${[
          { label: t("webhooks.type"), class: "main", cell: (one) => html`${one.type}<${Body} of=${one} />` },
          { label: t("transaction"), cell: (one) => one.transaction && html`<${Link} to=${["transactions", one.transaction]}><${Id}>${one.transaction}<//><//>` },
          { label: t("webhooks.endpoint"), class: "wide", cell: (one) => html`<code class="url">${(one.url ?? one.endpoint).replace(/^https:\/\//, "")}</code>` },
          { label: t("webhooks.state"), cell: (one) => html`<${Badge} kind="attempt" name=${one.state} tone=${{ given_up: "bad", not_sent: "bad" }[one.state]} />` },
          { label: t("webhooks.answer"), cell: (one) => named("outcome", one.answer) },
          { label: t("webhooks.tries"), class: "number", cell: (one) => number(one.attempts) },
          { label: t("webhooks.at"), cell: (one) => html`<${Time} at=${one.at} />${one.next_at && html`<small>${t("webhooks.next")} <${Time} at=${one.next_at} /></small>`}` },
          isAdmin && { label: t("webhooks.action"), class: "action", cell: (one) => html`<${Button} icon="again" kind="quiet" disabled=${resend.isRunning} onClick=${() => resend.run(one)}
            aria-label=${t("webhooks.resend_this", { type: one.type, what: one.transaction ?? one.id })}>${t("webhooks.resend")}<//>` },
        ].filter(Boolean)} />`}
      <//>`}
    <//>`;
};

// What was posted, letter by letter, asked for when somebody opens it: to read it is to look at its transaction.
const Body = ({ of }) => {
  const [isOpen, open] = useState(false);
  const live = useLive(isOpen ? path(["webhooks", of.id, "body"]) : null, { isStill: true });
  return html`<details onToggle=${(event) => open(event.currentTarget.open)}><summary>${t("webhooks.body")}</summary>
    ${isOpen && html`<${Answer} of=${live}>${({ body }) => html`<pre tabindex="0" aria-label=${t("webhooks.body")}>${body}</pre>`}<//>`}</details>`;
};

// A new secret, after a question. It is shown in this dialog and nowhere else: who closes it has copied it, or makes another.
const Secret = () => {
  const [isOpen, open] = useState(false);
  const [made, setMade] = useState(null);
  const [copied, setCopied] = useState(null);
  const make = useChange(async () => setMade((await post("webhooks/secret")).data));
  const close = () => { open(false); setMade(null); setCopied(null); make.forget(); };
  const copy = () => navigator.clipboard.writeText(made.secret).then(() => setCopied(true), () => setCopied(false));
  return html`
    <${Button} icon="again" onClick=${() => open(true)}>${t("secret.new")}<//>
    ${isOpen && html`<${Dialog} title=${t("secret.new")} onClose=${close}>
      ${made ? html`
        <p>${t("secret.once")}</p>
        <p><code class="secret id">${made.secret}</code></p>
        <p class="quiet">${t("secret.until", { time: moment(made.previous_valid_until) })}</p>
        <p role="status">${copied !== null && t(copied ? "secret.copied" : "secret.not_copied")}</p>
        <div class="actions"><${Button} onClick=${copy}>${t("secret.copy")}<//><${Button} kind="primary" onClick=${close}>${t("secret.done")}<//></div>`
      : html`
        <p>${t("secret.question")}</p>
        <${Notice} problem=${make.problem} />
        <div class="actions"><${Button} onClick=${close}>${t("cancel")}<//><${Button} kind="primary" busy=${make.isRunning} onClick=${make.run}>${t("secret.make")}<//></div>`}
    <//>`}`;
};

// Sends again all that was not delivered between two times, a hundred at a time until none is left.
const Range = ({ onDone }) => {
  const [isOpen, open] = useState(false);
  const [form, setForm] = useState({ from: "", to: "" });
  const resend = useChange(async () => {
    const range = { from: new Date(form.from).toISOString(), to: new Date(form.to).toISOString() };
    let sent = 0;
    let cursor;
    do {
      const { data } = await post("webhooks/resend", cursor ? { ...range, cursor } : range);
      sent += data.resent;
      cursor = data.next_cursor;
    } while (cursor);
    open(false);
    onDone(t("webhooks.resent", { count: sent, number: number(sent) }));
  });
  return html`
    <${Button} icon="again" onClick=${() => open(true)}>${t("range")}<//>
    ${isOpen && html`<${Dialog} title=${t("range")} onClose=${() => open(false)}>
      <form onSubmit=${(event) => { event.preventDefault(); resend.run(); }}>
        <p>${t("range.hint")}</p>
        <div class="fields">${["from", "to"].map((name) => html`<${Field} id=${`range-${name}`} label=${t(`search.${name}`)}>
          <input id=${`range-${name}`} type="datetime-local" required value=${form[name]} onInput=${(event) => setForm({ ...form, [name]: event.target.value })} /><//>`)}</div>
        <${Notice} problem=${resend.problem} />
        <div class="actions"><${Button} onClick=${() => open(false)}>${t("cancel")}<//>
          <button type="submit" class="button primary" disabled=${resend.isRunning}><span>${t("range.send")}</span></button></div>
      </form>
    <//>`}`;
};
