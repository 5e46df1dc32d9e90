import { LvmError } from '../errors.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { needed } from './opaque.js'
import { ptGlobals } from './pt-globals.js'
import type { Storage, StorageType, TensorEntry } from './pt-tensors.js'
import { damaged, fileSize, type Read, readBytes, withFile } from './read-file.js'
import { unpickle } from './unpickle.js'
import { entryOffset, isStored, openZip, readEntry, verifyEntry, type Zip } from './zip.js'

export type { Storage, TensorEntry } from './pt-tensors.js'

/** A PyTorch file; its tensors are not read yet. */
export interface PtFile {
  readonly path: string
  readonly format: 'zip' | 'legacy'
  /** Dicts are Maps, lists and tuples are arrays, None is null, tensors are `TensorEntry` objects. */
  readonly value: unknown
  readonly warnings: readonly string[]
  readonly limits: Limits
}

const isStorageType = (value: unknown): value is StorageType =>
  typeof value === 'object' && value !== null && 'size' in value && 'dtype' in value
/** Length limit of a storage key; PyTorch writes shorter ones. Units: characters. */
const LONGEST_KEY = 100
const MAGIC = BigInt('0x1950a86a20f9469cfc6c')

/** Collects the storages that a pickle refers to; their offsets are found afterwards. */
function storageTable() {
  const storages = new Map<string, Storage>()
  const persistent = (id: unknown): unknown => {
    const [tag, type, key, , count, view] = Array.isArray(id) ? id : []
    if (tag === 'module') return type // old files store the source of a class
    if (view !== undefined && view !== null)
      throw new TypeError('a storage is part of another one, as in very old files; save it again')
    if (
      tag !== 'storage' ||
      !isStorageType(type) ||
      typeof key !== 'string' ||
      key.length > LONGEST_KEY ||
      !Number.isSafeInteger(count) ||
      count < 0
    ) {
      throw new TypeError('a storage is of an unsupported kind')
    }
    const name = `${key} ${type.name} ${count}`
    const storage = storages.get(name) ?? { key, type, elements: count as number, offsetInFile: 0 }
    storages.set(name, storage)
    return storage
  }
  return { storages, persistent }
}

async function readZip(path: string, verify: boolean, limits: Limits): Promise<PtFile> {
  const zip = await openZip(path, limits)
  const found = [...zip.entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  if (found.length !== 1) throw damaged(path, 'expected a PyTorch file but the zip holds no data.pkl')
  const root = found[0]!.slice(0, -'data.pkl'.length)
  if (zip.entries.has(`${root}constants.pkl`)) {
    throw new LvmError('DATA_UNSAFE', `${path}: expected saved tensors but it is a TorchScript program`, {
      hint: 'save its state_dict() instead, or load it as a program with --allow-code',
    })
  }
  const order = zip.entries.get(`${root}byteorder`)
  const text = order === undefined ? 'little' : (await readEntry(zip, order)).toString('latin1')
  if (text !== 'little') throw damaged(path, `expected little-endian tensors but received ${JSON.stringify(text.slice(0, 20))}`)
  const warnings = new Set<string>()
  const { storages, persistent } = storageTable()
  const bytes = await readEntry(zip, zip.entries.get(found[0]!)!)
  const { value } = await unpickle(bytes, { owner: path, globals: ptGlobals((w) => warnings.add(w), limits), persistent, limits })
  await withFile(path, async (read) => {
    for (const storage of storages.values()) await locate(zip, root, storage, read)
    for (const key of verify ? new Set([...storages.values()].map((s) => s.key)) : [])
      await verifyEntry(zip, zip.entries.get(`${root}data/${key}`)!, read)
  })
  return { path, format: 'zip', value: needed(path, value), warnings: [...warnings], limits }
}

async function locate(zip: Zip, root: string, storage: Storage, read: Read): Promise<void> {
  const entry = zip.entries.get(`${root}data/${storage.key}`)
  if (entry === undefined) throw damaged(zip.path, `the storage ${storage.key} is missing`)
  const claimed = storage.elements * storage.type.size
  if (!isStored(entry)) throw damaged(zip.path, `the storage ${storage.key} is compressed, which PyTorch never does`)
  if (entry.size !== claimed)
    throw damaged(zip.path, `the storage ${storage.key} holds ${entry.size} bytes, not the ${claimed} it claims`)
  storage.offsetInFile = await entryOffset(zip, entry, read)
}

async function readLegacy(path: string, size: number, limits: Limits): Promise<PtFile> {
  const head = await readBytes(path, 0, Math.min(size, limits.legacyPickleBytes, limits.pickleBytes))
  const warnings = new Set<string>()
  const { storages, persistent } = storageTable()
  const globals = ptGlobals((w) => warnings.add(w), limits)
  let at = 0
  const next = async () => {
    const { value, end } = await unpickle(head, { owner: path, globals, persistent, start: at, limits })
    at = end
    return value
  }
  if ((await next()) !== MAGIC || (await next()) !== 1001) throw damaged(path, 'expected a PyTorch file but it is something else')
  const system = await next()
  if (!(system instanceof Map) || system.get('little_endian') !== true) throw damaged(path, 'its tensors are not little-endian')
  const value = await next()
  const keys = await next()
  if (!Array.isArray(keys)) throw damaged(path, 'its list of storages is damaged')
  const byKey = new Map([...storages.values()].map((storage) => [storage.key, storage]))
  if (byKey.size !== storages.size) throw damaged(path, 'one of its storages is used in two ways')
  for (const key of keys) {
    const storage = byKey.get(key)
    if (storage === undefined) throw damaged(path, 'its list of storages names one that is not used')
    const bytes = storage.elements * storage.type.size
    const count = Number((await readBytes(path, at, 8)).readBigInt64LE())
    if (count !== storage.elements || at + 8 + bytes > size)
      throw damaged(path, `the storage ${storage.key} lies outside the file`)
    storage.offsetInFile = at + 8
    at += 8 + bytes
    byKey.delete(key)
  }
  if (byKey.size > 0) throw damaged(path, `the storage ${[...byKey.keys()][0]} is missing`)
  return { path, format: 'legacy', value: needed(path, value), warnings: [...warnings], limits }
}

/**
 * Opens a file that `torch.save` wrote, in the zip format or the format before PyTorch 1.6, without running code from it.
 *
 * With `verify: false` the checksums of the storages are not verified.
 * Errors: FILE_MISSING; DATA_UNSAFE for an object that is not plain data; DATA_FORMAT when it is damaged.
 */
export async function openPt(
  path: string,
  { verify = true, limits = DEFAULT_LIMITS }: { verify?: boolean; limits?: Limits } = {},
): Promise<PtFile> {
  const size = await fileSize(path)
  const head = await readBytes(path, 0, Math.min(size, 262))
  if (head.toString('latin1', 0, 4) === 'PK\x03\x04') return readZip(path, verify, limits)
  if (head[0] === 0x80) return readLegacy(path, size, limits)
  if (head.toString('latin1', 257, 262) === 'ustar')
    throw damaged(path, 'it was written by PyTorch before 0.1.10; save it again with a newer one')
  throw damaged(path, 'expected a PyTorch file but it is something else')
}

export const isTensorEntry = (value: unknown): value is TensorEntry =>
  typeof value === 'object' && value !== null && (value as Partial<TensorEntry>).tensor === true
