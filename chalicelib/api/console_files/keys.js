// Keyboard shortcuts: single letters, which do nothing while somebody types, and can be turned off.

import { useEffect } from "./vendor-preact.js";

const KEPT_AS = "console.shortcuts";

export const areOn = () => localStorage.getItem(KEPT_AS) !== "off";
export const turn = (on) => localStorage.setItem(KEPT_AS, on ? "on" : "off");

const isTyping = (element) => element.closest?.("input, select, textarea, [contenteditable]") || document.querySelector("dialog[open]");

let before = "";

// Calls the function of the key, or of two keys one after the other such as "g t", that is pressed.
export function useKeys(keys) {
  useEffect(() => {
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
  // After all listeners of this key.
  setTimeout(() => { before = event.key === "g" && before !== "g" ? "g" : ""; });
});
