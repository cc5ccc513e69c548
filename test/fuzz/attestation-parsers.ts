/** Attestations: predicates of every kind, statements of other people. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseStatementText } from '../../src/core/attestation/attestation-statement.ts';
import { readGoJson } from '../../src/core/attestation/go-json-reader.ts';
import { parsePredicate } from '../../src/core/attestation/predicate.ts';
import { LINK, PROVENANCE_V1, VULNERABILITY_SCAN } from '../../src/core/attestation/predicate-shapes.ts';
import { readProtoJson } from '../../src/core/attestation/proto-json-reader.ts';
import { WireTime } from '../../src/core/attestation/wire-time.ts';
import { parseJson } from '../../src/core/encoding/json.ts';
import { statementAbout } from '../support/instance.ts';
import { ARTIFACT, FORMAT, VECTORS, type FuzzedParser } from './samples.ts';

interface Vector {
  readonly type: string;
  readonly content: string;
  readonly refused?: string;
}

const PREDICATES = (
  JSON.parse(readFileSync(join(VECTORS, 'predicates/cosign-3.1.3.json'), 'utf8')) as readonly Vector[]
).filter(({ refused }) => refused === undefined);

const samplesOf = (...types: readonly string[]): readonly string[] =>
  PREDICATES.filter(({ type }) => types.includes(type)).map(({ content }) => content);

const predicateRows = [...new Set(PREDICATES.map(({ type }) => type))].map((type): FuzzedParser => ({
  name: 'core/attestation/predicate.ts: parsePredicate',
  families: FORMAT,
  parse: (content) =>
    JSON.stringify(parsePredicate({ type, content, timestamp: new Date(0), allowIncomplete: true }).value),
  samples: samplesOf(type),
  rounds: 300,
}));

const json = (bytes: Uint8Array): ReturnType<typeof parseJson> => parseJson(bytes, 'a predicate', 'FORMAT_PREDICATE');

export const ATTESTATION_PARSERS: readonly FuzzedParser[] = [
  ...predicateRows,
  {
    name: 'core/attestation/proto-json-reader.ts: readProtoJson',
    families: FORMAT,
    parse: (bytes) => readProtoJson(json(bytes), PROVENANCE_V1, 'predicate', 'FORMAT_PREDICATE'),
    samples: samplesOf('slsaprovenance1').filter((content) => !content.includes('invocationID')),
  },
  {
    name: 'core/attestation/go-json-reader.ts: readGoJson',
    families: FORMAT,
    parse: (bytes) => [
      readGoJson(json(bytes), VULNERABILITY_SCAN, 'predicate', 'FORMAT_PREDICATE'),
      readGoJson(json(bytes), LINK, 'predicate', 'FORMAT_PREDICATE'),
    ],
    samples: samplesOf('vuln', 'link'),
  },
  {
    name: 'core/attestation/wire-time.ts: parse',
    families: FORMAT,
    parse: (bytes) => {
      const time = WireTime.parse(Buffer.from(bytes).toString('latin1'), 'time', 'FORMAT_PREDICATE', 9);
      // What is written has to read again, as the same time.
      for (const text of [time.toGo(), time.toProto()]) {
        if (WireTime.parse(text, 'time', 'FORMAT_PREDICATE', 9).toProto() !== time.toProto()) throw new Error(text);
      }
    },
    samples: ['2026-01-31T12:00:00Z', '2024-02-29T23:59:59.123456789-05:30', '0001-01-01T00:00:00.000000010Z'],
  },
  {
    name: 'core/attestation/attestation-statement.ts: parseStatementText',
    families: FORMAT,
    parse: parseStatementText,
    samples: [statementAbout(ARTIFACT)],
  },
];
