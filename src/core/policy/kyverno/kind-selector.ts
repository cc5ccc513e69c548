import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import { Wildcard } from './wildcard.ts';

/** Kinds that carry images, by the resource that the API server names. */
const KINDS: Readonly<Record<string, string>> = {
  '/pods': 'Pod',
  '/podtemplates': 'PodTemplate',
  '/replicationcontrollers': 'ReplicationController',
  'apps/replicasets': 'ReplicaSet',
  'apps/deployments': 'Deployment',
  'apps/statefulsets': 'StatefulSet',
  'apps/daemonsets': 'DaemonSet',
  'batch/jobs': 'Job',
  'batch/cronjobs': 'CronJob',
};
const VERSION = /^(v\d((alpha|beta)\d)?|\*)$/;

/**
 * A kind as Kyverno's rules write it: `Pod`, `v1/Pod`, `apps/v1/Deployment`, `*`, `*\/*`, `Pod/ephemeralcontainers`, each
 * part with wildcards.
 */
export class KindSelector {
  readonly text: string;
  readonly #group: Wildcard;
  readonly #version: Wildcard;
  readonly #kind: Wildcard;
  readonly #subResource: Wildcard;

  private constructor(text: string, parts: readonly [string, string, string, string]) {
    this.text = text;
    this.#group = Wildcard.parse(parts[0]);
    this.#version = Wildcard.parse(parts[1]);
    this.#kind = Wildcard.parse(parts[2]);
    this.#subResource = Wildcard.parse(parts[3]);
  }

  /** @throws FormatError FORMAT_POLICY for a part of an unreasonable length */
  static parse(text: string): KindSelector {
    const segments = text.split('/');
    const last = segments.pop() ?? '';
    const parts = [...segments, ...last.split('.')];
    return new KindSelector(text, partsOf(parts));
  }

  matches({ group, version, resource, request }: ReviewedObject): boolean {
    const kind = request?.kind ?? KINDS[`${group}/${resource}`] ?? '';
    const subResource = request?.subResource ?? '';
    if (!this.#group.matches(group) || !this.#version.matches(version) || !this.#kind.matches(kind)) return false;
    // Whoever is about pods is about the containers that are added to them.
    const isDebugging = kind === 'Pod' && group === '' && subResource === 'ephemeralcontainers';
    return this.#subResource.matches(subResource) || isDebugging;
  }

  /** Whether it says pods and nothing else, so that Kyverno makes rules for their controllers of it. */
  get isPod(): boolean {
    return ['Pod', 'v1/Pod', '/v1/Pod', '*/Pod', '*/v1/Pod'].includes(this.text);
  }
}

/** Group, version, kind and subresource (Kyverno pkg/utils/kube/kind.go). */
function partsOf(parts: readonly string[]): readonly [string, string, string, string] {
  const [first = '', second = '', third = '', fourth = ''] = parts;
  switch (parts.length) {
    case 1:
      return ['*', '*', first, ''];
    case 2:
      if (first === '*' && second === '*') return ['*', '*', '*', '*'];
      if (first === '*' && second.toLowerCase() === second) return ['*', '*', first, second];
      return VERSION.test(first) ? ['*', first, second, ''] : ['*', '*', first, second];
    case 3:
      return VERSION.test(first) ? ['*', first, second, third] : [first, second, third, ''];
    case 4:
      return [first, second, third, fourth];
    default:
      return ['', '', '', ''];
  }
}
