import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { list } from 'tar'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bundle, load, type Moment, verifyBundle } from '../../lib/index.js'
import { root, smallLibtorch, tinyRun, unpack } from './unpacked.js'

const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-bundle-'))
const bank = join(root, 'data/sample/factbook')
const archive = join(scratch, 'app.tgz')
const app = join(scratch, 'app')
const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const manifest = () => JSON.parse(readFileSync(join(app, 'manifest.json'), 'utf8'))
let run: string
let made: Awaited<ReturnType<typeof bundle>>

beforeAll(async () => {
  run = await tinyRun(scratch, 'tiny')
  vi.stubEnv('LVM_TORCH_LIBTORCH', smallLibtorch(join(scratch, 'libtorch')))
  const stages = new Set<string>()
  const onProgress = ({ open }: Moment) => void stages.add(open[0]?.stage ?? '')
  made = await bundle({ runs: [run], bank, out: archive, level: 1 }, { onProgress })
  expect([...stages]).toEqual(expect.arrayContaining(['verify the runs', 'hash the files', 'pack the files']))
  unpack(archive, app)
}, 120_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test('a bundle holds every file of its manifest with its size, hash and permissions, and no other', () => {
  const { files } = manifest()
  const found = readdirSync(app, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
  expect(found.length).toBe(files.length + 1)
  expect(made.files).toBe(files.length)
  for (const { path, bytes, sha256, mode } of files) {
    const stat = lstatSync(join(app, path))
    expect([path, stat.isFile(), stat.size, (stat.mode & 0o777).toString(8)]).toEqual([path, true, bytes, mode])
    expect(hash(join(app, path)), path).toBe(sha256)
  }
  expect(statSync(join(app, 'serve')).mode & 0o111).toBe(0o111)
})
test('a bundle that is stopped while its files are hashed leaves no archive', async () => {
  const out = join(scratch, 'stopped.tgz')
  const controller = new AbortController()
  const onProgress = ({ open }: Moment) => open[0]?.stage === 'hash the files' && controller.abort()
  await expect(bundle({ runs: [run], out }, { signal: controller.signal, onProgress })).rejects.toMatchObject({
    code: 'INTERRUPTED',
  })
  expect(readdirSync(scratch).filter((name) => name.includes('stopped'))).toEqual([])
})
test('a bundle names its versions, platform, range of Node, oldest glibc, runs and bank', () => {
  const { type, lvm_torch, libtorch, platform, arch, node, glibc, runs, bank } = manifest()
  expect({ type, platform, arch, bank }).toEqual({
    type: 'lvm-torch bundle',
    platform: process.platform,
    arch: process.arch,
    bank: 'bank/factbook.npy',
  })
  expect([lvm_torch, libtorch, node]).toEqual(['0.1.0', expect.stringMatching(/^2\.13/), '>=20.19'])
  if (process.platform === 'linux') expect(glibc).toMatch(/^2\.\d+$/)
  expect(runs).toEqual([expect.objectContaining({ name: 'tiny', model: 'lstm', dim: 768, context: 5 })])
})
test('a bundle ships the libraries that the addon needs and no other file of libtorch', () => {
  const names: string[] = manifest().files.map(({ path }: { path: string }) => path)
  const libraries = names.filter((path) => path.startsWith('libtorch/'))
  expect(libraries).toEqual(['libtorch/lib/libc10.so', 'libtorch/lib/libtorch_cpu.so', 'libtorch/variant.json'])
  expect(names.join()).not.toMatch(/\.d\.ts|\.map,/)
})
test('a bundle leaves out what only a resumed training needs, and its run predicts like the whole one', async () => {
  expect(readdirSync(run)).toContain('final_model.pt')
  const names = readdirSync(join(app, 'runs/tiny'))
  expect(names).toContain('best_model.pt')
  expect(names).not.toContain('final_model.pt')
  using whole = await load(run)
  using packed = await load(join(app, 'runs/tiny'))
  expect(packed.weights).toBe(whole.weights)
  const x = Float32Array.from({ length: 5 * 768 }, (_, i) => Math.sin(i))
  expect(await packed.predict(x)).toEqual(await whole.predict(x))
})
test('a bundle names the packages that the program holds, in their installed versions, and no tools of the build', () => {
  const lock: Record<string, { version: string }> = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = Object.entries(lock).map(([path, { version }]) => `${path.split('node_modules/').at(-1)} ${version}`)
  const { packages } = manifest()
  for (const { name, version } of packages) expect(installed).toContain(`${name} ${version}`)
  const names = packages.map(({ name }: { name: string }) => name)
  expect(names).toEqual(expect.arrayContaining(['fastify', 'yargs']))
  for (const tool of ['esbuild', 'vitest', 'typescript']) expect(names).not.toContain(tool)
})
test('bundles of the same inputs have the same bytes', async () => {
  const again = join(scratch, 'again.tgz')
  await bundle({ runs: [run], bank, out: again, level: 1 })
  expect(hash(again)).toBe(hash(archive))
})
test('the archive lists its entries in order and with one time, owner and group', async () => {
  const seen: string[] = []
  await list({
    file: archive,
    onReadEntry: ({ path, mtime, uid, gid, type }) => {
      if (type !== 'Directory') seen.push(path)
      expect([mtime?.toISOString(), uid, gid]).toEqual(['2000-01-01T00:00:00.000Z', 0, 0])
    },
  })
  expect(seen[0]).toBe('manifest.json')
  expect(seen.slice(1)).toEqual([...seen.slice(1)].sort())
})
test('NAME=RUN gives a run of a bundle another name', async () => {
  const out = join(scratch, 'named.tgz')
  const { runs } = await bundle({ runs: [run, `other=${run}`], out, level: 1 })
  expect(runs).toEqual(['tiny', 'other'])
  const names: string[] = []
  await list({ file: out, onReadEntry: ({ path }) => names.push(path) })
  expect(names).toEqual(expect.arrayContaining(['runs/tiny/manifest.json', 'runs/other/manifest.json']))
})
test('bundle refuses an existing archive without overwrite, and replaces it with it', async () => {
  const out = join(scratch, 'old.tgz')
  writeFileSync(out, 'old')
  await expect(bundle({ runs: [run], out })).rejects.toMatchObject({ code: 'RUN_EXISTS' })
  expect(readFileSync(out, 'utf8')).toBe('old')
  await bundle({ runs: [run], out, overwrite: true, level: 1 })
  expect(statSync(out).size).toBeGreaterThan(1e6)
})
test.each([
  ['no run', { runs: [] as string[], out: 'x.tgz' }, 'BAD_OPTION', 'runs'],
  ['no archive', { runs: ['RUN'] }, 'BAD_OPTION', '"out"'],
  ['an unknown run', { runs: ['/nowhere/run'], out: 'x.tgz' }, 'RUN_MISSING', '/nowhere/run'],
  ['two runs of one name', { runs: ['RUN', 'RUN'], out: 'x.tgz' }, 'BAD_OPTION', 'different names'],
  ['a name that leads out of the archive', { runs: ['..=RUN'], out: 'x.tgz' }, 'BAD_OPTION', 'begin with a letter'],
  ['an unknown bank', { runs: ['RUN'], bank: '/nowhere/bank.npy', out: 'x.tgz' }, 'FILE_MISSING', '/nowhere/bank.npy'],
  ['a bank of another space', { runs: ['RUN'], bank: 'OTHER', out: 'x.tgz' }, 'SPACE_MISMATCH', 'other-encoder'],
  ['a space without a bank', { runs: ['RUN'], space: 'gtr', out: 'x.tgz' }, 'BAD_OPTION', '"space"'],
  ['an impossible level', { runs: ['RUN'], level: 10, out: 'x.tgz' }, 'BAD_OPTION', '"level"'],
  ['an unknown option', { runs: ['RUN'], out: 'x.tgz', gzip: true } as never, 'BAD_OPTION', 'gzip'],
])(
  'bundle with %s fails with a code and the reason, and writes nothing',
  async (_, options: Parameters<typeof bundle>[0], code, words) => {
    const out = options.out === undefined ? {} : { out: join(scratch, 'x.tgz') }
    const bankOf = options.bank === 'OTHER' ? { bank: otherBank() } : {}
    const named = { ...options, ...bankOf, ...out, runs: options.runs.map((name) => name.replace(/RUN$/, run)) }
    await expect(bundle(named)).rejects.toMatchObject({ code, message: expect.stringContaining(words) })
    expect(existsSync(join(scratch, 'x.tgz'))).toBe(false)
  },
)
test('verifyBundle accepts an unpacked bundle', async () => {
  const { files } = manifest()
  expect(await verifyBundle(app)).toMatchObject({ files: files.length, hashed: files.length, runs: ['tiny'] })
  expect(await verifyBundle(app, { quick: true })).toMatchObject({ files: files.length, hashed: files.length })
})
test.each([
  ['a changed byte in the code', 'app/dist/bin/lvm.js', true, 'other contents'],
  ['a changed byte in the bank', 'bank/factbook.npy', true, 'other contents'],
  ['a truncated library', 'libtorch/lib/libc10.so', true, 'bytes instead of'],
  ['a missing file', 'runs/tiny/best_model.pt', true, 'is missing'],
])('verifyBundle finds %s, and the quick check where it can', async (_, path, quick, words) => {
  const whole = readFileSync(join(app, path))
  if (words === 'is missing') rmSync(join(app, path))
  else if (words === 'other contents') writeFileSync(join(app, path), flipped(whole))
  else writeFileSync(join(app, path), whole.subarray(1))
  const wrong = { code: 'DATA_FORMAT', message: expect.stringMatching(new RegExp(`${path}.*${words}`)) }
  try {
    await expect(verifyBundle(app)).rejects.toMatchObject(wrong)
    if (quick) await expect(verifyBundle(app, { quick })).rejects.toMatchObject(wrong)
    else await verifyBundle(app, { quick: true })
  } finally {
    writeFileSync(join(app, path), whole)
  }
})
test('verifyBundle finds a file that the manifest does not list, a changed manifest and a folder without one', async () => {
  const stranger = join(app, 'app/dist/evil.js')
  writeFileSync(stranger, '')
  await expect(verifyBundle(app)).rejects.toMatchObject({ message: expect.stringContaining('evil.js does not belong') })
  rmSync(stranger)
  const text = readFileSync(join(app, 'manifest.json'), 'utf8')
  writeFileSync(join(app, 'manifest.json'), text.replace('"platform"', '"platfrom"'))
  await expect(verifyBundle(app)).rejects.toMatchObject({ code: 'DATA_FORMAT' })
  writeFileSync(join(app, 'manifest.json'), text)
  await expect(verifyBundle(scratch)).rejects.toMatchObject({ code: 'FILE_MISSING' })
})
test('serve --verify checks a bundle through a link, without a home folder and from another working folder', () => {
  const link = join(scratch, 'link')
  execFileSync('ln', ['-sf', join('app', 'serve'), link])
  const said = execFileSync(link, ['--verify'], { cwd: '/', env: { PATH: process.env.PATH }, encoding: 'utf8' })
  expect(said).toMatch(/^the bundle is intact: [\d,]+ files/)
})

/** The bank with another card. */
function otherBank(): string {
  for (const end of ['.npy', '.jsonl']) copyFileSync(`${bank}${end}`, join(scratch, `other${end}`))
  writeFileSync(join(scratch, 'other.card.json'), '{"space":"other-encoder"}')
  return join(scratch, 'other.npy')
}
function flipped(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes)
  other[bytes.length >> 1]! ^= 1
  return other
}
