// Transactions, flags and cases in lists and in words.

import { html } from "./vendor-preact.js";
import { amount, countryName, number, span } from "./format.js";
import { isTold, named, t } from "./i18n.js";
import { useMember } from "./member.js";
import { Badge, Facts, Id, Link, Money, Panel, Table, Time } from "./parts.js";

export const FLAGS = ["large_amount", "velocity", "unusual_amount", "duplicate_suspect", "new_country"];

// Why a transaction is flagged, from what the rule saw.
export function reason(flag, seen) {
  const money = (name) => amount(seen[name], seen.currency);
  const counted = { count: Number(seen?.count), number: number(seen?.count) };
  const values = {
    large_amount: () => ({ amount: money("amount"), threshold: money("threshold") }),
    velocity: () => ({ ...counted, limit: number(seen.limit), span: span(seen.minutes, "minute") }),
    unusual_amount: () => ({ amount: money("amount"), usual: money("usual"), times: number(seen.times), ...counted }),
    duplicate_suspect: () => ({ amount: money("amount"), span: span(seen.seconds, "second") }),
    new_country: () => ({ country: countryName(seen.country), known: seen.known?.map(countryName).join(", "), ...counted }),
  }[flag];
  return values && seen ? t(`reason.${flag}`, values()) : "";
}

// Why a notification is in its state. SES's and mail servers' own codes follow what happened: `soft: MailboxFull`.
export function why(code, state) {
  if (!code) return "";
  if (isTold(`why.${code}.${state}`)) return t(`why.${code}.${state}`);
  const [what, detail] = code.split(": ");
  return detail && isTold(`why.${what}`) ? t(`why.${what}`, { detail: named("why", detail) }) : named("why", code);
}

export const FlagPills = ({ names }) => html`
  <span class="pills">${names.map((name) => html`<span class="badge flag" key=${name}>${named("flag", name)}</span>`)}</span>`;

export const Place = ({ merchant }) =>
  merchant ? html`<span class="merchant">${merchant.name ?? "–"}${(merchant.city || merchant.country) && html`<small>${
    [merchant.city, merchant.country && countryName(merchant.country)].filter(Boolean).join(", ")}</small>`}</span>` : null;

export const TransactionTable = ({ label, transactions, withAccount }) => html`
  <${Table} label=${label} rows=${transactions} keyOf=${(one) => one.id} columns=${[
    { label: t("transaction.id"), class: "main", cell: (one) => html`<${Link} to=${["transactions", one.id]}><${Id}>${one.id}<//><//>` },
    { label: t("transaction.timestamp"), cell: (one) => html`<${Time} at=${one.timestamp} />` },
    withAccount && { label: t("transaction.account"), cell: (one) => html`<${Link} to=${["accounts", one.account]}><${Id}>${one.account}<//><//>` },
    { label: t("transaction.merchant"), cell: (one) => (one.merchant ? html`<${Place} merchant=${one.merchant} />` : one.counterparty?.name ?? one.description) },
    { label: t("transaction.status"), cell: (one) => html`<${Badge} kind="status" name=${one.status} />` },
    { label: t("transaction.flags"), cell: (one) => html`<${FlagPills} names=${Object.keys(one.flags ?? {})} />` },
    { label: t("transaction.amount"), class: "number", cell: (one) => html`<${Money} value=${one.amount} currency=${one.currency} type=${one.type} />` },
  ].filter(Boolean)} />`;

// What the account's amounts usually are.
export const Usual = ({ of }) => html`<${Facts} of=${[
  [t("usual.average"), amount(of.average, of.currency)],
  [t("usual.spread"), amount(of.spread, of.currency)],
  [t("usual.count"), number(of.count)],
]} />`;

export const CaseState = ({ of }) => html`
  <span class="pills"><${Badge} kind="case" name=${of.state === "closed" && of.outcome ? of.outcome : of.state} />${of.answers?.map(
    (answer) => html`<${Badge} kind="answer" name=${answer.answer} key=${answer.holder} />`)}</span>`;

// Something that happened, one under the other, with the latest where the reader looks first.
export const Timeline = ({ label, of }) => html`
  <ol class="timeline" aria-label=${label}>${of.map((one) => html`
    <li class=${one.tone}><p><strong>${one.what}</strong>${one.who && html` <span class="quiet">${one.who}</span>`}</p>
      ${one.note && html`<p class="said">${one.note}</p>`}<p class="quiet"><${Time} at=${one.at} exact /></p></li>`)}
  </ol>`;

// Who looked at it before, as the audit trail has it.
export const SeenBy = ({ of }) => {
  const me = useMember().subject;
  return html`
  <${Panel} id="seen" title=${t("seen_by")}>
    ${of.length === 0 ? html`<p class="quiet">${t("seen_by.none")}</p>` : html`
      <ul class="plain">${of.map((one) => html`<li><span>${one.subject === me ? t("seen_by.you") : one.name ?? html`<${Id}>${one.subject}<//>`}</span> <span class="quiet"><${Time} at=${one.at} /></span></li>`)}</ul>`}
  <//>`;
};
