// Keyboard shortcuts: single letters, which do nothing while somebody types, and can be turned off.

import { useLayoutEffect } from "./vendor-preact.js";

const KEPT_AS = "console.shortcuts";

export const areOn = () => localStorage.getItem(KEPT_AS) !== "off";
export const turn = (on) => localStorage.setItem(KEPT_AS, on ? "on" : "off");

const isTyping = (element) => element.closest?.("input, select, textarea, [contenteditable]") || document.querySelector("dialog[open]");

let held = "";
let before = "";

// Calls the function of the key, or of two keys one after the other such as "g t", that is pressed.
export function useKeys(keys) {
  // With the view that shows them, not after it: who sees the view may press a key.
  useLayoutEffect(() => {
    const pressed = (event) => {
      if (!areOn() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const does = keys[`${before} ${event.key}`] ?? (before !== "g" ? keys[event.key] : undefined);
      if (does) {
        event.preventDefault();
        does();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  });
}

addEventListener("keydown", (event) => {
  // Before all listeners of this key, and without a timer, which could come after the next one.
  before = held;
  held = event.key === "g" && before !== "g" ? "g" : "";
}, true);
