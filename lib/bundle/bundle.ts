import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve as resolvePath } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { seal } from '../checkpoint/manifest.js'
import { withoutTraining } from '../checkpoint/prune-run.js'
import { findRun } from '../checkpoint/run-folder.js'
import type { RunManifest } from '../checkpoint/run-manifest.js'
import { verifyRun } from '../checkpoint/run-store.js'
import type { Checkpoint } from '../checkpoint/verify-save.js'
import { longDoor } from '../control.js'
import { openBeside } from '../data/beside.js'
import { someData, type WithData } from '../data/given-data.js'
import { optional, withFields, words } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { requireDisk } from '../files/disk.js'
import { sealedText } from '../files/sealed.js'
import { publish } from '../files/write.js'
import { packageVersion } from '../libtorch/paths.js'
import { type Given, resolve } from '../options.js'
import { namedRun } from '../serve/served-runs.js'
import { stage, tally } from '../stages.js'
import { bankEntries, type Entry, libtorchEntries, programEntries, runEntries } from './bundle-entries.js'
import { bundleFields } from './bundle-fields.js'
import { BUNDLE_MANIFEST, type BundledRun, type BundleManifest, describeFiles, entryBytes } from './bundle-manifest.js'
import { type Program, program } from './program.js'
import { serveScript } from './serve-script.js'
import { tarStream } from './tar-stream.js'

/** Options of `bundle`: the runs, and any field of `bundleFields`. */
export interface BundleOptions extends WithData<Given<typeof bundleFields>, 'bank'> {
  /** Folders of runs, or their names below `artifacts/lvm/models`; `NAME=RUN` gives one another name. */
  readonly runs: readonly string[]
}
/** Result of `bundle`. */
export interface Bundled {
  readonly version: 1
  readonly out: string
  readonly bytes: number
  readonly unpacked_bytes: number
  readonly files: number
  readonly runs: readonly string[]
  readonly bank: string | null
  readonly platform: string
  readonly node: string
  readonly glibc: string | null
  /** Sizes of the parts before compression. */
  readonly parts: { readonly program: number; readonly libtorch: number; readonly runs: number; readonly bank: number }
}

/** Names that are safe as folders of the archive: no `.` and `..`. */
const RUN_NAME = /^[A-Za-z0-9_]/

/** Verifies every byte of the runs and returns them by name, without what only training needs. Errors: BAD_OPTION for two runs of one name; those of `verifyRun`. */
async function verifiedRuns(runs: readonly string[]): Promise<Map<string, Checkpoint>> {
  const found = new Map<string, Checkpoint>()
  for (const text of runs) {
    const { name, run } = namedRun(text)
    const folder = await findRun(run)
    if (!RUN_NAME.test(name)) throw badOption('bundle', 'runs', 'names that begin with a letter or digit', text, 'use NAME=RUN')
    if (found.has(name))
      throw badOption('bundle', 'runs', 'runs with different names', text, 'give one of them another name: NAME=RUN')
    const whole = await stage('verify the runs', () => verifyRun(folder))
    found.set(name, { ...whole, manifest: seal(withoutTraining(whole.manifest as RunManifest)) })
  }
  return found
}

function describeRun(name: string, { manifest }: Checkpoint): BundledRun {
  const { model, dim, context, history = null, min_history = null, parameters, data, digest } = manifest as RunManifest
  return { name, model, dim, context, history, min_history, parameters, space: data?.space ?? null, digest }
}

function describe(built: Program, runs: ReadonlyMap<string, Checkpoint>, bank: string | null): Omit<BundleManifest, 'files'> {
  const { libraries, packages, node, libtorch } = built
  return {
    version: 1,
    type: 'lvm-torch bundle',
    lvm_torch: packageVersion(),
    libtorch: libtorch.version,
    platform: process.platform,
    arch: process.arch,
    node,
    glibc: libraries.versions.GLIBC ?? null,
    glibcxx: libraries.versions.GLIBCXX ?? null,
    system_libraries: libraries.system,
    runs: [...runs].map(([name, run]) => describeRun(name, run)),
    bank,
    packages,
  }
}

/** Checks that every run can search the bank. Errors: SPACE_MISMATCH, DATA_SHAPE, those of a bad file. */
async function checkBank(bank: string, runs: ReadonlyMap<string, Checkpoint>, space: string | undefined): Promise<void> {
  for (const [name, { manifest }] of runs) {
    const { data, dim, space: imported } = manifest as RunManifest
    const run = {
      path: data?.path ?? name,
      hash: data?.hash,
      space: data?.space ?? imported ?? space,
      encoder: data?.encoder ?? undefined,
      dim,
    }
    const base = await openBeside(run, bank, { space })
    base.dispose()
  }
}

/** Compresses the archive while it is made. */
async function* gzipped(tar: AsyncIterable<Buffer>, level: number): AsyncGenerator<Buffer> {
  const gzip = createGzip({ level, chunkSize: 1 << 18 })
  const fed = pipeline(Readable.from(tar, { objectMode: false, highWaterMark: 1 << 20 }), gzip)
  fed.catch(() => {}) // the failure is thrown below, where the consumer sees it
  for await (const piece of gzip) yield piece as Buffer
  await fed
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

/** Sizes of the parts, by the first folder of the path. */
function partsOf(files: readonly { path: string; bytes: number }[]): Bundled['parts'] {
  const below = (folder: string) => sum(files.filter(({ path }) => path.startsWith(`${folder}/`)).map(({ bytes }) => bytes))
  return { program: below('app'), libtorch: below('libtorch'), runs: below('runs'), bank: below('bank') }
}

/** All files but the manifest, sorted by path. */
async function collect(built: Program, runs: ReadonlyMap<string, Checkpoint>, bank: string | undefined, space?: string) {
  const stored = bank === undefined ? { vectors: null, entries: [] } : await bankEntries(bank)
  const { platform, arch } = process
  const { versions } = built.libraries
  const [major, minor] = (/(\d+)\.(\d+)/.exec(built.node) ?? []).slice(1).map(Number) as [number, number]
  const facts = {
    platform,
    arch,
    node: [major, minor],
    glibc: versions.GLIBC ?? null,
    glibcxx: versions.GLIBCXX ?? null,
  } as const
  const script = serveScript({ ...facts, runs: [...runs.keys()], bank: stored.vectors, space })
  const entries: Entry[] = [
    { path: 'serve', from: { text: script }, executable: true },
    ...programEntries(built.addon, built.loader),
    ...libtorchEntries(built.libtorch.path, built.libraries.shipped, built.libtorch.version),
    ...[...runs].flatMap(([name, run]) => runEntries(name, run)),
    ...stored.entries,
  ]
  return { vectors: stored.vectors, entries: entries.sort((a, b) => (a.path < b.path ? -1 : 1)) }
}

const ARGS = { options: withFields({ runs: words, bank: optional(someData) }) }

/**
 * Packs runs with the program, its libraries and a bank into an archive that serves them on a machine that has Node alone.
 *
 * Errors: BAD_OPTION, RUN_EXISTS when the archive exists, NO_DISK, DATA_CHANGED, INTERRUPTED, those of `load` and of a missing libtorch or addon.
 */
export const bundle = longDoor('bundle', ARGS, async (options: BundleOptions): Promise<Bundled> => {
  const { runs: named, ...given } = options
  const { out, bank, space, level, overwrite } = resolve('bundle', bundleFields, given)
  if (named.length === 0) throw badOption('bundle', 'runs', 'one run at least', named)
  if (out === undefined) throw badOption('bundle', 'out', 'the path of an archive, such as app.tgz', out)
  if (process.platform === 'win32') throw badOption('bundle', 'platform', 'linux or darwin', process.platform)
  const path = resolvePath(out)
  if (existsSync(path) && (!overwrite || (await stat(path)).isDirectory()))
    throw new LvmError('RUN_EXISTS', `bundle: expected a new file for "out" but ${path} exists`, {
      hint: 'choose another --out, or use --overwrite for a file',
    })
  if (space !== undefined && bank === undefined)
    throw badOption('bundle', 'space', 'no value without a bank', space, 'give --bank, or leave --space out')
  const runs = await verifiedRuns(named)
  if (bank !== undefined) await checkBank(bank, runs, space)
  const built = await program()
  const { vectors, entries } = await collect(built, runs, bank, space)
  const total = sum(await Promise.all(entries.map(entryBytes)))
  await mkdir(dirname(path), { recursive: true })
  await requireDisk(dirname(path), total)
  const files = await stage('hash the files', () => describeFiles(entries, (done) => tally(done, total)))
  const manifest = sealedText({ ...describe(built, runs, vectors), files })
  const first: Entry = { path: BUNDLE_MANIFEST, from: { text: manifest } }
  const [described] = await describeFiles([first], () => {})
  const tar = tarStream([first, ...entries], [described!, ...files])
  await stage('pack the files', () => publish({ [path]: gzipped(counted(tar, total), level) }))
  return {
    version: 1,
    out: path,
    bytes: (await stat(path)).size,
    unpacked_bytes: total,
    files: files.length,
    runs: [...runs.keys()],
    bank: vectors,
    platform: `${process.platform}-${process.arch}`,
    node: built.node,
    glibc: built.libraries.versions.GLIBC ?? null,
    parts: partsOf(files),
  }
})

/** Tells the progress how much of the archive is packed. Units: bytes */
async function* counted(pieces: AsyncIterable<Buffer>, total: number): AsyncGenerator<Buffer> {
  let done = 0
  for await (const piece of pieces) {
    yield piece
    done += piece.length
    tally(Math.min(done, total), total)
  }
}
