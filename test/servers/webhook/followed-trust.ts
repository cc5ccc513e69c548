/** A webhook whose trusted root can be exchanged while it runs: two signers, of whom the first or the second is believed, or both. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { imageSignatureStatement } from '../../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../../src/core/attestation/statement.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { encodeTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { followTrust, type TrustFollower } from '../../../src/servers/webhook/trust-follower.ts';
import { trustEvents } from '../../../src/servers/webhook/trust-events.ts';
import { resolveTrust, type TrustRequest } from '../../../src/workflows/trust/trust-source.ts';
import { FakeInstance } from '../../support/instance.ts';
import { temporaryFolder } from '../trust/repository.ts';
import { openDoor, policyFor } from './door.ts';
import { Recorder } from './recorder.ts';
import { ask, pod } from './review.ts';
import { World } from './world.ts';

const SECOND = new FakeInstance();
const NEVER_MS = 1 << 30;

/** What follows the trust of a request, in front of images by both signers. */
export interface FollowedDoor {
  readonly world: World;
  readonly trust: TrustFollower;
  readonly recorder: Recorder;
  /** Reasons and texts of the Events. */
  readonly events: { reason: string; message: string }[];
  /** The codes that an image by the first and one by the second signer are refused with; `admitted` otherwise. */
  readonly decisions: () => Promise<readonly [first: string, second: string]>;
  /** The clock goes on, and the source is asked. */
  readonly look: (afterMinutes?: number) => Promise<void>;
  readonly metrics: () => Promise<string>;
}

export class Signers {
  readonly world: World;
  readonly first: string;
  readonly second = encodeTrustedRoot(SECOND.trustedRoot);
  /** Whose root the second is. */
  readonly other = SECOND;
  readonly images: readonly [ImageReference, ImageReference];
  readonly home: string;

  private constructor(world: World, images: Signers['images'], home: string) {
    this.world = world;
    this.first = encodeTrustedRoot(world.instance.trustedRoot);
    this.images = images;
    this.home = home;
  }

  static async open(t: TestContext): Promise<Signers> {
    const world = await World.open(t);
    const byFirst = await world.pushSigned('shop/first');
    const bySecond = await world.push('shop/second');
    const payload = encodeStatement(imageSignatureStatement(bySecond.digest!));
    await world.attach(bySecond, SECOND.signStatement(new Uint8Array(0), { payload }));
    return new Signers(world, [byFirst, bySecond], temporaryFolder(t));
  }

  /** Believes both. */
  get both(): string {
    const [one, two] = [this.world.instance.trustedRoot, SECOND.trustedRoot];
    return encodeTrustedRoot({
      mediaType: one.mediaType,
      tlogs: [...one.tlogs, ...two.tlogs],
      ctlogs: [...one.ctlogs, ...two.ctlogs],
      certificateAuthorities: [...one.certificateAuthorities, ...two.certificateAuthorities],
      timestampAuthorities: [...one.timestampAuthorities, ...two.timestampAuthorities],
    });
  }

  async follow(
    t: TestContext,
    flags: TrustRequest['flags'],
    environment: TrustRequest['environment'] = {},
  ): Promise<FollowedDoor> {
    let nowMs = Date.now();
    const now = (): Date => new Date(nowMs);
    const http = new HttpClient({ retry: { retries: 0 } });
    const first = await resolveTrust({
      flags,
      environment: { HOME: this.home, TUF_ROOT: join(this.home, 'tuf'), ...environment },
      configFolder: join(this.home, '.config', 'sealwright'),
      http,
      now,
    });
    const recorder = new Recorder();
    const events: { reason: string; message: string }[] = [];
    const tell = trustEvents({ record: ({ reason, message }) => events.push({ reason, message }) }, 'cosign-system');
    const trust = followTrust({
      ...{ first, now, everyMs: NEVER_MS, logger: recorder.logger },
      ...(tell === undefined ? {} : { tell }),
    });
    t.after(async () => {
      await trust.close();
      http.close();
    });
    const door = await openDoor(t, { world: this.world, trust, now });
    door.enforce(policyFor(this.world));
    const { routes } = door.webhook;
    const decide = async (image: ImageReference): Promise<string> => {
      const answer = await ask(routes, 'validate', { object: pod(image.toString()) });
      return answer.allowed ? 'admitted' : (/^[A-Z_]+/.exec(answer.message)?.[0] ?? answer.message);
    };
    return {
      ...{ world: this.world, trust, recorder, events },
      decisions: async () => [await decide(this.images[0]), await decide(this.images[1])],
      look: async (afterMinutes = 10) => {
        nowMs += afterMinutes * 60_000;
        await trust.refresh();
      },
      metrics: async () => (await routes.request('/metrics')).text(),
    };
  }
}

export function fingerprint(document: string | Uint8Array): string {
  return createHash('sha256').update(document).digest('hex');
}
