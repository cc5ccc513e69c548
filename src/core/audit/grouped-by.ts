/** Things by a name that each has, sorted by it: the rows of a table that is cut by something. */
export function groupedBy<Thing>(
  things: readonly Thing[],
  nameOf: (thing: Thing) => string,
): readonly (readonly [name: string, group: readonly Thing[]])[] {
  const groups = new Map<string, Thing[]>();
  for (const thing of things) {
    const name = nameOf(thing);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [thing]);
    else group.push(thing);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}
