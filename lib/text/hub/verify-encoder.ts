import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTROL, type Control, controlDoor } from '../../control.js'
import { callback, only, optional, word } from '../../door.js'
import { LvmError } from '../../errors.js'
import { sha256, textHash } from '../../files/hash.js'
import type { Env } from '../../libtorch/paths.js'
import { fixed } from '../../show.js'
import { stage } from '../../stages.js'
import { type CachedEncoder, pickEncoder, SUMS } from './encoder-store.js'
import type { FetchProgress } from './fetch-encoder.js'
import { GOLDEN, GOLDEN_COSINE, type Golden, goldenCosine } from './golden-sentences.js'

/** Result of `verifyEncoder`. */
export interface VerifiedEncoder {
  readonly name: string
  readonly commit: string
  readonly path: string
  readonly files: number
  /** Lowest cosine of the golden sentences to their vectors at the fetch; null when none were stored. */
  readonly golden_cosine: number | null
}

const mismatch = ({ name, commit, hub }: CachedEncoder, sentence: string) =>
  new LvmError('ENCODER_MISMATCH', `encoders verify: ${name}@${commit.slice(0, 7)}: ${sentence}`, {
    hint: `run: lvm-torch encoders fetch ${name} --revision ${commit} --hub ${hub} --force`,
  })

async function changedFiles(
  one: CachedEncoder,
  lines: readonly string[],
  progress: (p: FetchProgress) => void,
): Promise<string[]> {
  const changed: string[] = []
  for (const [done, line] of lines.entries()) {
    const path = line.slice(66)
    progress({ phase: 'check', what: one.name, done, total: lines.length })
    if ((await sha256(join(one.path, path)).catch(() => 'missing')) !== line.slice(0, 64)) changed.push(path)
  }
  return changed
}

async function readGolden(one: CachedEncoder): Promise<Golden | undefined> {
  const text = await readFile(join(one.entry, GOLDEN), 'utf8').catch(() => undefined)
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Golden)
  } catch {
    throw mismatch(one, `expected golden sentences in ${GOLDEN} but it is no JSON`)
  }
}

const ARGS = {
  wanted: word,
  listener: only({
    ...CONTROL,
    progress: optional(callback),
    env: optional({ expected: 'variables', accepts: (value) => typeof value === 'object' }),
  }),
}

/**
 * Checks an encoder in the cache: the hash of every file, and the vectors of the golden sentences.
 *
 * Errors: ENCODER_MISSING, ENCODER_MISMATCH with what has changed, those of Encoder.open.
 */
export const verifyEncoder = controlDoor(
  'verifyEncoder',
  ARGS,
  async (
    wanted: string,
    { progress = () => {}, env = process.env }: Control & { progress?: (p: FetchProgress) => void; env?: Env } = {},
  ): Promise<VerifiedEncoder> => {
    const one = pickEncoder(wanted, env)
    const text = await readFile(join(one.entry, SUMS), 'utf8').catch(() => '')
    if (textHash(text) !== one.hash) throw mismatch(one, `${SUMS} has changed since the fetch`)
    const lines = text.split('\n').filter(Boolean)
    const changed = await stage('hash', () => changedFiles(one, lines, progress))
    if (changed.length > 0)
      throw mismatch(
        one,
        `${changed.length} of ${lines.length} files have changed since the fetch: ${changed.slice(0, 5).join(', ')}`,
      )
    const golden = await readGolden(one)
    const cosine = golden === undefined ? null : await stage('golden sentences', () => goldenCosine(one.path, golden))
    if (cosine !== null && cosine < GOLDEN_COSINE)
      throw mismatch(
        one,
        `its files are unchanged, but the vectors of its golden sentences are not: lowest cosine ${fixed(cosine, 4)}, expected ${GOLDEN_COSINE}`,
      )
    return { name: one.name, commit: one.commit, path: one.path, files: lines.length, golden_cosine: cosine }
  },
)
