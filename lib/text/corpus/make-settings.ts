import type { EncoderTag } from '../../data/encoder-tag.js'
import { badOption, LvmError, shown } from '../../errors.js'
import { readJsonObject } from '../../files/json.js'

/** What decides the bytes of a base, in `settings.json` of the unfinished base. */
export interface MakeSettings {
  readonly version: 1
  /** Day on which the base was begun, in UTC. */
  readonly date: string
  readonly threads: number
  readonly encoder: EncoderTag & Record<'space' | 'hash' | 'precision' | 'prompt', string> & { readonly max_tokens: number }
  readonly options: Readonly<Record<string, string | number | null>>
  /** Versions of the rules that split texts. */
  readonly splitter: { readonly rules: string; readonly icu: string }
}

/** Reads the settings of an unfinished base. Errors: DATA_FORMAT. */
export const readSettings = async (path: string): Promise<MakeSettings> => (await readJsonObject(path)) as unknown as MakeSettings

const CONTINUE = 'continue with the options that the base was begun with, or begin again: --force'

/** Requires that work may go on as it was begun. Errors: SPACE_MISMATCH for another encoder, BAD_OPTION for another option, DATA_CHANGED for another splitter. */
export function requireEqualSettings(out: string, begun: MakeSettings, now: MakeSettings): void {
  const { encoder: before, options, splitter } = begun
  for (const key of ['space', 'hash', 'precision', 'prompt', 'max_tokens'] as const)
    if (before[key] !== now.encoder[key])
      throw new LvmError(
        'SPACE_MISMATCH',
        `data make: ${out} was begun by ${before.name} with ${key} ${shown(before[key])}, but ${now.encoder.name} has ${shown(now.encoder[key])}`,
        { hint: 'continue with the encoder that it was begun with, or begin again: --force' },
      )
  for (const [key, value] of Object.entries(now.options))
    if (options[key] !== value)
      throw badOption('data make', key, `${shown(options[key] ?? undefined)}, as ${out} was begun,`, value ?? undefined, CONTINUE)
  if (splitter.rules !== now.splitter.rules || splitter.icu !== now.splitter.icu)
    throw new LvmError(
      'DATA_CHANGED',
      `data make: ${out} was begun with ${splitter.rules} and ICU ${splitter.icu}, but this version has ${now.splitter.rules} and ICU ${now.splitter.icu}`,
      { hint: 'continue with the version of Node and lvm-torch that began it, or begin again: --force' },
    )
}
