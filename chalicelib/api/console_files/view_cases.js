// The queue of cases: the heaviest and oldest first. It stays current, and is worked through with the keyboard alone.

import { html, useLayoutEffect, useRef, useState } from "./vendor-preact.js";
import { path, post } from "./api.js";
import { ask } from "./address.js";
import { number } from "./format.js";
import { t } from "./i18n.js";
import { useKeys } from "./keys.js";
import { useChange, useLive, usePages } from "./live.js";
import { useMay } from "./member.js";
import { Answer, Button, Empty, Id, Link, Money, More, Notice, Panel, Segments, Table, Time } from "./parts.js";
import { CaseState, FlagPills, Place } from "./rows.js";

const STATES = ["open", "claimed", "mine", "closed"];
const PAGE = 50;

const queryOf = (state) => (state === "mine" ? { state: "claimed", mine: "true" } : { state });

export const CasesView = ({ query }) => {
  const state = STATES.includes(query.state) ? query.state : "open";
  const isAnalyst = useMay("analyst");
  const url = path(["cases"], { ...queryOf(state), limit: PAGE });
  const live = useLive(url);
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
        : html`<${Pages} key=${state} url=${url} cases=${cases} cursor=${cursor} />`)}
      <//>
    <//>`;
};

// The cases of the first page as it was that are no longer in it: `pushed` out by others, or `gone` from the list.
// `after` are the cases that follow the first page.
export function missing(before, now, after) {
  const still = new Set(now.map((one) => one.id));
  const reachesFurther = after.some((one) => one.id === now.at(-1).id);
  const end = reachesFurther ? before.length : before.findLastIndex((one) => still.has(one.id)) + 1;
  return { pushed: before.slice(end), gone: before.slice(0, end).filter((one) => !still.has(one.id)).map((one) => one.id) };
}

// The first page, which stays current, and behind it what follows: as it was when it was asked for.
const Pages = ({ url, cases, cursor }) => {
  const [from, begin] = useState(null);
  const [{ pushed, gone }, setMissing] = useState({ pushed: [], gone: [] });
  const pages = usePages(from && url, "cases", from);
  const before = useRef(cases);
  const after = [...pushed, ...pages.rows].filter((one) => !gone.includes(one.id));
  useLayoutEffect(() => {
    const found = missing(before.current, cases, after);
    // A case that was gone may come back, and then be pushed out.
    const back = new Set(found.pushed.map((one) => one.id));
    if (from) setMissing({ pushed: [...found.pushed, ...pushed], gone: [...gone, ...found.gone].filter((id) => !back.has(id)) });
    before.current = cases;
  }, [cases]);
  // Without a cursor, the first page has all cases. Otherwise each is shown once, where it comes first.
  const all = cursor ? [...cases, ...after] : cases;
  const rows = [...new Map(all.toReversed().map((one) => [one.id, one])).values()].toReversed();
  return html`
    <${Queue} cases=${rows} />
    ${cursor && !from && html`<p class="more"><${Button} onClick=${() => begin(cursor)}>${t("more")}<//></p>`}
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
