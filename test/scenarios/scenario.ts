/**
 * A scenario is one way in which people use cosign, with what must come of it. It is played three times, by cosign itself,
 * by Sealwright called as cosign, and by Sealwright as it comes, each with the same assertions. They may differ only where
 * `differences.ts` says how and why.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeCluster } from '../support/kube-cluster.ts';
import type { Actor, ActorKind } from './actor.ts';
import { DIFFERENCES, KEPT_DIFFERENCES, type Place } from './differences.ts';

/** Where each actor may differ. */
const PLACES: Readonly<Record<ActorKind, readonly Place[]>> = {
  cosign: [],
  called: KEPT_DIFFERENCES.flatMap(({ places }) => places),
  default: [...DIFFERENCES, ...KEPT_DIFFERENCES].flatMap(({ places }) => places),
};

export interface Scenario {
  /** In a few words: what is done, and to what. */
  readonly name: string;
  /** Names of cosign's own end-to-end tests about the same. */
  readonly upstream: readonly string[];
  /** Needs a cluster, which all who play it share. */
  readonly needsCluster?: true;
  readonly play: (actor: Actor, expect: Expect, surroundings: Surroundings) => Promise<void>;
}

export interface Surroundings {
  /** Of the cluster, for what needs one. */
  readonly cluster: KubeCluster | undefined;
}

/** @param label what is asserted, unique in its scenario */
export type Expect = (label: string, actual: unknown, expected: unknown) => void;

/** The assertions of one performance: all are made, so that one run shows everything that differs. */
export class Performance {
  readonly #scenario: string;
  readonly #actor: Actor;
  readonly #labels = new Set<string>();
  readonly #failures: string[] = [];

  constructor(scenario: Scenario, actor: Actor) {
    this.#scenario = scenario.name;
    this.#actor = actor;
  }

  readonly expect: Expect = (label, actual, expected) => {
    if (this.#labels.has(label)) this.#failures.push(`two assertions are called "${label}"`);
    this.#labels.add(label);
    const difference = this.#listed(label);
    if (difference === undefined) {
      this.#compare(label, actual, expected);
      return;
    }
    if (isDeepStrictEqual(actual, expected)) this.#failures.push(`"${label}" is listed and does not differ`);
    const { value } = difference;
    if (!(value instanceof RegExp)) this.#compare(label, actual, value);
    else if (!value.test(textOf(actual)))
      this.#failures.push(`"${label}" does not match ${value.source}: ${textOf(actual)}`);
  };

  /** @returns what failed, one line each */
  end(): readonly string[] {
    // What is listed for this scenario and was never asserted is a line of a table that nothing holds up.
    const listed = PLACES[this.#actor.kind].filter(({ scenario }) => scenario === this.#scenario);
    const unasserted = listed.filter(({ label }) => !this.#labels.has(label));
    return [...this.#failures, ...unasserted.map(({ label }) => `"${label}" is listed and never asserted`)].map(
      (failure) => `${this.#actor.kind}: ${failure}`,
    );
  }

  #compare(label: string, actual: unknown, expected: unknown): void {
    if (isDeepStrictEqual(actual, expected)) return;
    this.#failures.push(`"${label}" is ${textOf(actual)}, not ${textOf(expected)}`);
  }

  #listed(label: string): Place | undefined {
    return PLACES[this.#actor.kind].find((place) => place.scenario === this.#scenario && place.label === label);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
