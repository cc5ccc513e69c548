/**
 * What the policy engines cost: start, memory, and evaluations per second in each language through `io/engines`.
 *   sh tools/node/run bench/engines.ts [--seconds N]
 *
 * One client, one evaluation at a time, each with an input of its own; policies are compiled once by Rego and CEL, and each
 * time by CUE, whose contexts cannot be used twice. The same Rego and CUE policies, cold, are what cosign pays per command.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { findPolicyEngines } from '../src/io/engines/engine-location.ts';
import { PolicyEngines } from '../src/io/engines/policy-engines.ts';
import { benchHeader } from './machine.ts';
import { median } from './measured-process.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } });
const milliseconds = Number(values.seconds) * 1000;
const executable = await findPolicyEngines({ environment: process.env, home: homedir() });

const statement = (number: number): string =>
  JSON.stringify({
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType: 'https://slsa.dev/provenance/v0.2',
    subject: [{ name: 'ghcr.io/acme/shop', digest: { sha256: 'ab'.repeat(32) } }],
    predicate: { builder: { id: 'https://github.com/acme/ci' }, number },
  });

type Evaluate = (engines: PolicyEngines, number: number) => Promise<unknown>;

const LANGUAGES: Readonly<Record<string, Evaluate>> = {
  Rego: (engines, number) =>
    engines.evaluateRego({
      modules: [
        {
          name: 'policy.rego',
          text: 'package signature\nallow { input.predicateType == "https://slsa.dev/provenance/v0.2"; startswith(input.predicate.builder.id, "https://github.com/acme/") }',
        },
      ],
      query: 'data.signature.allow',
      input: statement(number),
    }),
  CUE: (engines, number) =>
    engines.evaluateCue({
      files: [
        {
          name: 'policy.cue',
          text: 'predicateType: "https://slsa.dev/provenance/v0.2"\npredicate: builder: id: =~"^https://github.com/acme/"',
        },
      ],
      input: statement(number),
      reading: 'cosign',
    }),
  CEL: (engines, number) =>
    engines.evaluateCel({
      expression: 'images.containers.all(i, i.startsWith("ghcr.io/acme/")) && object.number >= 0',
      variables: { images: { containers: ['ghcr.io/acme/a', 'ghcr.io/acme/b'] }, object: { number } },
    }),
};

/** Start of a process to its first answer. */
async function startMs(evaluate: Evaluate): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < 9; round++) {
    const engines = new PolicyEngines({ executable, processes: 1 });
    const began = performance.now();
    await evaluate(engines, round);
    samples.push(performance.now() - began);
    await engines.close();
  }
  return median(samples);
}

/** Peak memory of the child processes, in MiB; NaN where the system does not tell. */
function peakMiB(): number {
  if (process.platform !== 'linux') return NaN;
  const peaks = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/status`, 'utf8');
      } catch {
        return '';
      }
    })
    .filter((status) => new RegExp(`^PPid:\\t${process.pid}$`, 'm').test(status))
    .map((status) => Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
  return Math.max(...peaks);
}

async function row(name: string, evaluate: Evaluate): Promise<string> {
  const firstMs = await startMs(evaluate);
  const engines = new PolicyEngines({ executable, processes: 1 });
  const times: number[] = [];
  const began = performance.now();
  for (let now = began; now - began < milliseconds;) {
    await evaluate(engines, times.length);
    const then = now;
    now = performance.now();
    times.push(now - then);
  }
  const perSecond = (times.length * 1000) / (performance.now() - began);
  const peak = peakMiB();
  await engines.close();
  const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
  return `| ${name} | ${firstMs.toFixed(0)} | ${perSecond.toFixed(0)} | ${median(times).toFixed(2)} | ${p99.toFixed(2)} | ${peak.toFixed(0)} |`;
}

const lines = [
  benchHeader(
    'Policy engines',
    'One client and one engine process; the client is this Node. It does not show what a larger policy or document costs, which is most of it.',
  ),
  '| | start to first answer, ms | evaluations/s | p50 ms | p99 ms | engine’s peak, MiB |',
  '|---|---|---|---|---|---|',
];
for (const [name, evaluate] of Object.entries(LANGUAGES)) lines.push(await row(name, evaluate));
process.stdout.write(`${lines.join('\n')}\n`);
