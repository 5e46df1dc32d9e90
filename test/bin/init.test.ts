import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, vi } from 'vitest'
import { packageName } from '../../bin/commands/init.js'

vi.setConfig({ testTimeout: 60_000 })

const root = fileURLToPath(new URL('../..', import.meta.url))
const cli = join(root, 'dist', 'bin', 'lvm.js')
const cwd = mkdtempSync(join(tmpdir(), 'lvm-torch-init-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))
const node = (folder: string, ...words: string[]) => spawnSync(process.execPath, words, { encoding: 'utf8', cwd: folder })

it('init writes a project whose script and settings run', () => {
  const { stdout, stderr, status } = node(cwd, cli, 'init', 'My Project')
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toContain("next: cd 'My Project' && npm install && npm start")
  const project = join(cwd, 'My Project')
  expect(readdirSync(project).sort()).toEqual(['README.md', 'package.json', 'predict.mjs', 'run.yaml'])
  expect(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).name).toBe('my-project')
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(root, join(project, 'node_modules', 'lvm-torch'), 'junction')
  const short = `preset: 'tiny', maxWindows: 64, threads: 1, epochs: 1`
  const path = join(project, 'predict.mjs')
  writeFileSync(path, readFileSync(path, 'utf8').replace('epochs: 2', short))
  const script = node(project, 'predict.mjs')
  expect(script.stderr).toBe('')
  expect(script.stdout).toMatch(/epoch 1: .*\nthe next vector begins with /)
  const settings = node(project, cli, 'train', '--config', 'run.yaml', '--print-config')
  expect(settings.stderr).toBe('')
  expect(settings.stdout).toContain('\nname: "first"\n')
})
it('init does not overwrite files that exist', () => {
  const folder = join(cwd, 'full')
  mkdirSync(folder)
  writeFileSync(join(folder, 'README.md'), 'mine')
  const { status, stderr } = node(folder, cli, 'init')
  expect(status).toBe(2)
  expect(stderr).toContain('a folder without README.md')
  expect(readdirSync(folder)).toEqual(['README.md'])
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe('mine')
})
it.each([
  ['My Project', 'my-project'],
  ['/a/.hidden', 'hidden'],
  ['über', 'ber'],
  ['日本', 'predictor'],
])('a package in %s is named %s', (folder, name) => expect(packageName(folder)).toBe(name))
