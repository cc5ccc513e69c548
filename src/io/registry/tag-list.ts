import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import type { Repository } from '../../core/image/reference.ts';
import { NotFoundError, RemoteError } from '../../errors.ts';
import { nextPage } from './paging.ts';
import type { RegistrySession } from './registry-session.ts';

const MAX_PAGES = 1000;
const MAX_PAGE_BYTES = 16 << 20;
const MAX_TAGS_PER_PAGE = 100_000;

/**
 * Tags of a repository (distribution-spec, Listing Tags), following pages to the end.
 *
 * @throws NotFoundError NOT_FOUND for an unknown repository; RemoteError; FormatError FORMAT_JSON
 */
export async function* listTags(
  session: RegistrySession,
  repository: Repository,
  pageSize = 1000,
): AsyncGenerator<string> {
  let at: { path: string } | { url: URL } = { path: `tags/list?n=${pageSize}` };
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await session.request({
      ...at,
      repository,
      action: 'pull',
      maxBytes: MAX_PAGE_BYTES,
      expect: [200, 404],
    });
    if (answer.status === 404) {
      throw new NotFoundError('NOT_FOUND', `${repository.registry} has no repository ${repository.repository}`);
    }
    const fields = new JsonFields(parseJson(answer.body, 'the list of tags'), 'tags', 'FORMAT_JSON');
    yield* fields.strings('tags', MAX_TAGS_PER_PAGE);
    const next = nextPage(answer);
    if (next === undefined) return;
    at = { url: next };
  }
  throw new RemoteError('REMOTE_BODY', `${repository.registry} lists tags without end`, {
    found: `more than ${MAX_PAGES} pages`,
  });
}
