// Search: transactions by what is known of them, holders by their exact address.

import { html, useState } from "./vendor-preact.js";
import { AmountInput, readAmount, writtenAmount } from "./amounts.js";
import { path } from "./api.js";
import { ask, textOf, useQuestion } from "./address.js";
import { moment, number, typedTime, utc } from "./format.js";
import { named, t } from "./i18n.js";
import { usePages } from "./live.js";
import { Button, Choice, Empty, Field, Id, Link, More, Panel, Table } from "./parts.js";
import { FLAGS, TransactionTable } from "./rows.js";

const TEXTS = ["id", "account", "holder", "email"];
const RANGES = ["min_amount", "max_amount"];
const TIMES = ["from", "to"];
const CHOICES = { status: ["settled", "authorized", "reversed", "declined"], type: ["credit", "debit"], flag: FLAGS };

// What was asked for, as it is typed in the reader's language, and back.
const changed = (values, change) => ({ ...values, ...Object.fromEntries(RANGES.filter((name) => values[name]).map((name) => [name, change(values[name])])) });
const typedIn = (query) => ({ ...changed(query, (text) => writtenAmount(text, query.currency)), from: typedTime(query.from), to: typedTime(query.to) });
const asked = (form) => changed(form, (text) => readAmount(text, form.currency).amount);

export const SearchView = ({ query: { email: _, ...query } }) => {
  // An e-mail address stays out of the page's address, which the browser's history keeps. It goes with one question.
  const [kept, keep] = useState({ email: "", of: "" });
  const emailOf = (question) => (kept.of === textOf(question) ? kept.email : "");
  const [form, setForm] = useQuestion(query, (question) => ({ ...typedIn(question), email: emailOf(question) }));
  const [turn, setTurn] = useState(0);
  const email = emailOf(query);
  const isAsked = Object.keys(query).length > 0 || email;
  const set = (name) => (value) => setForm({ ...form, [name]: value });
  const typed = (name) => (event) => set(name)(name === "currency" ? event.target.value.trim().toUpperCase() : event.target.value.trim());
  const search = (event) => {
    event.preventDefault();
    const { email, ...question } = asked(form);
    keep({ email, of: textOf(question) });
    // The same question again: what it finds may be another.
    if (!ask("search", question)) setTurn(turn + 1);
  };
  const clear = () => {
    setForm({});
    keep({ email: "", of: "" });
    ask("search", {});
  };
  const input = (name, more) => html`
    <${Field} id=${`search-${name}`} label=${t(`search.${name}`)}>
      <input id=${`search-${name}`} name=${name} value=${form[name] ?? ""} onInput=${typed(name)} autocomplete="off" spellcheck="false" ...${more} />
    <//>`;
  return html`
    <div class="head"><div><h1 tabindex="-1">${t("nav.search")}</h1><p class="quiet">${t("search.hint")}</p></div></div>
    <${Panel}>
      <form class="search" role="search" onSubmit=${search}>
        ${TEXTS.map((name) => input(name, name === "email" ? { type: "email", inputmode: "email" } : {}))}
        ${Object.entries(CHOICES).map(([name, all]) => html`<${Choice} id=${`search-${name}`} label=${t(`search.${name}`)} value=${form[name] ?? ""} onChange=${set(name)}
          options=${[["", t("search.any")], ...all.map((one) => [one, named(name, one)])]} />`)}
        ${RANGES.map((name) => html`<${Field} id=${`search-${name}`} label=${t(`search.${name}`)}>
          <${AmountInput} id=${`search-${name}`} name=${name} currency=${form.currency} value=${form[name] ?? ""} onInput=${typed(name)} /><//>`)}
        ${input("currency", { maxlength: 3, pattern: "[A-Za-z]{3}" })}
        ${TIMES.map((name) => input(name, { type: "datetime-local" }))}
        <div class="actions"><button type="submit" class="button primary"><span>${t("search.go")}</span></button>
          ${isAsked && html`<${Button} kind="quiet" onClick=${clear}>${t("search.clear")}<//>`}</div>
      </form>
    <//>
    ${isAsked ? html`<${Results} key=${turn} query=${query} email=${email} />` : html`<${Panel}><${Empty} icon="search" title=${t("search.start")}>${t("search.start.next")}<//><//>`}`;
};

const Results = ({ query, email }) => html`
  ${email && html`<${HoldersByAddress} email=${email} />`}
  <${Found} query=${{ ...query, email }} />`;

const Found = ({ query }) => {
  const pages = usePages(path(["transactions"], { ...query, from: utc(query.from), to: utc(query.to), limit: 50 }), "transactions");
  return html`
    <${Panel} id="found" title=${t("search.found")}>
      <p role="status" class="visually-hidden">${pages.last && !pages.isAsking && t(pages.next ? "search.count.more" : "search.count", { count: pages.rows.length, number: number(pages.rows.length) })}</p>
      ${pages.rows.length > 0 && html`<${TransactionTable} label=${t("search.found")} transactions=${pages.rows} withAccount />`}
      ${pages.rows.length === 0 && pages.last && !pages.next && html`<${Empty} icon="search" title=${t("search.none")}>${t("search.none.next")}<//>`}
      ${pages.next && pages.last?.searched_to && html`<p class="quiet centered">${t("search.searched_to", { time: moment(pages.last.searched_to) })}</p>`}
      <${More} pages=${pages} />
    <//>`;
};

const HoldersByAddress = ({ email }) => {
  const pages = usePages(path(["holders"], { email }), "holders");
  return html`
    <${Panel} id="holders" title=${t("search.holders")}>
      ${pages.rows.length > 0 && html`<${Table} label=${t("search.holders")} rows=${pages.rows} keyOf=${(one) => `${one.account}/${one.holder.id}`} columns=${[
        { label: t("holder.id"), class: "main", cell: (one) => html`<${Link} to=${["accounts", one.account, "holders", one.holder.id]}><${Id}>${one.holder.id}<//><//>` },
        { label: t("transaction.account"), cell: (one) => html`<${Link} to=${["accounts", one.account]}><${Id}>${one.account}<//><//>` },
        { label: t("holder.name"), cell: (one) => one.holder.name },
      ]} />`}
      ${pages.rows.length === 0 && pages.last && !pages.next && html`<${Empty} icon="search" title=${t("search.no_holder")} />`}
      <${More} pages=${pages} />
    <//>`;
};
