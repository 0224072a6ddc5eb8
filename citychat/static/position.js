// The browser's position, asked for once and only when the guest presses for it.

/** @import { Position } from "citychat/types.js" */

const OURS_MS = 10_000; // some browsers never answer a prompt that is left open

/**
 * The position, or why there is none; `slow()` is called when our own clock has run out.
 * @param {() => void} slow
 * @returns {Promise<Position | "denied" | "insecure">}
 */
export function askPosition(slow) {
  if (!window.isSecureContext || !navigator.geolocation) return Promise.resolve("insecure");
  const clock = setTimeout(slow, OURS_MS);
  return new Promise((/** @type {(answer: Position | "denied") => void} */ resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude, accuracy: coords.accuracy }),
      () => resolve("denied"),
      { enableHighAccuracy: false, timeout: 8000, maximumAge: 600_000 },
    );
  }).finally(() => clearTimeout(clock));
}
