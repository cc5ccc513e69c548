import { FormatError, LimitError } from '../../errors.ts';

/** What a Dockerfile takes from registries. */
export interface DockerfileImages {
  /** Every image, as written with its variables filled in, in the order of the file. */
  readonly images: readonly string[];
  /** What the last stage builds upon, through other stages; undefined for `scratch`. */
  readonly base: string | undefined;
}

const MAX_CHARACTERS = 4 << 20;
const MAX_INSTRUCTIONS = 100_000;
const SCRATCH = 'scratch';

/**
 * The images in `FROM`, `COPY --from` and `RUN --mount=…,from=` of a Dockerfile, without its own stages and `scratch`.
 * Variables come from `ARG` and `ENV` of the file, else from the environment (cosign's order); one that nobody sets is an
 * error where an image's name needs it, because a name with a hole is another image.
 *
 * @throws FormatError FORMAT_DOCKERFILE; LimitError
 */
export function parseDockerfileImages(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): DockerfileImages {
  return new DockerfileReader(environment).read(instructionsOf(text));
}

interface Instruction {
  readonly keyword: string;
  readonly words: readonly string[];
  /** From 1, for messages. */
  readonly line: number;
}

class DockerfileReader {
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #variables = new Map<string, string>();
  readonly #images: string[] = [];
  /** Each stage's image, by number and by name in lower case: Docker compares them so. */
  readonly #stages = new Map<string, string>();
  #stageCount = 0;
  #base: string | undefined;

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.#environment = environment;
  }

  read(instructions: readonly Instruction[]): DockerfileImages {
    for (const instruction of instructions) {
      if (instruction.keyword === 'FROM') this.#from(instruction);
      else if (instruction.keyword === 'ARG' || instruction.keyword === 'ENV') this.#assign(instruction);
      else if (instruction.keyword === 'COPY' || instruction.keyword === 'ADD') this.#copy(instruction);
      else if (instruction.keyword === 'RUN') this.#run(instruction);
    }
    return { images: this.#images, base: this.#base };
  }

  #from(instruction: Instruction): void {
    const words = instruction.words.filter((word) => !word.startsWith('--'));
    const [name = '', as, stage] = words;
    if (as !== undefined && (as.toUpperCase() !== 'AS' || stage === undefined || words.length > 3)) {
      throw malformed(instruction, 'FROM IMAGE, or FROM IMAGE AS STAGE');
    }
    const image = this.#expand(name, instruction);
    if (image === '') throw malformed(instruction, 'an image; is a build argument missing from the environment?');
    const earlier = this.#stages.get(image.toLowerCase());
    const base = earlier ?? image;
    if (earlier === undefined && image !== SCRATCH) this.#images.push(image);
    this.#base = base === SCRATCH ? undefined : base;
    this.#stages.set(String(this.#stageCount++), base);
    if (stage !== undefined) this.#stages.set(this.#expand(stage, instruction).toLowerCase(), base);
  }

  #copy(instruction: Instruction): void {
    for (const word of instruction.words) {
      if (!word.startsWith('--')) return;
      if (word.startsWith('--from=')) this.#use(word.slice('--from='.length), instruction);
    }
  }

  #run(instruction: Instruction): void {
    for (const word of instruction.words) {
      if (!word.startsWith('--')) return;
      const from = /^--mount=(?:.*,)?from=([^,]+)/.exec(word)?.[1];
      if (from !== undefined) this.#use(from, instruction);
    }
  }

  #use(name: string, instruction: Instruction): void {
    const image = this.#expand(name.replace(/^(["'])(.*)\1$/, '$2'), instruction);
    if (image === '') throw malformed(instruction, 'a stage or an image behind from=');
    if (image !== SCRATCH && !this.#stages.has(image.toLowerCase())) this.#images.push(image);
  }

  #assign(instruction: Instruction): void {
    const { keyword, words } = instruction;
    // ENV NAME VALUE, without an equals sign, is Docker's older form.
    if (keyword === 'ENV' && words[0]?.includes('=') === false) {
      this.#variables.set(words[0], this.#expand(words.slice(1).join(' '), instruction, ''));
      return;
    }
    for (const word of words) {
      const equals = word.indexOf('=');
      if (equals <= 0) continue;
      const value = word.slice(equals + 1).replace(/^(["'])(.*)\1$/, '$2');
      this.#variables.set(word.slice(0, equals), this.#expand(value, instruction, ''));
    }
  }

  /** @param missing stands for what nobody has set; absent: that is an error */
  #expand(text: string, instruction: Instruction, missing?: string): string {
    return text.replace(
      /\\(.)|\$(?:\{([A-Za-z_]\w*)(?::([-+])([^}]*))?\}|([A-Za-z_]\w*))/g,
      (_, escaped: string | undefined, braced?: string, operator?: string, word = '', bare?: string) => {
        if (escaped !== undefined) return escaped;
        const name = braced ?? bare ?? '';
        const value = this.#variables.get(name) ?? this.#environment[name];
        if (operator === '+') return value === undefined || value === '' ? '' : String(word);
        if (value !== undefined && value !== '') return value;
        if (operator === '-') return String(word);
        if (missing !== undefined) return missing;
        throw malformed(instruction, `a value for ${name}, in the file or in the environment`);
      },
    );
  }
}

/** Lines joined at `\` (or the escape that the file declares), without comments and the bodies of here-documents. */
function instructionsOf(text: string): readonly Instruction[] {
  if (text.length > MAX_CHARACTERS) {
    throw new LimitError('LIMIT_SIZE', 'the Dockerfile is too large', { found: `${text.length} characters` });
  }
  const lines = text.split(/\r?\n/);
  const escape = /^#\s*escape\s*=\s*`\s*$/im.test(lines.slice(0, 5).join('\n')) ? '`' : '\\';
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    const first = at;
    let joined = lines[at] ?? '';
    if (/^\s*(#|$)/.test(joined)) continue;
    while (joined.trimEnd().endsWith(escape) && at + 1 < lines.length) {
      const next = lines[++at] ?? '';
      if (/^\s*#/.test(next)) continue;
      joined = `${joined.trimEnd().slice(0, -1)} ${next}`;
    }
    const [keyword = '', ...words] = joined.trim().split(/\s+/);
    found.push({ keyword: keyword.toUpperCase(), words, line: first + 1 });
    if (found.length > MAX_INSTRUCTIONS) {
      throw new LimitError('LIMIT_COUNT', 'the Dockerfile has too many instructions', { found: `${found.length}` });
    }
    const here = /^(?:RUN|COPY|ADD)$/i.test(keyword) ? /<<-?(["']?)([A-Za-z_]\w*)\1/.exec(joined)?.[2] : undefined;
    if (here !== undefined) while (at + 1 < lines.length && lines[++at]?.trim() !== here);
  }
  return found;
}

function malformed({ keyword, words, line }: Instruction, expected: string): FormatError {
  return new FormatError('FORMAT_DOCKERFILE', `line ${line} of the Dockerfile names no image`, {
    found: [keyword, ...words].join(' ').slice(0, 200),
    expected,
  });
}
