import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson, type JsonValue } from '../../core/encoding/json.ts';
import { parseReference } from '../../core/image/reference.ts';
import { NotFoundError, RemoteError, SealwrightError, UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { searchLedger, type FoundDecisions } from '../../servers/webhook/ledger-search.ts';
import { parseDecisionRecord } from '../../workflows/admission/decision-record-parser.ts';
import type { DecisionSubject } from '../../workflows/admission/decision-subject.ts';
import type { CommandContext } from '../grammar/command.ts';
import { decisionLines } from '../report/decision-text.ts';
import { shellWord } from '../terminal/shell-word.ts';

const MAX_LIMIT = 100;
const MAX_ANSWER_BYTES = 64 << 20;

/** @throws NotFoundError NOT_FOUND for what no decision is about, with the command that brings one about; UsageError; RemoteError */
export async function explainDecisions({ flags, terminal }: CommandContext): Promise<void> {
  const [text = ''] = flags.arguments;
  const namespace = flags.string('namespace');
  const subject = { text, ...(namespace === undefined ? {} : { namespace }) };
  const limit = flags.integer('limit', 1, MAX_LIMIT) ?? 1;
  const folder = flags.string('ledger');
  const webhook = flags.string('webhook');
  if ((folder === undefined) === (webhook === undefined)) {
    throw new UsageError('USAGE_BAD_FLAG', 'decisions are looked for in exactly one place', {
      found: folder === undefined ? 'none' : '--ledger and --webhook',
      expected: "--ledger FOLDER, or --webhook URL of the webhook's --ledger-port",
      fix: `kubectl port-forward -n NAMESPACE POD 8444 & sealwright why ${shellWord(text)} --webhook http://127.0.0.1:8444`,
    });
  }
  const found = await (folder === undefined
    ? askWebhook(webhook ?? '', subject, limit)
    : searchLedger(folder, subject, limit));
  const { decisions, searched } = found;
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(found, null, 2));
  else for (const record of decisions) for (const line of decisionLines(record)) terminal.result(line);
  if (searched.unreadable > 0)
    terminal.warn(`${searched.unreadable} lines of the ledger cannot be read, and were left out`);
  if (decisions.length === 0) throw neverSeen(subject, searched);
}

async function askWebhook(url: string, { text, namespace }: DecisionSubject, limit: number): Promise<FoundDecisions> {
  const query = new URLSearchParams({ about: text, limit: String(limit), ...(namespace && { namespace }) });
  const http = new HttpClient();
  try {
    const { body } = await http.request({
      url: `${url.replace(/\/+$/, '')}/decisions?${query.toString()}`,
      maxBytes: MAX_ANSWER_BYTES,
      redirects: 'refuse',
      peer: 'the webhook',
    });
    return parseAnswer(parseJson(body, 'the answer', 'FORMAT_JSON', { maxBytes: MAX_ANSWER_BYTES, maxDepth: 16 }));
  } catch (cause) {
    if (!(cause instanceof SealwrightError) || cause.family !== 'format') throw cause;
    throw new RemoteError('REMOTE_BODY', 'the webhook sent decisions that cannot be read', {
      found: cause.message,
      cause,
    });
  } finally {
    http.close();
  }
}

function parseAnswer(value: JsonValue): FoundDecisions {
  const answer = new JsonFields(value, 'answer', 'FORMAT_JSON');
  const searched = answer.object('searched');
  const oldest = searched.optionalString('oldest');
  return {
    decisions: answer.array('decisions', MAX_LIMIT).map((record) => parseDecisionRecord(JSON.stringify(record))),
    searched: {
      records: searched.integer('records'),
      unreadable: searched.integer('unreadable'),
      ...(oldest === undefined ? {} : { oldest }),
    },
  };
}

function neverSeen(
  { text, namespace }: DecisionSubject,
  { records, oldest }: FoundDecisions['searched'],
): NotFoundError {
  const since = oldest === undefined ? '' : `, the oldest of ${oldest}`;
  return new NotFoundError('NOT_FOUND', `no decision is about ${text}: it was never seen, or that is forgotten`, {
    found: `${records} decisions${since}`,
    expected: namespace === undefined ? 'one about it' : `one about it in the namespace ${namespace}`,
    fix: findOut(text, namespace),
  });
}

/** The command that has the webhook decide about it, without running anything. */
function findOut(text: string, namespace: string | undefined): string {
  const place = namespace === undefined ? '' : ` -n ${shellWord(namespace)}`;
  if (/^sha(256|512):/.test(text)) return `kubectl run why${place} --dry-run=server --image=REPOSITORY@${text}`;
  const isImage = /[.:@]/.test(text) || text.split('/').length > 2;
  if (!isImage) return `kubectl describe pod${place} ${shellWord(text.split('/').at(-1) ?? text)}`;
  return `kubectl run why${place} --dry-run=server --image=${shellWord(parseReference(text).toString())}`;
}
