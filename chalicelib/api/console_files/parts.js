// The parts that all views are made of. What comes from the API is text here, never markup.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor-preact.js";
import { ago, amount, exactMoment, moment, number, preciseMoment } from "./format.js";
import { isTold, named, t } from "./i18n.js";
import { Icon } from "./icons.js";

export const classes = (...names) => names.filter(Boolean).join(" ");

// Where the keyboard goes when what it was on is gone.
export const toHeading = () => document.querySelector("main h1")?.focus({ preventScroll: true });

export const Panel = ({ title, actions, children, class: more, id }) => html`
  <section class=${classes("panel", more)} aria-labelledby=${title && id}>
    ${title && html`<header><h2 id=${id}>${title}</h2>${actions && html`<div class="actions">${actions}</div>`}</header>`}
    ${children}
  </section>`;

export const Button = ({ kind, icon, busy, children, ...more }) => html`
  <button type="button" class=${classes("button", kind)} aria-busy=${busy ? "true" : undefined} disabled=${busy} ...${more}>
    ${icon && html`<${Icon} name=${icon} />`}<span>${children}</span>
  </button>`;

// A name of the API's as a pill; its tone says how it stands.
const TONES = {
  good: ["settled", "delivered", "recognized", "legitimate", "in_use", "on", "accepted", "sent"],
  bad: ["declined", "bounced", "complained", "rejected", "failed", "fraud", "not_recognized", "stopped", "gave_up", "dead"],
  warn: ["open", "queued", "waiting", "suppressed", "authorized", "unclear", "disabled", "untested", "unverified", "shadow"],
  info: ["claimed", "reversed", "skipped"],
};
const toneOf = (name) => Object.keys(TONES).find((tone) => TONES[tone].includes(name)) ?? "plain";
export const Badge = ({ kind, name, tone }) => html`<span class=${`badge ${tone ?? toneOf(name)}`}>${named(kind, name)}</span>`;

export const Money = ({ value, currency, type }) => html`
  <span class=${classes("money", type)}>${type === "credit" ? "+" : type === "debit" ? "−" : ""}${amount(value, currency)}</span>`;

export const Time = ({ at, relative, exact }) =>
  at ? html`<time datetime=${at} title=${exactMoment(at)}>${relative ? ago(at) : exact ? preciseMoment(at) : moment(at)}</time>` : "–";

export const Id = ({ children }) => html`<code class="id" title=${children}>${children}</code>`;

export const Link = ({ to, children, ...more }) => html`<a href=${`#/${to.map(encodeURIComponent).join("/")}`} ...${more}>${children}</a>`;

// Rows under headings; on a phone each row is a card whose cells say what they are, but for `small` tables.
export const Table = ({ label, columns, rows, keyOf, rowClass, small }) => html`
  <table class=${classes("rows", small && "small")} role="table" aria-label=${label}>
    <thead role="rowgroup"><tr role="row">${columns.map(
      (column) => html`<th role="columnheader" scope="col" class=${column.class}>${column.label}</th>`,
    )}</tr></thead>
    <tbody role="rowgroup">${rows.map(
      (row, index) => html`<tr role="row" key=${keyOf?.(row) ?? index} class=${rowClass?.(row)}>${columns.map(
        (column) => html`<td role="cell" class=${column.class} data-label=${column.label}><div>${column.cell(row)}</div></td>`,
      )}</tr>`,
    )}</tbody>
  </table>`;

// Names with their values.
export const Facts = ({ of }) => html`
  <dl class="facts">${of.filter(([, value]) => value !== undefined && value !== null && value !== "").map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;

export const Tile = ({ label, value, note, tone, to, icon, children }) => html`
  <div class=${classes("tile", tone)}>
    <h3>${icon && html`<${Icon} name=${icon} />`}${to ? html`<${Link} to=${to}>${label}<//>` : label}</h3>
    <p class="figure">${value}</p>
    ${note && html`<p class="note">${note}</p>`}${children}
  </div>`;

export const Meter = ({ label, used, limit }) => html`
  <div class="meter">
    <div><span>${label}</span><span>${limit ? t("quota.of", { used: number(used), limit: number(limit) }) : t("quota.unlimited")}</span></div>
    ${limit && html`<meter min="0" max=${limit} high=${limit * 0.8} value=${used} aria-label=${label}></meter>`}
  </div>`;

export const Empty = ({ icon = "check", title, children }) => html`
  <div class="empty"><${Icon} name=${icon} /><p><strong>${title}</strong></p>${children && html`<p>${children}</p>`}</div>`;

export const Waiting = () => html`<div class="waiting" role="status"><span class="visually-hidden">${t("waiting")}</span><i></i><i></i><i></i></div>`;

// What went wrong, in words that say what to do; the API's own words where it said some.
export const Notice = ({ problem, retry }) => {
  if (!problem) return null;
  const group = problem.code === "group_required" && /viewer|analyst|admin/.exec(problem.message)?.[0];
  // What repeats itself is only waited for. Who asked for a change or for something once is told to try again.
  const kinds = problem.isRepeated ? [""] : problem.isChange ? [".change", ".once", ""] : [".once", ""];
  const key = kinds.map((kind) => `problem.${problem.code}${kind}`).find(isTold);
  const text = group ? t("problem.group_required", { group: named("group", group) })
    : key ? t(key, { minutes: number(Math.ceil((problem.retryAfter || 60) / 60)) }) : problem.message || t("problem.unknown");
  return html`
    <div class=${classes("notice", problem.status === 409 || problem.status === 412 ? "warn" : "bad")} role="alert">
      <${Icon} name="alert" />
      <div><p>${text}</p>
        ${problem.fields?.length > 0 && html`<ul>${problem.fields.map((error) => html`<li><code>${error.field}</code> ${error.message}</li>`)}</ul>`}
        ${problem.requestId && html`<p class="quiet">${t("problem.id")} <${Id}>${problem.requestId}<//></p>`}
      </div>
      ${retry && html`<${Button} onClick=${retry}>${t("again")}<//>`}
    </div>`;
};

// What a live answer shows: itself, or that it is awaited, or why there is none. What is old stays, and says so.
export const Answer = ({ of, children }) => html`
  ${of.problem && html`<${Notice} problem=${of.problem} retry=${of.refresh} />`}
  ${of.data ? children(of.data) : !of.problem && html`<${Waiting} />`}`;

export const More = ({ pages }) => html`
  ${pages.problem && html`<${Notice} problem=${pages.problem} retry=${pages.again} />`}
  ${pages.isAsking && html`<${Waiting} />`}
  ${pages.next && !pages.isAsking && html`<p class="more"><${Button} onClick=${pages.more}>${t("more")}<//></p>`}`;

export const Field = ({ label, hint, id, children }) => html`
  <div class="field"><label for=${id}>${label}</label>${children}${hint && html`<p class="quiet" id=${`${id}-hint`}>${hint}</p>`}</div>`;

// An input that the form refuses, with words, while there is a mistake in it.
export const CheckedInput = ({ mistake, ...more }) => {
  const input = useRef();
  useLayoutEffect(() => input.current.setCustomValidity(mistake ?? ""));
  return html`<input ref=${input} ...${more} />`;
};

export const Choice = ({ id, label, value, options, onChange }) => html`
  <${Field} id=${id} label=${label}>
    <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${options.map(([name, words]) => html`<option value=${name} selected=${name === value}>${words}</option>`)}
    </select>
  <//>`;

// A few ways to see the same, of which one is chosen.
export const Segments = ({ label, value, options, onChange }) => html`
  <div class="segments" role="group" aria-label=${label}>${options.map(
    ([name, words]) => html`<button type="button" aria-pressed=${String(name === value)} onClick=${() => onChange(name)}>${words}</button>`,
  )}</div>`;

// A question before something that can't be taken back. The browser keeps the keyboard inside, and Escape closes it.
export const Dialog = ({ title, onClose, children }) => {
  const dialog = useRef();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${onClose}>
      <h2 id="dialog-title">${title}</h2>${children}
    </dialog>`;
};

// Asks before it does: a button, and the question that it opens.
export const Asked = ({ label, title, question, onYes, kind, icon, disabled }) => {
  const [isOpen, open] = useState(false);
  return html`
    <${Button} kind=${kind} icon=${icon} disabled=${disabled} onClick=${() => open(true)}>${label}<//>
    ${isOpen && html`<${Dialog} title=${title ?? label} onClose=${() => open(false)}>
      <p>${question}</p>
      <div class="actions">
        <${Button} onClick=${() => open(false)}>${t("cancel")}<//>
        <${Button} kind=${kind ?? "primary"} onClick=${() => { open(false); onYes(); }}>${label}<//>
      </div>
    <//>`}`;
};
