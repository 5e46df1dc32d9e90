import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asLvmError, badOption, cut, LvmError } from '../errors.js'
import { freeBytes } from '../files/disk.js'
import { textHash } from '../files/hash.js'
import { withLock } from '../files/wait-for-lock.js'
import { bytes } from '../show.js'
import { inspect } from './inspect-libtorch.js'
import { activate, type Description, type Installed, pick, SUMS } from './libtorch-store.js'
import { type Env, storeRoot } from './paths.js'
import { anyVersion, here, PLATFORMS, type Platform, VERSION } from './pins.js'
import { type Progress, requireExisting, source } from './sources.js'
import { place, unpack, type Variant } from './unpack.js'

/** Options of an installation. */
export interface InstallOptions {
  readonly variant?: Variant
  /** `pip`, or the path of a wheel, a zip or a folder. */
  readonly from?: string | undefined
  /** Keep the downloaded wheels. */
  readonly keep?: boolean
  /** Replace an existing installation. */
  readonly force?: boolean
  readonly progress?: (progress: Progress) => void
  readonly env?: Env
  readonly platform?: Platform | undefined
  /** Free bytes on the disk of a folder; replaceable in tests. */
  readonly free?: (folder: string) => Promise<number>
}

/** Upper bound on the bytes that an installation writes; the GPU libraries take 2 GB as wheels and 3.5 GB unpacked. */
function needed(variant: Variant, from: string | undefined, { wheels, unpacked }: Platform): number {
  const fetched = from === undefined || from === 'pip' ? wheels.reduce((sum, { bytes }) => sum + bytes, 0) : 0
  return 1.1 * (fetched + unpacked) + (variant === 'cuda' ? 6.5e9 : 0)
}

/** Downloads libtorch, unpacks the needed files and makes this variant the active one. Errors: LIBTORCH_FETCH, LIBTORCH_MISMATCH, NO_DISK. */
export async function install(options: InstallOptions = {}): Promise<Installed & { already: boolean }> {
  const { variant = 'cpu', from, env = process.env, platform = PLATFORMS[here], progress = () => {}, free = freeBytes } = options
  if (platform === undefined) {
    throw new LvmError(
      'LIBTORCH_FETCH',
      `libtorch install: expected one of ${Object.keys(PLATFORMS).join(', ')} but this is ${here}`,
      {
        hint: 'build libtorch yourself and set LVM_TORCH_LIBTORCH=/its/folder',
      },
    )
  }
  if (variant === 'cuda' && process.platform !== 'linux')
    throw badOption('libtorch install', 'variant', 'cpu on this system', variant)
  if (from !== undefined) requireExisting(from)
  const store = storeRoot(env)
  await mkdir(store, { recursive: true })
  const waiting = (owner: string) => progress({ phase: 'wait', what: `another installation (${owner})`, done: 0, total: 0 })
  return withLock(store, waiting, async () => {
    const name = `${VERSION}-${variant}`
    if (!options.force && !anyVersion(env) && typeof inspect(join(store, name), env) !== 'string') {
      await activate(name, env)
      return { ...pick(name, env), already: true }
    }
    for (const entry of await readdir(store)) {
      if (entry.endsWith('.part')) await rm(join(store, entry), { recursive: true, force: true })
    }
    const [need, room] = [needed(variant, from, platform), await free(store)]
    if (room < need) {
      throw new LvmError('NO_DISK', `libtorch install: expected ${bytes(need)} free in ${store} but there are ${bytes(room)}`, {
        hint: 'free some space, or set LVM_TORCH_CACHE=/a/folder/on/another/disk',
      })
    }
    const downloads = join(store, 'downloads')
    const made = await build({ variant, from, env, platform, downloads, store, progress }).catch((error) => {
      throw unpackable(error, from)
    })
    await activate(made, env)
    if (!options.keep) await rm(downloads, { recursive: true, force: true })
    return { ...pick(made, env), already: false }
  })
}

/** System errors for archive names that are both file and folder, or too long for the disk. */
const BAD_NAMES = ['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']

/** Turns any failure with the files of a source into an error with a code. */
function unpackable(error: unknown, from: string | undefined): LvmError {
  const coded = asLvmError(error)
  const named = BAD_NAMES.includes((error as NodeJS.ErrnoException).code ?? '')
  if (coded.code !== 'INTERNAL' && !named) return coded
  return new LvmError(
    'LIBTORCH_FETCH',
    `libtorch install: expected ${from ?? 'pip'} to unpack but received: ${cut(coded.message, 300)}`,
    {
      cause: error,
    },
  )
}

interface Job {
  variant: Variant
  from: string | undefined
  env: Env
  platform: Platform
  downloads: string
  store: string
  progress: (progress: Progress) => void
}

/** Unpacks into a temporary folder and renames it, so that no half-installed variant exists; returns its name. */
async function build(job: Job): Promise<string> {
  const { variant, env, store, progress } = job
  const { members, label, pinned } = await source(job.from, job)
  const bytes = members.reduce((sum, { name, size }) => sum + (place(name, variant) === undefined ? 0 : size), 0)
  const part = join(store, `${variant}.part`)
  const sums = await unpack(members, part, variant, (done) =>
    progress({ phase: 'unpack', what: `libtorch (${variant})`, done, total: bytes }),
  )
  const found = inspect(part, env)
  if (typeof found === 'string') {
    await rm(part, { recursive: true, force: true })
    throw new LvmError('LIBTORCH_MISMATCH', `libtorch install: expected libtorch ${VERSION} for ${here} in ${label} but ${found}`)
  }
  const text = [...sums].map(([path, sum]) => `${sum}  ${path}\n`).join('')
  const description: Description = {
    version: found.version,
    variant,
    platform: here,
    source: label,
    pinned,
    installed_at: new Date().toISOString(),
    files: sums.size,
    bytes,
    sums: textHash(text),
  }
  await writeFile(join(part, SUMS), text)
  await writeFile(join(part, 'variant.json'), `${JSON.stringify(description, null, 2)}\n`)
  const name = `${found.version.split('+')[0]}-${variant}`
  const target = join(store, name)
  if (existsSync(target)) await rename(target, `${target}.old.part`)
  await rename(part, target)
  await rm(`${target}.old.part`, { recursive: true, force: true })
  return name
}
