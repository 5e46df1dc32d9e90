import { CONTROL, type Control, controlDoor } from '../../control.js'
import { callback, only, optional, withFields, word } from '../../door.js'
import { badOption } from '../../errors.js'
import { type Given, resolve } from '../../options.js'
import { stage, tally } from '../../stages.js'
import { processSettings } from '../../torch/process-settings.js'
import { Encoder } from '../encoders/encoder.js'
import { encoderFields } from '../encoders/encoder-fields.js'
import { resolveEncoder } from '../hub/encoder-store.js'
import { makeBase } from './make-base.js'
import type { MadeData, MakeEvent } from './make-events.js'
import { makeFields } from './make-fields.js'

/** Options of `makeData`: the texts, the encoder, the base, and any field of `makeFields`. */
export interface MakeDataOptions extends Given<typeof makeFields> {
  /** Folder or file of texts. */
  readonly texts: string
  readonly encoder: string
  readonly out: string
}
type Listener = Control & { progress?: (event: MakeEvent) => void }

const ARGS = {
  options: withFields({ texts: word, encoder: optional(word), out: optional(word) }),
  more: only({ ...CONTROL, progress: optional(callback) }),
}
const WHICH_ENCODER = 'add --encoder FOLDER; lvm-torch encoders list shows those that can be fetched by name'
const ENCODER_KEYS = Object.keys(encoderFields) as (keyof typeof encoderFields)[]

/**
 * Makes a base from a folder or file of texts: sentences, their vectors, a side file and a card.
 *
 * One file or record is one article. A call with the same options continues after a stop or a kill; the result is the same to the byte.
 * Errors: BAD_OPTION, FILE_MISSING, FILE_ACCESS, DATA_FORMAT, DATA_DUPLICATE_KEY, DATA_TOO_FEW, DATA_CHANGED, SPACE_MISMATCH, RUN_LOCKED, NO_DISK, INTERRUPTED; those of `Encoder.open`.
 */
export const makeData = controlDoor(
  'data make',
  ARGS,
  async (options: MakeDataOptions, listener: Listener = {}): Promise<MadeData> => {
    const { texts, ...given } = options
    const { encoder: named, out, ...rest } = resolve('data make', makeFields, given)
    if (named === undefined)
      throw badOption('data make', 'encoder', 'the folder of an encoder, or its name in the cache', named, WHICH_ENCODER)
    if (out === undefined)
      throw badOption('data make', 'out', 'the name of a base, such as data/notes', out, 'add --out data/notes')
    const folder = resolveEncoder(named)
    const chosen = Object.fromEntries(ENCODER_KEYS.flatMap((key) => (rest[key] === undefined ? [] : [[key, rest[key]]])))
    let opened: Encoder | undefined
    const open = async (threads: number | undefined) => {
      opened = await Encoder.open(folder, { ...chosen, threads })
      return { encoder: opened, threads: threads ?? processSettings().threads }
    }
    const progress = (event: MakeEvent) => {
      if (event.type === 'progress') tally(event.rows, event.rows_total)
      listener.progress?.(event)
    }
    const { signal } = listener
    try {
      return await stage('encode', () => makeBase({ ...rest, texts, out, encoder: folder, open }, { progress, signal }))
    } finally {
      opened?.dispose()
    }
  },
)
