// A case: what is suspected, what the holder says of it, and what the staff does about it.

import { html, useEffect, useRef, useState } from "./vendor-preact.js";
import { path, post } from "./api.js";
import { named, t } from "./i18n.js";
import { useKeys } from "./keys.js";
import { useChange, useLive } from "./live.js";
import { useMay, useMember } from "./member.js";
import { Answer, Button, Empty, Facts, Field, Id, Link, Money, Notice, Panel, Time } from "./parts.js";
import { CaseState, FlagPills, Place, reason, Timeline, Usual } from "./rows.js";

const OUTCOMES = [["fraud", "f", "danger"], ["legitimate", "l", ""], ["unclear", "u", ""]];
const TONES = { opened: "warn", answered: "info", closed: "good", reopened: "warn" };

export const CaseView = ({ id }) => {
  const live = useLive(path(["cases", id]));
  // Who reads the transaction is noted, so it is asked for once.
  const story = useLive(path(["transactions", id]), { isStill: true });
  return html`
    <p class="crumbs"><a href="#/cases">${t("nav.cases")}</a></p>
    <div class="head"><h1 tabindex="-1">${t("case")} <${Id}>${id}<//></h1></div>
    <${Answer} of=${live}>${({ case: of }) => html`
      <${Work} of=${of} refresh=${live.refresh} />
      <div class="columns">
        <div>
          <${Panel} id="what" title=${t("case.what")} actions=${html`<${Link} to=${["transactions", of.transaction]}>${t("case.all")}<//>`}>
            <p class="amount"><${Money} value=${of.amount} currency=${of.currency} type=${of.type} /></p>
            <p>${typeof of.merchant === "string" ? of.merchant : html`<${Place} merchant=${of.merchant} />`}</p>
            <${Facts} of=${[
              [t("transaction.timestamp"), html`<${Time} at=${of.timestamp} />`],
              [t("transaction.account"), html`<${Link} to=${["accounts", of.account]}><${Id}>${of.account}<//><//>`],
            ]} />
            <${Why} of=${of} story=${story} />
          <//>
        </div>
        <div>
          <${Answers} of=${of.answers ?? []} account=${of.account} />
          <${Panel} id="history" title=${t("case.history")}>
            <${Timeline} label=${t("case.history")} of=${[...of.history].reverse().map((one) => ({
              what: t(`history.${one.what}`) + (one.outcome ? ` – ${named("case", one.outcome)}` : one.answer ? ` – ${named("answer", one.answer)}` : ""),
              who: one.by.name ?? named("author", one.by.kind), at: one.at, note: one.note, tone: one.outcome === "fraud" ? "bad" : TONES[one.what] }))} />
          <//>
        </div>
      </div>`}
    <//>`;
};

const Why = ({ of, story }) => {
  const flags = story.data?.transaction.flags ?? {};
  return html`
    <${Notice} problem=${story.problem} retry=${story.refresh} />
    <ul class="reasons">${of.flags.map((name) => html`
      <li key=${name}><${FlagPills} names=${[name]} />${flags[name] && html`<p>${reason(name, flags[name])}</p>`}</li>`)}</ul>
    ${story.data?.usual && html`<h3>${t("usual")}</h3><${Usual} of=${story.data.usual} />`}`;
};

const Answers = ({ of, account }) => html`
  <${Panel} id="answers" title=${t("case.answers")}>
    ${of.length === 0 ? html`<${Empty} icon="clock" title=${t("case.no_answer")}>${t("case.no_answer.next")}<//>` : html`
      <ul class="answers">${of.map((one) => html`
        <li key=${one.holder} class=${one.answer}><strong>${t(`answer.${one.answer}.long`)}</strong>
          <span class="quiet"><${Link} to=${["accounts", account, "holders", one.holder]}>${one.holder}<//> · <${Time} at=${one.answered_at} /></span></li>`)}</ul>`}
  <//>`;

// What can be done with the case now, by who is signed in. The server decides in the end: two may press at once.
const Work = ({ of, refresh }) => {
  const isAnalyst = useMay("analyst");
  const isAdmin = useMay("admin");
  const me = useMember().subject;
  const [note, setNote] = useState("");
  const [done, setDone] = useState("");
  const text = useRef();
  const panel = useRef();
  const isMine = of.state === "claimed" && of.claimed_by?.subject === me;
  const isReleased = isMine || (isAdmin && of.state === "claimed");
  const isWritten = isMine || of.state !== "open";
  const change = useChange(async (what, body) => {
    setDone("");
    try {
      await post(path(["cases", of.id, what]), body);
      if (body) setNote("");
      setDone(t(`case.done.${what}`));
    } finally {
      refresh();
    }
  });
  useEffect(() => {
    // The button that was pressed may be gone, or can't be pressed any more.
    const on = document.activeElement;
    if ((done || change.problem) && (on === document.body || on.disabled)) panel.current.focus({ preventScroll: true });
  }, [done, change.problem, of.state]);
  const does = (what, body) => () => change.isRunning || change.run(what, body);
  const close = (outcome) => does("close", note.trim() ? { outcome, note: note.trim() } : { outcome });
  useKeys(isAnalyst ? {
    ...(of.state === "open" && { c: does("claim") }),
    ...(isReleased && { r: does("release") }),
    ...(isMine && Object.fromEntries(OUTCOMES.map(([outcome, key]) => [key, close(outcome)]))),
    m: () => text.current?.focus(),
  } : {});
  return html`
    <${Panel} class="work"><div role="group" aria-label=${t("case.work")} tabindex="-1" ref=${panel}>
      <p role="status" class="visually-hidden">${done}</p>
      <div class="state"><${CaseState} of=${of} />
        <p class="quiet">${of.state === "claimed" ? t(isMine ? "case.yours" : "case.theirs", { name: of.claimed_by?.name ?? "–" })
          : of.state === "closed" ? t("case.closed_note") : t("case.open_note")}
          ${of.claimed_at && of.state === "claimed" && html` <${Time} at=${of.claimed_at} relative />`}${of.closed_at && html` <${Time} at=${of.closed_at} relative />`}</p></div>
      <${Notice} problem=${change.problem} retry=${change.retry} />
      ${isAnalyst && html`
        ${isWritten && html`<${Field} id="note" label=${t("case.note")}>
          <textarea id="note" ref=${text} rows="2" maxlength="2000" value=${note} onInput=${(event) => setNote(event.target.value)}></textarea><//>`}
        <div class="actions">
          ${of.state === "open" && html`<${Button} kind="primary" icon="person" busy=${change.isRunning} onClick=${does("claim")} aria-keyshortcuts="c">${t("case.claim")} <kbd>c</kbd><//>`}
          ${isMine && html`<span class="quiet">${t("case.close_as")}</span>
            ${OUTCOMES.map(([outcome, key, kind]) => html`<${Button} key=${outcome} kind=${kind} busy=${change.isRunning} onClick=${close(outcome)} aria-keyshortcuts=${key}>${t(`case.close.${outcome}`)} <kbd>${key}</kbd><//>`)}
`}
          ${isWritten && html`<${Button} icon="note" disabled=${!note.trim()} busy=${change.isRunning} onClick=${does("notes", { text: note.trim() })}>${t("case.add_note")}<//>`}
          ${isReleased && html`<${Button} kind="quiet" busy=${change.isRunning} onClick=${does("release")} aria-keyshortcuts="r">${t("case.release")} <kbd>r</kbd><//>`}
          ${of.state === "closed" && html`<${Button} icon="again" busy=${change.isRunning} onClick=${does("reopen")}>${t("case.reopen")}<//>`}
        </div>`}
    </div><//>`;
};
