/** Each image of the lists has to be verified by `count` of the attestors. */
export interface VerificationCall {
  /** `containers`, `initContainers`, `ephemeralContainers`, or others. */
  readonly lists: readonly string[];
  readonly attestors: readonly string[];
  /** The attestation that has to be verified, in the place of a signature. */
  readonly attestation?: string;
  readonly count: number;
}

/** Longer ones are of no usual shape. */
const MAX_LENGTH = 2000;
const NAME = String.raw`[A-Za-z_]\w*`;
const ATTESTORS = String.raw`\[\s*(?<attestors>attestors\.${NAME}(?:\s*,\s*attestors\.${NAME})*)\s*\]`;
const CALL = String.raw`(?:verifyImageSignatures\s*\(\s*(?<image>${NAME})\s*,\s*|verifyAttestationSignatures\s*\(\s*(?<subject>${NAME})\s*,\s*attestations\.(?<attestation>${NAME})\s*,\s*)${ATTESTORS}\s*\)`;
const TEST = String.raw`(?<sign>>=|>|==)\s*(?<number>\d+)`;
const LISTS = String.raw`(?:images\.(?<list>${NAME})|\((?<sum>\s*images\.${NAME}(?:\s*\+\s*images\.${NAME})*\s*)\))`;
const SHAPES = [
  new RegExp(
    String.raw`^${LISTS}\.map\(\s*(?<variable>${NAME})\s*,\s*${CALL}\s*\)\s*\.all\(\s*(?<result>${NAME})\s*,\s*\k<result>\s*${TEST}\s*\)$`,
  ),
  new RegExp(String.raw`^${LISTS}\.all\(\s*(?<variable>${NAME})\s*,\s*${CALL}\s*${TEST}\s*\)$`),
];

/**
 * What an expression asks for, when it is of the usual shape: `images.containers.map(image, verifyImageSignatures(image, [attestors.a]))
 * .all(e, e > 0)`, the same with `all` alone, about attestations, and several of them joined by `&&`. Undefined for any other:
 * an expression may say anything.
 */
export function readVerification(expression: string): readonly VerificationCall[] | undefined {
  const calls = expression
    .split('&&')
    .map((part) => unwrapped(part.trim()))
    .map((part) => readCall(part));
  return calls.every((call) => call !== undefined) ? calls : undefined;
}

/** Without parentheses around the whole. */
function unwrapped(text: string): string {
  let inner = text;
  while (isWrapped(inner)) inner = inner.slice(1, -1).trim();
  return inner;
}

function isWrapped(text: string): boolean {
  if (!text.startsWith('(') || !text.endsWith(')') || text.length > MAX_LENGTH) return false;
  let depth = 0;
  for (let index = 0; index < text.length - 1; index++) {
    depth += text[index] === '(' ? 1 : text[index] === ')' ? -1 : 0;
    if (depth === 0) return false;
  }
  return true;
}

function readCall(text: string): VerificationCall | undefined {
  const groups = SHAPES.map((shape) => shape.exec(text)?.groups).find((found) => found !== undefined);
  if (groups === undefined) return undefined;
  const { list, sum, variable, image, subject, attestation, attestors = '', sign, number } = groups;
  if (variable !== (image ?? subject)) return undefined;
  const names = [...attestors.matchAll(/attestors\.(\w+)/g)].map(([, name]) => name ?? '');
  const count = Number(number) + (sign === '>' ? 1 : 0);
  // Exactly so many, and no more, is nothing that signatures can be asked for.
  if (sign === '==' && count !== names.length) return undefined;
  const lists = list === undefined ? [...(sum ?? '').matchAll(/images\.(\w+)/g)].map(([, name]) => name ?? '') : [list];
  return { lists, attestors: names, count, ...(attestation === undefined ? {} : { attestation }) };
}
