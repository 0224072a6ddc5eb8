// A link with a city, `/#city=2996944`: the page proposes it, and whoever opened it says whether it is theirs.

const LINKED = /^#city=(\d{1,10})$/;

/** The number of the city that this page was shared for, once: a reload has nothing to propose. */
export function linkedCity() {
  const found = LINKED.exec(location.hash);
  if (location.hash.startsWith("#city=")) history.replaceState(history.state, "", location.pathname + location.search);
  return found ? found[1] : "";
}
