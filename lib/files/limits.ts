import { type Check, plainCopy } from '../door.js'
import { badOption } from '../errors.js'

interface Limit {
  /** File types that it applies to. */
  readonly files: string
  readonly most: number
  readonly about: string
}

/** Limits on sizes, counts and nesting while a file is read. SECURITY.md prints this table. */
export const LIMITS = {
  jsonDepth: { files: 'JSON', most: 100, about: 'levels of nesting' },
  jsonBytes: { files: 'JSON', most: 64 << 20, about: 'bytes of a card, a config.json or an index' },
  lineBytes: { files: '.jsonl', most: 16 << 20, about: 'bytes of a line' },
  textBytes: {
    files: '.txt, .md',
    most: 64 << 20,
    about: 'bytes of one text, unpacked; one article of a .jsonl file has the same limit',
  },
  extraLines: { files: '.jsonl', most: 100_000, about: 'blank lines, and lines without a vector' },
  unpackedBytes: { files: 'packed', most: 256 << 20, about: 'bytes that any packed file or zip entry may unpack to' },
  unpackedRatio: { files: 'packed', most: 100, about: 'further bytes for each byte of a packed file or zip entry' },
  zipEntries: { files: 'zip', most: 100_000, about: 'files in one zip' },
  zipDirectoryBytes: { files: 'zip', most: 64 << 20, about: 'bytes of the directory' },
  npyHeaderBytes: { files: '.npy', most: 65_536, about: 'bytes of a header' },
  safetensorsHeaderBytes: { files: '.safetensors', most: 64 << 20, about: 'bytes of the header' },
  safetensorsTensors: { files: '.safetensors', most: 100_000, about: 'tensors' },
  pickleBytes: { files: 'pickle', most: 1 << 30, about: 'bytes of a pickle, unpacked' },
  legacyPickleBytes: {
    files: '.pt',
    most: 64 << 20,
    about: 'bytes of the pickles before the tensors, in the format before PyTorch 1.6',
  },
  pickleOpcodes: {
    files: 'pickle',
    most: 1 << 24,
    about: 'operations; slow ones, such as names, long numbers and the lines of protocol 0, count as several',
  },
  pickleMemoryBytes: { files: 'pickle', most: 640 << 20, about: 'estimated memory of its values in bytes' },
  pickleValues: {
    files: 'pickle',
    most: 100_000_000,
    about: 'values in its lists and dicts; a shared value counts each time',
  },
  pickleDepth: { files: 'pickle', most: 200, about: 'levels of nesting' },
  pickleNumberBytes: { files: 'pickle', most: 1024, about: 'bytes, or decimal digits, of a whole number' },
  pickleLineBytes: { files: 'pickle', most: 65_536, about: 'bytes of a line, in protocol 0' },
  tensorAxes: { files: '.pt', most: 64, about: 'axes of a tensor' },
  expandedBytes: { files: '.pt', most: 64 << 20, about: 'bytes of a tensor that repeats the elements of a smaller storage' },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof LIMITS
/** A value for every limit. */
export type Limits = Readonly<Record<LimitName, number>>

export const DEFAULT_LIMITS: Limits = Object.fromEntries(Object.entries(LIMITS).map(([name, { most }]) => [name, most])) as Limits

/** Check for the `limits` argument of a public function; `resolveLimits` checks each value. */
export const someLimits: Check = {
  expected: 'an object of limits',
  accepts: (value) => plainCopy(value) !== undefined,
  convert: plainCopy,
}

/** Fills in the default limits. Errors: BAD_OPTION for an unknown name, and for a value above the default. */
export function resolveLimits(owner: string, given: Partial<Limits> | undefined): Limits {
  if (given === undefined) return DEFAULT_LIMITS
  for (const [name, value] of Object.entries(given)) {
    const most = Object.hasOwn(LIMITS, name) ? LIMITS[name as LimitName].most : undefined
    if (most === undefined) throw badOption(owner, 'limits', `names among ${Object.keys(LIMITS).join(', ')}`, name)
    if (!Number.isSafeInteger(value) || value < 1 || value > most)
      throw badOption(owner, `limits.${name}`, `an integer from 1 to ${most}`, value)
  }
  return { ...DEFAULT_LIMITS, ...given }
}
