/** Owns did-you-mean: the known name nearest to a mistyped one. */

/** The one of `names` that was meant: it begins with the written one (`schema.include`), ends it (`replication.slot.name`), or is nearest to it. */
export function meantName(written: string, names: readonly string[]): string | undefined {
  const dotted = names.filter((name) => name.includes('.'));
  const longer = written.includes('.') ? dotted.filter((name) => name.startsWith(`${written}.`)) : [];
  const within = dotted.filter((name) => written.endsWith(`.${name}`));
  const byLength = (a: string, b: string): number => a.length - b.length;
  return longer.toSorted(byLength)[0] ?? within.toSorted(byLength).at(-1) ?? nearestName(written, names);
}

/** The nearest of `names` within a third of the length, or undefined. Case does not count. */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(4, Math.floor(written.length / 3)) + 1;
  for (const name of names) {
    if (Math.abs(name.length - written.length) >= bestDistance) continue;
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) distance = Math.min(distance, (beforePrevious[j - 2] ?? 0) + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
