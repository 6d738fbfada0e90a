// What stands around each view: the ways to the others, who is signed in, the language, the shortcuts.

import { html, useEffect, useRef, useState } from "./vendor-preact.js";
import { path } from "./api.js";
import { number } from "./format.js";
import { language, languages, named, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { areOn, turn, useKeys } from "./keys.js";
import { useLive } from "./live.js";
import { useMember } from "./member.js";
import { Button, classes, Dialog, toHeading } from "./parts.js";
import { signOut, trouble } from "./session.js";

const SECTIONS = [
  ["today", "t"], ["cases", "c"], ["search", "s"], ["flags", "f"], ["webhooks", "w"], ["quota", "q"], ["audit", "a", "admin"],
];
const SHORTCUTS = [
  ["?", "keys.help"], ["/", "keys.search"], ...SECTIONS.map(([name, key]) => [`g ${key}`, `nav.${name}`]),
  ["n", "keys.next"], ["j / k", "keys.move"], ["c", "keys.claim"], ["m", "keys.note"], ["f / l / u", "keys.close"],
];

export const Shell = ({ section, hash, chooseLanguage, children }) => {
  const member = useMember();
  const [isMenuOpen, openMenu] = useState(false);
  const [isHelpOpen, openHelp] = useState(false);
  const main = useRef();
  const isFirst = useRef(true);
  const shown = SECTIONS.filter(([, , group]) => !group || member.groups.includes(group));
  const place = hash.split("?")[0];
  useEffect(() => {
    document.title = `${main.current.querySelector("h1")?.textContent ?? t(`nav.${section}`)} · ${t("console")}`;
  }, [place, language]);
  useEffect(() => {
    openMenu(false);
    // The keyboard and the screen reader follow to the new view: the link that was pressed may be gone with the old one.
    if (!isFirst.current) toHeading();
    isFirst.current = false;
  }, [place]);
  useKeys({
    "?": () => openHelp(true),
    "/": () => { location.hash = "#/search"; setTimeout(() => document.getElementById("search-id")?.focus(), 50); },
    ...Object.fromEntries(shown.map(([name, key]) => [`g ${key}`, () => { location.hash = `#/${name}`; }])),
  });
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>${t("skip")}</a>
    <header class="top">
      <button type="button" class="menu" aria-expanded=${String(isMenuOpen)} aria-controls="nav" onClick=${() => openMenu(!isMenuOpen)}>
        <${Icon} name=${isMenuOpen ? "close" : "menu"} /><span class="visually-hidden">${t("menu")}</span>
      </button>
      <a class="brand" href="#/today"><${Icon} name="cases" /><span>${member.bank_name ?? member.bank}</span></a>
      <div class="who">
        <label class="visually-hidden" for="language">${t("language")}</label>
        <select id="language" onChange=${(event) => chooseLanguage(event.target.value)}>
          ${languages.map((one) => html`<option value=${one} lang=${one} selected=${one === language}>${t(`language.${one}`)}</option>`)}
        </select>
        <span class="person"><${Icon} name="user" /><span>${member.name}<small>${named("group", member.groups.at(-1))}</small></span></span>
        <${Button} kind="quiet" icon="leave" onClick=${signOut}>${t("sign_out")}<//>
      </div>
    </header>
    <nav id="nav" class=${classes(isMenuOpen && "open")} aria-label=${t("nav")}>
      <ul>${shown.map(([name]) => html`
        <li><a href=${`#/${name}`} aria-current=${name === section ? "page" : undefined}>
          <${Icon} name=${name} /><span>${t(`nav.${name}`)}</span>${name === "cases" && html`<${OpenCases} isShown=${section !== "cases"} />`}
        </a></li>`)}
      </ul>
      <p><button type="button" class="link" onClick=${() => openHelp(true)}>${t("keys.title")}</button>
        <a href=${new URL("vendor-licenses.txt", import.meta.url).href} target="_blank" rel="noopener">${t("licenses")}</a></p>
    </nav>
    <main id="main" tabindex="-1" ref=${main}><${SessionTrouble} />${children}</main>
    ${isHelpOpen && html`<${Help} onClose=${() => openHelp(false)} />`}`;
};

// Says while the session can't be renewed. What somebody types stays.
const SessionTrouble = () => {
  const [is, set] = useState(trouble.is);
  useEffect(() => {
    const heard = () => set(trouble.is);
    trouble.heard.add(heard);
    return () => trouble.heard.delete(heard);
  }, []);
  return html`<div role="status">${is && html`<p class="notice warn">${t("session.offline")}</p>`}</div>`;
};

// How many cases wait, beside their name. The list of cases says so itself, so nothing is asked there.
const OpenCases = ({ isShown }) => {
  const { data } = useLive(isShown ? path(["cases"], { state: "open", limit: 1 }) : null, { isSlow: true });
  return isShown && data?.counts?.open ? html`<span class="count" aria-label=${t("nav.cases.open", { count: data.counts.open })}>${number(data.counts.open)}</span>` : null;
};

const Help = ({ onClose }) => {
  const [isOn, setOn] = useState(areOn());
  return html`
    <${Dialog} title=${t("keys.title")} onClose=${onClose}>
      <dl class="keys">${SHORTCUTS.map(([keys, words]) => html`
        <div><dt>${keys.split(" ").map((key) => (key === "/" && keys !== "/" ? " / " : html`<kbd>${key}</kbd> `))}</dt><dd>${t(words)}</dd></div>`)}
      </dl>
      <p><label class="check"><input type="checkbox" checked=${isOn} onChange=${(event) => { turn(event.target.checked); setOn(event.target.checked); }} />${t("keys.on")}</label></p>
      <div class="actions"><${Button} kind="primary" onClick=${onClose}>${t("close")}<//></div>
    <//>`;
};
