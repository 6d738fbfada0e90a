// The queue of cases: the heaviest and oldest first. It stays current, and is worked through with the keyboard alone.

import { html, useRef } from "./vendor-preact.js";
import { post } from "./api.js";
import { ask } from "./address.js";
import { number } from "./format.js";
import { t } from "./i18n.js";
import { useKeys } from "./keys.js";
import { useChange } from "./live.js";
import { useMay } from "./member.js";
import { Answer, Button, Empty, Id, Link, Money, More, Notice, Panel, Segments, Table, Time } from "./parts.js";
import { useFirstPage, useQueue } from "./queue.js";
import { CaseState, FlagPills, Place } from "./rows.js";

const STATES = ["open", "claimed", "mine", "closed"];

const queryOf = (state) => (state === "mine" ? { state: "claimed", mine: "true" } : { state });

export const CasesView = ({ query }) => {
  const state = STATES.includes(query.state) ? query.state : "open";
  const isAnalyst = useMay("analyst");
  const live = useFirstPage(queryOf(state));
  const next = useChange(async () => {
    const { data } = await post("next-case");
    location.hash = `#/cases/${encodeURIComponent(data.case.id)}`;
  });
  useKeys({ n: () => isAnalyst && !next.isRunning && next.run() });
  const counts = live.data?.counts;
  const tab = (one) => t(`cases.${one}`) + (counts?.[one] === undefined ? "" : ` (${number(counts[one])})`);
  return html`
    <div class="head">
      <div><h1 tabindex="-1">${t("nav.cases")}</h1><p class="quiet">${t("cases.hint")}</p></div>
      ${isAnalyst && html`<${Button} kind="primary" icon="next" busy=${next.isRunning} onClick=${next.run} aria-keyshortcuts="n">${t("cases.next")} <kbd>n</kbd><//>`}
    </div>
    <${Notice} problem=${next.problem} retry=${next.retry} />
    <${Segments} label=${t("cases.which")} value=${state} options=${STATES.filter((one) => isAnalyst || one !== "mine").map((one) => [one, tab(one)])}
      onChange=${(chosen) => ask("cases", { state: chosen })} />
    <${Panel}>
      <${Answer} of=${live}>${({ cases, next_cursor: cursor }) => (cases.length === 0
        ? html`<${Empty} title=${t(`cases.none.${state}`)} />`
        : html`<${Pages} key=${state} query=${queryOf(state)} cases=${cases} cursor=${cursor} at=${live.at} />`)}
      <//>
    <//>`;
};

const Pages = ({ query, cases, cursor, at }) => {
  const { rows, pages, begin } = useQueue(query, { cases, cursor, at });
  return html`
    <${Queue} cases=${rows} />
    ${begin && html`<p class="more"><${Button} onClick=${begin}>${t("more")}<//></p>`}
    ${cursor && html`<${More} pages=${pages} />`}`;
};

const Queue = ({ cases }) => {
  const place = useRef();
  const at = useRef(null);
  // By the link, not by its number: cases come and go.
  const move = (step) => () => {
    const links = [...place.current.querySelectorAll("td.main a")];
    const next = links[Math.min(links.length - 1, Math.max(0, links.findIndex((one) => one.href === at.current) + step))];
    at.current = next.href;
    next.focus();
  };
  useKeys({ j: move(1), k: move(-1) });
  return html`
    <div ref=${place}><${Table} label=${t("nav.cases")} rows=${cases} keyOf=${(one) => one.id}
      rowClass=${(one) => (one.answers?.some((answer) => answer.answer === "not_recognized") && one.state !== "closed" ? "urgent" : "")} columns=${[
      { label: t("case.weight"), class: "weight", cell: (one) => html`<${Weight} of=${one.weight} />` },
      { label: t("case.transaction"), class: "main", cell: (one) => html`<${Link} to=${["cases", one.id]}><${Id}>${one.transaction}<//><//>` },
      { label: t("case.state"), cell: (one) => html`<${CaseState} of=${one} />` },
      { label: t("transaction.flags"), cell: (one) => html`<${FlagPills} names=${one.flags} />` },
      { label: t("transaction.merchant"), cell: (one) => (typeof one.merchant === "string" ? one.merchant : html`<${Place} merchant=${one.merchant} />`) },
      { label: t("case.opened_at"), cell: (one) => html`<${Time} at=${one.opened_at} relative />` },
      { label: t("case.claimed_by"), class: "taker", cell: (one) => one.claimed_by?.name ?? "" },
      { label: t("transaction.amount"), class: "number", cell: (one) => html`<${Money} value=${one.amount} currency=${one.currency} type=${one.type} />` },
    ]} /></div>`;
};

// How likely and how costly: the number, and how it compares.
const Weight = ({ of }) => html`<span class=${`weight-pill ${of >= 1000 ? "high" : of >= 30 ? "middle" : "low"}`}>${number(of)}</span>`;
