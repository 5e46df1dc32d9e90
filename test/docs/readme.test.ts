import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { runNode } from './run-node.js'

vi.setConfig({ testTimeout: 180_000 }) // a busy machine needs minutes

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1]!)
const lvm = (...words: string[]) => runNode([join(root, 'dist', 'bin', 'lvm.js'), ...words])

it('the example of the README runs as it stands on the sample that ships', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'lvm-torch'), 'junction')
  const [example, ...others] = blocks('js')
  expect(others).toEqual([])
  writeFileSync(join(folder, 'example.mjs'), example!)
  const [, required] = /or: (const .*)$/m.exec(example!)!
  writeFileSync(join(folder, 'required.cjs'), `${required}; console.log(typeof load, typeof openBase, typeof train)`)
  const { stdout, stderr, status } = await runNode(['example.mjs'], folder)
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^0 0\.\d+\n1 0\.\d+\n2 0\.\d+\ntrue\n$/)
  expect((await runNode(['required.cjs'], folder)).stdout).toBe('function function function\n')
})

it('every command line that the README shows exists, with its options', async () => {
  const lines = blocks('sh')
    .flatMap((block) => block.split('\n'))
    .flatMap((line) => /^npx lvm-torch ([^#]*)/.exec(line)?.[1]?.trim() ?? [])
  expect(lines.length).toBeGreaterThanOrEqual(10)
  for (const line of lines) {
    const words = line.split(' ')
    const verb = words.slice(0, words.findIndex((word) => /^--|\.|_/.test(word)) >>> 0)
    const { stdout, status } = await lvm(...verb, '--help')
    expect([line, status]).toEqual([line, 0])
    for (const option of words.filter((word) => word.startsWith('--'))) expect(stdout).toMatch(new RegExp(`${option}\\s`))
  }
})

it('the README names the two commands that a bare machine needs', () => {
  for (const command of ['npm run demo', 'npm test']) expect(blocks('sh').join('')).toMatch(new RegExp(`^${command} +#`, 'm'))
})

/** Markdown pages of the repository with their links to other files, anchors included. */
const pages = ['.', 'docs', 'docs/decisions'].flatMap((folder) =>
  readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.md') ? [join(folder, name)] : [])),
)
const links = (page: string) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([link, path, anchor]) => ({
    link: `${page}: ${link}`,
    target: path === '' ? page : join(dirname(page), path!),
    anchor,
  }))

it('every link in a page has a target', () => {
  const slug = (title: string) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  const dead = pages.flatMap(links).filter(({ target, anchor }) => {
    if (!existsSync(join(root, target))) return true
    const titles = anchor === undefined ? [] : [...readFileSync(join(root, target), 'utf8').matchAll(/^#+ (.*)$/gm)]
    return anchor !== undefined && !titles.some((match) => slug(match[1]!) === anchor)
  })
  expect(dead).toEqual([])
})

it('a page that ships with the package links only to files that ship too', () => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const shipped = [...files, 'README.md', 'LICENSE', 'package.json']
  const ships = (path: string) => shipped.some((name) => path === name || path.startsWith(join(name, '/')))
  const outside = pages.filter(ships).flatMap(links)
  expect(outside.length).toBeGreaterThan(20)
  expect(outside.filter(({ target }) => !ships(target)).map(({ link }) => link)).toEqual([])
})
