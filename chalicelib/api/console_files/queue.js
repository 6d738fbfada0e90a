// The queue of cases: its first page, which stays current, and what follows it, which is asked for anew page by page.

import { useLayoutEffect, useRef, useState } from "./vendor-preact.js";
import { get, path } from "./api.js";
import { useLive, usePages } from "./live.js";

const PAGE = 50;
// What follows is asked for with every second answer of the first page: two tabs stay below what a member may ask.
const STEP_EVERY = 2;
const NOTHING = { pushed: [], gone: [] };

// The cases of the first page as it was that are no longer in it: `pushed` out by others, or `gone` from the list.
// `after` are the cases that follow the first page.
export function missing(before, now, after) {
  const still = new Set(now.map((one) => one.id));
  const reachesFurther = after.some((one) => one.id === now.at(-1).id);
  const end = reachesFurther ? before.length : before.findLastIndex((one) => still.has(one.id)) + 1;
  return { pushed: before.slice(end), gone: before.slice(0, end).filter((one) => !still.has(one.id)).map((one) => one.id) };
}

// A case that was gone may come back, and then be pushed out.
function joined({ pushed, gone }, found) {
  const back = new Set(found.pushed.map((one) => one.id));
  return { pushed: [...found.pushed, ...pushed], gone: [...gone, ...found.gone].filter((id) => !back.has(id)) };
}

// Each case once, where it comes first.
function once(cases) {
  const seen = new Set();
  return cases.filter((one) => !seen.has(one.id) && seen.add(one.id));
}

const pageOf = (query, cursor, limit = PAGE) => path(["cases"], { ...query, limit, cursor });

export const useFirstPage = (query) => useLive(pageOf(query));

// The cases of the first page and of what is shown behind it: `{rows, pages, begin}`. `begin` shows the second page.
// With every second answer of the first page, which came `at` a time, one page of what follows is asked for. When there
// are as many as are shown, or all where all are shown, they take the place of those.
export function useQueue(query, { cases, cursor, at }) {
  const [from, begin] = useState(null);
  const [changes, setChanges] = useState(NOTHING);
  const pages = usePages(from && pageOf(query), "cases", from);
  const after = [...changes.pushed, ...pages.rows].filter((one) => !changes.gone.includes(one.id));
  // Without a cursor, the first page has all cases.
  const rows = once(cursor ? [...cases, ...after] : cases);
  const shown = useRef();
  shown.current = { ...pages, count: rows.length - cases.length };
  const before = useRef(cases);
  const walk = useRef(null);
  const answers = useRef(0);
  const isEnough = ({ rows, next }) => !next || (shown.current.next && rows.length >= shown.current.count);
  const step = async () => {
    if (!pages.last || pages.isAsking || walk.current?.isAsking) return;
    walk.current ??= { rows: [], next: cursor, changes: NOTHING };
    const mine = walk.current;
    mine.isAsking = true;
    const lacking = pages.next ? shown.current.count - mine.rows.length : PAGE;
    const answer = await get(pageOf(query, mine.next, Math.max(1, Math.min(PAGE, lacking)))).catch(() => null);
    mine.isAsking = false;
    if (mine !== walk.current) return;
    if (answer && !shown.current.isAsking) {
      const { cases: found, next_cursor: next } = answer.data;
      const ids = new Set(found.map((one) => one.id));
      mine.rows = [...mine.rows, ...found];
      mine.next = next;
      mine.changes = { ...mine.changes, gone: mine.changes.gone.filter((id) => !ids.has(id)) };
      if (!isEnough(mine)) return;
      pages.replace(mine.rows, answer.data);
      setChanges(mine.changes);
    }
    walk.current = null;
  };
  useLayoutEffect(() => {
    // The walk knows new cases that are not shown yet: one may be the last of the first page now.
    const found = missing(before.current, cases, [...after, ...(walk.current?.rows ?? [])]);
    before.current = cases;
    if (!from) return;
    setChanges((now) => joined(now, found));
    if (walk.current) walk.current.changes = joined(walk.current.changes, found);
  }, [cases]);
  useLayoutEffect(() => {
    if (!from) return;
    if (cursor) {
      answers.current += 1;
      if (answers.current % STEP_EVERY === 0) step();
      return;
    }
    // Nothing follows: the list begins anew.
    walk.current = null;
    begin(null);
    setChanges(NOTHING);
  }, [at]);
  return { rows, pages, begin: cursor && !from ? () => begin(cursor) : null };
}
