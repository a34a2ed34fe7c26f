// Numbers as people read them.

const whole = new Intl.NumberFormat("en");

/** 50200 -> "50,200" */
export const count = (n) => whole.format(n);

/** 0.96944 -> "96.9 %" */
export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** 1234567 -> "1.2 M" */
export function rough(n) {
  if (n >= 1e6) return `${(n / 1e6).toPrecision(2)} M`;
  if (n >= 1e4) return `${Math.round(n / 1e3)} k`;
  return count(n);
}

/** How many are kept of all, in words: "1 of 10". */
export function oneOf(kept, total) {
  if (kept === 0) return "none";
  const share = total / kept;
  return share < 2 ? `${count(kept)} of ${count(total)}` : `1 of ${share < 10 ? share.toFixed(1).replace(/\.0$/, "") : Math.round(share)}`;
}
