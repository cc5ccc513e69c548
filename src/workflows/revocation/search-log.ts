import { parseLoggedEntry, type LoggedEntry } from '../../core/bundle/logged-entry.ts';
import { equalBytes } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { queriedSigners, type LoggedSigner, type SignerQuery } from '../../core/revocation/logged-signer.ts';
import { parseEntryBundle } from '../../core/tlog/entry-bundle.ts';
import { GrowingTree } from '../../core/tlog/growing-tree.ts';
import { leafHash } from '../../core/tlog/merkle.ts';
import { encodeTileName, TILE_WIDTH } from '../../core/tlog/tile-name.ts';
import type { LogInstance } from '../../core/trust/log-instance.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { verifyLogCheckpoint } from '../../core/verify/log-inclusion.ts';
import { LimitError, RemoteError, SealwrightError, VerificationError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';

export interface LogSearchRequest {
  readonly http: HttpClient;
  readonly log: LogInstance;
  readonly trustedRoot: TrustedRoot;
  readonly query: SignerQuery;
  /** Reads on from there; from the first entry when absent. Used up by the search. */
  readonly from?: GrowingTree;
  /** More findings than this are an error: they are held until the log is proven. */
  readonly maxFindings: number;
  readonly onProgress?: (read: bigint, size: bigint) => void;
}

export type LogFinding =
  | { readonly kind: 'signature'; readonly index: bigint; readonly entry: LoggedEntry; readonly signer: LoggedSigner }
  /** An entry that could be by anybody: it is not read here. */
  | { readonly kind: 'unread'; readonly index: bigint; readonly reason: string };

export interface LogSearchOutcome {
  readonly findings: readonly LogFinding[];
  readonly first: bigint;
  /** Of the checkpoint that everything has been held against. */
  readonly size: bigint;
  readonly rootHash: Uint8Array;
  /** To read on from, the next time. */
  readonly tree: GrowingTree;
}

const PEER = 'the transparency log';
const MAX_CHECKPOINT_BYTES = 64 << 10;
/** 256 entries of two bytes and at most 65,535. */
const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 0xffff);
/** Requests that are under way while one bundle is read. */
const AHEAD = 8;

/**
 * What a log of version 2 holds of somebody. Every entry of the signed tree is read, and the tree built of them has to have the
 * signed root: a log or a mirror that leaves one out, or shows another, is found out before anything is told.
 *
 * @throws VerificationError CHECKPOINT_INVALID, SIGNATURE_INVALID for a checkpoint that is not the log's, INCLUSION_PROOF_INVALID for entries that are not
 *   those that were signed; LimitError LIMIT_COUNT; RemoteError; FormatError
 */
export async function searchLog(request: LogSearchRequest): Promise<LogSearchOutcome> {
  const { http, log, query, trustedRoot, maxFindings, onProgress } = request;
  const base = `${/^https?:/.test(log.baseUrl) ? '' : 'https://'}${log.baseUrl.replace(/\/+$/, '')}/api/v2`;
  const answer = await http.request({ url: `${base}/checkpoint`, maxBytes: MAX_CHECKPOINT_BYTES, peer: PEER });
  const text = parseUtf8(answer.body, 'FORMAT_CHECKPOINT', 'the checkpoint');
  const { size, root } = verifyLogCheckpoint(text, 'rekor-v2', log);
  const tree = request.from ?? new GrowingTree();
  const first = tree.size;
  if (first > size) throw shrunk(first, size);
  const findings: LogFinding[] = [];
  for await (const entries of bundlesOf(http, base, first, size)) {
    for (const body of entries) {
      for (const finding of read(body, tree.size, query, trustedRoot)) {
        if (findings.length === maxFindings) throw tooMany(maxFindings);
        findings.push(finding);
      }
      tree.append(leafHash(body));
    }
    tree.takeFilledTiles();
    onProgress?.(tree.size, size);
  }
  if (!equalBytes(tree.root(), root)) throw differs(tree.root(), root, first);
  return { findings, first, size, rootHash: root, tree };
}

function read(body: Uint8Array, index: bigint, query: SignerQuery, trustedRoot: TrustedRoot): readonly LogFinding[] {
  try {
    const entry = parseLoggedEntry(body);
    return queriedSigners(entry, query, trustedRoot).map((signer) => ({ kind: 'signature', index, entry, signer }));
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    return [
      {
        kind: 'unread',
        index,
        reason: `${error.message}${error.facts.found === undefined ? '' : `: ${error.facts.found}`}`,
      },
    ];
  }
}

/** Entries from `first` on, a bundle's at a time; a few bundles are asked for ahead. */
async function* bundlesOf(
  http: HttpClient,
  base: string,
  first: bigint,
  size: bigint,
): AsyncGenerator<readonly Uint8Array[]> {
  const width = BigInt(TILE_WIDTH);
  const waiting: Promise<readonly Uint8Array[]>[] = [];
  let next = first / width;
  const ask = (): void => {
    if (next * width >= size) return;
    const bundle = fetchBundle(http, base, next, size);
    // It is waited for later; until then a failure is nobody's.
    bundle.catch(() => undefined);
    waiting.push(bundle);
    next++;
  };
  for (let ahead = 0; ahead < AHEAD; ahead++) ask();
  let skip = Number(first % width);
  for (let bundle = waiting.shift(); bundle !== undefined; bundle = waiting.shift()) {
    const entries = await bundle;
    ask();
    yield entries.slice(skip);
    skip = 0;
  }
}

/** A partial bundle may have been replaced by the full one since. */
async function fetchBundle(
  http: HttpClient,
  base: string,
  index: bigint,
  size: bigint,
): Promise<readonly Uint8Array[]> {
  const rest = size - index * BigInt(TILE_WIDTH);
  const width = rest < BigInt(TILE_WIDTH) ? Number(rest) : TILE_WIDTH;
  for (const asked of new Set([width, TILE_WIDTH])) {
    const url = `${base}/${encodeTileName({ level: 'entries', index, width: asked })}`;
    const { status, body } = await http.request({ url, maxBytes: MAX_BUNDLE_BYTES, expect: [200, 404], peer: PEER });
    if (status === 404) continue;
    const entries = parseEntryBundle(body);
    if (entries.length >= width) return entries.slice(0, width);
    throw new VerificationError('INCLUSION_PROOF_INVALID', 'the log holds back entries that it has signed', {
      found: `${entries.length} entries at ${url}`,
      expected: `${width}`,
    });
  }
  throw new RemoteError('REMOTE_STATUS', 'the log lacks entries that it has signed', {
    found: `no bundle ${index} at ${base}`,
    expected: `${width} entries`,
    status: 404,
  });
}

function shrunk(read: bigint, size: bigint): VerificationError {
  return new VerificationError('CHECKPOINT_INVALID', 'the log is smaller than when it was read before', {
    found: `${size} entries`,
    expected: `${read} or more`,
  });
}

function differs(built: Uint8Array, signed: Uint8Array, first: bigint): VerificationError {
  return new VerificationError('INCLUSION_PROOF_INVALID', "the entries are not those of the log's tree", {
    found: `root ${encodeHex(built)} of the entries${first === 0n ? '' : `, those read before included`}`,
    expected: `root ${encodeHex(signed)}, which the log signed`,
  });
}

function tooMany(max: number): LimitError {
  return new LimitError('LIMIT_COUNT', 'more findings than may be held until the log is proven', {
    expected: `at most ${max}: a narrower window, or a higher --limit`,
  });
}
