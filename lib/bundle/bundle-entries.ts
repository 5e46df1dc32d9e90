import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { MANIFEST, manifestText } from '../checkpoint/manifest.js'
import type { Checkpoint } from '../checkpoint/verify-save.js'
import { baseFiles } from '../data/locate.js'
import { filesOfShards, isShardIndex, readShardIndex, shardPath } from '../files/shard-index.js'
import { packageRoot } from '../libtorch/paths.js'
import { pathWith } from '../sources/source-path.js'

/** A file of a bundle: a file of this machine, or a text. */
export interface Entry {
  /** Path in the bundle, with forward slashes. */
  readonly path: string
  readonly from: { readonly file: string } | { readonly text: string }
  readonly executable?: boolean
}

/** Type declarations and source maps, which nothing reads at run time. */
const UNUSED = /\.d\.[cm]?ts$|\.map$/

const file = (path: string, source: string): Entry => ({ path, from: { file: source } })

/** All files below a folder, except those of `skip`. Links are followed. */
function below(folder: string, target: string, skip: RegExp): Entry[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return below(path, `${target}/${name}`, skip)
    return skip.test(name) ? [] : [file(`${target}/${name}`, path)]
  })
}

/** The compiled program, which holds the packages that it uses, with its addon. */
export function programEntries(addon: string, loader: string): Entry[] {
  const root = packageRoot()
  return [
    file('app/package.json', join(root, 'package.json')),
    ...(existsSync(join(root, 'LICENSE')) ? [file('app/LICENSE', join(root, 'LICENSE'))] : []),
    ...below(join(root, 'dist'), 'app/dist', UNUSED),
    file('app/build/Release/lvm_torch.node', addon),
    file('app/build/loader/loader.node', loader),
  ]
}

/** The libraries, and a description by which they are found as a libtorch. */
export function libtorchEntries(root: string, libraries: ReadonlyMap<string, string>, version: string): Entry[] {
  const licence = ['LICENSE', join('..', `torch-${version}.dist-info`, 'licenses', 'LICENSE')].map((name) => join(root, name))
  return [
    { path: 'libtorch/variant.json', from: { text: `${JSON.stringify({ version, variant: 'cpu' })}\n` } },
    ...licence.filter((path) => existsSync(path)).map((path) => file('libtorch/LICENSE', path)),
    ...[...libraries].map(([name, path]) => file(`libtorch/lib/${name}`, realpathSync(path))),
  ]
}

/** The files that a manifest names, and the manifest. */
export const runEntries = (name: string, { path, manifest }: Checkpoint): Entry[] => [
  { path: `runs/${name}/${MANIFEST}`, from: { text: manifestText(manifest) } },
  ...Object.keys(manifest.files).map((one) => file(`runs/${name}/${one}`, join(path, one))),
]

/** The vectors of a bank, its side file and its card. Errors: those of `baseFiles`. */
export async function bankEntries(bank: string): Promise<{ vectors: string; entries: Entry[] }> {
  const { vectors, side, card, array } = await baseFiles(bank)
  const shards = isShardIndex(vectors) ? filesOfShards(await readShardIndex(vectors)).map((one) => shardPath(vectors, one)) : []
  const files = new Set([vectors, side, card, ...shards].filter((path) => path !== undefined))
  const entries = [...files].map((path) => file(`bank/${basename(path)}`, path))
  const path = `bank/${basename(vectors)}`
  return { vectors: array === undefined ? path : pathWith(path, { vectors: array }), entries }
}

/** Folders of a list of paths, each before its contents. */
export const foldersOf = (paths: readonly string[]): string[] => {
  const all = new Set<string>()
  for (const path of paths) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) all.add(folder)
  }
  return [...all].sort()
}
