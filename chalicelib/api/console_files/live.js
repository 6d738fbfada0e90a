// What is shown stays current: a view's answer is asked for again, often while somebody works, seldom while nobody does.

import { useCallback, useEffect, useRef, useState } from "./vendor-preact.js";
import { get } from "./api.js";

const BUSY_S = 4;
const IDLE_S = 20;
const SLOW_S = 30;
const LONGEST_S = 120;
const IDLE_AFTER_MS = 120_000;

let lastInput = Date.now();
const sleepers = new Set();
let isOver = () => false;
const noteInput = (event) => {
  if (isOver()) {
    // Who comes back after the session's time is not at work any more: the key that woke the console does nothing.
    event.stopImmediatePropagation();
    return;
  }
  const wasIdle = Date.now() - lastInput > IDLE_AFTER_MS;
  lastInput = Date.now();
  // Somebody comes back to a page that was idle: what it shows may be old.
  if (wasIdle) sleepers.forEach((wake) => wake());
};
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
  addEventListener(kind, noteInput, { passive: true, capture: true });
}

// Calls `end` when nobody has touched the page for so long. Timers stand still while a computer sleeps, so the time is
// looked at with the first input too, before that counts, and when the page is seen again.
export function endAfter(idleMs, end) {
  isOver = () => {
    const is = Date.now() - lastInput > idleMs;
    if (is) end();
    return is;
  };
  setInterval(isOver, 15_000);
  document.addEventListener("visibilitychange", isOver);
}

// Seconds until the next request: none while the page is hidden (null), and longer with each failure.
export function pause({ failures = 0, retryAfter = 0, isSlow = false, isHidden = document.hidden, idleMs = Date.now() - lastInput }) {
  if (isHidden) return null;
  const isIdle = idleMs > IDLE_AFTER_MS;
  const usual = isSlow ? SLOW_S * (isIdle ? 2 : 1) : isIdle ? IDLE_S : BUSY_S;
  return Math.max(retryAfter, Math.min(LONGEST_S, usual * 2 ** failures));
}

// The answer of `url`, asked for again while it is shown: `{data, etag, problem, at, refresh}`.
// The answer before stays until the next comes. A null `url` asks nothing; `isStill` asks once, `isSlow` seldom.
export function useLive(url, { isStill = false, isSlow = false } = {}) {
  const [answer, setAnswer] = useState({ url });
  const refresh = useRef(() => {});
  useEffect(() => {
    if (!url) return undefined;
    const stop = new AbortController();
    let timer;
    let etag = null;
    let failures = 0;
    let isAsking = false;
    let isWanted = false;
    const next = (retryAfter) => {
      clearTimeout(timer);
      const wait = isStill ? null : pause({ failures, retryAfter, isSlow });
      if (wait !== null) timer = setTimeout(again, wait * 1000);
    };
    const again = async (isFresh = false) => {
      if (isAsking) {
        // The answer that is under way may be from before somebody's own change.
        isWanted ||= isFresh === true;
        return;
      }
      isAsking = true;
      let retryAfter = 0;
      try {
        const { status, data, etag: its } = await get(url, { signal: stop.signal, ifNoneMatch: isFresh === true ? null : etag });
        failures = 0;
        etag = its;
        setAnswer((before) => ({ url, data: status === 304 ? before.data : data, etag: its, at: Date.now() }));
      } catch (problem) {
        if (problem.name === "AbortError") return;
        failures += problem.status === 404 || problem.status === 403 ? 5 : 1;
        retryAfter = problem.retryAfter ?? 0;
        problem.isRepeated = !isStill;
        setAnswer((before) => ({ ...(before.url === url ? before : { url }), problem }));
      } finally {
        isAsking = false;
      }
      if (isWanted) {
        isWanted = false;
        again(true);
        return;
      }
      next(retryAfter);
    };
    const seen = () => { if (document.hidden) clearTimeout(timer); else if (!isStill) again(); };
    document.addEventListener("visibilitychange", seen);
    if (!isStill) sleepers.add(again);
    refresh.current = () => again(true);
    again();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      sleepers.delete(again);
    };
  }, [url, isStill]);
  const shown = answer.url === url ? answer : { url };
  return { ...shown, refresh: useCallback(() => refresh.current(), []) };
}

// Pages of a list: the rows so far, the last answer, and a way to the next page. They begin at the cursor `from`, if
// there is one. A null `url` asks nothing.
export function usePages(url, field, from = null) {
  const [pages, setPages] = useState({ rows: [] });
  const turn = useRef(0);
  const load = async (cursor, before) => {
    const mine = ++turn.current;
    setPages({ ...before, cursor, problem: null, isAsking: true });
    const state = await get(cursor ? `${url}${url.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}` : url).then(
      ({ data }) => ({ rows: [...before.rows, ...data[field]], next: data.next_cursor, last: data }),
      (problem) => ({ ...before, cursor, problem, isAsking: false }),
    );
    if (mine === turn.current) setPages(state);
  };
  const reload = () => load(from, { rows: [] });
  useEffect(() => { if (url) reload(); else setPages({ rows: [] }); }, [url, from]);
  // What failed is asked for again, or all of it where the list has changed.
  const again = () => (pages.problem?.code === "invalid_cursor" ? reload() : load(pages.cursor, pages));
  // Rows that were asked for elsewhere, with their last answer, in the place of those that are shown.
  const replace = (rows, last) => setPages({ rows, next: last.next_cursor, last });
  return { ...pages, more: () => load(pages.next, pages), again, reload, replace };
}

// A change that somebody asks for: `{run, isRunning, problem, retry}`. `run` returns whether it went through; `retry` is
// there if it may go through the next time.
export function useChange(change) {
  const [state, setState] = useState({ isRunning: false, problem: null });
  const last = useRef([]);
  const run = async (...given) => {
    last.current = given;
    setState({ isRunning: true, problem: null });
    try {
      await change(...given);
      setState({ isRunning: false, problem: null });
      return true;
    } catch (problem) {
      setState({ isRunning: false, problem });
      return false;
    }
  };
  const isPassing = state.problem && (state.problem.status === 0 || state.problem.status >= 500);
  return { ...state, run, retry: isPassing ? () => run(...last.current) : undefined, forget: () => setState({ isRunning: false, problem: null }) };
}
