import { existsSync } from 'node:fs';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { SignerQuery } from '../../core/revocation/logged-signer.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { encodeLogPosition, parseLogPosition } from '../../workflows/trust/log-position.ts';
import { searchLog, type LogFinding } from '../../workflows/revocation/search-log.ts';
import { identitySelector } from '../choices/identity-selector-choice.ts';
import { keyFingerprint, timeFlag } from '../choices/revocation-statement-choice.ts';
import { chosenTiledLog } from '../choices/tiled-log-choice.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { writeOutputFile } from '../terminal/output-file.ts';

const MAX_LIMIT = 1_000_000;
const PROGRESS_EVERY = 65_536n;
const PRIVATE = 0o600;

/** A line of JSON for each finding, once all of the log is proven. @throws as `searchLog` */
export async function searchForSigner(context: CommandContext): Promise<void> {
  const { flags, terminal, environment } = context;
  const query = chosenQuery(context);
  const maxFindings = flags.integer('limit', 1, MAX_LIMIT) ?? MAX_LIMIT;
  const http = new HttpClient({ proxyEnv: environment });
  const { trustedRoot, source } = await trustFor(context, http);
  terminal.progress(`  trust from ${source}`);
  const log = chosenTiledLog(trustedRoot, flags.string('log'));
  const path = flags.string('state');
  const from = path !== undefined && existsSync(path) ? parseLogPosition(readTextFile(path), log) : undefined;
  const { findings, first, size, tree } = await searchLog({
    ...{ http, log, trustedRoot, query, maxFindings },
    ...(from === undefined ? {} : { from }),
    onProgress: (read, all) => {
      if (read % PROGRESS_EVERY === 0n) terminal.progress(`  ${read} of ${all} entries`);
    },
  });
  for (const finding of findings) terminal.result(JSON.stringify(lineOf(finding)));
  // Noted when everything before it has been told: a run that is cut short tells it again.
  if (path !== undefined) writeOutputFile(path, encodeLogPosition(log, tree), PRIVATE);
  const unread = findings.filter(({ kind }) => kind === 'unread').length;
  if (unread > 0) terminal.warn(`${unread} entries are of kinds that are not read: they could be by anybody`);
  terminal.progress(
    terminal.done(
      `${findings.length - unread} found in entries ${first} to ${size} of ${log.baseUrl}, proven by its signed tree`,
    ),
  );
}

function chosenQuery(context: CommandContext): SignerQuery {
  const { flags } = context;
  const [identity, key] = [flags.string('identity'), flags.string('public-key')];
  if ((identity === undefined) === (key === undefined)) {
    throw new UsageError('USAGE_BAD_FLAG', 'it has to be said whose signatures are looked for', {
      found: identity === undefined ? 'nobody' : '--identity and --public-key',
      expected: '--identity SUBJECT --issuer URL, or --public-key FILE',
    });
  }
  const [after, before] = [timeFlag(context, 'after'), timeFlag(context, 'before')];
  if (after !== undefined && before !== undefined && before <= after) {
    throw new UsageError('USAGE_BAD_FLAG', '--before is not after --after', { found: before.toISOString() });
  }
  const signer =
    identity === undefined
      ? ({ kind: 'key', keyId: keyFingerprint(key ?? '') } as const)
      : identitySelector({ issuer: flags.required('issuer'), subject: identity, claims: flags.texts('claim') });
  return {
    signer,
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
  };
}

function lineOf(finding: LogFinding): object {
  const index = finding.index.toString();
  if (finding.kind === 'unread') return { index, unread: finding.reason };
  const { entry, signer } = finding;
  const { certificate } = signer;
  return {
    index,
    kind: entry.kind,
    [entry.digestOf === 'payload' ? 'payloadDigest' : 'digest']:
      `${entry.digest.algorithm}:${encodeHex(entry.digest.digest)}`,
    keyId: signer.keyId,
    ...(certificate === undefined
      ? { time: 'unknown' }
      : {
          issuer: certificate.issuer,
          subjects: certificate.subjects,
          notBefore: certificate.notBefore.toISOString(),
          notAfter: certificate.notAfter.toISOString(),
          isTrusted: certificate.isTrusted,
        }),
  };
}
