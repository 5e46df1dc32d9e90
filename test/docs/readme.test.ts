import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1]!)
const lvm = (...words: string[]) =>
  spawnSync(process.execPath, [join(root, 'dist', 'bin', 'lvm.js'), ...words], { encoding: 'utf8' })

it('the example does what its comments say', { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'lvm-torch'), 'junction')
  for (const end of ['.npy', '.jsonl']) cpSync(join(root, 'data', 'sample', `factbook${end}`), join(folder, `vectors${end}`))
  const [example, ...others] = blocks('js')
  expect(others).toEqual([])
  writeFileSync(join(folder, 'example.mjs'), example!)
  const [, required] = /or: (const .*)$/m.exec(example!)!
  writeFileSync(join(folder, 'required.cjs'), `${required}; console.log(typeof load, typeof train)`)
  const node = (name: string) => spawnSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' })
  const { stdout, stderr, status } = node('example.mjs')
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^0 -?0\.\d+\n1 0\.\d+\ntrue\n$/)
  expect(node('required.cjs').stdout).toBe('function function\n')
})

it('every command line that it shows exists, with its options', () => {
  const lines = blocks('sh')
    .flatMap((block) => block.split('\n'))
    .flatMap((line) => /^npx lvm-torch ([^#]*)/.exec(line)?.[1]?.trim() ?? [])
  expect(lines.length).toBeGreaterThanOrEqual(10)
  for (const line of lines) {
    const words = line.split(' ')
    const verb = words.slice(0, words.findIndex((word) => /^--|\.|_/.test(word)) >>> 0)
    const { stdout, status } = lvm(...verb, '--help')
    expect([line, status]).toEqual([line, 0])
    for (const option of words.filter((word) => word.startsWith('--'))) expect(stdout).toMatch(new RegExp(`${option}\\s`))
  }
})

it('every link in a page leads somewhere', () => {
  const pages = ['.', 'docs', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.md') ? [join(folder, name)] : [])),
  )
  const slug = (title: string) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  const dead = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].flatMap(
      ([link, path, anchor]) => {
        const target = path === '' ? join(root, page) : join(root, dirname(page), path!)
        if (!existsSync(target)) return [`${page}: ${link}`]
        if (anchor === undefined) return []
        const titles = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map((match) => slug(match[1]!))
        return titles.includes(anchor) ? [] : [`${page}: ${link}`]
      },
    ),
  )
  expect(dead).toEqual([])
})
