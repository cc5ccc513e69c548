import { isMap, isSeq, LineCounter, parseAllDocuments, type Node } from 'yaml';

/** From 1, the line of a place in an object: as far down the path as the text has it. */
export type LineOf = (path: string) => number;

/**
 * Where the objects of a text stand, in the order in which {@link parsePolicyDocuments} gives them. For a text that has been
 * parsed already, with its limits.
 */
export function policyLines(text: string): readonly LineOf[] {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, { schema: 'core', merge: false, lineCounter: counter });
  return [...documents].flatMap((document) => {
    const root: unknown = document.contents;
    if (!isMap(root)) return [];
    const items: unknown = root.get('items', true);
    const kind: unknown = root.get('kind');
    const isList = typeof kind === 'string' && kind.endsWith('List') && isSeq(items);
    return (isList ? items.items : [root]).map((node) => lineFinder(node as Node, counter));
  });
}

function lineFinder(object: Node, counter: LineCounter): LineOf {
  return (path) => {
    let node: unknown = object;
    let line = lineAt(object, counter) ?? 1;
    for (const step of path.match(/[^.[\]]+/g) ?? []) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => String(key) === step);
        if (pair === undefined) break;
        line = lineAt(pair.key, counter) ?? line;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        line = lineAt(node, counter) ?? line;
      } else break;
    }
    return line;
  };
}

function lineAt(node: unknown, counter: LineCounter): number | undefined {
  const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? counter.linePos(range[0]).line : undefined;
}
