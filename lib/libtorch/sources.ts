import { existsSync, statSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { badOption, LvmError } from '../errors.js'
import { sha256 } from '../files/hash.js'
import { fileMember, folderMembers, type Member, zipMembers } from './archive.js'
import type { Wheel } from './cuda-pins.js'
import type { Env } from './paths.js'
import { anyVersion, type Platform, VERSION } from './pins.js'
import { download, pythonWithPip } from './pip.js'
import type { Variant } from './unpack.js'

/** Progress of an installation. */
export interface Progress {
  readonly phase: 'wait' | 'download' | 'check' | 'unpack'
  readonly what: string
  readonly done: number
  /** 0 when unknown. */
  readonly total: number
}
/** The request that `source` answers. */
export interface SourceRequest {
  readonly variant: Variant
  readonly platform: Platform
  /** Folder for the wheels that pip downloads. */
  readonly downloads: string
  readonly env: Env
  readonly progress: (progress: Progress) => void
}
/** Files to unpack, and their origin. */
export interface Source {
  readonly members: readonly Member[]
  readonly label: string
  readonly pinned: boolean
}

const wheels = async (folder: string) =>
  existsSync(folder) ? (await readdir(folder)).filter((file) => file.endsWith('.whl')).map((file) => join(folder, file)) : []
/** `nvidia_cuda_cupti-13.0.85-py3-….whl` → `nvidia-cuda-cupti`, `13.0.85` */
const parse = (path: string) => {
  const [name = '', version = ''] = basename(path).split('-')
  return { name: name.replaceAll('_', '-'), version: version.split('+')[0]! }
}

/** Finds the file of a pinned wheel in `given` or in the downloads, or downloads it. Errors: LIBTORCH_FETCH on a wrong hash. */
async function pinned(wheel: Wheel, given: readonly string[], request: SourceRequest): Promise<string> {
  const { platform, downloads, progress } = request
  const what = `${wheel.name} ${wheel.version}`
  const named = (files: readonly string[]) =>
    files.filter((file) => parse(file).name === wheel.name && parse(file).version === wheel.version)
  const right = async (files: readonly string[]) => {
    for (const file of named(files)) {
      const { size } = statSync(file)
      const sum = await sha256(file, (done) => progress({ phase: 'check', what, done, total: size }))
      if (sum === wheel.sha256) return file
    }
    return undefined
  }
  const wrong = (file: string, hint: string) =>
    new LvmError(
      'LIBTORCH_FETCH',
      `libtorch install: expected ${what} with SHA-256 ${wheel.sha256} but ${file} has a different one`,
      {
        hint,
      },
    )
  const found = (await right(given)) ?? (await right(await wheels(downloads)))
  if (found) return found
  const [bad] = named(given)
  if (bad) {
    const tag = platform.tags.find((tag) => tag.includes('_2_28_')) ?? platform.tags[0]
    throw wrong(bad, `download it again: python3 -m pip download --no-deps --platform ${tag} ${wheel.name}==${wheel.version}`)
  }
  // pip would treat a file truncated by a kill as complete.
  for (const file of named(await wheels(downloads))) await rm(file)
  const most = wheel.bytes || Infinity // pip copies at the end, so the folder briefly holds twice the size
  const report = (done: number) => progress({ phase: 'download', what, done: Math.min(done, most), total: wheel.bytes })
  await download(await pythonWithPip(), [`${wheel.name}==${wheel.version}`], downloads, { tags: platform.tags, progress: report })
  const fetched = await right(await wheels(downloads))
  if (fetched) return fetched
  const [unexpected = `the file in ${downloads}`] = named(await wheels(downloads))
  throw wrong(unexpected, 'run the same command again; if it fails again, the package index or a proxy changes files')
}

async function fromWheels(given: readonly string[], request: SourceRequest): Promise<Source> {
  const files: string[] = []
  const torch = given.find((file) => parse(file).name === 'torch')
  const foreign = torch !== undefined && anyVersion(request.env) && parse(torch).version !== VERSION
  for (const wheel of request.platform.wheels) {
    files.push(foreign && wheel.name === 'torch' ? torch : await pinned(wheel, given, request))
  }
  if (request.variant === 'cuda') {
    if (foreign)
      throw badOption(
        'libtorch install',
        'variant',
        `cpu with torch ${parse(torch).version}, whose CUDA wheels have no pins,`,
        'cuda',
      )
    for (const wheel of request.platform.cuda ?? []) files.push(await pinned(wheel, given, request))
  }
  const members = (await Promise.all(files.map(zipMembers))).flat()
  return { members, label: files.map((file) => basename(file)).join(', '), pinned: !foreign }
}

async function fromFolder(folder: string): Promise<Source> {
  const root = existsSync(join(folder, 'torch', 'lib')) ? join(folder, 'torch') : folder
  const there = (...names: string[]) => existsSync(join(root, ...names))
  const members = await folderMembers(join(root, 'lib'), 'torch/lib')
  if (there('include')) members.push(...(await folderMembers(join(root, 'include'), 'torch/include')))
  for (const file of ['version.py', 'build-version']) {
    if (there(file)) members.push(await fileMember(join(root, file), `torch/${file}`))
  }
  // In a Python installation the CUDA libraries that libtorch_cpu needs lie in a folder beside torch.
  if (there('..', 'nvidia')) members.push(...(await folderMembers(join(root, '..', 'nvidia'), 'nvidia')))
  return { members, label: folder, pinned: false }
}

/** Errors: FILE_MISSING for a value of `--from` that is neither "pip" nor there. */
export function requireExisting(from: string): void {
  if (from !== 'pip' && !existsSync(from))
    throw new LvmError('FILE_MISSING', `libtorch install: expected a file or folder for "from" but ${from} does not exist`)
}

/** Resolves `--from`: pip (also when undefined), a torch wheel, a folder of wheels, a libtorch zip, or a folder with a libtorch. */
export async function source(from: string | undefined, request: SourceRequest): Promise<Source> {
  if (from === undefined || from === 'pip') return fromWheels([], request)
  requireExisting(from)
  if (from.endsWith('.whl')) return fromWheels([from, ...(await wheels(dirname(from))).filter((file) => file !== from)], request)
  if (from.endsWith('.zip')) return { members: await zipMembers(from), label: basename(from), pinned: false }
  const found = statSync(from).isDirectory() ? await wheels(from) : []
  if (found.some((file) => parse(file).name === 'torch')) return fromWheels(found, request)
  if (existsSync(join(from, 'lib')) || existsSync(join(from, 'torch', 'lib'))) return fromFolder(from)
  throw new LvmError(
    'LIBTORCH_FETCH',
    `libtorch install: expected a torch wheel, a libtorch zip or a folder with one for "from" but received ${from}`,
  )
}
